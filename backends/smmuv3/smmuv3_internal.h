/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SMMUV3_INTERNAL_H
#define SMMUV3_INTERNAL_H
/*
 * What the files of this backend share. Fields are tagged: (c) constant after probe or start,
 * (l) under the unit's command-ring lock, (r) the service role's, (t) task ops only.
 */
#include "smmuv3_regs.h"
#include <uiommu/backend.h>
#include <uiommu/smmuv3.h>

/* Commands between two CMD_SYNC at most, where that is an erratum (MMU-700, 2812531). */
#define SMMUV3_SYNC_EVERY 62u

/* One command. */
struct smmuv3_command {
    uint64_t d[2];
};

/* What the ID registers and firmware say. (c) */
struct smmuv3_features {
    bool s1p, s2p, nested; /* Stages, and both in one walk. */
    bool types_ovr;        /* STE.SHCFG exists. */
    bool coherent, btm, hyp, ats, msi, pri, cd2l, atsrecerr, two_level, small_tables, ril;
    bool sync_often;      /* Erratum: see SMMUV3_SYNC_EVERY. */
    uint32_t page1;       /* Offset of the page-1 registers. */
    uint32_t httu;        /* 0, 1: accessed flag, 2: and dirty state. */
    uint32_t stall_model; /* SMMUV3_STALL_* */
    uint32_t stall_max;
    uint32_t oas; /* As in CD.IPS. */
    uint32_t vas; /* Bits of an input address. */
    uint32_t sid_bits, ssid_bits, asid_last, vmid_last;
    uint32_t granules; /* Bit n: pages of 2^n bytes. */
    uint32_t cmdq_log2, eventq_log2, priq_log2;
};

/*
 * The command queue. Positions count commands for ever; the hardware's index is the position
 * under the ring's mask. A ticket is the position behind its CMD_SYNC. (l)
 */
struct smmuv3_cmdq {
    struct uiommu_mem mem;
    uint32_t log2;
    uint32_t since_sync; /* Commands since the last CMD_SYNC. */
    uint64_t head;       /* Written by us. */
    uint64_t told;       /* In CMDQ_PROD. */
    uint64_t done;       /* Passed by CMDQ_CONS, as last read. */
    uint64_t error_at;   /* Where the last error was. */
    uint32_t repeats;    /* Errors in a row there. */
    struct uiommu_tickets tickets;
    bool open;    /* Ops may push: between the end of start and stop. */
    bool stopped; /* No register may be touched: until start or restart. */
    bool dead;    /* Nothing will be consumed any more. */
};

/* How far the recovery of an output queue is. */
enum smmuv3_recovery {
    SMMUV3_RUNNING,
    SMMUV3_DISABLING,
    SMMUV3_READING,
    SMMUV3_ENABLING,
};

/* A queue that hardware fills: PRI queue or event queue. (r), except where noted. */
struct smmuv3_queue {
    struct uiommu_mem mem; /* (c) */
    bool present;          /* (c) */
    uint32_t log2;         /* (c) */
    uint32_t entry;        /* Bytes of an entry. (c) */
    uint32_t base_reg;     /* (c) */
    uint32_t prod_reg;     /* With the page. (c) */
    uint32_t cons_reg;     /* (c) */
    uint32_t enable;       /* Its bit in CR0. (c) */
    uint32_t abort;        /* Its bit in GERROR. (c) */
    uint32_t ring;         /* The core's number of it. (c) */
    uint32_t cons;
    uint32_t ovflg;      /* OVFLG as last read, 0 or SMMUV3_OVERFLOW. */
    uint32_t ovackflg;   /* OVACKFLG as last written. */
    uint32_t discarded;  /* Entries that went with a queue re-made; see fetch. */
    bool lost;           /* Requests went with it. */
    bool failure_sent;   /* Hardware has answered FAILURE meanwhile. */
    bool note_bad_index; /* A nonsense index has to be reported. */
    uint32_t frozen;     /* The hardware's index while what is left is read. */
    enum smmuv3_recovery recovery;
    uint64_t deadline_ns; /* Of the recovery's step. */
};

struct smmuv3_device;

