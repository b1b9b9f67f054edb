/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_vtd_internal.h"

static bool wide(const struct model_vtd *m)
{
    return vtd_bit(m->iqa, 11);
}

uint32_t vtd_iq_slot(const struct model_vtd *m)
{
    return wide(m) ? 32 : 16;
}

uint64_t vtd_iq_bytes(const struct model_vtd *m)
{
    return (uint64_t)4096 << (m->iqa & 7);
}

static uint64_t slot_address(const struct model_vtd *m, uint64_t at)
{
    return (m->iqa & ~vtd_ones(12)) + at;
}

static uint32_t slot_hash(const struct model_vtd *m, uint64_t at)
{
    const uint8_t *cpu = vtd_peek(m, slot_address(m, at), vtd_iq_slot(m));
    uint32_t hash = 2166136261u;
    uint32_t i;

    for (i = 0; cpu != NULL && i < vtd_iq_slot(m); i++) {
        hash = (hash ^ cpu[i]) * 16777619u;
    }
    return hash;
}

/* Remember what the slots say that the tail covers. */
void vtd_iq_rehash(struct model_vtd *m, uint64_t first, uint64_t end)
{
    uint64_t bytes = vtd_iq_bytes(m);
    uint32_t slot = vtd_iq_slot(m);
    uint64_t at = first & (bytes - slot);

    while (at != (end & (bytes - slot))) {
        m->slot_hash[at / slot] = slot_hash(m, at);
        at = (at + slot) & (bytes - 1);
    }
}

void vtd_iq_error(struct model_vtd *m, uint32_t code)
{
    m->counts.queue_errors++;
    if ((m->fsts & VTD_IQE) == 0) {
        m->iqercd = (m->iqercd & ~(uint64_t)0xF) | code;
    }
    vtd_fsts_set(m, VTD_IQE);
}

/* Width against mode. The rest of it is found when descriptors are processed. */
void vtd_iq_base_check(struct model_vtd *m)
{
    if (wide(m) && !m->config.smts && !m->config.adms) {
        vtd_wrong(m, "vtd.iq.width", "wide descriptors where there is no scalable mode", m->iqa, 0);
        vtd_iq_error(m, 5);
    }
}

static uint64_t used(const struct model_vtd *m, uint64_t tail)
{
    return (tail - m->iqh) & (vtd_iq_bytes(m) - 1);
}

void vtd_iq_tail_write(struct model_vtd *m, uint32_t value)
{
    uint64_t was = m->iqt;

    if ((value & ~0x7FFF0u) != 0) {
        vtd_wrong(m, "vtd.reg.reserved", "reserved bits of IQT", 0x88, value);
        value &= 0x7FFF0u;
    }
    if (!vtd_on(m, VTD_QIES)) {
        m->iqt = value;
        return;
    }
    if (wide(m) && (value & 0x10u) != 0) {
        vtd_wrong(m, "vtd.iq.tail-misaligned", "IQT is not a multiple of a wide descriptor", value,
                  m->iqh);
        vtd_iq_error(m, 6);
        return;
    }
    if (value >= vtd_iq_bytes(m)) {
        vtd_wrong(m, "vtd.iq.tail-range", "IQT lies beyond the ring", value, vtd_iq_bytes(m));
        vtd_iq_error(m, 1);
        return;
    }
    if (used(m, value) < used(m, was)) {
        vtd_wrong(m, "vtd.iq.tail-backward", "IQT went back, or over what is not consumed", value,
                  was);
    }
    vtd_iq_rehash(m, was, value);
    m->iqt = value;
    vtd_iq_kick(m);
}

static void check_slot(struct model_vtd *m)
{
    uint64_t at = m->iqh;

    if (slot_hash(m, at) != m->slot_hash[at / vtd_iq_slot(m)]) {
        vtd_wrong(m, "vtd.iq.slot-changed", "a descriptor changed after the tail covered it", at,
                  m->iqt);
    }
}

/* 0 or the code of the error that this slot is. */
static uint32_t take(struct model_vtd *m, uint64_t word[4])
{
    uint32_t mode = vtd_ttm(m);
    uint32_t code;

    memset(word, 0, 4 * sizeof(word[0]));
    check_slot(m);
    if (!vtd_read(m, slot_address(m, m->iqh), word, vtd_iq_slot(m) / 8, true)) {
        return 2;
    }
    if (mode == 2) {
        return 7;
    }
    if (!wide(m) && mode != VTD_TTM_LEGACY) {
        vtd_wrong(m, "vtd.iq.width", "narrow descriptors in scalable mode", m->iqa, m->root);
        return 5;
    }
    if (m->knobs.illegal_next > 0) {
        m->knobs.illegal_next--;
        return 3;
    }
    code = vtd_desc_check(m, word);
    if (code != 0) {
        vtd_wrong(m, "vtd.desc.illegal", "a descriptor that cannot be executed", word[0], code);
    }
    return code;
}

static void fetch_one(struct model_vtd *m)
{
    uint64_t word[4];
    uint32_t code = take(m, word);

    if (code != 0) {
        vtd_iq_error(m, code);
        return;
    }
    m->counts.descriptors[word[0] & 0xF]++;
    m->iqh = (m->iqh + vtd_iq_slot(m)) & (vtd_iq_bytes(m) - 1);
    vtd_pending_add(m, word);
}

static bool may_fetch(const struct model_vtd *m)
{
    return vtd_on(m, VTD_QIES) && (m->fsts & (VTD_IQE | VTD_ITE)) == 0 && m->iqh != m->iqt &&
           !m->knobs.command_hang && m->iqt < vtd_iq_bytes(m);
}

static void fetch_work(void *arg, uint64_t token)
{
    struct model_vtd *m = arg;

    (void)token;
    m->fetching = false;
    if (may_fetch(m) && vtd_pending_room(m)) {
        fetch_one(m);
    }
    vtd_iq_kick(m);
}

void vtd_iq_kick(struct model_vtd *m)
{
    if (!m->fetching && may_fetch(m) && vtd_pending_room(m)) {
        m->fetching = true;
        vtd_later(m, vtd_lag(m, m->knobs.fetch_lag_ns), fetch_work, 0);
    }
}
