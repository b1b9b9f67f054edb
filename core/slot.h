/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_CORE_SLOT_H
#define UIOMMU_CORE_SLOT_H
/*
 * slot.c: group slots and pages of a unit; memory lives as long as the unit. The marks are those of
 * core.h, which includes this.
 */
#include "base.h"

/* Where a group is. Changed under (u), but for OPEN -> READY (r) and PICKED -> CALLED (w). */
enum uiommu_slot_state {
    UIOMMU_SLOT_FREE,
    UIOMMU_SLOT_OPEN,    /* partials, no Last yet */
    UIOMMU_SLOT_READY,   /* complete, waits in its bond's list */
    UIOMMU_SLOT_PICKED,  /* in a runner's list, handler not called yet */
    UIOMMU_SLOT_CALLED,  /* in its handler */
    UIOMMU_SLOT_PENDING, /* the handler will answer later */
    UIOMMU_SLOT_PARKED,  /* the answer waits for room in the command ring */
    UIOMMU_SLOT_ORPHAN,  /* taken from its handler, which is about to be told */
    UIOMMU_SLOT_DONE,    /* answered or dropped; a runner still holds it */
};
#define UIOMMU_NO_SLOT UINT32_MAX

struct uiommu_group_slot {
    struct uiommu_word state; /* (w) */
    uint32_t generation;      /* (u) of the slot; part of the token */
    uint32_t index;           /* (c) of the slot */
    uint32_t id;              /* device ID it came from */
    uint32_t pasid;           /* or UIOMMU_PASID_NONE */
    uint32_t prgi;            /* PRG index or stall tag */
    uint32_t flags;           /* UIOMMU_REQUEST_PASID, _STALL */
    uint32_t alias;           /* which of the device's IDs */
    uint32_t pages;           /* requests in it */
    uint32_t last_page;       /* of the list, or UIOMMU_NO_SLOT while only the first */
    struct uiommu_page first; /* first.next begins the list */
    struct uiommu_device *dev;
    struct uiommu_bond *bond;
    uint32_t dev_generation;  /* of the device when it opened */
    uint32_t port_generation; /* of the port when it opened */
    uint32_t bond_generation;
    uint32_t next, prev; /* (r) in the list of its age */
    uint32_t ready_next; /* (r) ready or orphan list; (u) parked or freed list */
    uint8_t code;        /* (u) of a parked answer, or decided */
    uint8_t list;        /* (r) which of the age lists: 0 none, 1 open, 2 live */
    uint8_t charged;     /* (r), (u) against the port's credits or the stalls */
    uint8_t in_call;     /* (u) a runner holds it */
    uint8_t ran;         /* (u) counts against the caps */
    uint8_t orphan;      /* (u) enum uiommu_orphan */
    uint8_t beyond;      /* (r) asks for more access than entries grant: INVALID at Last */
    uint64_t since_ns;   /* (r) opened, or became complete */
    uint64_t cookie[2];  /* of its Last */
};

#define UIOMMU_SLOT_CHUNK 64u
struct uiommu_slot_chunk {
    struct uiommu_group_slot slot[UIOMMU_SLOT_CHUNK];
    struct uiommu_page page[UIOMMU_SLOT_CHUNK];
};
struct uiommu_age_list {
    uint32_t head, tail; /* oldest first */
};
struct uiommu_pool {
    struct uiommu_slot_chunk **chunks; /* (c) room for max */
    uint32_t max;                      /* (c) chunks at most */
    uint32_t count;                    /* (u) chunks there */
    uint32_t free_slot, free_page;     /* (r) */
    uint32_t freed;                    /* (u) slots given back, for (r) to take */
    uint32_t parked;                   /* (u) answers waiting, oldest first */
    uint32_t parked_tail;              /* (u) */
    struct uiommu_age_list open, live; /* (r) */
};
/* [task] Room for more groups; at start of a unit for its stalls, then with each grant. */
uiommu_err uiommu_pool_grow(struct uiommu_unit *unit, uint32_t slots);
void uiommu_pool_fini(struct uiommu_unit *unit);
/* (r) */
struct uiommu_group_slot *uiommu_slot_open(struct uiommu_unit *unit);
bool uiommu_slot_add_page(struct uiommu_unit *unit, struct uiommu_group_slot *slot,
                          uint64_t address, uint32_t access);
void uiommu_age_add(struct uiommu_unit *unit, struct uiommu_group_slot *slot, uint8_t list);
void uiommu_age_remove(struct uiommu_unit *unit, struct uiommu_group_slot *slot);
/* (r) To the young end: its deadline begins anew. */
void uiommu_age_defer(struct uiommu_unit *unit, struct uiommu_group_slot *slot);
/* (r) Give back a slot that no runner holds and that was never given to a handler. */
void uiommu_slot_close(struct uiommu_unit *unit, struct uiommu_group_slot *slot);
/* (r) Credits of groups that were answered although a runner still holds them (R25). */
void uiommu_credits_take(struct uiommu_unit *unit, struct uiommu_port *port);
/* (r) + (u) The slot counts no longer against credits or stalls. */
void uiommu_slot_uncharge(struct uiommu_unit *unit, struct uiommu_group_slot *slot);
/* (r) As that, for a group of a device that was reset. */
void uiommu_slot_forgive(struct uiommu_unit *unit, struct uiommu_group_slot *slot);
/* (r) Take what answering threads gave back. */
void uiommu_pool_reclaim(struct uiommu_unit *unit);
/* (u) The group is over: generation changes, the slot is given back unless a runner holds it. */
void uiommu_slot_end(struct uiommu_unit *unit, struct uiommu_group_slot *slot);
/* (r) + (u) */
bool uiommu_group_slot_valid(const struct uiommu_group_slot *slot);
/* (r) + (u) Every slot and every page in one list, or in use, as its state says. */
bool uiommu_pool_valid(const struct uiommu_pool *pool);
/* A picked slot's state carries its generation above, so that only its own runner calls it. */
#define UIOMMU_SLOT_STATE 0xffu
static inline uint32_t uiommu_slot_state(const struct uiommu_group_slot *slot)
{
    return uiommu_word_load(&slot->state) & UIOMMU_SLOT_STATE;
}

#endif
