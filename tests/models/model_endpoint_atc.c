/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_endpoint_internal.h"

/*
 * The address translation cache. Its key has the id too: a device with several ids asked under
 * one of them, and only an invalidation sent to that one reaches what it got.
 */

#define ANSWER_NS 1000u /* Most an honest function takes to act on an invalidation. */

bool model_ep_pasid_possible(struct model_endpoint *ep, uint32_t pasid)
{
    struct model_endpoint *port = model_ep_port(ep);

    if (pasid == MODEL_NO_PASID) {
        return true;
    }
    if (pasid >> port->config.pasid_width != 0) {
        return false;
    }
    /* A platform device has no capability to enable. */
    return model_ep_pasid_enabled(ep) || (ep->config.untranslated && !port->config.has_pasid);
}

static struct model_atc_entry *atc_set(struct model_endpoint *ep, uint32_t pasid, uint64_t page)
{
    uint32_t key = (uint32_t)(page >> MODEL_PAGE_SHIFT) ^ (uint32_t)(page >> 32) ^ pasid * 31;

    return ep->atc[(key * 0x9E3779B1u) >> 24];
}

/* Same page of the same space, asked with the same privilege. */
static bool atc_match(const struct model_atc_entry *entry, uint32_t id, uint32_t pasid,
                      uint64_t page, uint32_t access)
{
    return entry->valid && entry->page == page && entry->id == id &&
           entry->has_pasid == (pasid != MODEL_NO_PASID) &&
           (!entry->has_pasid || entry->pasid == pasid) &&
           ((entry->access ^ access) & MODEL_PRIV) == 0;
}

const struct model_atc_entry *model_ep_atc_find(struct model_endpoint *ep, uint32_t id,
                                                uint32_t pasid, uint64_t page, uint32_t access)
{
    struct model_atc_entry *set = atc_set(ep, pasid, page);
    uint32_t way;

    for (way = 0; way < MODEL_ATC_WAYS; way++) {
        if (atc_match(&set[way], id, pasid, page, access) && (set[way].access & access) == access) {
            return &set[way];
        }
    }
    return NULL;
}

static void atc_fill(struct model_endpoint *ep, const struct model_atc_entry *entry)
{
    uint32_t pasid = entry->has_pasid ? entry->pasid : MODEL_NO_PASID;
    struct model_atc_entry *set = atc_set(ep, pasid, entry->page);
    uint32_t place = model_choose(ep->world, MODEL_ATC_WAYS);
    uint32_t way;

    for (way = 0; way < MODEL_ATC_WAYS; way++) {
        if (!set[way].valid) {
            place = way;
        }
    }
    for (way = 0; way < MODEL_ATC_WAYS; way++) {
        if (atc_match(&set[way], entry->id, pasid, entry->page, entry->access)) {
            place = way;
        }
    }
    set[place] = *entry;
}

enum model_translate_status model_ep_atc_ask(struct model_endpoint *ep, uint32_t id, uint32_t pasid,
                                             uint64_t page, uint32_t access, uint32_t *granted)
{
    struct model_translate want;
    struct model_translation got;
    struct model_atc_entry entry;
    uint64_t inside;

    *granted = 0;
    if (!ep->ats_enabled || model_ep_mute(ep)) {
        return MODEL_TRANSLATE_UNSUPPORTED;
    }
    memset(&want, 0, sizeof(want));
    want.id = id;
    want.has_pasid = pasid != MODEL_NO_PASID;
    want.pasid = want.has_pasid ? pasid : 0;
    want.address = page;
    want.access = access;
    ep->counts.translations++;
    model_fabric_translate(ep->fabric, &want, &got);
    if (got.status != MODEL_TRANSLATE_OK) {
        return got.status;
    }
    if (got.size_log2 < MODEL_PAGE_SHIFT + ep->stu || got.size_log2 > 64) {
        model_report(ep->world, "endpoint.ats.below-stu", "a translation is smaller than the STU",
                     page, got.size_log2);
        return MODEL_TRANSLATE_ABORTED;
    }
    inside = got.size_log2 == 64 ? UINT64_MAX : (UINT64_C(1) << got.size_log2) - 1;
    if ((got.address & inside) != 0) {
        model_report(ep->world, "endpoint.ats.misaligned",
                     "a translation is not aligned to its own size", got.address, got.size_log2);
        return MODEL_TRANSLATE_ABORTED;
    }
    *granted = got.access;
    if ((got.access & (MODEL_READ | MODEL_WRITE)) != 0) {
        memset(&entry, 0, sizeof(entry));
        entry.valid = true;
        entry.id = id;
        entry.has_pasid = want.has_pasid;
        entry.pasid = want.pasid;
        entry.page = page;
        entry.bus = got.address | (page & inside);
        entry.access = (got.access & ~MODEL_PRIV) | (access & MODEL_PRIV);
        atc_fill(ep, &entry);
    }
    return MODEL_TRANSLATE_OK;
}

void model_ep_atc_drop(struct model_endpoint *ep)
{
    memset(ep->atc, 0, sizeof(ep->atc));
}

/* ---- invalidations ---- */

static bool in_scope(const struct model_atc_entry *entry, const struct model_invalidate *what)
{
    switch (what->scope) {
    case MODEL_INVALIDATE_UNTAGGED:
        return !entry->has_pasid;
    case MODEL_INVALIDATE_PASID:
        return entry->has_pasid && (what->global || entry->pasid == what->pasid);
    default:
        return true;
    }
}