/* One unit. */
struct uiommu_smmuv3 {
    struct uiommu *u;                   /* (c) */
    const struct uiommu_host_ops *host; /* (c) */
    struct uiommu_unit *unit;           /* (c) */
    struct uiommu_smmuv3_config config; /* (c) */
    struct smmuv3_features f;           /* (c) */
    uint64_t limit;                     /* Highest bus address. (c) */
    struct smmuv3_cmdq cmdq;            /* (l) */
    struct smmuv3_queue priq;           /* (r) */
    struct smmuv3_queue eventq;         /* (r) */
    uint32_t cr0;                       /* As last written. (l) */
    uint32_t gerrorn;                   /* As last written. (l) */
    uint32_t id_bits;                   /* (c) */
    bool two_level;                     /* Stream table. (c) */
    struct uiommu_mem strtab;           /* (c) */
    struct uiommu_mem *l2;              /* (l) One for each level-1 descriptor. */
    uint32_t l2_count;                  /* (c) */
    struct uiommu_requesters devices;   /* (l) */
    struct uiommu_notes notes;          /* (l) For check(). */
    bool sfm;                           /* (l) Service failure was reported. */
    bool withheld;                      /* (t) Hardware may still use the memory. */
};

/* One device. */
struct smmuv3_device {
    struct uiommu_requester who;
    uint32_t flags;      /* UIOMMU_DEVICE_* */
    uint32_t set;        /* UIOMMU_DEVICE_SET_*, as last asked for. (l) */
    uint32_t pasid_bits; /* log2 of the context descriptors. */
    bool two_level;
    struct uiommu_mem table;     /* Context descriptors, or their level-1 table. */
    struct uiommu_leaves leaves; /* (l) Two-level: one for each level-1 descriptor. */
    uint32_t firsts;             /* (l) Context descriptors in use. */
    uint32_t written;   /* (l) The step that last wrote words which a later step makes used. */
    uint64_t second[4]; /* (l) Of a second stage's entry; word 0 is 0: there is no such bond. */
    bool quiet;         /* (l) It is blocked. */
    bool by_ste;        /* (l) There was one: the whole entry is what changes. */
};

/* ---- smmuv3_init.c: registers, start, stop ------------------------------------------------ */
uint32_t uiommu_smmuv3_read(const struct uiommu_smmuv3 *hw, uint32_t offset);
void uiommu_smmuv3_write(const struct uiommu_smmuv3 *hw, uint32_t offset, uint32_t value);
void uiommu_smmuv3_write64(const struct uiommu_smmuv3 *hw, uint32_t offset, uint64_t value);
uint64_t uiommu_smmuv3_timeout_ns(const struct uiommu_smmuv3 *hw);
uiommu_err uiommu_smmuv3_start(void *ctx);
void uiommu_smmuv3_stop(void *ctx);
uiommu_err uiommu_smmuv3_restart(void *ctx);

/* ---- smmuv3_memory.c: what start() and attach take and give back -------------------------- */
uiommu_err uiommu_smmuv3_mem_get(struct uiommu_smmuv3 *hw, uint64_t bytes, uint64_t align,
                                 struct uiommu_mem *mem);
void uiommu_smmuv3_mem_put(struct uiommu_smmuv3 *hw, struct uiommu_mem *mem);
void uiommu_smmuv3_to_device(const struct uiommu_smmuv3 *hw, const volatile void *cpu,
                             uint64_t bytes);
void uiommu_smmuv3_from_device(const struct uiommu_smmuv3 *hw, const volatile void *cpu,
                               uint64_t bytes);
uiommu_err uiommu_smmuv3_memory_get(struct uiommu_smmuv3 *hw);
void uiommu_smmuv3_memory_put(struct uiommu_smmuv3 *hw);
void uiommu_smmuv3_destroy(void *ctx);

/* ---- smmuv3_probe.c ------------------------------------------------------------------------ */
uiommu_err uiommu_smmuv3_probe(void *ctx, struct uiommu_caps *out);
uint32_t uiommu_smmuv3_pa_bits(uint32_t code);

/* ---- smmuv3_cmdq.c ------------------------------------------------------------------------- */
bool uiommu_smmuv3_cmdq_room(struct uiommu_smmuv3 *hw, uint32_t commands);
volatile uint64_t *uiommu_smmuv3_cmdq_at(const struct smmuv3_cmdq *q, uint64_t position);
void uiommu_smmuv3_cmdq_store(struct uiommu_smmuv3 *hw, uint64_t position,
                              struct smmuv3_command command);
void uiommu_smmuv3_cmdq_put(struct uiommu_smmuv3 *hw, struct smmuv3_command command);
void uiommu_smmuv3_cmdq_look(struct uiommu_smmuv3 *hw);
void uiommu_smmuv3_cmdq_tell(struct uiommu_smmuv3 *hw);
uiommu_err uiommu_smmuv3_cmdq_sync(struct uiommu_smmuv3 *hw, uint64_t *out);
void uiommu_smmuv3_cmdq_drop(struct uiommu_smmuv3 *hw);
uiommu_err uiommu_smmuv3_ready(const struct uiommu_smmuv3 *hw);
uiommu_err uiommu_smmuv3_ticket(void *ctx, uint64_t *out);
uiommu_err uiommu_smmuv3_ticket_poll(void *ctx, uint64_t ticket);

