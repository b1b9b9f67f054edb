/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "stress_threads.h"

/* Answers of handlers and of drivers that come later, from other threads. */

/* A group to be answered, perhaps by two threads at once. */
struct pending {
    struct machine *m;
    struct uiommu_unit *unit;
    struct uiommu_group_ref ref;
    _Atomic uint32_t refs;
    _Atomic uint32_t answered;
};

struct later {
    uint64_t due_ns;
    struct pending *group; /* NULL: a stop. */
    struct st_device *device;
    struct uiommu_bond_ref bond;
    uint32_t pasid;
};

static struct {
    pthread_mutex_t lock;
    struct later queue[ST_PENDING];
    uint32_t count;
} box = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool put(const struct later *what)
{
    bool room;

    (void)pthread_mutex_lock(&box.lock);
    room = box.count < ST_PENDING;
    if (room) {
        box.queue[box.count++] = *what;
    }
    (void)pthread_mutex_unlock(&box.lock);
    return room;
}

static bool take(uint64_t now, bool all, struct later *out)
{
    bool found = false;
    uint32_t i;

    (void)pthread_mutex_lock(&box.lock);
    for (i = 0; i < box.count && !found; i++) {
        if (all || box.queue[i].due_ns <= now) {
            *out = box.queue[i];
            box.queue[i] = box.queue[--box.count];
            found = true;
        }
    }
    (void)pthread_mutex_unlock(&box.lock);
    return found;
}

static void drop(struct pending *p)
{
    if (atomic_fetch_sub(&p->refs, 1) == 1) {
        st_expect(p->m, ST_ONCE, atomic_load(&p->answered) <= 1, "a group was answered %u times",
                  atomic_load(&p->answered));
        free(p);
    }
}

bool st_answer_later(struct machine *m, const struct uiommu_group *group, bool twice)
{
    struct pending *p = calloc(1, sizeof(*p));
    struct later later;

    if (p == NULL) {
        return false;
    }
    p->m = m;
    p->unit = group->unit;
    p->ref = group->ref;
    atomic_store(&p->refs, twice ? 2 : 1);
    memset(&later, 0, sizeof(later));
    later.group = p;
    /* Mostly soon, sometimes after the deadline. */
    later.due_ns = st_now(m) + (st_chance(30) ? 30 * ST_MS : st_choose(1500) * ST_US);
    if (!put(&later)) {
        free(p);
        return false;
    }
    if (twice && !put(&later)) {
        drop(p);
    }
    return true;
}

static void respond(struct machine *m, struct pending *p)
{
    uiommu_err err = uiommu_group_respond(
        p->unit, p->ref, st_chance(950) ? UIOMMU_CODE_SUCCESS : UIOMMU_CODE_INVALID);

    st_expect(m, ST_RETURNS, err == UIOMMU_OK || err == UIOMMU_E_STALE || err == UIOMMU_E_DEAD,
              "a late answer: %d", err);
    if (err == UIOMMU_E_STALE) {
        ST_COUNT(m, stale);
    } else {
        ST_COUNT(m, answered);
        atomic_fetch_add(&p->answered, 1);
    }
    drop(p);
}

/* ---- drivers ---- */

/* With the mutex. A reset forgets stops, so they are asked for again. */
static bool stopped(struct st_device *d, uint32_t pasid, bool ask)
{
    d->allowed[pasid] = 0;
    return model_endpoint_stopped(d->ep, pasid) || (ask && model_endpoint_stop(d->ep, pasid));
}

uiommu_err st_stop(void *ctx, struct uiommu_device *dev, struct uiommu_bond_ref bond,
                   uint32_t pasid)
{
    struct st_device *d = ctx;
    struct later later;
    bool done;

    st_expect(d->m, ST_IRQ, st_me->irq_depth == 0, "stop() with interrupts saved");
    st_expect(d->m, ST_OWNER_BOND, dev == d->dev && pasid >= 1 && pasid <= ST_PASIDS,
              "stop() of PASID %u for another device", pasid);
    ST_COUNT(d->m, stops);
    st_lock(d->m);
    done = stopped(d, pasid, true);
    st_unlock(d->m);
    if (st_chance(200)) {
        uiommu_err err = uiommu_unit_service(d->unit->unit, 0);

        st_expect(d->m, ST_RETURNS, err == UIOMMU_OK || err == UIOMMU_MORE || err == UIOMMU_E_BUSY,
                  "service in stop(): %d", err);
    }
    if (done && st_chance(600)) {
        return UIOMMU_OK;
    }
    memset(&later, 0, sizeof(later));
    later.due_ns = st_now(d->m) + st_choose(500) * ST_US;
    later.device = d;
    later.bond = bond;
    later.pasid = pasid;
    if (!put(&later)) {
        return done ? UIOMMU_OK : UIOMMU_E_BUSY;
    }
    return UIOMMU_PENDING;
}

static void confirm(struct machine *m, struct later *later)
{
    struct st_device *d = later->device;
    struct uiommu_bond_info info;
    uiommu_err err = uiommu_bond_get_info(m->u, later->bond, &info);
    bool done;

    st_expect(m, ST_RETURNS, err == UIOMMU_OK, "info of a bond to be stopped: %d", err);
    if (info.state == UIOMMU_BOND_FREE) {
        return; /* Its number may have a new life. */
    }
    st_lock(m);
    done = model_endpoint_stopped(d->ep, later->pasid) || model_endpoint_stop(d->ep, later->pasid);
    st_unlock(m);
    later->due_ns = st_now(m) + 100 * ST_US;
    if (!done && put(later)) {
        return;
    }
    ST_COUNT(m, late_stops);
    err = uiommu_bond_stopped(m->u, later->bond);
    st_expect(m, ST_RETURNS, err == UIOMMU_OK || err == UIOMMU_E_STALE, "a stop's word: %d", err);
}

bool st_stop_device(struct st_device *d, uint32_t pasid)
{
    uint64_t end = d->m->variant->rough ? st_now(d->m) + 20 * ST_MS : UINT64_MAX;
    bool done = false;
    uint32_t n;

    for (n = 0; !done && st_now(d->m) < end; n++) {
        st_step("stopping a device");
        st_lock(d->m);
        done = stopped(d, pasid, n % 8 == 0);
        st_unlock(d->m);
        if (!done) {
            st_sleep(20 * ST_US);
        }
    }
    return done;
}

void st_answer_loop(struct machine *m)
{
    struct later later;

    while (!atomic_load(&m->stop_all)) {
        st_step("waiting for groups");
        if (!take(st_now(m), false, &later)) {
            st_sleep(100 * ST_US);
            continue;
        }
        st_step("answering");
        if (later.group != NULL) {
            respond(m, later.group);
        } else {
            confirm(m, &later);
        }
    }
    while (take(0, true, &later)) {
        if (later.group != NULL) {
            respond(m, later.group);
        }
    }
}
