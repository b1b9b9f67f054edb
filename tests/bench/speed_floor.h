/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_TESTS_SPEED_FLOOR_H
#define UIOMMU_TESTS_SPEED_FLOOR_H
/*
 * The floor of page requests: a ring as hardware lays it out, flat tables of devices and PASIDs, a
 * handler called through a pointer, the answer as a command. It forgets all that makes a library:
 * lives, locks, credits, deadlines, hostile devices, anything that fails.
 */
#include "speed_machine.h"

struct speed_floor_group {
    uint32_t id, pasid, pages;
    const uint64_t *address;
};

struct speed_floor_space {
    uiommu_code (*fault)(void *user, const struct speed_floor_group *group);
    void *user;
};

struct speed_floor_device {
    const uint32_t *space; /* by PASID */
    uint32_t first, count; /* PASIDs */
    uint32_t number;
};

struct speed_floor_config {
    enum speed_vendor vendor;
    uint32_t devices, bonds, spaces; /* as of struct speed_machine_config; all PASIDs differ */
    uint32_t id_first;
    uint32_t ring_log2, queue_log2;
};

struct speed_floor {
    struct speed_floor_config config;
    const struct speed_vendor_ops *vendor;
    struct speed_floor_device *device; /* by ID */
    struct speed_floor_space *space;
    uint32_t *spaces;       /* numbers, by PASID */
    uint8_t *open;          /* pages of an open group, [index * devices + device] */
    uint64_t (*address)[8]; /* the same */
    unsigned char *ring, *queue;
    uint32_t put;               /* into the ring, for ever */
    _Alignas(64) uint32_t tail; /* the registers: of the ring... */
    _Alignas(64) uint32_t head;
    _Alignas(64) uint32_t doorbell; /* ...and of the commands */
    _Alignas(64) uint32_t filled;   /* commands, for ever */
    uint32_t checked;
    struct speed_sums asked, seen;
};

struct speed_floor *speed_floor_open(const struct speed_floor_config *config);
void speed_floor_close(struct speed_floor *f);
void speed_floor_ask(struct speed_floor *f, const struct speed_ask *ask);
void speed_floor_show(struct speed_floor *f);
uint32_t speed_floor_room(const struct speed_floor *f);
/* All that is in the ring. */
void speed_floor_serve(struct speed_floor *f);
bool speed_floor_check(struct speed_floor *f);

#endif
