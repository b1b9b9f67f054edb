/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FUZZ_H
#define FUZZ_H
/*
 * Bytes of an input become a life of the library on hostile hardware: what is shared by the
 * targets. Everything is deterministic: one thread, a virtual clock, no choice but the input's.
 */
#include <uiommu/backend.h>
#include <uiommu/uiommu.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a target defines; libFuzzer and the replay call it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- input: zero for ever once it is used up ---- */

struct fuzz_input {
    const uint8_t *at;
    size_t left;
};
uint32_t fuzz_u8(struct fuzz_input *in);
uint32_t fuzz_u16(struct fuzz_input *in);
uint32_t fuzz_u32(struct fuzz_input *in);
uint64_t fuzz_u64(struct fuzz_input *in);
/* Below n, from one byte. */
uint32_t fuzz_below(struct fuzz_input *in, uint32_t n);

/* ---- the host ---- */

#define FUZZ_REGIONS  2048u
#define FUZZ_REG_BASE UINT64_C(0xfed00000)

/* A piece of memory that the library has. */
struct fuzz_region {
    void *cpu;
    uint64_t bus; /* 0: plain memory. */
    uint64_t bytes;
};

struct fuzz_host {
    struct uiommu_host_ops ops;
    uint64_t now;
    const char *call; /* The public call under way, NULL: none. */
    uint64_t call_at; /* When it began... */
    uint64_t steps;   /* ...and the host ops it has used. */
    uint64_t most_steps, most_ns;
    uint64_t lines; /* Of log, in all. */
    struct fuzz_region region[FUZZ_REGIONS];
    uint32_t regions;
    uint64_t next_bus;
    uint32_t fail_in; /* So many allocations from now one fails; 0: none. */
    bool no_memory;   /* Allocation is an error now. */
    /* Registers; a host op has been used. The owner's. */
    void *owner;
    uint32_t (*read32)(void *owner, uint32_t offset);
    void (*write32)(void *owner, uint32_t offset, uint32_t value);
    void (*moment)(void *owner);
    void (*trace)(void *owner, const struct uiommu_trace *record);
};
void fuzz_host_begin(struct fuzz_host *h, void *owner);
/* Everything must have been given back; what was not is a leak. */
void fuzz_host_end(struct fuzz_host *h, bool leak_allowed);
/* Where the memory is; NULL: nobody has bytes there. */
void *fuzz_host_cpu(struct fuzz_host *h, uint64_t bus, uint64_t bytes);
/* A public call begins and ends: it is bounded in host ops and virtual time. */
void fuzz_enter(struct fuzz_host *h, const char *call);
void fuzz_leave(struct fuzz_host *h);
/* A property does not hold: print and abort. */
_Noreturn void fuzz_fail(const char *what, const char *where, int line);
#define FUZZ_CHECK(cond) ((cond) ? (void)0 : fuzz_fail(#cond, __FILE__, __LINE__))

#endif
