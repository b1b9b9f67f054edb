/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MODEL_AMD_STATE_H
#define MODEL_AMD_STATE_H
#include "model_amd.h"
#include "model_internal.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Control */
#define AMD_IOMMU_EN      0u
#define AMD_EVT_LOG_EN    2u
#define AMD_EVT_INT_EN    3u
#define AMD_WAIT_INT_EN   4u
#define AMD_CMD_EN        12u
#define AMD_PPR_LOG_EN    13u
#define AMD_PPR_INT_EN    14u
#define AMD_PPR_EN        15u
#define AMD_GT_EN         16u
#define AMD_AUTO_RSP_EN   39u
#define AMD_BLOCK_MARKERS 41u
#define AMD_AUTO_RSP_AON  42u
#define AMD_EPH_EN        45u
#define AMD_GCR3_TRP      58u

/* Status */
#define AMD_EVT_OVERFLOW   0u
#define AMD_EVT_INT        1u
#define AMD_WAIT_INT       2u
#define AMD_EVT_RUN        3u
#define AMD_CMD_RUN        4u
#define AMD_PPR_OVERFLOW   5u
#define AMD_PPR_INT        6u
#define AMD_PPR_RUN        7u
#define AMD_PPR_OVERFLOW_B 11u
#define AMD_PPR_ACTIVE     12u
#define AMD_PPR_EARLY_B    17u
#define AMD_PPR_EARLY      18u

/* Events */
#define AMD_ILLEGAL_DTE     1u
#define AMD_PAGE_FAULT      2u
#define AMD_DEVTAB_HW       3u
#define AMD_PAGETAB_HW      4u
#define AMD_ILLEGAL_COMMAND 5u
#define AMD_COMMAND_HW      6u
#define AMD_IOTLB_TIMEOUT   7u
#define AMD_INVALID_REQUEST 8u
#define AMD_INVALID_PPR     9u
#define AMD_MASTER_ABORT    1u

/* Event flags, bits of dw1 */
#define AMD_F_GN 0x00010000u
#define AMD_F_NX 0x00020000u
#define AMD_F_US 0x00040000u
#define AMD_F_PR 0x00100000u
#define AMD_F_RW 0x00200000u
#define AMD_F_PE 0x00400000u
#define AMD_F_RZ 0x00800000u
#define AMD_F_TR 0x01000000u

#define AMD_ADDRESS UINT64_C(0x000FFFFFFFFFF000)

#define AMD_DTES    32u
#define AMD_GCR3S   64u
#define AMD_TLBS    128u
#define AMD_PENDING 64u
#define AMD_ATCS    256u
#define AMD_WAITS   16u
#define AMD_RECORDS 64u
#define AMD_LATES   64u
#define AMD_GROUPS  1024u
#define AMD_SEEN    16u
#define AMD_SLOTS   32768u

enum amd_ring_name {
    AMD_CMD,
    AMD_EVT,
    AMD_PPR_A,
    AMD_PPR_B,
    AMD_RINGS,
};
struct amd_ring {
    uint64_t base; /* As written. */
    uint32_t head, tail;
    bool run;
    bool stopping; /* En is 0, Run not yet. */
    uint32_t generation;
    bool base_set;
    /* Rules, by ring. */
    const char *base_running, *base_reserved, *pointer_reserved, *pointer_beyond, *owner, *length,
        *early, *head_rule, *not_cleared, *unwritten, *base_missing;
};
/* Entries on their way into a log. */
struct amd_fifo {
    uint64_t word[AMD_RECORDS][2];
    uint32_t first, count;
    bool scheduled;
};
/* A body that is later than its tail. */
struct amd_late {
    bool used;
    uint32_t generation;
    uint32_t ring, slot;
    uint64_t at;
    uint64_t word[2];
};

