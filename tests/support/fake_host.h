/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_TESTS_FAKE_HOST_H
#define UIOMMU_TESTS_FAKE_HOST_H
/*
 * A host for unit tests: memory that can run out at the Nth request and is accounted for, a
 * clock that the test turns, registers in an array, and counts of everything else.
 */
#include <uiommu/uiommu.h>

#define FAKE_REGISTERS 1024u /* 64-bit words */

struct fake_host {
    struct uiommu_host_ops ops; /* give this to uiommu_create(), after removing what is unwanted */
    /* memory */
    uint64_t live;       /* pieces of memory handed out */
    uint64_t live_bytes; /* their bytes */
    uint64_t gets;       /* successful and failed requests so far */
    uint64_t fail_at;    /* the request of this number, from 1, fails; 0: none */
    bool fail_after;     /* all later ones fail too */
    bool crooked;        /* memory is not aligned to 64 */
    uint32_t bad_puts;   /* what was given back was never got, or with another size */
    void (*on_get)(struct fake_host *host); /* before each request; as another thread would act */
    uint32_t locked_gets;                   /* memory asked for while interrupts were saved */
    void *pieces;                           /* list of what is handed out */
    /* clock */
    uint64_t now_ns;
    uint64_t tick_ns;                       /* every look at the clock adds so much */
    void (*on_now)(struct fake_host *host); /* before each look with no lock held; as on_get */
    /* registers: address 0 is the first */
    uint64_t registers[FAKE_REGISTERS];
    uint32_t reads, writes, bad_accesses;
    /* interrupts */
    uint32_t irq_depth, irq_saves, irq_bad;  /* bad: not undone in order */
    void (*on_lock)(struct fake_host *host); /* before a first lock; as on_get */
    /* waiting */
    uint32_t waits, wakes;
    const struct uiommu_word *woken; /* the last one */
    void (*on_wait)(struct fake_host *host, const struct uiommu_word *word);
    uintptr_t self; /* who runs */
    /* texts and transitions */
    uint32_t logs, traces, syncs;
    enum uiommu_log_level log_level;          /* of the last line */
    struct uiommu_trace trace;                /* the last one */
    void (*on_trace)(struct fake_host *host); /* after each with no lock held; as on_get */
};

/* A complete host; the heap is the host's own. */
void fake_host_init(struct fake_host *host);
/* Take the heap away: uiommu carves from mem_get(). */
void fake_host_no_heap(struct fake_host *host);
/* Take every optional op away. */
void fake_host_bare(struct fake_host *host);
/* Nothing is handed out, saved or was misused. */
bool fake_host_clean(const struct fake_host *host);
/* An instance on it; aborts the program where that fails. */
struct uiommu *fake_host_create(struct fake_host *host);
/* End it, and look whether the host is clean. */
bool fake_host_destroy(struct fake_host *host, struct uiommu *u);

#endif
