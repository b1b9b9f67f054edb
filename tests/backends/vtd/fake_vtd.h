/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FAKE_VTD_H
#define FAKE_VTD_H
/*
 * As much of the core, of a host and of registers as the backend's own tests need: memory at bus
 * addresses that are CPU addresses, registers that follow at once, an invalidation queue that logs
 * what it executes. It checks nothing; the device model does that.
 */
#include "vtd_internal.h"

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
    uint32_t reg[0x1000 / 4];
    uint32_t commands[64]; /* Written to GCMD. */
    uint32_t command_count;
    struct vtd_descriptor log[FAKE_LOG]; /* Executed descriptors. */
    uint32_t logged;
    bool hold;          /* Nothing is fetched. */
    bool stuck;         /* GSTS does not follow. */
    uint32_t time_outs; /* So many waits are aborted by a time-out... */
    uint32_t silent;    /* ...of this ID. */
    uint32_t bad_type;  /* Descriptors of this type are refused... */
    uint32_t bad_code;  /* ...so. */
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
struct uiommu_vtd *fake_unit(struct uiommu *u, const struct uiommu_vtd_config *config);
void fake_unit_free(struct uiommu *u);
struct uiommu_vtd_config fake_config(void);

#endif
