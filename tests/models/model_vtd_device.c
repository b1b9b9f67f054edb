/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_vtd_internal.h"

static struct vtd_tag *free_tag(struct model_vtd *m)
{
    struct vtd_tag *dead = NULL;
    uint32_t i;

    for (i = 0; i < m->config.device_tags; i++) {
        if (!m->tag[i].used) {
            return &m->tag[i];
        }
        if (m->tag[i].dead) {
            dead = &m->tag[i];
        }
    }
    return dead;
}

bool vtd_device_room(const struct model_vtd *m)
{
    return model_vtd_devices_pending(m) < m->config.device_tags;
}

static uint32_t size_of(uint64_t address, bool sized)
{
    uint32_t bit = 12;

    if (!sized) {
        return 12;
    }
    while (bit < 63 && vtd_bit(address, bit)) {
        bit++;
    }
    return bit + 1;
}

/* A device may refill from what an earlier, unfinished invalidation was about. */
static void check_order(struct model_vtd *m, const struct model_invalidate *what, uint64_t seq)
{
    uint64_t last = what->address | vtd_ones(what->size_log2);
    uint32_t i, k;

    for (i = 0; i < m->pending_top; i++) {
        const struct vtd_pending *p = &m->pending[i];

        if (p->stage != VTD_FETCHED || p->seq > seq ||
            (p->type != VTD_IOTLB && p->type != VTD_PIOTLB)) {
            continue;
        }
        for (k = 0; k < VTD_TLBS; k++) {
            const struct vtd_tlb *e = &m->tlb[k];

            if (e->used && !e->table && e->id == what->id && e->va <= last &&
                (e->va | vtd_ones(e->size_log2)) >= what->address &&
                vtd_drop_matches(e, p->type, p->word[0], p->word[1])) {
                vtd_wrong(m, "vtd.order.device-before-iotlb",
                          "a device-TLB invalidation overtakes that of the IOTLB", e->va, e->id);
                return;
            }
        }
    }
}

static void time_out(struct model_vtd *m, struct vtd_tag *tag)
{
    uint32_t culprit = tag->pending;

    m->counts.timeouts++;
    if (m->knobs.late_is_ice) {
        tag->dead = true;
    } else {
        tag->used = false;
    }
    if ((m->fsts & VTD_ITE) == 0) {
        m->iqercd = (m->iqercd & ~((uint64_t)0xFFFF << 32)) | (uint64_t)(tag->id & 0xFFFFu) << 32;
    }
    vtd_pending_abort(m, culprit);
    vtd_fsts_set(m, VTD_ITE);
    vtd_pending_run(m);
}

static void timer_work(void *arg, uint64_t token)
{
    struct model_vtd *m = arg;
    uint32_t i;

    for (i = 0; i < VTD_TAGS; i++) {
        if (m->tag[i].used && !m->tag[i].dead && m->tag[i].tag == token) {
            time_out(m, &m->tag[i]);
            return;
        }
    }
}

void vtd_device_send(struct model_vtd *m, uint32_t index)
{
    const struct vtd_pending *p = &m->pending[index];
    struct vtd_tag *tag = free_tag(m);
    struct model_invalidate what;
    bool pasid = p->type == VTD_PDEVTLB;

    memset(&what, 0, sizeof(what));
    what.id = pasid ? vtd_bits(p->word[0], 31, 16) : vtd_bits(p->word[0], 47, 32);
    what.scope = pasid ? MODEL_INVALIDATE_PASID : MODEL_INVALIDATE_UNTAGGED;
    what.pasid = pasid ? vtd_bits(p->word[0], 51, 32) : 0;
    what.global = pasid && vtd_bit(p->word[1], 0);
    what.size_log2 = size_of(p->word[1], vtd_bit(p->word[1], pasid ? 11 : 0));
    what.address = p->word[1] & ~vtd_ones(12) & ~vtd_ones(what.size_log2);
    check_order(m, &what, p->seq);
    if (tag == NULL) {
        return;
    }
    *tag = (struct vtd_tag){.used = true, .id = what.id, .pending = index, .tag = ++m->tag_name};
    what.tag = tag->tag;
    vtd_later(m, m->knobs.device_timeout_ns, timer_work, tag->tag);
    if (m->knobs.lose_invalidates > 0) {
        m->knobs.lose_invalidates--;
        return;
    }
    if (m->fabric != NULL && vtd_on(m, VTD_TES)) {
        model_fabric_invalidate(m->fabric, &what);
    }
}

static void wrong_completion(struct model_vtd *m, uint32_t id)
{
    m->counts.completion_errors++;
    if ((m->fsts & VTD_ICE) == 0) {
        m->iqercd = (m->iqercd & ~((uint64_t)0xFFFF << 48)) | (uint64_t)(id & 0xFFFFu) << 48;
    }
    vtd_fsts_set(m, VTD_ICE);
}

void vtd_device_done(void *ctx, uint64_t name, enum model_invalidate_result result)
{
    struct model_vtd *m = ctx;
    uint32_t i;

    if (!vtd_on(m, VTD_TES) || (result == MODEL_INVALIDATE_UNSUPPORTED && m->knobs.ur_is_silence)) {
        return;
    }
    for (i = 0; i < VTD_TAGS; i++) {
        struct vtd_tag *tag = &m->tag[i];

        if (!tag->used || tag->tag != name) {
            continue;
        }
        tag->used = false;
        if (tag->dead) {
            wrong_completion(m, tag->id);
            return;
        }
        vtd_pending_done(m, tag->pending);
        return;
    }
}

void vtd_device_forget(struct model_vtd *m)
{
    uint32_t i;

    for (i = 0; i < VTD_TAGS; i++) {
        m->tag[i].used = false;
    }
}

uint32_t model_vtd_devices_pending(const struct model_vtd *m)
{
    uint32_t count = 0;
    uint32_t i;

    for (i = 0; i < VTD_TAGS; i++) {
        count += m->tag[i].used && !m->tag[i].dead ? 1u : 0u;
    }
    return count;
}
