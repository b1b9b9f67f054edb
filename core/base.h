/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_CORE_BASE_H
#define UIOMMU_CORE_BASE_H
/* What the core itself stands on: locks, memory, look-up, the instance, owners, PASIDs. */
#include <uiommu/backend.h>
#include <uiommu/uiommu.h>

#include "check.h"

/* What lies there is wanted soon; any address, and no effect but on time. */
static inline void uiommu_prefetch(const void *at)
{
#if defined(__GNUC__) || defined(__clang__)
    __builtin_prefetch(at);
#else
    (void)at;
#endif
}

/* ---- heap.c, lock.c ----------------------------------------------------------------------- */

struct uiommu_lock {
    struct uiommu_word word;
};
/* Spin until it is taken. */
void uiommu_lock_wait(struct uiommu_lock *lock);
/* A lock whose holder may sleep. false: deadline passed. */
bool uiommu_control_take(struct uiommu *u, struct uiommu_word *word, uint64_t ns);
void uiommu_control_give(struct uiommu *u, struct uiommu_word *word);

/* Default heap: pieces of powers of two carved from mem_get(), never given back before the end. */
#define UIOMMU_HEAP_CLASSES 20u
struct uiommu_heap {
    struct uiommu_lock lock;
    void *free[UIOMMU_HEAP_CLASSES]; /* class k: pieces of 64 << k bytes */
    void *chunks;                    /* all memory got, to be given back */
    uint64_t outstanding;            /* bytes handed out */
};
void uiommu_heap_fini(struct uiommu *u);
/* Its lock, or nobody at it. */
bool uiommu_heap_valid(const struct uiommu_heap *heap);
/* A list of objects longer than that goes in a circle: the bound of every look at one. */
#define UIOMMU_LISTED 0x100000u

/* ---- radix.c: number -> pointer, readers without a lock ------------------------------------ */

struct uiommu_radix {
    struct uiommu_slot root; /* a node, its height in the low bits */
    uint32_t bits;           /* log2 of the entries of a node, (c) */
};
void uiommu_radix_init(struct uiommu_radix *radix, uint32_t bits);
#define UIOMMU_RADIX_HEIGHT 0x3fu
static inline uint32_t uiommu_radix_height(const void *root)
{
    return (uint32_t)((uintptr_t)root & UIOMMU_RADIX_HEIGHT);
}
static inline struct uiommu_slot *uiommu_radix_node(void *root)
{
    return (struct uiommu_slot *)((uintptr_t)root & ~(uintptr_t)UIOMMU_RADIX_HEIGHT);
}
/* The slot of key, or NULL where it was never reserved. Any context. */
static inline struct uiommu_slot *uiommu_radix_find(const struct uiommu_radix *radix, uint32_t key)
{
    void *root = uiommu_slot_load(&radix->root);
    struct uiommu_slot *node = uiommu_radix_node(root);
    uint32_t shift = uiommu_radix_height(root) * radix->bits,
             mask = (UINT32_C(1) << radix->bits) - 1u;

    if (shift == 0 || (shift < 32 && key >> shift != 0))
        return NULL;
    for (shift -= radix->bits; shift != 0; shift -= radix->bits) {
        node = (struct uiommu_slot *)uiommu_slot_load(&node[key >> shift & mask]);
        if (node == NULL)
            return NULL;
    }
    return &node[key & mask];
}
/* The value of key, or NULL. Any context. */
static inline void *uiommu_radix_get(const struct uiommu_radix *radix, uint32_t key)
{
    const struct uiommu_slot *slot = uiommu_radix_find(radix, key);

    return slot == NULL ? NULL : uiommu_slot_load(slot);
}
/* Make the slot of key exist; [task], callers exclude each other. NULL: no memory. */
struct uiommu_slot *uiommu_radix_reserve(struct uiommu *u, struct uiommu_radix *radix,
                                         uint32_t key);
/* Free all nodes; nobody reads any more. */
void uiommu_radix_fini(struct uiommu *u, struct uiommu_radix *radix);
/* Any context that reserves nothing. */
bool uiommu_radix_valid(const struct uiommu_radix *radix);

/* ---- instance.c --------------------------------------------------------------------------- */

/* How long a [task] call waits for another one in the same part of the instance. */
#define UIOMMU_CONTROL_NS     UINT64_C(10000000000)
#define UIOMMU_MAGIC_INSTANCE 0x75494f4du
#define UIOMMU_MAGIC_UNIT     0x75494f55u
#define UIOMMU_MAGIC_SPACE    0x75494f50u
#define UIOMMU_MAGIC_OWNER    0x75494f4fu
#define UIOMMU_MAGIC_ASPACE   0x75494f41u
#define UIOMMU_MAGIC_PORT     0x75494f52u
#define UIOMMU_MAGIC_DEVICE   0x75494f44u

