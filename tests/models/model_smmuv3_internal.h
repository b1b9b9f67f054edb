/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MODEL_SMMUV3_INTERNAL_H
#define MODEL_SMMUV3_INTERNAL_H
#include "model_smmuv3_state.h"

#ifdef __cplusplus
extern "C" {
#endif

static inline uint32_t smmu_bits(uint64_t word, unsigned high, unsigned low)
{
    return (uint32_t)((word >> low) & (((uint64_t)2 << (high - low)) - 1));
}
static inline bool smmu_bit(uint64_t word, unsigned bit)
{
    return ((word >> bit) & 1) != 0;
}
static inline uint64_t smmu_ones(unsigned count) /* count <= 64 */
{
    return count >= 64 ? UINT64_MAX : ((uint64_t)1 << count) - 1;
}
static inline bool smmu_enabled(const struct model_smmuv3 *m, unsigned bit)
{
    return smmu_bit(m->cr0.effect, bit);
}
/* 1 -> 0 counts as 1 until acknowledged, and 0 -> 1 as 1 at once. */
static inline bool smmu_guards(const struct smmu_update *update, uint32_t bits)
{
    return ((update->value | update->ack) & bits) != 0;
}
static inline bool smmu_gerror_active(const struct model_smmuv3 *m, unsigned bit)
{
    return smmu_bit(m->gerror ^ m->gerrorn, bit);
}

/* model_smmuv3.c */
uint64_t smmu_lag(struct model_smmuv3 *m, uint32_t most);
void smmu_later(struct model_smmuv3 *m, uint64_t ns, model_work_fn *fn, uint64_t token);
void smmu_wrong(struct model_smmuv3 *m, const char *rule, const char *text, uint64_t a, uint64_t b);
uint32_t smmu_oas_bits(const struct model_smmuv3 *m);
uint32_t smmu_ias_bits(const struct model_smmuv3 *m);
const uint8_t *smmu_peek(const struct model_smmuv3 *m, uint64_t bus, uint64_t bytes);
void smmu_see(struct model_smmuv3 *m, uint32_t sid, uint32_t ssid);

/* model_smmuv3_queue.c */
uint32_t smmu_queue_log2(const struct smmu_queue *q);
uint32_t smmu_queue_used(const struct smmu_queue *q, uint32_t prod, uint32_t cons);
bool smmu_queue_full(const struct smmu_queue *q, uint32_t prod, uint32_t cons);
uint32_t smmu_queue_next(const struct smmu_queue *q, uint32_t index);
uint64_t smmu_queue_slot(const struct model_smmuv3 *m, const struct smmu_queue *q, uint32_t index);
void smmu_queue_cons_write(struct model_smmuv3 *m, struct smmu_queue *q, uint32_t value);
void smmu_queue_check_enable(struct model_smmuv3 *m, struct smmu_queue *q, bool output);
void smmu_queue_check_base(struct model_smmuv3 *m, const struct smmu_queue *q);

/* model_smmuv3_regs.c */
uint32_t smmu_reg_read(struct model_smmuv3 *m, uint32_t offset);
void smmu_reg_write(struct model_smmuv3 *m, uint32_t offset, uint32_t value);

/* model_smmuv3_mmio.c */
void smmu_set_half(uint64_t *word, uint32_t offset, uint32_t value);
bool smmu_guarded(struct model_smmuv3 *m, bool guard, uint32_t offset, uint32_t *random);
void smmu_cmdq_cons_write(struct model_smmuv3 *m, uint32_t value);
void smmu_cr1_write(struct model_smmuv3 *m, uint32_t value);
void smmu_cr2_write(struct model_smmuv3 *m, uint32_t value);
void smmu_strtab_write(struct model_smmuv3 *m, uint32_t offset, uint32_t value);

/* model_smmuv3_update.c */
void smmu_cr0_write(struct model_smmuv3 *m, uint32_t value);
void smmu_irq_ctrl_write(struct model_smmuv3 *m, uint32_t value);
void smmu_gbpa_write(struct model_smmuv3 *m, uint32_t value);
void smmu_gerrorn_write(struct model_smmuv3 *m, uint32_t value);
void smmu_gerror_raise(struct model_smmuv3 *m, unsigned bit);

/* model_smmuv3_irq.c */
void smmu_irq(struct model_smmuv3 *m, enum model_smmuv3_source source);
void smmu_irq_flush(struct model_smmuv3 *m);
void smmu_signal(struct model_smmuv3 *m, uint64_t d0, uint64_t d1);
void smmu_signal_flush(struct model_smmuv3 *m);

/* model_smmuv3_cmdq.c */
void smmu_cmdq_kick(struct model_smmuv3 *m);
void smmu_cmdq_prod_write(struct model_smmuv3 *m, uint32_t value);
void smmu_cmdq_rehash(struct model_smmuv3 *m, uint32_t first, uint32_t end);
void smmu_cmdq_publish(struct model_smmuv3 *m);

/* model_smmuv3_command.c */
bool smmu_command_legal(struct model_smmuv3 *m, uint64_t d0, uint64_t d1);

/* model_smmuv3_execute.c */
void smmu_command_run(struct model_smmuv3 *m, uint64_t d0, uint64_t d1);

/* model_smmuv3_inval.c */
void smmu_inval_queue(struct model_smmuv3 *m, uint64_t d0, uint64_t d1);
void smmu_inval_all(struct model_smmuv3 *m);
bool smmu_inval_tlb_match(const struct model_smmuv3 *m, uint64_t d0, uint64_t d1,
                          const struct smmu_tlb *e);
bool smmu_inval_under(const struct model_smmuv3 *m, uint64_t d0, uint64_t d1,
                      const struct smmu_tlb *e);

/* model_smmuv3_atc.c */
bool smmu_atc_room(const struct model_smmuv3 *m);
void smmu_atc_send(struct model_smmuv3 *m, uint64_t d0, uint64_t d1);
void smmu_atc_done(void *ctx, uint64_t tag, enum model_invalidate_result result);
void smmu_atc_forget(struct model_smmuv3 *m);

/* model_smmuv3_ste.c, model_smmuv3_cd.c */
void smmu_ste_decode(struct model_smmuv3 *m, struct smmu_ste *ste);
void smmu_ste_check_style(struct model_smmuv3 *m, const struct smmu_ste *ste);
void smmu_ste_used(const uint64_t word[8], uint64_t used[8]);
void smmu_cd_decode(struct model_smmuv3 *m, const struct smmu_ste *ste, struct smmu_cd *cd);
void smmu_cd_used(const uint64_t word[8], uint64_t used[8]);

/* model_smmuv3_stage2.c, model_smmuv3_stage2_walk.c */
void smmu_stage2_decode(const struct model_smmuv3 *m, struct smmu_ste *ste);
bool smmu_stage2_bad(const struct model_smmuv3 *m, const struct smmu_ste *ste);
uint32_t smmu_stage2_width(const struct smmu_s2 *s2);
uint32_t smmu_stage2_permissions(const struct model_smmuv3 *m, uint64_t attrs, bool clean,
                                 uint32_t access);
bool smmu_stage2_fault(const struct smmu_ipa *ask, struct smmu_outcome *got, uint32_t event,
                       uint64_t fetch);
bool smmu_stage2(struct model_smmuv3 *m, const struct smmu_ipa *ask, struct smmu_tlb *leaf,
                 struct smmu_outcome *got);
bool smmu_stage2_fetch(struct model_smmuv3 *m, const struct smmu_ste *ste, uint32_t cls,
                       uint32_t access, uint64_t *at, struct smmu_outcome *got);
void smmu_stage2_direct(struct model_smmuv3 *m, const struct smmu_access *want,
                        const struct smmu_ste *ste, struct smmu_outcome *got);
bool smmu_stage2_walk(struct model_smmuv3 *m, const struct smmu_ipa *ask, struct smmu_tlb *leaf,
                      struct smmu_outcome *got);
bool smmu_stage2_peek(const struct model_smmuv3 *m, const struct smmu_ste *ste, uint64_t ipa,
                      uint64_t *out);

/* model_smmuv3_walk.c */
const struct smmu_ste *smmu_ste_get(struct model_smmuv3 *m, uint32_t sid, struct smmu_outcome *got);
const struct smmu_cd *smmu_cd_get(struct model_smmuv3 *m, const struct smmu_ste *ste, uint32_t ssid,
                                  struct smmu_outcome *got);
bool smmu_ste_address(struct model_smmuv3 *m, uint32_t sid, uint64_t *at, struct smmu_outcome *got);
bool smmu_cd_address(struct model_smmuv3 *m, const struct smmu_ste *ste, uint32_t ssid,
                     uint64_t *at, struct smmu_outcome *got);
struct smmu_ste *smmu_ste_place(struct model_smmuv3 *m, uint32_t sid);
struct smmu_cd *smmu_cd_place(struct model_smmuv3 *m, uint32_t sid, uint32_t ssid);
const struct smmu_ste *smmu_ste_find(const struct model_smmuv3 *m, uint32_t sid);
const struct smmu_cd *smmu_cd_find(const struct model_smmuv3 *m, uint32_t sid, uint32_t ssid);

/* model_smmuv3_fetch.c */
void smmu_prefetch_maybe(struct model_smmuv3 *m);
uint32_t smmu_slow_join(struct model_smmuv3 *m, bool cd, uint32_t sid, uint32_t ssid, uint64_t at,
                        uint64_t word[8]);

/* model_smmuv3_tlb.c */
void smmu_tlb_translate(struct model_smmuv3 *m, const struct smmu_access *want,
                        const struct smmu_cd *cd, struct smmu_outcome *got);
struct smmu_tlb *smmu_tlb_place(struct model_smmuv3 *m);
void smmu_tlb_combine(struct smmu_tlb *e, const struct smmu_tlb *under, uint64_t ipa);
void smmu_tlb_check_gone(struct model_smmuv3 *m, const struct smmu_tlb *e);
uint32_t smmu_tlb_permissions(const struct smmu_cd *cd, uint64_t attrs, bool clean,
                              uint32_t access);

/* model_smmuv3_table.c */
bool smmu_table_walk(struct model_smmuv3 *m, const struct smmu_access *want,
                     const struct smmu_cd *cd, unsigned half, uint64_t va, struct smmu_tlb *leaf,
                     struct smmu_outcome *got);

/* model_smmuv3_translate.c */
void smmu_translate(struct model_smmuv3 *m, const struct smmu_access *want,
                    struct smmu_outcome *got);

/* model_smmuv3_dma.c */
enum model_dma_result smmu_dma(void *ctx, const struct model_dma *dma);
enum model_dma_result smmu_dma_try(struct model_smmuv3 *m, const struct model_dma *dma,
                                   uint64_t word[4], bool *stall, bool *mergeable);

/* model_smmuv3_ats.c */
void smmu_ats(void *ctx, const struct model_translate *want, struct model_translation *got);

/* model_smmuv3_events.c */
void smmu_event_header(uint64_t word[4], uint32_t id, uint32_t sid, bool has_ssid, uint32_t ssid);
void smmu_event_fault(struct model_smmuv3 *m, uint64_t word[4], const struct smmu_access *want,
                      const struct smmu_outcome *got);
void smmu_event_post(struct model_smmuv3 *m, const uint64_t word[4], bool mergeable);
bool smmu_event_writable(const struct model_smmuv3 *m);
bool smmu_event_write(struct model_smmuv3 *m, const uint64_t word[4]);
void smmu_event_flush(struct model_smmuv3 *m);
void smmu_event_drop(struct model_smmuv3 *m);
void smmu_event_publish(struct model_smmuv3 *m);

/* model_smmuv3_stall.c */
enum model_dma_result smmu_stall_begin(struct model_smmuv3 *m, const struct model_dma *dma,
                                       const uint64_t word[4]);
void smmu_stall_record(struct model_smmuv3 *m);
void smmu_stall_resume(struct model_smmuv3 *m, uint64_t d0, uint64_t d1);
void smmu_stall_terminate_sid(struct model_smmuv3 *m, uint32_t sid, bool all);
void smmu_stall_make_stale(struct model_smmuv3 *m);

/* model_smmuv3_pri.c */
void smmu_pri_request(void *ctx, const struct model_page_request *request);
void smmu_pri_publish(struct model_smmuv3 *m);
void smmu_pri_respond(struct model_smmuv3 *m, uint64_t d0, uint64_t d1);

#ifdef __cplusplus
}
#endif
#endif
