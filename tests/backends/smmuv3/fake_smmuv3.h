/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FAKE_SMMUV3_H
#define FAKE_SMMUV3_H
/*
 * Registers that follow at once, and a command queue that logs what it consumes; the rest is
 * fake_core.h. It checks nothing; the device model does that.
 */
#include "smmuv3_internal.h"

#include "fake_core.h"

#define FAKE_LOG 4096u

struct uiommu {
    struct fake_core core;
    struct smmuv3_command log[FAKE_LOG]; /* Consumed commands. */
    uint32_t logged;
    uint32_t doorbells;
    bool hold;           /* Commands are not consumed. */
    bool stuck;          /* CR0ACK does not follow. */
    bool gbpa_stuck;     /* Nor does GBPA. */
    uint32_t leaks;      /* Times that SMMUEN went off with GBPA open. */
    uint32_t error_op;   /* This opcode fails... */
    uint32_t error_code; /* ...so... */
    uint32_t error_times;
    struct {
        uint32_t offset, value;
    } wrote[FAKE_LOG]; /* To registers. */
    uint32_t writes;
    uint32_t look_at, look_nth; /* See fake_before_read(). */
    void (*look)(struct uiommu *u);
};

struct uiommu *fake_new(void);
void fake_run(struct uiommu *u);
/* Before a register is read for the nth time from now, 0 being the next: hardware goes on. */
void fake_before_read(struct uiommu *u, uint32_t offset, uint32_t nth,
                      void (*look)(struct uiommu *u));
/* A unit with every feature, made and started. */
struct uiommu_smmuv3 *fake_unit(struct uiommu *u, const struct uiommu_smmuv3_config *config);
struct uiommu_smmuv3_config fake_config(void);

#endif
