/* SPDX-License-Identifier: BSD-2-Clause */
#include "toy_model_internal.h"

/* Tables, caches, translation. What is cached is used, right or wrong, until it is invalidated. */

#define OUT UINT64_C(0x000FFFFFFFFFF000)

/* Without bit 0 all traffic is refused, quietly. */
uint64_t toy_device_entry(struct toy_model *m, uint32_t id)
{
    uint64_t word = 0;

    if (!toy_on(m) || id >= 1u << IDS) {
        return 0;
    }
    if (m->device[id] == 0) {
        if (!model_bus_read64(m->world, m->table + 8 * (uint64_t)id, &word)) {
            toy_wrong(m, "toy.table.abort", "the device table cannot be read", m->table, id);
        }
        if ((word & ~(OUT | 7)) != 0 || ((word & 1) == 0 && (word & ~UINT64_C(4)) != 0)) {
            toy_wrong(m, "toy.table.reserved", "a device entry has reserved bits", word, id);
        }
        m->device[id] = word;
    }
    return m->device[id];
}

static void pasid_keep(struct toy_model *m, uint32_t id, uint32_t pasid, uint64_t word)
{
    uint32_t i;

    for (i = 0; i < PASID_CACHE && m->pasid[i].used; i++) {
    }
    if (i == PASID_CACHE) {
        i = model_choose(m->world, PASID_CACHE);
    }
    m->pasid[i] = (struct pasid_entry){true, id, pasid, word};
}

/* false: a table cannot be read. */
static bool pasid_entry(struct toy_model *m, uint64_t device, uint32_t id, uint32_t pasid,
                        uint64_t *word)
{
    uint64_t leaf = 0;
    uint32_t i;

    *word = 0;
    if (pasid >= 1u << PASIDS) {
        return true;
    }
    for (i = 0; i < PASID_CACHE; i++) {
        if (m->pasid[i].used && m->pasid[i].id == id && m->pasid[i].pasid == pasid) {
            *word = m->pasid[i].word;
            return true;
        }
    }
    if (!model_bus_read64(m->world, (device & OUT) + 8 * (uint64_t)(pasid >> 9), &leaf)) {
        return false;
    }
    if ((leaf & 1) == 0) {
        return true;
    }
    if (!model_bus_read64(m->world, (leaf & OUT) + 8 * (uint64_t)(pasid & 511), word)) {
        return false;
    }
    if ((*word & 1) != 0) {
        pasid_keep(m, id, pasid, *word);
    }
    return true;
}

/* ---- page tables ---- */

static struct translation *find(struct toy_model *m, uint32_t tag, uint64_t page)
{
    uint32_t i;

    for (i = 0; i < TLB; i++) {
        if (m->tlb[i].used && m->tlb[i].tag == tag && m->tlb[i].page == page) {
            return &m->tlb[i];
        }
    }
    return NULL;
}

static uint32_t walk(struct toy_model *m, uint64_t root, struct translation *t)
{
    uint64_t at = root;
    uint32_t level;

    t->access = MODEL_READ | MODEL_WRITE;
    for (level = 0; level < 4; level++) {
        uint64_t word = 0;

        t->table[level] = at;
        if (!model_bus_read64(m->world, at + 8 * (t->page >> (39 - 9 * level) & 511), &word)) {
            return FAULT_ABORT;
        }
        if ((word & 1) == 0) {
            return FAULT_TRANSLATION;
        }
        if ((word & 2) == 0) {
            t->access &= ~MODEL_WRITE;
        }
        at = word & OUT;
    }
    t->out = at;
    return 0;
}

/* A fault code, or 0 and the translation. */
static uint32_t look_up(struct toy_model *m, uint64_t entry, uint64_t address,
                        struct translation *out)
{
    uint32_t tag = (uint32_t)(entry >> 52);
    struct translation *t = find(m, tag, address & ~UINT64_C(0xFFF));
    uint32_t fault, i;

    if (t != NULL) {
        if (t->table[0] != (entry & OUT)) {
            toy_wrong(m, "toy.tlb.tag-of-two-roots", "a tag was used again too early", tag,
                      t->table[0]);
        }
        *out = *t;
        return 0;
    }
    memset(out, 0, sizeof(*out));
    out->used = true;
    out->tag = tag;
    out->page = address & ~UINT64_C(0xFFF);
    fault = address >> 47 != 0 ? FAULT_TRANSLATION : walk(m, entry & OUT, out);
    if (fault == 0) {
        for (i = 0; i < TLB && m->tlb[i].used; i++) {
        }
        m->tlb[i < TLB ? i : model_choose(m->world, TLB)] = *out;
    }
    return fault;
}

