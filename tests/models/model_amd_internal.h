/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MODEL_AMD_INTERNAL_H
#define MODEL_AMD_INTERNAL_H
#include "model_amd_state.h"

#ifdef __cplusplus
extern "C" {
#endif

static inline uint32_t amd_bits(uint64_t word, unsigned high, unsigned low)
{
    return (uint32_t)((word >> low) & (((uint64_t)2 << (high - low)) - 1));
}
static inline bool amd_bit(uint64_t word, unsigned bit)
{
    return ((word >> bit) & 1) != 0;
}
static inline uint64_t amd_ones(unsigned count) /* count <= 64 */
{
    return count >= 64 ? UINT64_MAX : ((uint64_t)1 << count) - 1;
}
static inline uint64_t amd_one(unsigned bit)
{
    return (uint64_t)1 << bit;
}
static inline bool amd_control(const struct model_amd *m, unsigned bit)
{
    return amd_bit(m->control, bit);
}

/* model_amd.c */
uint64_t amd_lag(struct model_amd *m, uint32_t most);
void amd_later(struct model_amd *m, uint64_t ns, model_work_fn *fn, uint64_t token);
void amd_wrong(struct model_amd *m, const char *rule, const char *text, uint64_t a, uint64_t b);
const uint8_t *amd_peek(const struct model_amd *m, uint64_t bus, uint64_t bytes);
bool amd_peek64(const struct model_amd *m, uint64_t bus, uint64_t *word);
void amd_see(struct model_amd *m, uint32_t id, uint32_t pasid);

/* model_amd_ring.c */
void amd_ring_name(struct model_amd *m);
uint32_t amd_ring_entries(const struct amd_ring *r); /* 0: illegal length */
uint32_t amd_ring_used(const struct amd_ring *r);
uint32_t amd_ring_next(const struct amd_ring *r, uint32_t at);
void amd_ring_base_write(struct model_amd *m, unsigned ring, uint64_t mask, uint64_t value);
void amd_ring_pointer_write(struct model_amd *m, unsigned ring, bool tail, uint32_t value);
bool amd_ring_start(struct model_amd *m, unsigned ring);
void amd_ring_stop(struct model_amd *m, unsigned ring);

/* model_amd_mmio.c */
void amd_merge(uint64_t *word, uint64_t mask, uint64_t value);

/* model_amd_control.c */
void amd_control_write(struct model_amd *m, uint64_t value);
void amd_devtab_write(struct model_amd *m, uint64_t mask, uint64_t value);
uint64_t amd_status(const struct model_amd *m);
void amd_status_write(struct model_amd *m, uint64_t value);
uint32_t amd_first_ppr(const struct model_amd *m);

/* model_amd_irq.c */
void amd_raise(struct model_amd *m, unsigned bit);
void amd_irq(struct model_amd *m, enum model_amd_source source);
bool amd_irq_enabled(const struct model_amd *m, unsigned bit);

/* model_amd_cmdq.c */
void amd_cmdq_kick(struct model_amd *m);
void amd_cmdq_tail(struct model_amd *m, uint32_t tail);
void amd_cmdq_forget(struct model_amd *m);
void amd_wait_check(struct model_amd *m);

/* model_amd_command.c */
bool amd_command_legal(struct model_amd *m, const uint32_t dw[4]);

/* model_amd_inval.c */
void amd_span(const uint32_t dw[4], uint64_t *first, uint32_t *size_log2);
void amd_inval_queue(struct model_amd *m, const uint32_t dw[4]);
void amd_inval_all(struct model_amd *m);
bool amd_inval_pending(const struct model_amd *m, uint32_t domain);

/* model_amd_atc.c */
bool amd_atc_room(const struct model_amd *m, const uint32_t dw[4]);
void amd_atc_send(struct model_amd *m, const uint32_t dw[4], uint64_t at);
void amd_atc_done(void *ctx, uint64_t tag, enum model_invalidate_result result);
bool amd_atc_owed(const struct model_amd *m, uint64_t tag);

/* model_amd_dte.c */
const struct amd_dte *amd_dte_find(const struct model_amd *m, uint32_t id);
struct amd_dte *amd_dte_get(struct model_amd *m, const struct amd_access *want,
                            struct amd_outcome *got);
void amd_dte_decode(struct model_amd *m, struct amd_dte *dte);
void amd_dte_check_change(struct model_amd *m, const struct amd_dte *dte);

/* model_amd_gcr3.c */
bool amd_gcr3_get(struct model_amd *m, const struct amd_dte *dte, uint32_t pasid,
                  struct amd_outcome *got, uint64_t *root);

/* model_amd_walk.c */
bool amd_guest_walk(struct model_amd *m, const struct amd_dte *dte, const struct amd_access *want,
                    uint64_t root, struct amd_tlb *leaf, struct amd_outcome *got);
struct amd_tlb *amd_tlb_place(struct model_amd *m);

/* model_amd_host.c */
bool amd_host_walk(struct model_amd *m, const struct amd_dte *dte, struct amd_tlb *leaf,
                   struct amd_outcome *got);
bool amd_host_pass(struct model_amd *m, const struct amd_dte *dte, uint64_t gpa, uint32_t access,
                   struct amd_tlb *under, struct amd_outcome *got);
bool amd_host_fetch(struct model_amd *m, const struct amd_dte *dte, uint32_t access, uint64_t *at,
                    struct amd_outcome *got);
uint64_t amd_host_peek(const struct model_amd *m, const struct amd_dte *dte, uint64_t gpa);

/* model_amd_translate.c */
void amd_translate(struct model_amd *m, const struct amd_access *want, struct amd_outcome *got);
void amd_stale(struct model_amd *m, const char *rule, uint64_t at, uint64_t word, uint64_t ignore);
void amd_former(struct model_amd *m, uint64_t root, const char *text, uint64_t va, uint64_t of);

/* model_amd_dma.c, model_amd_ats.c */
enum model_dma_result amd_dma(void *ctx, const struct model_dma *dma);
void amd_ats(void *ctx, const struct model_translate *want, struct model_translation *got);
void amd_prefetch_maybe(struct model_amd *m);

/* model_amd_events.c */
void amd_event_fault(struct model_amd *m, const struct amd_access *want,
                     const struct amd_outcome *got);
void amd_event_post(struct model_amd *m, uint32_t dw0, uint32_t dw1, uint64_t address);

/* model_amd_log.c */
void amd_log_post(struct model_amd *m, unsigned fifo, const uint64_t word[2], uint32_t lag);
void amd_log_arrive(struct model_amd *m);
void amd_log_flush(struct model_amd *m, unsigned fifo);
void amd_log_store(struct model_amd *m, unsigned ring, const uint64_t word[2]);
void amd_log_check_head(struct model_amd *m, unsigned ring, uint32_t head);

/* model_amd_ppr.c */
void amd_ppr_request(void *ctx, const struct model_page_request *request);
void amd_ppr_write(struct model_amd *m, const uint64_t word[2]);

/* model_amd_respond.c */
void amd_group_open(struct model_amd *m, const struct model_page_request *r, bool marker,
                    bool event);
void amd_group_forget(struct model_amd *m, uint32_t id, uint32_t pasid, uint32_t index);
void amd_group_lost(struct model_amd *m, uint32_t id, uint32_t pasid, uint32_t index);
void amd_respond(struct model_amd *m, const uint32_t dw[4]);
void amd_respond_later(struct model_amd *m, const struct model_page_response *response);
void amd_auto_respond(struct model_amd *m, uint32_t id, bool has_pasid, uint32_t pasid,
                      uint32_t index, uint32_t code);

#ifdef __cplusplus
}
#endif
#endif