/* ---- smmuv3_error.c: errors of the command queue and of the unit -------------------------- */
void uiommu_smmuv3_cmdq_error(struct uiommu_smmuv3 *hw);
void uiommu_smmuv3_check(void *ctx, struct uiommu_check *out);

/* ---- smmuv3_encode.c: commands ------------------------------------------------------------- */
struct smmuv3_command uiommu_smmuv3_cmd_cfgi_ste(uint32_t sid, bool leaf);
struct smmuv3_command uiommu_smmuv3_cmd_cfgi_all(void);
struct smmuv3_command uiommu_smmuv3_cmd_cfgi_cd(uint32_t sid, uint32_t ssid, bool leaf);
struct smmuv3_command uiommu_smmuv3_cmd_tlbi(uint32_t op);
struct smmuv3_command uiommu_smmuv3_cmd_tlbi_asid(uint32_t asid);
struct smmuv3_command uiommu_smmuv3_cmd_tlbi_va(uint32_t asid, uint64_t va, bool leaf);
struct smmuv3_command uiommu_smmuv3_cmd_tlbi_vmid(uint32_t vmid);
struct smmuv3_command uiommu_smmuv3_cmd_tlbi_ipa(uint32_t vmid, uint64_t ipa, bool leaf);
struct smmuv3_command uiommu_smmuv3_cmd_ranged(struct smmuv3_command tlbi, uint32_t granule,
                                               uint32_t num, uint32_t scale);
struct smmuv3_command uiommu_smmuv3_cmd_atc_inv(uint32_t sid, uint32_t pasid,
                                                const struct uiommu_range *range,
                                                uint32_t stu_bits);
struct smmuv3_command uiommu_smmuv3_cmd_answer(const struct uiommu_answer *answer);
struct smmuv3_command uiommu_smmuv3_cmd_stall_term(uint32_t sid);
struct smmuv3_command uiommu_smmuv3_cmd_sync(void);

/* ---- smmuv3_invalidate.c: ops that put commands ------------------------------------------- */
uiommu_err uiommu_smmuv3_config_invalidate(void *ctx, void *dev, uint32_t pasid);
uiommu_err uiommu_smmuv3_tlb_invalidate(void *ctx, void *dev_ctx, uint32_t pasid,
                                        const struct uiommu_root *root, uint32_t tag,
                                        const struct uiommu_range *range);
uiommu_err uiommu_smmuv3_dtlb_invalidate(void *ctx, void *dev, uint32_t pasid,
                                         const struct uiommu_range *range);
uiommu_err uiommu_smmuv3_barrier(void *ctx, void *dev, uint32_t pasid, uint64_t *ticket,
                                 uint32_t *strength);
uint32_t uiommu_smmuv3_respond(void *ctx, const struct uiommu_answer *answers, uint32_t count);
uiommu_err uiommu_smmuv3_command(void *ctx, const uint64_t *words, uint32_t count);
uint32_t uiommu_smmuv3_stu_bits(const struct uiommu_smmuv3 *hw);

/* ---- smmuv3_ste.c: stream table ------------------------------------------------------------ */
void uiommu_smmuv3_strtab_clear(struct uiommu_smmuv3 *hw);
uint64_t uiommu_smmuv3_l1std(uint64_t bus);
volatile uint64_t *uiommu_smmuv3_ste_at(const struct uiommu_smmuv3 *hw, uint32_t sid);
uint64_t uiommu_smmuv3_ste_attributes(const struct uiommu_smmuv3 *hw,
                                      const struct smmuv3_device *dev);
void uiommu_smmuv3_ste_build(const struct uiommu_smmuv3 *hw, const struct smmuv3_device *dev,
                             uint32_t set, uint64_t out[2]);
uiommu_err uiommu_smmuv3_device_attach(void *ctx, const struct uiommu_device_desc *desc,
                                       void **out);
void uiommu_smmuv3_device_detach(void *ctx, void *dev);
uiommu_err uiommu_smmuv3_device_set(void *ctx, void *dev, uint32_t flags, uint32_t step);
uiommu_err uiommu_smmuv3_device_isolate(void *ctx, void *dev);
uiommu_err uiommu_smmuv3_ste_sync(struct uiommu_smmuv3 *hw, struct smmuv3_device *dev,
                                  uint32_t step);
void uiommu_smmuv3_ste_shut(struct uiommu_smmuv3 *hw, const struct smmuv3_device *dev);

/* ---- smmuv3_stage2.c: bonds of the entry itself -------------------------------------------- */
bool uiommu_smmuv3_is_second(const struct uiommu_root *root);
uiommu_err uiommu_smmuv3_second_check(const struct uiommu_smmuv3 *hw,
                                      const struct smmuv3_device *dev, uint32_t pasid,
                                      const struct uiommu_root *root);
