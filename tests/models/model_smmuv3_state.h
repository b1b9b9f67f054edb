/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MODEL_SMMUV3_STATE_H
#define MODEL_SMMUV3_STATE_H
#include "model_internal.h"
#include "model_smmuv3.h"

#ifdef __cplusplus
extern "C" {
#endif

/* CR0 and CR0ACK */
#define SMMU_SMMUEN   0u
#define SMMU_PRIQEN   1u
#define SMMU_EVENTQEN 2u
#define SMMU_CMDQEN   3u
#define SMMU_ATSCHK   4u

/* GERROR */
#define SMMU_CMDQ_ERR       0u
#define SMMU_EVENTQ_ABT     2u
#define SMMU_PRIQ_ABT       3u
#define SMMU_MSI_CMDQ_ABT   4u
#define SMMU_MSI_EVENTQ_ABT 5u
#define SMMU_MSI_PRIQ_ABT   6u
#define SMMU_MSI_GERROR_ABT 7u
#define SMMU_SFM            8u

/* CMDQ_CONS.ERR */
#define SMMU_ERR_ILL 1u
#define SMMU_ERR_ABT 2u
#define SMMU_ERR_ATC 3u

/* Commands */
#define SMMU_CMD_PREFETCH_CONFIG 0x01u
#define SMMU_CMD_PREFETCH_ADDR   0x02u
#define SMMU_CMD_CFGI_STE        0x03u
#define SMMU_CMD_CFGI_STE_RANGE  0x04u
#define SMMU_CMD_CFGI_CD         0x05u
#define SMMU_CMD_CFGI_CD_ALL     0x06u
#define SMMU_CMD_TLBI_NH_ALL     0x10u
#define SMMU_CMD_TLBI_NH_ASID    0x11u
#define SMMU_CMD_TLBI_NH_VA      0x12u
#define SMMU_CMD_TLBI_NH_VAA     0x13u
#define SMMU_CMD_TLBI_EL2_ALL    0x20u
#define SMMU_CMD_TLBI_EL2_ASID   0x21u
#define SMMU_CMD_TLBI_EL2_VA     0x22u
#define SMMU_CMD_TLBI_EL2_VAA    0x23u
#define SMMU_CMD_TLBI_S12_VMALL  0x28u
#define SMMU_CMD_TLBI_S2_IPA     0x2Au
#define SMMU_CMD_TLBI_NSNH_ALL   0x30u
#define SMMU_CMD_ATC_INV         0x40u
#define SMMU_CMD_PRI_RESP        0x41u
#define SMMU_CMD_RESUME          0x44u
#define SMMU_CMD_STALL_TERM      0x45u
#define SMMU_CMD_SYNC            0x46u

/* Events */
#define SMMU_C_BAD_STREAMID     0x02u
#define SMMU_F_STE_FETCH        0x03u
#define SMMU_C_BAD_STE          0x04u
#define SMMU_F_BAD_ATS_TREQ     0x05u
#define SMMU_F_STREAM_DISABLED  0x06u
#define SMMU_F_TRANSL_FORBIDDEN 0x07u
#define SMMU_C_BAD_SUBSTREAMID  0x08u
#define SMMU_F_CD_FETCH         0x09u
#define SMMU_C_BAD_CD           0x0Au
#define SMMU_F_WALK_EABT        0x0Bu
#define SMMU_F_TRANSLATION      0x10u
#define SMMU_F_ADDR_SIZE        0x11u
#define SMMU_F_ACCESS           0x12u
#define SMMU_F_PERMISSION       0x13u

#define SMMU_CLASS_CD 0u
#define SMMU_CLASS_TT 1u
#define SMMU_CLASS_IN 2u

/* StreamWorlds of the Non-secure side */
#define SMMU_WORLD_EL1 0u
#define SMMU_WORLD_EL2 2u
#define SMMU_WORLD_E2H 3u

#define SMMU_STES      32u
#define SMMU_CDS       64u
#define SMMU_L1S       32u
#define SMMU_TLBS      128u
#define SMMU_SLOWS     4u
#define SMMU_PENDING   64u
#define SMMU_ATCS      256u
#define SMMU_EVENTS    64u
#define SMMU_STALLS    64u
#define SMMU_GROUPS    1024u
#define SMMU_RESPONSES 256u
#define SMMU_SEEN      16u

/* A register whose bits take effect later, one by one, each with its own acknowledge. */
struct smmu_update {
    uint32_t value;  /* As software reads it back. */
    uint32_t effect; /* What hardware acts on. */
    uint32_t ack;
    uint32_t flying; /* Bits with an update under way. */
    uint32_t generation[8];
};

struct smmu_queue {
    uint64_t base;       /* As written. */
    uint32_t prod, cons; /* The registers. */
    uint32_t hw;         /* Hardware's own index, not yet published in its register. */
    uint32_t entry_log2;
    uint32_t max_log2;
    bool base_set, prod_set, cons_set; /* Written since reset. */
    bool publishing;
    const char *name;
};

struct smmu_msi {
    uint64_t address;
    uint32_t data, attributes;
    bool address_set, attributes_set;
};

/* What an STE says about stage 2. */
struct smmu_s2 {
    uint32_t t0sz;
    uint32_t granule; /* 12, 14, 16; 0: none */
    uint32_t level;   /* Of the first table. */
    uint32_t ps_bits;
    bool affd, ptw, ha, hd, stall, record;
    uint64_t ttb;
    uint64_t hash; /* Of what TLB entries may hold. */
};

struct smmu_ste {
    bool used;
    uint32_t sid;
    uint64_t word[8];
    uint32_t bad; /* 0 or an event number. */
    bool atschk;  /* CR0.ATSCHK as it was when the entry was read. */
    uint32_t config, s1fmt, s1cdmax, s1dss, eats, strw, instcfg, privcfg, vmid;
    bool mev, s1stalld, ppar;
    uint64_t s1ptr;
    struct smmu_s2 s2;
};

struct smmu_half {
    bool epd, tbi, had, e0pd;
    uint32_t tsz;
    uint32_t granule; /* 12, 14, 16; 0: none */
    uint64_t ttb;
    uint64_t hash; /* Of what TLB entries of this half may hold. */
};

struct smmu_cd {
    bool used;
    uint32_t sid, ssid;
    uint64_t word[8];
    uint32_t bad;
    uint32_t world, vmid, asid;
    bool nested; /* Its tables are at IPAs. */
    bool aset, ha, hd, haft, affd, wxn, uwxn, pan;
    bool abort, record, stall; /* A R S */
    uint32_t ips_bits;
    struct smmu_half half[2];
};

/* A cached level-1 descriptor of the stream table (cd false) or of a CD table. */
struct smmu_l1 {
    bool used, cd;
    uint32_t sid;          /* CD tables only. */
    uint32_t index, shift; /* It is for ids with id >> shift == index. */
    uint64_t word;
};

struct smmu_tlb {
    bool used;
    bool table;    /* An intermediate descriptor: out is the next table. */
    bool ipa;      /* Of stage 2 alone: va is an IPA. */
    bool inner;    /* ipa: made for something under stage 1, not for traffic's own address. */
    bool combined; /* Of both stages: out went through stage 2. */
    bool s2clean;  /* combined: writable, not yet dirty in stage 2. */
    bool global, aset;
    bool clean; /* Writable, not yet dirty. */
    uint32_t world, vmid, asid, granule, level, size_log2;
    uint64_t va; /* First address, tag byte replaced by the sign. */
    uint64_t out;
    uint64_t attrs; /* Descriptor bits, hierarchy folded in. */
    uint64_t hash;
    uint64_t root;    /* TTB it was walked from. */
    uint64_t from;    /* Descriptor it was made from. */
    uint64_t ipa_out; /* combined: what stage 1 put out. */
    uint64_t s2attrs, s2root, s2from, s2hash;
    uint64_t s2gone; /* combined: stage 2 under it was invalidated, after this many CMD_SYNCs. */
    uint32_t sid, ssid;
};

/* A structure being read word by word. */
struct smmu_slow {
    bool used, cd;
    uint32_t sid, ssid;
    uint32_t generation;
    uint64_t address;
    uint64_t start[8]; /* All words as they were when the read began. */
    uint64_t got[8];   /* Words read so far (mask). */
    uint32_t mask;
    struct smmu_ste ste; /* A CD's. */
};

struct smmu_pending {
    bool used;
    bool held; /* Takes effect no sooner than the next CMD_SYNC. */
    uint64_t d0, d1;
};

struct smmu_atc {
    bool used;
    bool lost;
    uint64_t tag;
};

struct smmu_record {
    uint64_t word[4];
    bool mergeable;
};

enum smmu_stall_state {
    SMMU_STALL_FREE,
    SMMU_STALL_WAITING,  /* Without a STAG; is tried again by and by. */
    SMMU_STALL_PENDING,  /* Its record is not written yet. */
    SMMU_STALL_RECORDED, /* Software can know of it. */
    SMMU_STALL_DUPLICATE,
    SMMU_STALL_EARLY,  /* Retried well by hardware; the answer is still owed. */
    SMMU_STALL_ENDING, /* Answered with a termination that has not reached the device. */
};
struct smmu_stall {
    enum smmu_stall_state state;
    bool stale; /* Its record must be made anew: the configuration behind it went. */
    uint32_t stag;
    uint32_t primary; /* DUPLICATE: whose. */
    uint32_t generation;
    bool zero; /* ENDING: as read-as-zero, write-ignored. */
    uint64_t word[4];
    struct model_dma dma;
};
/* What became of a STAG. */
struct smmu_stag {
    uint32_t sid, stag;
    bool answered; /* By RESUME, and not used since. */
};

/* A Last entry that awaits its response, or a Stop Marker that must not get one. */
struct smmu_group {
    bool used, marker, has_pasid;
    uint32_t sid, pasid, index;
};

struct smmu_sync {
    bool active;
    bool failed; /* Failed before and is executed again. */
    uint64_t deadline;
    uint64_t d0, d1;
};

/* Something that wants an address translated. */
struct smmu_access {
    uint32_t sid;
    bool has_ssid;
    uint32_t ssid;
    uint64_t address;
    uint32_t access;
    bool ats;
    bool split;                  /* ATS that ends with stage 1. */
    const struct smmu_ste *over; /* Stage 2 under stage 1; NULL: none. */
};
/* An intermediate physical address that wants to be translated by stage 2. */
struct smmu_ipa {
    const struct smmu_ste *ste;
    uint64_t ipa;
    uint32_t access;
    uint32_t cls; /* For whom. */
    bool ats;
    bool direct; /* It is traffic's own address. */
};
struct smmu_outcome {
    uint32_t event; /* 0: none */
    bool silent;    /* Config 0xx */
    bool identity;
    bool ats_off; /* An ATS request met a stream without ATS. */
    uint32_t cls;
    uint64_t fetch;
    bool s2;          /* The event is of stage 2. */
    bool table_write; /* s2, CLASS=TT: the table was to be written. */
    uint64_t ipa;     /* s2 */
    bool abort, record, stall, mev;
    uint32_t access; /* As the stream's overrides make it. */
    uint64_t out;    /* Of the block's first byte. */
    uint32_t size_log2;
    uint32_t granted; /* MODEL_READ | MODEL_WRITE | MODEL_EXEC */
};

struct model_smmuv3 {
    struct model_world *world;
    struct model_fabric *fabric;
    struct model_smmuv3_config config;
    struct model_smmuv3_knobs knobs;
    struct model_smmuv3_counts counts;
    /* registers */
    uint32_t idr[6];
    struct smmu_update cr0, irq_ctrl;
    uint32_t cr1, cr2, gbpa, gbpa_next;
    bool cr1_set, cr2_set, strtab_set, strtab_cfg_set;
    uint32_t gerror, gerrorn;
    struct smmu_msi msi[3]; /* by source */
    uint64_t strtab;
    uint32_t strtab_cfg;
    struct smmu_queue cmdq, eventq, priq;
    uint32_t irq_pending;
    bool caches_cleaned, cfgi_all_seen, nsnh_all_seen, el2_all_seen;
    bool quiet; /* A guarded write was reported and goes through as garbage. */
    /* command queue */
    bool cmdq_scheduled;
    bool cmdq_stopped;   /* By an error that is not acknowledged. */
    bool sfm;            /* Service failure mode: nothing works any more. */
    uint32_t *cmdq_hash; /* Of each slot when PROD covered it; 0: unknown. */
    struct smmu_sync sync;
    bool signal_due;
    uint64_t signal_d0, signal_d1;
    uint32_t signal_generation;
    struct smmu_pending pending[SMMU_PENDING];
    bool pending_scheduled;
    uint32_t unsynced;
    bool atc_suspect; /* A failed CMD_SYNC left invalidates behind. */
    struct smmu_atc atc[SMMU_ATCS];
    uint64_t atc_tag;
    struct model_page_response response[SMMU_RESPONSES];
    uint32_t response_count;
    /* caches */
    struct smmu_ste ste[SMMU_STES];
    struct smmu_cd cd[SMMU_CDS];
    struct smmu_l1 l1[SMMU_L1S];
    struct smmu_tlb tlb[SMMU_TLBS];
    struct smmu_slow slow[SMMU_SLOWS];
    uint32_t seen_sid[SMMU_SEEN], seen_ssid[SMMU_SEEN];
    uint32_t seen_count;
    /* events and stalls */
    struct smmu_record event[SMMU_EVENTS];
    uint32_t event_first, event_count;
    struct smmu_record last_event;
    bool last_event_valid;
    struct smmu_stall stall[SMMU_STALLS];
    struct smmu_stag stag[SMMU_STALLS];
    /* page requests */
    struct smmu_group group[SMMU_GROUPS];
    uint32_t group_next;
};

#ifdef __cplusplus
}
#endif
#endif
