/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef AMD_FAKE_CORE_H
#define AMD_FAKE_CORE_H
/*
 * Registers that follow at once, and a command buffer that logs what it executes; the rest is
 * fake_core.h. It checks nothing; the device model does that.
 */
#include "amd_internal.h"

#include "fake_core.h"

#define FAKE_LOG    1024u
#define FAKE_TEXT   4096u
#define FAKE_STORES 64u

struct fake_store {
    uint64_t *at;
    uint64_t word;
};

struct uiommu {
    struct fake_core core;
    struct amd_command log[FAKE_LOG]; /* Executed commands. */
    uint32_t logged;
    bool hold;         /* Commands are not executed. */
    bool stuck;        /* Run bits stay. */
    bool no_ppr;       /* The page request log does not run. */
    uint32_t behind;   /* So many page requests more come while the head is written. */
    bool keep_base;    /* The device table base does not move while the unit is on... */
    bool keep_size;    /* ...or its size does not. */
    bool stay_on;      /* Translation cannot be switched off. */
    uint32_t run_late; /* So many reads of the status until Run bits follow an enable. */
    uint32_t run_wait;
    volatile uint64_t *watch; /* Word 0 of an entry... */
    uint64_t watched;         /* ...as it was when the base was written. */
    uint32_t sticky;          /* So many writes do not clear interrupt bits. */
    uint32_t refuse;          /* Commands of this opcode are refused... */
    uint32_t refusals;        /* ...so often. */
    bool cached;              /* Stores of hardware are seen once the word was invalidated. */
    struct fake_store stores[FAKE_STORES]; /* Those that were not yet. */
    uint32_t store_count;
    uint32_t looks;       /* Words invalidated. */
    bool clean_locked;    /* The last word was cleaned under the lock. */
    uint32_t loose;       /* Looks at the tails of logs without the lock. */
    bool tracing;         /* Write down what is stored to registers and cleaned... */
    char text[FAKE_TEXT]; /* ...in that order. */
    void (*on_look)(struct uiommu *u, const volatile uint64_t *word); /* Before a word is seen. */
};

struct uiommu *fake_new(void);
void fake_run(struct uiommu *u);
/* Put a log entry at the tail; advance the tail without one. */
void fake_log(struct uiommu *u, uint32_t base, uint64_t a, uint64_t b);
void fake_tail(struct uiommu *u, uint32_t base);
/* From now on; and what there was since: "2038=10" is a register, "ppr0=0,0" the words at a slot
 * that was cleaned, of a command "cmd". */
void fake_trace(struct uiommu *u);
const char *fake_traced(struct uiommu *u);
/* A unit with every feature, made and started. */
struct uiommu_amd *fake_unit(struct uiommu *u, const struct uiommu_amd_config *config);
struct uiommu_amd_config fake_config(void);

#endif
