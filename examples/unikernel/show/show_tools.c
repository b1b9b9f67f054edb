/* SPDX-License-Identifier: BSD-2-Clause */
/* What several rows need. */
#include "show.h"

void show_fill(struct show *s, uint32_t seed)
{
    uint32_t i;

    for (i = 0; i < KERNEL_PAGE; i++) {
        seed = seed * 1664525u + 1013904223u;
        s->from[i] = (unsigned char)(seed >> 24);
        s->to[i] = (unsigned char)~s->from[i];
    }
}

bool show_move(struct show *s, uint32_t bytes)
{
    return glue_edu_read(&s->edu, SHOW_FROM, 0, bytes) &&
           glue_edu_write(&s->edu, SHOW_TO, 0, bytes);
}

bool show_same(const struct show *s, uint32_t bytes)
{
    return __builtin_memcmp(s->from, s->to, bytes) == 0;
}

bool show_event(struct show *s, uint64_t address, uint32_t access, struct uiommu_event *out)
{
    uint32_t interrupts = s->g.interrupts;

    if (!glue_event(&s->g, SHOW_NS, out)) {
        SHOW_SEEN(s, "no event, %u interrupts", (unsigned)(s->g.interrupts - interrupts));
        return false;
    }
    (void)uiommu_event_format(out, s->seen, sizeof(s->seen));
    return out->id == s->edu.function + s->g.found.id_add && out->device == s->edu.device &&
           (out->address & ~UINT64_C(0xfff)) == (address & ~UINT64_C(0xfff)) &&
           out->access == access;
}
