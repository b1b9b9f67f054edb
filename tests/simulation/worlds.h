/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef WORLDS_H
#define WORLDS_H
/*
 * Small worlds: at most two devices, two PASIDs and a few requests, so that the schedules within a
 * bound of preemptions can be gone through. An address says in which life of its bond it was sent;
 * what handlers, devices and the models see is compared with that.
 */
#include "sim.h"

struct world {
    const char *name;
    const char *what;
    bool late; /* The fabric holds requests back... */
    sim_build *build, *after;
};
extern const struct world worlds[];
extern const uint32_t world_count;

/* The variant of a world: queues as small as the vendor's bench has them, interrupts. */
const struct bench_variant *world_variant(const struct world *world);
/* A sim_once; arg is the world. */
enum sim_end world_once(const struct sim_config *config, void *arg, struct sim_failure *failure);

/* ---- what worlds share; worlds_rig.c ---- */

#define LIFE(life, n)  (CONF_VA + ((uint64_t)(life) << 16) + UINT64_C(4096) * (n))
#define LIFE_OF(va)    ((uint32_t)(((va)-CONF_VA) >> 16))
#define WORLD_LATE     (240 * BENCH_US) /* Just inside the settle time. */
#define WORLD_PENDING  8u
#define WORLD_PATIENCE (100 * BENCH_MS)

/* Of the one world that runs. */
struct world_state {
    struct conf_device *d, *e;
    struct conf_space *space[3]; /* By life, from 1. */
    uint32_t pasid, other;
    struct uiommu_bond_ref bond, other_bond;
    uint32_t inside[3]; /* Handler calls that have not returned. */
    uint32_t calls[3];
    bool closed[3];    /* No handler call may begin any more. */
    uint64_t dwell_ns; /* A handler takes so long. */
    bool pend;         /* It says PENDING... */
    struct uiommu_group_ref pending[WORLD_PENDING];
    uint32_t pendings;
    uint32_t answered; /* ...and of those so many were answered, or taken away. */
    bool flag[4];      /* Between actors. */
    uint64_t mark_ns;
    bool no_present; /* The device has no op whose configuration read pushes requests. */
    bool looks_at_port, touches, slow;
    bool dies;          /* The space does, before anything is drained. */
    bool tlb;           /* Its invalidation was begun. */
    bool second;        /* Life 2 has begun. */
    uint32_t at_d3;     /* So many requests leave when D3 begins. */
    uint32_t answering; /* Answers being given. */
    uint64_t mark;
    uint32_t count[4];
    uiommu_err err;
};
extern struct world_state w;

/* Devices, spaces of lives 1 and 2, two PASIDs; the first bound to life 1. False: it failed. */
bool world_up(struct sim *s, struct conf *c, const struct conf_how *how);
/* Service one entry at a time, and slowly. */
sim_fn world_slow_servicer;
/* Service and drivers. */
void world_daemons(struct sim *s, uint32_t servicers);
/* Set a flag, wait for one; both are steps. */
void world_set(struct sim *s, uint32_t flag);
void world_wait(struct sim *s, uint32_t flag);
/* Wait until the device has an answer to its index. */
void world_answer(struct sim *s, struct conf_device *d, uint32_t index, uiommu_code code);
/* Nothing of life 1 is reachable, or in progress. */
void world_gone(struct sim *s);
/* Every Last has one answer, nothing else has one. */
void world_balance(struct sim *s, struct conf *c, void *arg);
/* unbind, with everything that must hold when it returns OK. */
void world_unbind(struct sim *s, uint32_t flags);
/* Core four, but each of the two waits for the end of its own. */
sim_build world_both;
/* Bind life 2 under the same number. */
void world_rebind(struct sim *s);

/* worlds_role.c */
sim_build world_role, world_after_role, world_kick, world_after_kick, world_polls,
    world_after_polls;
extern const struct world worlds_core[], worlds_of_bonds[], worlds_of_groups[];
extern const uint32_t worlds_core_count;
extern const uint32_t worlds_of_bonds_count, worlds_of_groups_count;

#endif
