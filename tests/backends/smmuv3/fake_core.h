/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FAKE_CORE_H
#define FAKE_CORE_H
/*
 * As much of the core, of a host and of registers as the backend's own tests need: memory at bus
 * addresses that are CPU addresses, registers that follow at once, a command queue that logs what
 * it consumes. It checks nothing; the device model does that.
 */
#include "smmuv3_internal.h"

#define FAKE_LOG 4096u

struct uiommu_unit {
    const struct uiommu_backend_ops *ops;
    void *hw;
    struct uiommu_caps caps;
    uint32_t locked;
};

struct uiommu {
    struct uiommu_host_ops host;
    struct uiommu_unit unit;
    uint32_t reg[0x20000 / 4];
    struct smmuv3_command log[FAKE_LOG]; /* Consumed commands. */
    uint32_t logged;
    uint32_t doorbells;
    bool hold;           /* Commands are not consumed. */
    bool stuck;          /* CR0ACK does not follow. */
    uint32_t error_op;   /* This opcode fails... */
    uint32_t error_code; /* ...so... */
    uint32_t error_times;
    uint64_t now;
    uint64_t mem_bytes, heap_bytes; /* Given out. */
    uint32_t mem_left;              /* So many more mem_get() succeed. */
    uint32_t cleaned;               /* Calls of mem_to_device(). */
};

struct uiommu *fake_new(void);
void fake_free(struct uiommu *u);
uint32_t *fake_reg(struct uiommu *u, uint32_t offset);
void fake_run(struct uiommu *u);
/* A unit with every feature, made and started. */
struct uiommu_smmuv3 *fake_unit(struct uiommu *u, const struct uiommu_smmuv3_config *config);
void fake_unit_free(struct uiommu *u);
struct uiommu_smmuv3_config fake_config(void);

#endif
