/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "stress_threads.h"

/* Lives of address spaces: bind to some devices, let them work, end in one of several ways. */

#define JOBS      3u /* Of one bond at a time. */
#define JOB_BYTES ((size_t)4 * 4096)
#define BIND_MS   40u /* So long a number that rests is asked for again. */

struct job {
    struct st_device *d;
    int number; /* -1: none */
    uint32_t resets;
    bool reads;
    size_t bytes;
    void *buffer;
};

struct life {
    struct machine *m;
    struct st_space *s;
    uint64_t id;
    uint32_t bonds;
    struct job job[ST_BONDS * JOBS];
};

static uint64_t buffers[ST_SLOTS][ST_BONDS * JOBS][JOB_BYTES / sizeof(uint64_t)];
/* Numbers in use, for those who try them without a right. */
static _Atomic uint32_t numbers[ST_SLOTS];

void st_unbound(struct machine *m, struct st_device *d, uiommu_err err, const char *what)
{
    st_expect(m, ST_UNBIND, err == UIOMMU_OK || st_luck(m, err), "%s: %d", what, err);
    if (err != UIOMMU_OK) {
        ST_COUNT(m, withheld);
        atomic_store(&d->sick, true);
    }
}

/* ---- jobs ---- */

static void job_start(struct life *l, struct job *job, struct st_device *d)
{
    struct machine *m = l->m;
    struct st_space *s = l->s;
    struct model_job what;
    uint32_t page = st_choose(ST_PAGES - 3);
    uint32_t offset = st_choose(4) * 64;

    job->d = d;
    job->reads = st_chance(500);
    job->bytes = 64 * (1 + st_choose((uint32_t)JOB_BYTES / 64 - 4));
    memset(&what, 0, sizeof(what));
    what.pasid = s->pasid;
    what.id_pick = st_choose(d->id_count);
    what.address = st_address(s->id, page) + offset;
    what.access = job->reads ? MODEL_READ : MODEL_WRITE;
    what.buffer = job->buffer;
    what.bytes = job->bytes;
    what.pages_per_group = 1 + st_choose(4);
    st_lock(m);
    st_fill(job->buffer, JOB_BYTES, s->id);
    if (!d->quiet && d->allowed[s->pasid] == s->id) {
        job->number = model_endpoint_start(d->ep, &what);
        job->resets = d->resets;
    }
    st_unlock(m);
    if (job->number >= 0) {
        ST_COUNT(m, jobs);
    }
}

/* With the mutex: true once it is over. */
static bool job_over(struct life *l, struct job *job, bool forget)
{
    struct machine *m = l->m;
    struct model_job_status status;

    if (job->resets != job->d->resets) {
        job->number = -1;
        return true;
    }
    model_endpoint_job(job->d->ep, job->number, &status);
    if (status.state == MODEL_JOB_RUNNING && !forget) {
        return false;
    }
    if (status.state == MODEL_JOB_DONE) {
        ST_COUNT(m, jobs_done);
        ST_COUNT_N(m, bytes, status.done_bytes);
    } else {
        ST_COUNT(m, jobs_failed);
    }
    /* What was not read keeps the owner's words, so a part is as good as all. */
    st_expect(m, ST_OWNER_DATA, st_all_words(job->buffer, job->bytes, l->id),
              "space %llu read words of another one", (unsigned long long)l->id);
    model_endpoint_job_forget(job->d->ep, job->number);
    job->number = -1;
    return true;
}

static void jobs_step(struct life *l)
{
    uint32_t i;

    for (i = 0; i < l->bonds * JOBS; i++) {
        struct job *job = &l->job[i];

        if (job->number >= 0) {
            st_lock(l->m);
            (void)job_over(l, job, false);
            st_unlock(l->m);
        }
        if (job->number < 0 && st_chance(700)) {
            job_start(l, job, l->s->device[i / JOBS]);
        }
    }
}

static void jobs_end(struct life *l)
{
    uint32_t i;

    for (i = 0; i < l->bonds * JOBS; i++) {
        if (l->job[i].number >= 0) {
            st_lock(l->m);
            (void)job_over(l, &l->job[i], true);
            st_unlock(l->m);
        }
    }
}

/* ---- bind ---- */