static void atc_invalidate(struct model_endpoint *ep, const struct model_invalidate *what)
{
    uint64_t span = what->size_log2 == 64 ? UINT64_MAX : (UINT64_C(1) << what->size_log2) - 1;
    uint32_t i;

    for (i = 0; i < MODEL_ATC_SETS * MODEL_ATC_WAYS; i++) {
        struct model_atc_entry *entry = &ep->atc[i / MODEL_ATC_WAYS][i % MODEL_ATC_WAYS];

        if (!entry->valid || entry->id != what->id ||
            ((entry->page ^ what->address) & ~span) != 0) {
            continue;
        }
        if (in_scope(entry, what)) {
            entry->valid = false;
        }
    }
}

static void pending_step(void *arg, uint64_t token);

/* Begin what the invalidation queue has room for. Each takes its own time. */
static void pending_begin(struct model_endpoint *ep)
{
    uint32_t i;

    for (i = 0; i < ep->pending_count && ep->pending_begun < ep->config.ats_queue_depth; i++) {
        uint32_t number = (ep->pending_first + i) % MODEL_EP_INVALIDATIONS;
        struct model_pending *pending = &ep->pending[number];

        if (pending->used && !pending->begun) {
            pending->begun = true;
            ep->pending_begun++;
            model_ep_schedule(ep,
                              ep->knobs.invalidate_delay_ns + model_choose(ep->world, ANSWER_NS),
                              pending_step, number | (uint64_t)pending->generation << 32);
        }
    }
}

static void pending_step(void *arg, uint64_t token)
{
    struct model_endpoint *ep = arg;
    struct model_pending *pending = &ep->pending[token & UINT32_MAX];
    const struct model_invalidate *what = &pending->what;
    enum model_invalidate_result result = MODEL_INVALIDATE_DONE;

    if (!pending->used || pending->generation != token >> 32) {
        return;
    }
    pending->used = false;
    ep->pending_begun--;
    while (ep->pending_count > 0 && !ep->pending[ep->pending_first].used) {
        ep->pending_first = (ep->pending_first + 1) % MODEL_EP_INVALIDATIONS;
        ep->pending_count--;
    }
    if (!model_ep_mute(ep) && !ep->knobs.ignore_invalidations) {
        if (ep->knobs.unsupported_invalidations ||
            (what->scope == MODEL_INVALIDATE_PASID && !what->global &&
             what->pasid >> model_ep_port(ep)->config.pasid_width != 0)) {
            result = MODEL_INVALIDATE_UNSUPPORTED;
        } else {
            atc_invalidate(ep, what);
        }
        /* Sent behind the posted writes that used what is gone now: it pushes them to memory. */
        model_fabric_invalidate_done(ep->fabric, what->id, what->tag, result);
    }
    pending_begin(ep);
}

void model_ep_invalidate(void *endpoint, const struct model_invalidate *what)
{
    struct model_endpoint *ep = endpoint;
    struct model_pending *pending;

    if (ep->removed) {
        return;
    }
    ep->counts.invalidations++;
    if (ep->knobs.silent || ep->knobs.ignore_invalidations) {
        return;
    }
    if (ep->pending_count == MODEL_EP_INVALIDATIONS) {
        model_report(ep->world, "endpoint.full", "too many invalidations are not answered",
                     what->id, what->tag);
        return;
    }
    pending = &ep->pending[(ep->pending_first + ep->pending_count) % MODEL_EP_INVALIDATIONS];
    ep->pending_count++;
    pending->used = true;
    pending->begun = false;
    pending->generation = ++ep->pending_generation;
    pending->what = *what;
    pending_begin(ep);
}

void model_ep_invalidations_lose(struct model_endpoint *ep)
{
    uint32_t i;

    for (i = 0; i < MODEL_EP_INVALIDATIONS; i++) {
        ep->pending[i].used = false;
    }
    ep->pending_count = 0;
    ep->pending_begun = 0;
}

/* ---- a single access ---- */

enum model_dma_result model_endpoint_access(struct model_endpoint *ep, uint32_t pasid,
                                            uint64_t address, uint32_t access, void *data,
                                            uint32_t bytes)
{
    uint64_t page = address & ~(uint64_t)(MODEL_PAGE_BYTES - 1);
    const struct model_atc_entry *entry;
    enum model_dma_result result;
    struct model_dma dma;
    uint32_t granted;

    if (model_ep_mute(ep) || !model_ep_pasid_possible(ep, pasid)) {
        return MODEL_DMA_ABORTED;
    }
    memset(&dma, 0, sizeof(dma));
    dma.id = ep->ids[0];
    dma.has_pasid = pasid != MODEL_NO_PASID;
    dma.pasid = dma.has_pasid ? pasid : 0;
    dma.address = address;
    dma.access = access;
    dma.data = data;
    dma.bytes = bytes;
    dma.cookie = UINT64_MAX; /* Of no job. */
    if (!ep->config.untranslated && ep->ats_enabled) {
        entry = model_ep_atc_find(ep, dma.id, pasid, page, access);
        if (entry == NULL &&
            model_ep_atc_ask(ep, dma.id, pasid, page, access, &granted) == MODEL_TRANSLATE_OK) {
            entry = model_ep_atc_find(ep, dma.id, pasid, page, access);
        }
        if (entry == NULL) {
            return MODEL_DMA_ABORTED;
        }
        dma.translated = true;
        dma.address = entry->bus | (address - page);
    }
    result = model_fabric_dma(ep->fabric, &dma);
    if (result == MODEL_DMA_OK && (access & MODEL_WRITE) != 0) {
        ep->counts.bytes_written += bytes;
    } else if (result == MODEL_DMA_OK) {
        ep->counts.bytes_read += bytes;
    }
    return result;
}