/* ---- what devices ask for ---- */

#define REFUSED_QUIETLY UINT32_MAX

static uint32_t translate(struct toy_model *m, uint64_t device, const struct model_dma *what,
                          struct translation *out)
{
    uint32_t pasid = what->has_pasid ? what->pasid : 0;
    uint64_t entry;

    if (!pasid_entry(m, device, what->id, pasid, &entry)) {
        return FAULT_ABORT;
    }
    if ((entry & 1) == 0) {
        return FAULT_CONTEXT;
    }
    return (entry & 2) != 0 ? REFUSED_QUIETLY : look_up(m, entry, what->address, out);
}

static bool move(struct toy_model *m, const struct model_dma *dma, uint64_t bus)
{
    return (dma->access & MODEL_WRITE) != 0 ? model_bus_write(m->world, bus, dma->data, dma->bytes)
                                            : model_bus_read(m->world, bus, dma->data, dma->bytes);
}

enum model_dma_result toy_dma(void *ctx, const struct model_dma *dma)
{
    struct toy_model *m = ctx;
    uint64_t device = toy_device_entry(m, dma->id);
    uint32_t way = dma->access & (MODEL_READ | MODEL_WRITE);
    uint64_t bus = dma->address;
    struct translation t;
    uint32_t fault;

    if ((device & 1) == 0 || (dma->translated && (device & 2) == 0)) {
        return MODEL_DMA_ABORTED;
    }
    if (!dma->translated) {
        fault = translate(m, device, dma, &t);
        fault = fault == 0 && (t.access & way) != way ? FAULT_PERMISSION : fault;
        if (fault != 0) {
            toy_fault(m, fault, dma);
            return MODEL_DMA_ABORTED;
        }
        bus = t.out | (dma->address & 0xFFF);
    }
    return move(m, dma, bus) ? MODEL_DMA_OK : MODEL_DMA_ABORTED;
}

/* Not mapped is an answer: the device asks for the page then. */
void toy_translate(void *ctx, const struct model_translate *want, struct model_translation *got)
{
    struct toy_model *m = ctx;
    uint64_t device = toy_device_entry(m, want->id);
    struct model_dma as = {.id = want->id,
                           .has_pasid = want->has_pasid,
                           .pasid = want->pasid,
                           .address = want->address,
                           .access = want->access};
    struct translation t;
    uint32_t fault;

    memset(got, 0, sizeof(*got));
    got->size_log2 = 12;
    got->status = MODEL_TRANSLATE_UNSUPPORTED;
    if ((device & 3) != 3) {
        return;
    }
    fault = translate(m, device, &as, &t);
    got->status = MODEL_TRANSLATE_OK;
    if (fault == FAULT_CONTEXT || fault == FAULT_ABORT) {
        got->status = MODEL_TRANSLATE_ABORTED;
        toy_fault(m, fault, &as);
    } else if (fault == 0) {
        got->address = t.out;
        got->access = t.access;
    }
}

/* ---- invalidation ---- */

static void drop_config(struct toy_model *m, uint64_t word)
{
    uint32_t id = (uint32_t)toy_bits(word, 47, 32);
    bool all = toy_bits(word, 5, 5) != 0;
    uint32_t i;

    if (all && id < 1u << IDS) {
        m->device[id] = 0;
    }
    for (i = 0; i < PASID_CACHE; i++) {
        if (m->pasid[i].id == id && (all || m->pasid[i].pasid == toy_bits(word, 31, 12))) {
            m->pasid[i].used = false;
        }
    }
}

void toy_drop(struct toy_model *m, const uint64_t word[2])
{
    uint32_t size = word[1] & 0x7F;
    uint32_t i;

    if ((word[0] & 0xF) == 1) {
        drop_config(m, word[0]);
        return;
    }
    for (i = 0; i < TLB; i++) {
        uint64_t other = m->tlb[i].page ^ (word[1] & ~UINT64_C(0xFFF));

        if (m->tlb[i].tag == toy_bits(word[0], 23, 12) && (size == 64 || other >> size == 0)) {
            m->tlb[i].used = false;
        }
    }
}