static uiommu_err bind_once(struct machine *m, struct st_space *s, struct st_device *d,
                            uint32_t pasid, struct uiommu_bond_ref *out)
{
    struct uiommu_bind_config config;
    uint64_t began;
    uiommu_err err;

    memset(&config, 0, sizeof(config));
    config.size = sizeof(config);
    config.pasid = pasid;
    config.user = s;
    if (atomic_load(&d->leaving) || !st_device_hold(d)) {
        return UIOMMU_E_GONE;
    }
    began = st_now(m);
    err = uiommu_bind(d->dev, s->as, &config, out);
    st_in_time(m, began, "bind");
    st_device_drop(d);
    return err;
}

static void allow(struct st_device *d, uint32_t pasid, uint64_t id)
{
    st_lock(d->m);
    d->allowed[pasid] = id;
    st_unlock(d->m);
}

/* A number that was just used rests first: BUSY until then. */
static void bind_one(struct life *l, struct st_device *d)
{
    struct machine *m = l->m;
    struct st_space *s = l->s;
    uint64_t end = st_now(m) + BIND_MS * ST_MS;
    struct uiommu_bond_ref ref = {0, 0};
    uiommu_err err;

    do {
        st_step("binding");
        allow(d, s->pasid, s->id);
        err = bind_once(m, s, d, s->pasid, &ref);
        if (err == UIOMMU_E_BUSY) {
            ST_COUNT(m, bind_busy);
            st_sleep(100 * ST_US);
        }
    } while (err == UIOMMU_E_BUSY && st_now(m) < end && !atomic_load(&s->dead));
    st_expect(m, ST_RETURNS,
              err == UIOMMU_OK || err == UIOMMU_E_BUSY || err == UIOMMU_E_GONE ||
                  err == UIOMMU_E_DEAD || st_luck(m, err),
              "bind to %s: %d", d->name, err);
    if (err != UIOMMU_OK) {
        allow(d, s->pasid, 0);
        ST_COUNT(m, bind_refused);
        return;
    }
    ST_COUNT(m, binds);
    s->device[l->bonds] = d;
    atomic_store(&s->bond[l->bonds], st_pack(ref));
    l->bonds++;
}

static void bind_some(struct life *l)
{
    uint32_t want = 1 + st_choose(ST_BONDS);
    uint32_t first = st_choose(l->m->devices);
    uint32_t i;

    for (i = 0; i < want; i++) {
        /* 3 and 10 have no common factor: all different. */
        bind_one(l, &l->m->dev[(first + 3 * i) % l->m->devices]);
    }
}

/* Bind somebody else's number: R6 lets that happen only while he has no bond. */
static void intrude(struct life *l)
{
    struct machine *m = l->m;
    uint32_t pasid = atomic_load(&numbers[st_choose(ST_SLOTS)]);
    struct st_device *d = &m->dev[st_choose(m->devices)];
    struct uiommu_bond_ref ref;
    uiommu_err err;

    if (pasid == 0 || pasid == l->s->pasid || l->s->foreign != 0) {
        return;
    }
    st_step("intruding");
    err = bind_once(m, l->s, d, pasid, &ref);
    if (err != UIOMMU_OK) {
        st_expect(m, ST_RETURNS,
                  err == UIOMMU_E_BUSY || err == UIOMMU_E_GONE || err == UIOMMU_E_NOT_FOUND ||
                      err == UIOMMU_E_STATE || err == UIOMMU_E_DEAD || st_luck(m, err),
                  "bind of a foreign number: %d", err);
        ST_COUNT(m, confined);
        return;
    }
    err = uiommu_unbind(m->u, ref, UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT);
    st_unbound(m, d, err, "unbind of a foreign number");
    if (err != UIOMMU_OK) {
        l->s->foreign = st_pack(ref);
        l->s->foreign_device = d;
    }
}

/* ---- the end ---- */

static void unbind_stepped(struct machine *m, struct st_device *d, struct uiommu_bond_ref ref,
                           uint32_t flags)
{
    uint64_t end = st_now(m) + 20 * ST_S;
    uiommu_err err = uiommu_unbind_begin(m->u, ref, flags);

    st_expect(m, ST_RETURNS, err == UIOMMU_OK, "unbind_begin: %d", err);
    do {
        st_step("polling an unbind");
        err = uiommu_unbind_poll(m->u, ref);
        if (err == UIOMMU_PENDING) {
            st_sleep(50 * ST_US);
        }
    } while (err == UIOMMU_PENDING && st_now(m) < end);
    st_unbound(m, d, err, "stepped unbind");
}

