/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MODEL_VTD_INTERNAL_H
#define MODEL_VTD_INTERNAL_H
#include "model_internal.h"
#include "model_vtd.h"

#ifdef __cplusplus
extern "C" {
#endif

/* GSTS, and GCMD in the same places */
#define VTD_TES   31u
#define VTD_RTPS  30u
#define VTD_WBFS  27u
#define VTD_QIES  26u
#define VTD_IRES  25u
#define VTD_IRTPS 24u
#define VTD_CFIS  23u

/* FSTS */
#define VTD_PFO 0x01u
#define VTD_PPF 0x02u
#define VTD_IQE 0x10u
#define VTD_ICE 0x20u
#define VTD_ITE 0x40u

/* PRS */
#define VTD_PPR 1u
#define VTD_PRO 2u

/* Modes of the translation table */
#define VTD_TTM_LEGACY   0u
#define VTD_TTM_SCALABLE 1u
#define VTD_TTM_ABORT    3u

#define VTD_PGTT_FIRST  1u
#define VTD_PGTT_SECOND 2u
#define VTD_PGTT_NESTED 3u
#define VTD_PGTT_PASS   4u

/* Descriptor types */
#define VTD_CONTEXT 1u
#define VTD_IOTLB   2u
#define VTD_DEVTLB  3u
#define VTD_IEC     4u
#define VTD_WAIT    5u
#define VTD_PIOTLB  6u
#define VTD_PASIDC  7u
#define VTD_PDEVTLB 8u
#define VTD_PGR     9u
#define VTD_HPT     10u

#define VTD_CONTEXTS 32u
#define VTD_PASIDS   64u
#define VTD_TLBS     128u
#define VTD_SLOWS    4u
#define VTD_PENDING  128u
#define VTD_TAGS     32u
#define VTD_RECORDS  16u
#define VTD_ACCEPTED 64u
#define VTD_GROUPS   1024u
#define VTD_SEEN     16u
#define VTD_SLOTS    32768u

struct vtd_event {
    uint32_t control; /* IM only */
    uint32_t data, address, upper;
    bool pending;  /* IP */
    bool flying;   /* A message is on its way. */
    bool unmasked; /* By software, ever. */
};

struct vtd_context {
    bool used;
    bool rid_present; /* rid_with_context: P of RID_PASID's entry when this one was fetched */
    uint32_t id;
    uint64_t word[4];
    uint64_t from;
};

struct vtd_pasid {
    bool used, faulty; /* faulty: CM=1 keeps entries that cannot be used */
    uint32_t id, pasid, did;
    uint64_t word[8];
    uint64_t from;
};

struct vtd_tlb {
    bool used, table, second, has_pasid;
    uint32_t id, pasid, did, pgtt, access, level, size_log2;
    uint64_t va, out;
    uint64_t root; /* pointer it was walked from, as the PASID entry has it */
    uint64_t from; /* entry it was made from */
    uint64_t top;  /* first stage: where the root really is */
    /* nested: pointer and entry of the second stage, what the first put out, and both sizes */
    uint64_t under, under_from, guest;
    uint32_t guest_log2, under_log2;
};

struct vtd_slow {
    bool used;
    uint32_t id, pasid, generation;
    uint64_t at;
    uint64_t start[8];
};

enum vtd_stage {
    VTD_FREE,
    VTD_FETCHED,
    VTD_SENT,
    VTD_SIGNALLED
};

struct vtd_pending {
    enum vtd_stage stage;
    uint32_t type;
    uint32_t generation;
    uint64_t seq;
    uint64_t accepted; /* The page request received last before a wait with PD. */
    uint64_t since;    /* A wait's predecessor. */
    uint32_t covers;   /* Invalidations between the two. */
    bool due;
    uint64_t word[4];
};

struct vtd_tag {
    bool used, dead; /* dead: timed out, the answer may still come */
    uint32_t id;
    uint32_t pending; /* Index of the descriptor. */
    uint64_t tag;
};

struct vtd_group {
    bool used, marker;
    bool has_pasid;
    uint32_t id, pasid, index;
};

struct vtd_access {
    uint32_t id;
    bool has_pasid;
    uint32_t pasid;
    uint64_t address;
    uint32_t access;
    uint32_t at; /* 0 untranslated, 1 translation request, 2 translated, 3 page request */
    bool quiet;  /* Spontaneous, or a marker: nothing is logged. */
};

/* A question to the second stage, and its answer. */
struct vtd_second {
    const struct vtd_access *want; /* For whom. */
    uint64_t address;
    uint32_t access;
    uint32_t blocked; /* The fault if rights are missing; 0: 85 or 86. */
    uint64_t out, from;
    uint32_t size_log2, rights;
};

struct vtd_outcome {
    uint32_t fault; /* Reason, 0: none. */
    bool fpd;       /* Some level on the way suppresses qualified faults. */
    uint32_t access;
    uint64_t out;
    uint32_t size_log2;
    uint32_t pgtt;
};

struct model_vtd {
    struct model_world *world;
    struct model_fabric *fabric;
    struct model_vtd_config config;
    struct model_vtd_knobs knobs;
    struct model_vtd_counts counts;
    uint64_t cap, ecap;
    /* registers */
    uint32_t gsts, gcmd_value;
    bool gcmd_busy;
    uint32_t gcmd_generation;
    uint64_t rtaddr, irta, root; /* root: what is in force */
    bool root_set;
    uint32_t uninvalidated; /* After SRTP: 3 context, 2 PASID, 1 IOTLB still due. */
    uint32_t fsts, prs, ics, pmen;
    uint64_t iqercd;
    struct vtd_event event[MODEL_VTD_IRQ_SOURCES];
    uint64_t iqa, iqt, iqh;
    bool iqa_set;
    uint64_t pqa, pqt, pqh;
    bool pqa_set;
    uint64_t ccmd, iva, iotlb;
    uint64_t record[VTD_RECORDS][2];
    uint32_t record_next;
    /* queue */
    uint32_t *slot_hash;
    bool fetching, hung;
    uint64_t seq;
    uint64_t last_wait;
    uint32_t unsynced, since_wait;
    struct vtd_pending pending[VTD_PENDING];
    uint32_t pending_top; /* None from here on. */
    struct vtd_tag tag[VTD_TAGS];
    uint64_t tag_name;
    /* page requests */
    uint64_t accepted_words[VTD_ACCEPTED][2];
    bool accepted_marker[VTD_ACCEPTED];
    uint64_t accepted_number[VTD_ACCEPTED];
    uint32_t accepted_first, accepted_count;
    struct model_page_request ingress[VTD_ACCEPTED]; /* Received, in order. */
    uint64_t ingress_number[VTD_ACCEPTED];
    uint32_t ingress_first, ingress_count;
    uint64_t received; /* The number of the newest. */
    struct vtd_group group[VTD_GROUPS];
    /* caches */
    struct vtd_context context[VTD_CONTEXTS];
    struct vtd_pasid pasid[VTD_PASIDS];
    struct vtd_tlb tlb[VTD_TLBS];
    struct vtd_slow slow[VTD_SLOWS];
    uint32_t seen_id[VTD_SEEN], seen_pasid[VTD_SEEN], seen_count;
};

static inline uint64_t vtd_ones(uint32_t count)
{
    return count >= 64 ? UINT64_MAX : ((uint64_t)1 << count) - 1;
}

static inline uint32_t vtd_bits(uint64_t word, unsigned high, unsigned low)
{
    return (uint32_t)(word >> low & vtd_ones(high - low + 1));
}

static inline bool vtd_bit(uint64_t word, unsigned bit)
{
    return (word >> bit & 1) != 0;
}

static inline bool vtd_on(const struct model_vtd *m, unsigned bit)
{
    return vtd_bit(m->gsts, bit);
}

static inline uint32_t vtd_ttm(const struct model_vtd *m)
{
    return vtd_bits(m->root, 11, 10);
}

/* model_vtd.c */
uint64_t vtd_lag(struct model_vtd *m, uint32_t most);
void vtd_later(struct model_vtd *m, uint64_t ns, model_work_fn *fn, uint64_t token);
void vtd_wrong(struct model_vtd *m, const char *rule, const char *text, uint64_t a, uint64_t b);
uint32_t vtd_did_limit(const struct model_vtd *m);

/* model_vtd_memory.c */
const uint8_t *vtd_peek(const struct model_vtd *m, uint64_t bus, uint64_t bytes);
uint64_t vtd_peek64(const struct model_vtd *m, uint64_t bus);
bool vtd_read(struct model_vtd *m, uint64_t bus, uint64_t *words, uint32_t count, bool snoop);
bool vtd_load(struct model_vtd *m, uint64_t bus, void *to, uint32_t bytes);
bool vtd_write(struct model_vtd *m, uint64_t bus, const void *from, uint32_t bytes);
bool vtd_write_words(struct model_vtd *m, uint64_t bus, const uint64_t *words, uint32_t count);
bool vtd_pre_anywhere(const struct model_vtd *m);

/* model_vtd_regs.c */
bool vtd_reg_known(const struct model_vtd *m, uint32_t offset);
uint32_t vtd_reg_read(struct model_vtd *m, uint32_t offset);
void vtd_reg_write(struct model_vtd *m, uint32_t offset, uint32_t value);

/* model_vtd_gcmd.c */
void vtd_gcmd_write(struct model_vtd *m, uint32_t value);

/* model_vtd_event.c */
bool vtd_event_idle(const struct model_vtd *m, enum model_vtd_source source);
void vtd_event_raise(struct model_vtd *m, enum model_vtd_source source);
void vtd_event_push(struct model_vtd *m, enum model_vtd_source source);
void vtd_event_settle(struct model_vtd *m, enum model_vtd_source source);
void vtd_event_write(struct model_vtd *m, enum model_vtd_source source, uint32_t reg,
                     uint32_t value);
uint32_t vtd_event_read(const struct model_vtd *m, enum model_vtd_source source, uint32_t reg);

/* model_vtd_fault.c */
void vtd_fault(struct model_vtd *m, const struct vtd_access *want, const struct vtd_outcome *got);
void vtd_fault_record(struct model_vtd *m, const struct vtd_access *want, uint32_t reason);
void vtd_fsts_set(struct model_vtd *m, uint32_t bit);
void vtd_fsts_write(struct model_vtd *m, uint32_t value);
uint32_t vtd_record_read(const struct model_vtd *m, uint32_t at);
void vtd_record_write(struct model_vtd *m, uint32_t at, uint32_t value);
bool vtd_fault_qualified(uint32_t reason);
enum model_translate_status vtd_fault_answer(uint32_t reason);

/* model_vtd_decode.c */
uint32_t vtd_context_bad(const struct model_vtd *m, const uint64_t word[4]);
uint32_t vtd_pasid_bad(const struct model_vtd *m, const uint64_t word[8]);
void vtd_pasid_used(const uint64_t word[8], uint64_t used[8]);
uint32_t vtd_rid_pasid(const struct model_vtd *m, const uint64_t context[4]);

/* model_vtd_walk.c */
bool vtd_walk(struct model_vtd *m, const struct vtd_access *want, struct vtd_context *context,
              struct vtd_pasid *pasid, struct vtd_outcome *got);
bool vtd_walk_context(struct model_vtd *m, const struct vtd_access *want,
                      struct vtd_context *context, struct vtd_outcome *got);
const struct vtd_context *vtd_context_find(const struct model_vtd *m, uint32_t id);
const struct vtd_pasid *vtd_pasid_find(const struct model_vtd *m, uint32_t id, uint32_t pasid);

/* model_vtd_fetch.c */
void vtd_see(struct model_vtd *m, uint32_t id, uint32_t pasid);
void vtd_prefetch_maybe(struct model_vtd *m);
void vtd_slow_forget(struct model_vtd *m, uint32_t id, uint32_t pasid, bool all);
void vtd_check_dids(struct model_vtd *m, const struct vtd_pasid *entry);
bool vtd_slow_join(struct model_vtd *m, uint32_t id, uint32_t pasid, uint64_t at, uint64_t word[8]);

/* model_vtd_table.c */
bool vtd_table_walk(struct model_vtd *m, const struct vtd_access *want,
                    const struct vtd_pasid *pasid, struct vtd_tlb *leaf, struct vtd_outcome *got);

/* model_vtd_second.c */
uint32_t vtd_second_bits(const struct model_vtd *m, const uint64_t word[8]);
bool vtd_second(struct model_vtd *m, const struct vtd_pasid *pasid, struct vtd_second *ask,
                struct vtd_outcome *got);
bool vtd_second_peek(const struct model_vtd *m, const uint64_t word[8], uint64_t address,
                     uint64_t *out);

/* model_vtd_tlb.c */
struct vtd_tlb *vtd_tlb_place(struct model_vtd *m);
const struct vtd_tlb *vtd_tlb_find(const struct model_vtd *m, const struct vtd_access *want);
void vtd_tlb_insert(struct model_vtd *m, const struct vtd_tlb *leaf);
void vtd_flush_all(struct model_vtd *m);
void vtd_drop_context(struct model_vtd *m, uint64_t d0);
void vtd_drop_pasids(struct model_vtd *m, uint64_t d0);
void vtd_drop_second(struct model_vtd *m, uint64_t d0, uint64_t d1);
void vtd_drop_first(struct model_vtd *m, uint64_t d0, uint64_t d1);
bool vtd_drop_matches(const struct vtd_tlb *e, uint32_t type, uint64_t d0, uint64_t d1);

/* model_vtd_translate.c */
void vtd_translate(struct model_vtd *m, const struct vtd_access *want, struct vtd_outcome *got);
enum model_dma_result vtd_dma(void *ctx, const struct model_dma *dma);
void vtd_ats(void *ctx, const struct model_translate *want, struct model_translation *got);

/* model_vtd_iq.c */
void vtd_iq_kick(struct model_vtd *m);
void vtd_iq_tail_write(struct model_vtd *m, uint32_t value);
void vtd_iq_base_check(struct model_vtd *m);
void vtd_iq_rehash(struct model_vtd *m, uint64_t first, uint64_t end);
uint64_t vtd_iq_bytes(const struct model_vtd *m);
void vtd_iq_error(struct model_vtd *m, uint32_t code);
uint32_t vtd_iq_slot(const struct model_vtd *m);

/* model_vtd_desc.c */
uint32_t vtd_desc_check(struct model_vtd *m, const uint64_t word[4]);

/* model_vtd_exec.c */
struct vtd_pending *vtd_pending_add(struct model_vtd *m, const uint64_t word[4]);
bool vtd_pending_room(const struct model_vtd *m);
void vtd_pending_abort(struct model_vtd *m, uint32_t culprit);
void vtd_pending_forget(struct model_vtd *m);

void vtd_pending_run(struct model_vtd *m);
void vtd_pending_done(struct model_vtd *m, uint32_t index);

/* model_vtd_device.c */
bool vtd_device_room(const struct model_vtd *m);
void vtd_device_send(struct model_vtd *m, uint32_t index);
void vtd_device_done(void *ctx, uint64_t tag, enum model_invalidate_result result);
void vtd_device_forget(struct model_vtd *m);

/* model_vtd_prq.c */
/* All that were received up to this one are in the queue, or gone. */
bool vtd_prq_settled(const struct model_vtd *m, uint64_t number);
void vtd_prq_request(void *ctx, const struct model_page_request *request);
void vtd_prq_push(struct model_vtd *m);
void vtd_prq_respond(struct model_vtd *m, uint64_t d0, uint64_t d1);
void vtd_prq_head_write(struct model_vtd *m, uint32_t value);
void vtd_prq_tail_write(struct model_vtd *m, uint32_t value);
void vtd_prs_write(struct model_vtd *m, uint32_t value);
uint64_t vtd_prq_bytes(const struct model_vtd *m);

#ifdef __cplusplus
}
#endif
#endif
