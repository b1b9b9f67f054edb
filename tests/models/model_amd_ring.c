/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_amd_internal.h"

#define POINTER 0x7FFF0u

#define NAMES(q)                                                                                   \
    {                                                                                              \
        .base_running = "amd." q ".base-while-running",                                            \
        .base_reserved = "amd." q ".base-reserved",                                                \
        .pointer_reserved = "amd." q ".pointer-reserved",                                          \
        .pointer_beyond = "amd." q ".pointer-beyond", .owner = "amd." q ".hardware-pointer",       \
        .length = "amd." q ".length", .early = "amd." q ".restart-too-early",                      \
        .head_rule = "amd." q ".head-wrong", .not_cleared = "amd." q ".entry-not-cleared",         \
        .unwritten = "amd." q ".head-past-late-entry", .base_missing = "amd." q ".base-not-set"    \
    }

void amd_ring_name(struct model_amd *m)
{
    static const struct amd_ring names[AMD_RINGS] = {NAMES("cmdq"), NAMES("evtlog"),
                                                     NAMES("pprlog"), NAMES("pprlogb")};

    memcpy(m->ring, names, sizeof(names));
}

uint32_t amd_ring_entries(const struct amd_ring *r)
{
    uint32_t log2 = amd_bits(r->base, 59, 56);

    return log2 < 8 ? 0 : (uint32_t)1 << log2;
}

uint32_t amd_ring_next(const struct amd_ring *r, uint32_t at)
{
    uint32_t bytes = 16 * amd_ring_entries(r);

    return at + 16 >= bytes ? 0 : at + 16;
}

uint32_t amd_ring_used(const struct amd_ring *r)
{
    uint32_t entries = amd_ring_entries(r);

    return entries == 0 ? 0 : ((r->tail - r->head) / 16) & (entries - 1);
}

void amd_ring_base_write(struct model_amd *m, unsigned ring, uint64_t mask, uint64_t value)
{
    struct amd_ring *r = &m->ring[ring];

    if (r->run) {
        amd_wrong(m, r->base_running, "a base is written while its ring runs", ring, value);
        return;
    }
    if ((value & mask & ~UINT64_C(0x0F0FFFFFFFFFF000)) != 0) {
        amd_wrong(m, r->base_reserved, "reserved bits, or bits below the page, are set", ring,
                  value);
    }
    amd_merge(&r->base, mask & UINT64_C(0x0F0FFFFFFFFFF000), value);
    r->base_set = true;
    if ((mask >> 32) != 0 && !m->knobs.base_keeps_pointers) {
        r->head = 0;
        r->tail = 0;
    }
}

/* Software owns the tail of the command ring and the heads of the logs. */
void amd_ring_pointer_write(struct model_amd *m, unsigned ring, bool tail, uint32_t value)
{
    struct amd_ring *r = &m->ring[ring];
    uint32_t entries = amd_ring_entries(r);

    if ((value & ~POINTER) != 0) {
        amd_wrong(m, r->pointer_reserved, "a pointer is not a multiple of 16, or too long", ring,
                  value);
    }
    value &= POINTER;
    if (entries != 0 && value >= 16 * entries) {
        amd_wrong(m, r->pointer_beyond, "a pointer lies beyond its ring", value, 16 * entries);
        return;
    }
    if (!r->run) {
        if (tail) {
            r->tail = value;
        } else {
            r->head = value;
        }
        if (ring == AMD_CMD) {
            amd_cmdq_forget(m);
        }
        return;
    }
    if (tail != (ring == AMD_CMD)) {
        amd_wrong(m, r->owner, "hardware's pointer is written while the ring runs", ring, value);
        return;
    }
    if (tail) {
        amd_cmdq_tail(m, value);
        return;
    }
    if (((value - r->head) / 16 & (entries - 1)) > amd_ring_used(r)) {
        amd_wrong(m, r->head_rule, "the head passes the tail or goes back", value, r->tail);
        return;
    }
    amd_log_check_head(m, ring, value);
    r->head = value;
}

/* En and IommuEn are 1. */
bool amd_ring_start(struct model_amd *m, unsigned ring)
{
    struct amd_ring *r = &m->ring[ring];

    if (r->stopping) {
        amd_wrong(m, r->early, "enabled again before Run was 0", ring, 0);
        r->stopping = false;
        r->generation++;
        return r->run;
    }
    if (r->run) {
        return true;
    }
    if (!r->base_set) {
        amd_wrong(m, r->base_missing, "enabled without a base", ring, r->base);
        return false;
    }
    if (amd_ring_entries(r) == 0) {
        amd_wrong(m, r->length, "a length below 256 entries is reserved", ring, r->base);
        return false;
    }
    if (r->head >= 16 * amd_ring_entries(r) || r->tail >= 16 * amd_ring_entries(r)) {
        amd_wrong(m, r->pointer_beyond, "enabled with pointers beyond the ring", r->head, r->tail);
        return false;
    }
    r->run = true;
    return true;
}

static void stop_work(void *arg, uint64_t token)
{
    struct model_amd *m = arg;
    struct amd_ring *r = &m->ring[token & 3];

    if (r->stopping && r->generation == (uint32_t)(token >> 32)) {
        r->stopping = false;
        r->run = false;
    }
}

void amd_ring_stop(struct model_amd *m, unsigned ring)
{
    struct amd_ring *r = &m->ring[ring];

    if (!r->run || r->stopping) {
        return;
    }
    r->stopping = true;
    r->generation++;
    amd_later(m, amd_lag(m, m->knobs.register_lag_ns), stop_work,
              (uint64_t)r->generation << 32 | ring);
}