struct amd_dte {
    bool used;
    uint32_t id;
    uint64_t at;
    uint64_t word[4];
    bool v, tv, ir, iw, ppr, gprp, giov, gv, i, se, sa;
    bool bad, reserved; /* illegal; because of a reserved bit */
    bool faulted;       /* SE: has had its event */
    uint32_t mode, glx, domain, levels;
    uint64_t gcr3, root;
};
struct amd_gcr3 {
    bool used;
    uint32_t domain, pasid, id;
    uint64_t table; /* Root of the GCR3 table that it was found in, as the DTE has it. */
    uint64_t top;   /* Where that really is. */
    uint64_t at, word;
    uint64_t root; /* Where the page table that it names really is; 0: unknown. */
};
struct amd_tlb {
    bool used;
    bool table; /* An intermediate entry: out is the next table. */
    bool gn;
    bool inner;  /* Host: made for something under guest tables, not for traffic's own address. */
    bool nested; /* Guest over host: out is beyond both. */
    uint32_t domain, pasid, id, level, size_log2;
    uint64_t va, out, root, at, word;
    uint64_t top; /* Guest: where the root really is. */
    /* nested: what the guest's tables put out, and the host's root and entry under it. */
    uint64_t gpa, under_root, under_at, under_word;
    uint32_t granted; /* MODEL_READ ... ; user pages: without MODEL_PRIV they still are */
    bool user;
};
struct amd_pending {
    bool used;
    uint32_t dw[4];
};
struct amd_atc {
    bool used, lost;
    uint32_t id;
    uint64_t tag, deadline, at; /* at: bus address of the command */
};
struct amd_wait {
    uint32_t dw[4];
    uint64_t at;
    uint64_t atc_tag; /* Invalidations up to this one are covered. */
    uint64_t sequence;
    bool due; /* All is done, the store is on its way. */
};
struct amd_group {
    bool used, has_pasid, last, marker, lost, event;
    uint32_t id, pasid, index;
};

struct amd_access {
    uint32_t id;
    bool has_pasid;
    uint32_t pasid;
    uint64_t address;
    uint32_t access;
    bool ats;
};
struct amd_outcome {
    uint32_t event; /* 0: none */
    uint32_t flags; /* AMD_F_* of the event */
    uint64_t fetch; /* hardware errors: where */
    bool gn;
    uint32_t pasid, domain;
    bool identity, silent;
    uint64_t out;
    uint32_t size_log2;
    uint32_t granted;
};

struct model_amd {
    struct model_world *world;
    struct model_fabric *fabric;
    struct model_amd_config config;
    struct model_amd_knobs knobs;
    struct model_amd_counts counts;
    /* registers */
    uint64_t efr, efr2, control, status, devtab, excl_base, excl_limit;
    uint64_t xt[3];
    uint32_t auto_response, early[2];
    bool devtab_set;
    bool found;        /* Somebody else left it so. */
    bool unsynced_off; /* CmdBufEn went off with invalidations that no wait covered. */
    struct amd_ring ring[AMD_RINGS];
    uint32_t irq_pending;
    uint32_t active; /* AMD_PPR_A or AMD_PPR_B */
    /* commands */
    bool cmd_scheduled;
    bool cmd_error; /* Stopped by an error, until CmdBufEn goes 0 -> 1. */
    uint32_t *cmd_hash;
    struct amd_pending pending[AMD_PENDING];
    bool pending_scheduled;
    struct amd_atc atc[AMD_ATCS];
    uint64_t atc_tag;
    struct amd_wait wait[AMD_WAITS];
    uint32_t wait_first, wait_count;
    uint64_t sequence, synced;
    struct model_page_response response[AMD_RECORDS];
    uint32_t response_count;
    /* caches */
    struct amd_dte dte[AMD_DTES];
    struct amd_gcr3 gcr3[AMD_GCR3S];
    struct amd_tlb tlb[AMD_TLBS];
    uint32_t seen_id[AMD_SEEN], seen_pasid[AMD_SEEN];
    uint32_t seen_count;
    /* logs */
    struct amd_fifo fifo[2]; /* events, page requests */
    struct amd_late late[AMD_LATES];
    struct amd_group group[AMD_GROUPS];
    uint32_t group_next;
};

#ifdef __cplusplus
}
#endif
#endif
