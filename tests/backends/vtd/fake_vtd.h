/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FAKE_VTD_H
#define FAKE_VTD_H
/*
 * Registers that follow at once, and an invalidation queue that logs what it executes; the rest is
 * fake_core.h. It checks nothing; the device model does that.
 */
#include "vtd_internal.h"

#include "fake_core.h"

#define FAKE_LOG    4096u
#define FAKE_WRITES 64u

/* Of a register, 64 bits as their low half. */
struct fake_write {
    uint32_t offset, value;
};

struct uiommu {
    struct fake_core core;
    uint32_t commands[64]; /* Written to GCMD. */
    uint32_t command_count;
    struct vtd_descriptor log[FAKE_LOG]; /* Executed descriptors. */
    uint32_t logged;
    bool hold;          /* Nothing is fetched. */
    bool lazy;          /* Nothing is fetched behind a wait. */
    bool tail_only;     /* Fetched at a write of the tail alone. */
    bool stuck;         /* GSTS does not follow. */
    uint32_t slow;      /* GSTS does not follow what changes these bits, or writes them. */
    uint32_t late;      /* What was written then; fake_late() lets it end. */
    uint32_t time_outs; /* So many waits are aborted by a time-out... */
    uint32_t silent;    /* ...of this ID. */
    uint32_t bad_type;  /* Descriptors of this type are refused... */
    uint32_t bad_code;  /* ...so. */
    struct fake_write writes[FAKE_WRITES]; /* The last ones. */
    uint32_t write_count;
    void (*on_read)(struct uiommu *u, uint32_t offset); /* Before it; NULL: nothing. */
    void (*on_write)(struct uiommu *u, uint32_t offset, uint32_t value); /* Behind it. */
};

struct uiommu *fake_new(void);
void fake_run(struct uiommu *u);
/* The same, of what was held back. */
void fake_release(struct uiommu *u);
void fake_late(struct uiommu *u);
/* A unit with every feature, made and started. */
struct uiommu_vtd *fake_unit(struct uiommu *u, const struct uiommu_vtd_config *config);
struct uiommu_vtd_config fake_config(void);
/* A device with everything, open; NULL where it cannot be. */
struct vtd_device *fake_device(struct uiommu_vtd *hw, uint32_t id);
/* 0: none. */
uint64_t fake_ticket(struct uiommu_vtd *hw);

#endif