struct uiommu {
    uint32_t magic;              /* (c) */
    bool traced;                 /* (c) the host has a trace op of its own */
    struct uiommu_host_ops host; /* (c) every slot filled but wait, wake, self */
    bool own_heap;               /* (c) heap_get is ours */
    bool irqs;                   /* (c) irq_save is the host's */
    struct uiommu_heap heap;     /* its lock */
    struct uiommu_lock lock;     /* (i) */
    uint32_t objects;            /* (i) units, spaces, owners, address spaces */
    uint32_t next_number;        /* (i) of units and address spaces */
    struct uiommu_unit *units;   /* (i) */
    struct uiommu_radix bonds;   /* index -> struct uiommu_bond; memory of bonds is type-stable */
    struct uiommu_bond *free_bonds;  /* (i) */
    uint32_t next_bond;              /* bond_control */
    struct uiommu_word bond_control; /* grows bonds */
};
bool uiommu_is_instance(const struct uiommu *u);
/* Count an object in or out. */
uint32_t uiommu_object_add(struct uiommu *u); /* returns its number */
void uiommu_object_remove(struct uiommu *u);
static inline uint64_t uiommu_now(const struct uiommu *u)
{
    return u->host.now_ns(u->host.ctx);
}
/* Saturating deadline. */
static inline uint64_t uiommu_after(uint64_t now, uint64_t ns)
{
    return ns > UINT64_MAX - now ? UINT64_MAX : now + ns;
}
void uiommu_trace_tell(struct uiommu *u, uint32_t unit, uint32_t id, uint64_t a, uint64_t b,
                       uint64_t c, uint64_t d);
static inline void uiommu_trace(struct uiommu *u, uint32_t unit, uint32_t id, uint64_t a,
                                uint64_t b, uint64_t c, uint64_t d)
{
    if (u->traced)
        uiommu_trace_tell(u, unit, id, a, b, c, d);
}
/* A spin lock: 0 free, 1 held. Interrupts stay saved while it is held. */
static inline uintptr_t uiommu_lock_take(const struct uiommu *u, struct uiommu_lock *lock)
{
    uintptr_t state = u->irqs ? u->host.irq_save(u->host.ctx) : 0;
    uint32_t seen = 0;

    if (!uiommu_word_cas(&lock->word, &seen, 1))
        uiommu_lock_wait(lock);
    return state;
}
static inline void uiommu_lock_give(const struct uiommu *u, struct uiommu_lock *lock,
                                    uintptr_t state)
{
    UIOMMU_ASSERT("a lock given was held", uiommu_word_peek(&lock->word) == 1);
    uiommu_word_store(&lock->word, 0);
    if (u->irqs)
        u->host.irq_restore(u->host.ctx, state);
}
/* Copy a caller's config of a possibly older, smaller size over zeroes. */
bool uiommu_config_copy(void *to, size_t own, const void *from, size_t theirs, size_t least);

/* ---- owner.c, pasid.c --------------------------------------------------------------------- */

struct uiommu_owner {
    uint32_t magic;                    /* (c) */
    struct uiommu *u;                  /* (c) */
    struct uiommu_owner_config config; /* (c) */
    struct uiommu_lock lock;           /* leaf, for the list and the quotas */
    struct uiommu_aspace *aspaces;     /* lock */
    uint32_t pasids, credits, bonds;   /* lock */
    uint32_t ports, spaces;            /* lock */
    struct uiommu_word dead;           /* (w) */
    struct uiommu_word in_flight;      /* (w) */
    struct uiommu_word waiting;        /* (w) groups wait for a place in flight */
    uintptr_t refused, groups, invalid, expired;
};
bool uiommu_is_owner(const struct uiommu_owner *owner);
/* Charge n of what (&owner->pasids ...) against its quota: OK, DEAD, QUOTA. */
uiommu_err uiommu_owner_charge(struct uiommu_owner *owner, uint32_t *what, uint32_t quota,
                               uint32_t n);
/* One group less has a handler: units whose groups wait for that are told. */
void uiommu_owner_leave(struct uiommu_owner *owner);
/* A port more (1) or less (all ones). */
void uiommu_owner_ports(struct uiommu_owner *owner, uint32_t change);
void uiommu_owner_refund(struct uiommu_owner *owner, uint32_t *what, uint32_t n);
/* Its lock. */
bool uiommu_owner_valid(const struct uiommu_owner *owner);

struct uiommu_pasid_space; /* pasid.c */
bool uiommu_is_space_of(const struct uiommu_pasid_space *space, const struct uiommu *u);
/* A unit begins or ends to use the space. */
void uiommu_space_use(struct uiommu_pasid_space *space, bool on);
/*
 * A bond of address space number as takes a reference (R6). NOT_FOUND: not allocated; STATE: dying;
 * BUSY: bound to another address space.
 */
uiommu_err uiommu_pasid_bond_get(struct uiommu_pasid_space *space, uint32_t pasid, uint32_t as);
/* The bond is gone: the number may rest. */
void uiommu_pasid_bond_put(struct uiommu_pasid_space *space, uint32_t pasid);
/* A poisoned bond marks (and later unmarks) the number as withheld. */
void uiommu_pasid_withhold(struct uiommu_pasid_space *space, uint32_t pasid, bool on);
/* (s) */
bool uiommu_pasid_space_valid(const struct uiommu_pasid_space *space);
/* Is somebody at it? */
bool uiommu_pasid_space_locked(const struct uiommu_pasid_space *space);

#endif
