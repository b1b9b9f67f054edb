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

bool show_differ(const struct show *s, uint32_t bytes)
{
    uint32_t i;

    for (i = 0; i < bytes; i++) {
        if (s->to[i] != (unsigned char)~s->from[i])
            return false;
    }
    return true;
}

/* Second stages have no bit that says present: a hole forbids reading and writing. */
bool show_is(const struct show *s, const struct uiommu_event *event, enum uiommu_event_kind kind)
{
    bool second = s->g.found.vendor->kinds[1] != NULL && kind == UIOMMU_EVENT_TRANSLATION;

    return event->kind == kind || (second && event->kind == UIOMMU_EVENT_PERMISSION);
}

bool show_event(struct show *s, enum uiommu_event_kind kind, uint64_t address, uint32_t access)
{
    struct uiommu_event event;

    if (!glue_event(&s->g, SHOW_NS, &event)) {
        SHOW_SEEN(s, "no event after %u interrupts", (unsigned)s->g.interrupts);
        return false;
    }
    (void)uiommu_event_format(&event, s->seen, sizeof(s->seen));
    if (event.id != s->g.found.id || event.device != s->edu.device ||
        event.kind > UIOMMU_EVENT_PERMISSION)
        return false;
    /* QEMU 11.1's AMD-Vi records no address, and what was wanted in the wrong bits. */
    if (s->g.found.emulated)
        return true;
    return (event.address & ~UINT64_C(0xfff)) == (address & ~UINT64_C(0xfff)) &&
           event.access == access && show_is(s, &event, kind);
}
