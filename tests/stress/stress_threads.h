/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STRESS_THREADS_H
#define STRESS_THREADS_H
/* Address spaces with handlers, their lives, and the threads that meddle with them. */
#include "stress_machine.h"

#define ST_SLOTS   4u /* Address spaces alive at once. */
#define ST_BONDS   4u /* Of one address space. */
#define ST_MAGIC   UINT64_C(0x7370616365000001)
#define ST_PENDING 1024u

/* An address space. */
struct st_space {
    uint64_t magic;
    struct machine *m;
    uint64_t id;
    struct uiommu_aspace *as;
    struct uiommu_owner *owner; /* Its own, or NULL. */
    struct st_tables tables;
    uint32_t pasid;
    uint32_t mood;                   /* How its handler answers. */
    _Atomic bool dead;               /* Someone called exit. */
    _Atomic uint64_t bond[ST_BONDS]; /* References, 0: none. */
    struct st_device *device[ST_BONDS];
    uint64_t foreign; /* Bound under another one's number, and not proved gone; 0: none. */
    struct st_device *foreign_device;
};

/* Where others find it: they hold the lock for reading, whoever makes or ends it for writing. */
struct st_slot {
    pthread_rwlock_t lock;
    struct st_space *space;
};
extern struct st_slot st_slots[ST_SLOTS];

static inline struct uiommu_bond_ref st_ref(uint64_t packed)
{
    struct uiommu_bond_ref ref = {(uint32_t)packed, (uint32_t)(packed >> 32)};

    return ref;
}
static inline uint64_t st_pack(struct uiommu_bond_ref ref)
{
    return ref.index | (uint64_t)ref.generation << 32;
}

/* stress_space.c */
struct st_space *st_space_make(struct machine *m, uint32_t pasid);
/* Its bonds are gone, or going; returns when it is. */
void st_space_end(struct st_space *s);
/* Exit, and what R12 allows after it. */
void st_space_exit(struct st_space *s);

/* stress_answer.c: groups and stops to be answered later */
bool st_answer_later(struct machine *m, const struct uiommu_group *group, bool twice);
void st_answer_loop(struct machine *m);
uiommu_err st_stop(void *ctx, struct uiommu_device *dev, struct uiommu_bond_ref bond,
                   uint32_t pasid);
/* The driver stops the device by itself, and waits until it has; false: it does not. */
bool st_stop_device(struct st_device *d, uint32_t pasid);

/* stress_life.c */
/* What an unbind came to. */
void st_unbound(struct machine *m, struct st_device *d, uiommu_err err, const char *what);
void st_life_loop(struct machine *m, uint32_t slot);

/* stress_woes.c */
void st_saboteur_loop(struct machine *m);
void st_medic_loop(struct machine *m);
void st_replug_loop(struct machine *m);
void st_resetter_loop(struct machine *m);
/* false: somebody else is at it. */
bool st_reset(struct machine *m, struct st_device *chosen);
void st_sick(struct machine *m, const struct st_space *s);

/* stress_threads.c */
struct st_role {
    const char *name;
    uint32_t count;
    bool lives; /* Ends with the lives; the others serve until all are over. */
    bool rough; /* Only there. */
    void (*run)(struct machine *m, uint32_t number);
};
extern const struct st_role st_roles[];
extern const uint32_t st_role_count;

#endif