void uiommu_smmuv3_second_build(const struct uiommu_smmuv3 *hw, const struct smmuv3_device *dev,
                                const struct uiommu_root *root, uint32_t vmid, uint64_t out[4]);
uiommu_err uiommu_smmuv3_second_set(struct uiommu_smmuv3 *hw, struct smmuv3_device *dev,
                                    const struct uiommu_root *root, uint32_t tag, uint32_t step);
void uiommu_smmuv3_second_block(struct uiommu_smmuv3 *hw, struct smmuv3_device *dev);
void uiommu_smmuv3_second_clear(struct uiommu_smmuv3 *hw, struct smmuv3_device *dev);

/* ---- smmuv3_cd.c: context descriptors ------------------------------------------------------ */
uiommu_err uiommu_smmuv3_root_check(void *ctx, void *dev_ctx, uint32_t pasid,
                                    const struct uiommu_root *root);
uint32_t uiommu_smmuv3_pa_most(const struct uiommu_smmuv3 *hw, uint32_t granule_bits);
uint32_t uiommu_smmuv3_pa_code(uint32_t pa_bits);
uint32_t uiommu_smmuv3_granule_code(uint32_t granule_bits);
uint64_t uiommu_smmuv3_l1cd(uint64_t bus);
uint64_t uiommu_smmuv3_cd_idle(const struct uiommu_smmuv3 *hw);
uint64_t uiommu_smmuv3_cd_quiet(const struct uiommu_smmuv3 *hw, uint64_t word);
void uiommu_smmuv3_cd_build(const struct uiommu_smmuv3 *hw, const struct smmuv3_device *dev,
                            const struct uiommu_root *root, uint32_t asid, uint64_t out[4]);
volatile uint64_t *uiommu_smmuv3_cd_at(const struct smmuv3_device *dev, uint32_t pasid);
uiommu_err uiommu_smmuv3_cd_table_get(struct uiommu_smmuv3 *hw, struct smmuv3_device *dev);
void uiommu_smmuv3_cd_table_put(struct uiommu_smmuv3 *hw, struct smmuv3_device *dev);
uiommu_err uiommu_smmuv3_pasid_prepare(void *ctx, void *dev, uint32_t pasid);
uiommu_err uiommu_smmuv3_pasid_set(void *ctx, void *dev, uint32_t pasid,
                                   const struct uiommu_root *root, uint32_t tag, uint32_t step);
void uiommu_smmuv3_pasid_block(void *ctx, void *dev, uint32_t pasid);
void uiommu_smmuv3_pasid_clear(void *ctx, void *dev, uint32_t pasid);

/* ---- smmuv3_queue.c: what the two output queues share -------------------------------------- */
void uiommu_smmuv3_queues_init(struct uiommu_smmuv3 *hw);
struct smmuv3_queue *uiommu_smmuv3_queue_of(struct uiommu_smmuv3 *hw, uint32_t ring);
void uiommu_smmuv3_queue_forget(struct smmuv3_queue *q);
void uiommu_smmuv3_queue_discard(struct uiommu_smmuv3 *hw, struct smmuv3_queue *q);
void uiommu_smmuv3_queue_freeze(struct uiommu_smmuv3 *hw, struct smmuv3_queue *q);
bool uiommu_smmuv3_queue_is_read(const struct uiommu_smmuv3 *hw, struct smmuv3_queue *q);
void uiommu_smmuv3_queue_remake(struct uiommu_smmuv3 *hw, struct smmuv3_queue *q);
uint32_t uiommu_smmuv3_ring_pending(void *ctx, uint32_t ring);
uiommu_err uiommu_smmuv3_fetch(void *ctx, uint32_t ring, struct uiommu_fetch *io);
void uiommu_smmuv3_overflow_ack(void *ctx, uint32_t ring);

/* ---- smmuv3_prq.c, smmuv3_event.c: their entries ------------------------------------------- */
void uiommu_smmuv3_prq_decode(const uint64_t entry[2], struct uiommu_request *out);
struct smmuv3_command uiommu_smmuv3_cmd_pri_resp(const struct uiommu_answer *answer);
bool uiommu_smmuv3_event_stalls(const uint64_t record[4]);
void uiommu_smmuv3_event_request(const uint64_t record[4], struct uiommu_request *out);
void uiommu_smmuv3_event_decode(const uint64_t record[4], struct uiommu_event *out);

/* ---- smmuv3_describe.c --------------------------------------------------------------------- */
uiommu_err uiommu_smmuv3_describe(void *ctx, uint32_t id, uint32_t pasid, uint64_t *cursor,
                                  struct uiommu_item *out);

#endif
