/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef AMD_FAKE_CORE_H
#define AMD_FAKE_CORE_H
/*
 * As much of the core, of a host and of registers as the backend's own tests need: memory at bus
 * addresses that are CPU addresses, registers that follow at once, a command buffer that logs what
 * it executes. It checks nothing; the device model does that.
 */
#include "amd_internal.h"

#define FAKE_LOG 1024u

struct uiommu_unit {
    const struct uiommu_backend_ops *ops;
    void *hw;
    struct uiommu_caps caps;
    uint32_t locked;
};

struct uiommu {
    struct uiommu_host_ops host;
    struct uiommu_unit unit;
    uint32_t reg[0x4000 / 4];
    struct amd_command log[FAKE_LOG]; /* Executed commands. */
    uint32_t logged;
    bool hold;         /* Commands are not executed. */
    bool stuck;        /* Run bits stay. */
    uint32_t sticky;   /* So many writes do not clear interrupt bits. */
    uint32_t refuse;   /* Commands of this opcode are refused... */
    uint32_t refusals; /* ...so often. */
    uint64_t now;
    uint64_t mem_bytes, heap_bytes; /* Given out. */
    uint32_t mem_left;              /* So many more mem_get() succeed. */
};

struct uiommu *fake_new(void);
void fake_free(struct uiommu *u);
uint32_t *fake_reg(struct uiommu *u, uint32_t offset);
uint64_t fake_reg64(struct uiommu *u, uint32_t offset);
void fake_run(struct uiommu *u);
/* Put a log entry at the tail; advance the tail without one. */
void fake_log(struct uiommu *u, uint32_t base, uint64_t a, uint64_t b);
void fake_tail(struct uiommu *u, uint32_t base);
/* A unit with every feature, made and started. */
struct uiommu_amd *fake_unit(struct uiommu *u, const struct uiommu_amd_config *config);
void fake_unit_free(struct uiommu *u);
struct uiommu_amd_config fake_config(void);

#endif