static void unbind_one(struct life *l, uint32_t i, uint32_t way)
{
    struct machine *m = l->m;
    struct uiommu_bond_ref ref = st_ref(atomic_load(&l->s->bond[i]));
    uint32_t flags = st_chance(300) ? UIOMMU_UNBIND_ABORT : 0;
    uint64_t began;
    uiommu_err err;

    st_step("unbinding");
    if (st_chance(500) && st_stop_device(l->s->device[i], l->s->pasid)) {
        flags |= UIOMMU_UNBIND_STOPPED;
    }
    if (way == 0) {
        unbind_stepped(m, l->s->device[i], ref, flags);
    } else {
        began = st_now(m);
        err = uiommu_unbind(m->u, ref, flags);
        st_in_time(m, began, "unbind");
        st_unbound(m, l->s->device[i], err, "unbind");
    }
    ST_COUNT(m, unbinds);
    if (st_chance(300)) {
        err = uiommu_unbind(m->u, ref, 0);
        st_unbound(m, l->s->device[i], err, "second unbind");
    }
}

static void end_bonds(struct life *l)
{
    uint32_t way = st_choose(4);
    uint32_t i;

    if (way == 3) {
        st_step("exit");
        st_space_exit(l->s);
        return;
    }
    if (way == 2) {
        for (i = 0; i < l->bonds; i++) {
            uiommu_err err = uiommu_unbind_begin(l->m->u, st_ref(atomic_load(&l->s->bond[i])), 0);

            st_expect(l->m, ST_RETURNS, err == UIOMMU_OK, "unbind_begin: %d", err);
        }
    }
    for (i = 0; i < l->bonds; i++) {
        unbind_one(l, i, way);
    }
}

static void publish(struct st_slot *slot, struct st_space *s)
{
    (void)pthread_rwlock_wrlock(&slot->lock);
    slot->space = s;
    (void)pthread_rwlock_unlock(&slot->lock);
}

static void live(struct machine *m, uint32_t number, uint32_t pasid)
{
    struct life l;
    uint32_t rounds = 2 + st_choose(20);
    uint32_t i;

    memset(&l, 0, sizeof(l));
    l.m = m;
    l.s = st_space_make(m, pasid);
    if (l.s == NULL) {
        return;
    }
    for (i = 0; i < ST_BONDS * JOBS; i++) {
        l.job[i].number = -1;
        l.job[i].buffer = buffers[number][i];
    }
    l.id = l.s->id;
    publish(&st_slots[number], l.s);
    bind_some(&l);
    for (i = 0; i < rounds && !atomic_load(&m->stop_lives); i++) {
        st_step("working");
        jobs_step(&l);
        if (st_chance(50)) {
            intrude(&l);
        }
        st_sleep(st_choose(400) * ST_US);
    }
    end_bonds(&l);
    st_step("unpublishing");
    publish(&st_slots[number], NULL);
    /* A dead one leaves its devices at work: reap stops them. */
    for (i = 0; i < l.bonds && !atomic_load(&l.s->dead); i++) {
        (void)st_stop_device(l.s->device[i], pasid);
    }
    st_step("ending");
    st_space_end(l.s);
    jobs_end(&l);
    ST_COUNT(m, lives);
}

void st_life_loop(struct machine *m, uint32_t slot)
{
    uint32_t pasid = 0;
    uiommu_err err;

    while (!atomic_load(&m->stop_lives)) {
        st_step("allocating");
        if (pasid == 0) {
            err = uiommu_pasid_alloc(m->pasids, m->owner, 16, &pasid);
            st_expect(m, ST_RETURNS, err == UIOMMU_OK || err == UIOMMU_E_NOSPACE || st_luck(m, err),
                      "alloc: %d", err);
            if (err != UIOMMU_OK) {
                pasid = 0;
                st_sleep(ST_MS);
                continue;
            }
            atomic_store(&numbers[slot], pasid);
        }
        live(m, slot, pasid);
        if (st_chance(400) || atomic_load(&m->stop_lives)) {
            atomic_store(&numbers[slot], 0);
            err = uiommu_pasid_put(m->pasids, pasid);
            st_expect(m, ST_RETURNS, err == UIOMMU_OK, "put: %d", err);
            pasid = 0;
        }
    }
    if (pasid != 0) {
        err = uiommu_pasid_put(m->pasids, pasid);
        st_expect(m, ST_RETURNS, err == UIOMMU_OK, "last put: %d", err);
    }
}
