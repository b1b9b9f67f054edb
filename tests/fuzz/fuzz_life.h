/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FUZZ_LIFE_H
#define FUZZ_LIFE_H
/*
 * One life of the real core on a hostile unit: objects, what the input lets them do, what must
 * hold meanwhile, and the end, after which nothing may be left.
 */
#include "fuzz_unit.h"

#define FUZZ_DEVICES  3u
#define FUZZ_SPACES   2u
#define FUZZ_BONDS    8u
#define FUZZ_PENDING  16u
#define FUZZ_PASIDS   4u
#define FUZZ_GROUPS   4096u
#define FUZZ_REQUESTS 4096u
#define FUZZ_OPS      400u

struct fuzz_life;

struct fuzz_device {
    struct fuzz_life *f;
    struct uiommu_device *dev; /* NULL: not attached. */
    struct uiommu_port *port;
    uint32_t id, flags;
    uint32_t stop;    /* What its stop() says: 0 OK, 1 PENDING, 2 an error. */
    uint32_t stopped; /* What pri_stopped() says. */
    bool fails;       /* Its enables fail. */
    bool absent;
    bool removed, resetting;
};

struct fuzz_space {
    struct fuzz_life *f;
    struct uiommu_aspace *as;
    bool exited;
};

struct fuzz_bond {
    struct uiommu_bond_ref ref; /* Generation 0: none. */
    uint32_t device, space, pasid;
    uint64_t born; /* Requests seen before. */
};

/* A request as it was taken from a ring. */
struct fuzz_seen {
    uint64_t who, address;
};

struct fuzz_life {
    struct fuzz_host host;
    struct fuzz_unit hw;
    struct fuzz_input in;
    struct uiommu *u;
    struct uiommu_pasid_space *pasids;
    struct uiommu_owner *owner;
    struct uiommu_unit *unit;
    bool started, suspended;
    uint32_t pasid[FUZZ_PASIDS];
    struct fuzz_device device[FUZZ_DEVICES];
    struct fuzz_space space[FUZZ_SPACES];
    struct fuzz_bond bond[FUZZ_BONDS];
    struct uiommu_group_ref pending[FUZZ_PENDING];
    uint32_t pendings;
    bool ending; /* Handlers are good from now on. */
    /* Groups that were dispatched, answered or dropped, by token; every token once. */
    uint64_t dispatched[FUZZ_GROUPS], ended[FUZZ_GROUPS];
    uint32_t dispatched_count, ended_count;
    struct fuzz_seen seen[FUZZ_REQUESTS];
    uint64_t seen_count;
    uint64_t lasts, answers; /* What wants an answer, and got one. */
};

/* Unit, devices and spaces from the first bytes; false: the unit was refused. */
bool fuzz_life_begin(struct fuzz_life *f, const struct fuzz_vendor *vendor);
void fuzz_life_step(struct fuzz_life *f);
/* At quiet points. */
void fuzz_life_check(struct fuzz_life *f);
/* The hardware is good again: everything must go. */
void fuzz_life_end(struct fuzz_life *f);
/* With a port of so many credits. */
void fuzz_attach(struct fuzz_life *f, uint32_t device, uint32_t want);
void fuzz_space_make(struct fuzz_life *f, uint32_t space);
/* In fuzz_handlers.c. */
/* A handler has seen the token, and nothing has ended it. */
bool fuzz_token_open(const struct fuzz_life *f, struct uiommu_group_ref ref);
extern const struct uiommu_device_ops fuzz_device_ops;
extern const struct uiommu_aspace_ops fuzz_aspace_ops;
void fuzz_trace(void *owner, const struct uiommu_trace *record);
/* Properties hold only after a status other than E_INTERNAL. */
#define FUZZ_CALL(f, call) fuzz_done(f, (fuzz_enter(&(f)->host, #call), (call)))
uiommu_err fuzz_done(struct fuzz_life *f, uiommu_err err);
/* Libfuzzer's entry of the hostile targets. */
int fuzz_hostile(const struct fuzz_vendor *vendor, const uint8_t *data, size_t size);

#endif
