/* SPDX-License-Identifier: BSD-2-Clause */
#include "play.h"

#include <string.h>

/* CPUs with address spaces: bind to some devices, let them work, end in one of several ways. */

#define WORDS     (PLAY_PAGES * 512u)
#define UNBIND_IN (BENCH_FOREVER + 100 * BENCH_MS)
#define EXIT_IN   (PLAY_UNITS * 30 * BENCH_COMMAND)

struct job {
    int number; /* -1: none */
    uint32_t resets;
    uint64_t *buffer;
};
struct share {
    struct play_life *l;
    uint32_t number; /* Of the life, which may be recycled. */
    struct job job[PLAY_JOBS];
};
struct owned {
    struct play *p;
    struct play_space *s;
    uint32_t pasid;
    uint32_t shares;
    struct share share[PLAY_SHARES];
};

static uint64_t buffers[PLAY_CPUS][PLAY_SHARES][PLAY_JOBS][WORDS];

/* ---- jobs ---- */

static void job_start(struct share *share, struct job *job)
{
    struct play_life *l = share->l;
    struct play_device *d = l->d;
    struct model_job what;
    uint32_t page = play_pick(PLAY_PAGES), offset = 64 * play_pick(4), i;

    if (d->life[play_place(l->pasid)] != l->number || d->resetting || d->removed) {
        return;
    }
    for (i = 0; i < WORDS; i++) {
        job->buffer[i] = l->serial;
    }
    memset(&what, 0, sizeof(what));
    what.pasid = l->pasid == UIOMMU_PASID_NONE ? MODEL_NO_PASID : l->pasid;
    what.id_pick = play_pick(d->id_count);
    what.address = play_address(l, page) + offset;
    what.access = play_chance(500) ? MODEL_READ : MODEL_WRITE;
    what.buffer = job->buffer;
    what.bytes = 64 * (1 + (uint64_t)play_pick((PLAY_PAGES - page) * 64 - 4));
    what.pages_per_group = 1 + play_pick(3);
    job->number = model_endpoint_start(d->ep, &what);
    job->resets = d->resets;
    l->s->p->counts->jobs += job->number >= 0;
}

static void job_look(struct share *share, struct job *job, bool end)
{
    struct play_device *d = share->l->d;
    struct play *p = d->p;
    struct model_job_status status;
    uint32_t i;

    if (job->resets != d->resets) { /* A reset took it. */
        job->number = -1;
        return;
    }
    model_endpoint_job(d->ep, job->number, &status);
    if (status.state == MODEL_JOB_RUNNING && !end) {
        return;
    }
    p->counts->jobs_done += status.state == MODEL_JOB_DONE;
    for (i = 0; i < WORDS; i++) {
        PLAY_NEED("I1", job->buffer[i] == share->l->serial,
                  "device %u moved words of space %llu for space %u", d->number,
                  (unsigned long long)job->buffer[i], share->l->serial);
    }
    model_endpoint_job_forget(d->ep, job->number);
    job->number = -1;
}

static void jobs(struct share *share, bool end)
{
    uint32_t i;

    for (i = 0; i < PLAY_JOBS && share->l->number == share->number; i++) {
        struct job *job = &share->job[i];

        if (job->number >= 0) {
            job_look(share, job, end);
        }
        if (job->number < 0 && !end && play_chance(500)) {
            job_start(share, job);
        }
    }
}

/* ---- bind ---- */

static bool bind_may(struct play *p, uiommu_err err)
{
    switch (err) {
    case UIOMMU_OK:
    case UIOMMU_E_BUSY:
    case UIOMMU_E_DEAD:
    case UIOMMU_E_QUOTA:
    case UIOMMU_E_UNSUPPORTED:
        return true;
    case UIOMMU_E_GONE: /* Devices are reset where events ask for it. */
    case UIOMMU_E_NOMEM:
    case UIOMMU_E_NOSPACE:
    case UIOMMU_E_STATE:
    case UIOMMU_E_TIMEOUT:
    case UIOMMU_E_HW:
        return play_rough(p);
    default:
        return false;
    }
}

static uiommu_err try_bind(struct play_life *l, uint32_t cap)
{
    struct play_device *d = l->d;
    struct play *p = d->p;
    struct uiommu_bond_ref ref = {0, 0};
    struct uiommu_bind_config config;
    uint32_t self = sim_self(play_sim);
    uiommu_err err;

    memset(&config, 0, sizeof(config));
    config.size = sizeof(config);
    config.pasid = l->pasid;
    config.in_flight = cap;
    config.user = (void *)(uintptr_t)l->number;
    l->cap = cap;
    p->binding[self] = l->number;
    d->users++;
    err = uiommu_bind(d->dev, l->s->as, &config, &ref);
    d->users--;
    p->binding[self] = 0;
    if (err == UIOMMU_OK) {
        PLAY_NEED("states", l->known != 0 && memcmp(&ref, &l->ref, sizeof(ref)) == 0,
                  "bind names a bond that never became live");
        l->live = true;
    } else if (l->known == 0 && err != UIOMMU_E_TIMEOUT && err != UIOMMU_E_HW) {
        l->state = UIOMMU_BOND_FREE; /* Nobody has seen it. */
        play_state_life(p, l);
        p->counts->moves[UIOMMU_BOND_RESERVED][UIOMMU_BOND_FREE]++;
    }
    return err;
}

static void bind_one(struct owned *o, struct play_device *d)
{
    struct play *p = o->p;
    struct share *share = &o->share[o->shares];
    struct play_life *l;
    uint32_t tries = 1 + play_pick(20), i;
    uiommu_err err;

    for (;;) {
        if (d->dev == NULL || d->leaving || o->s->dead) {
            return;
        }
        l = play_life_new(p, d, o->s, o->pasid);
        err = try_bind(l, play_chance(300) ? 1 + play_pick(2) : 0);
        PLAY_NEED("I18", bind_may(p, err), "bind: %d", err);
        tries--;
        if (err == UIOMMU_OK || tries == 0) {
            break;
        }
        play_sleep(play_pick(100) * BENCH_US);
    }
    if (err != UIOMMU_OK) {
        return;
    }
    share->l = l;
    share->number = l->number;
    for (i = 0; i < PLAY_JOBS; i++) {
        share->job[i].number = -1;
    }
    if (!d->resetting) {
        d->life[play_place(o->pasid)] = l->number;
    }
    o->shares++;
}

/* R6: somebody else's number, at most while he has no bond. */
static void intrude(struct owned *o, struct play_device *d)
{
    struct play *p = o->p;
    uint32_t pasid = 1 + play_pick(PLAY_NUMBERS);
    struct play_life *l;
    uiommu_err err;

    if (pasid == o->pasid || d->dev == NULL || d->leaving ||
        (d->flags & UIOMMU_DEVICE_PASID) == 0) {
        return;
    }
    l = play_life_new(p, d, o->s, pasid);
    err = try_bind(l, 0);
    PLAY_NEED("R6", err == UIOMMU_E_NOT_FOUND || bind_may(p, err) || err == UIOMMU_E_STATE,
              "bind of a foreign number: %d", err);
    if (err == UIOMMU_OK) {
        l->word = true;
        play_ends(l);
        err = uiommu_unbind(p->bench->u, l->ref, UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT);
        PLAY_NEED("I18",
                  err == UIOMMU_OK ||
                      ((err == UIOMMU_E_POISONED || err == UIOMMU_E_WITHHELD) && play_rough(p)),
                  "unbind of a foreign number: %d", err);
        if (err != UIOMMU_OK) {
            d->ill = true;
        }
    }
}

/* ---- work ---- */

static void look_around(struct owned *o, const struct share *share)
{
    struct play *p = o->p;
    struct uiommu_bond_counters counters;
    struct uiommu_bond_info info;
    struct uiommu_pasid_info number;
    uiommu_err err = uiommu_bond_get_info(p->bench->u, share->l->ref, &info);

    PLAY_NEED("I18", err == UIOMMU_OK, "bond_get_info: %d", err);
    err = uiommu_bond_get_counters(p->bench->u, share->l->ref, &counters);
    PLAY_NEED("I18", err == UIOMMU_OK || err == UIOMMU_E_STALE, "bond_get_counters: %d", err);
    if (o->pasid != UIOMMU_PASID_NONE) {
        err = uiommu_pasid_get_info(p->bench->pasids, o->pasid, &number);
        PLAY_NEED("I17",
                  err == UIOMMU_OK && number.state == UIOMMU_PASID_ALLOCATED &&
                      number.refs >= 1 + number.bonds,
                  "PASID %u has %u references, %u bonds, state %d", o->pasid, number.refs,
                  number.bonds, (int)number.state);
    }
}

static void work(struct owned *o)
{
    struct play *p = o->p;
    uint32_t rounds = 2 + play_pick(16), i;

    while (rounds > 0 && !p->ending && !o->s->dead) {
        rounds--;
        for (i = 0; i < o->shares; i++) {
            jobs(&o->share[i], false);
        }
        if (o->shares > 0) {
            struct share *share = &o->share[play_pick(o->shares)];

            switch (play_pick(32)) {
            case 1:
            case 2:
                play_unmap(share->l, play_pick(PLAY_PAGES), play_chance(500));
                break;
            case 3:
                look_around(o, share);
                break;
            case 4:
                intrude(o, &p->dev[play_pick(p->devices)]);
                break;
            default:
                break;
            }
        }
        play_sleep(play_pick(300) * BENCH_US);
    }
}

/* ---- the end ---- */

/* R12: what a call that said so left behind. */
static void unbound(struct play_life *l, uint32_t number, uiommu_err err)
{
    struct play *p = l->d->p;
    uint32_t i;

    PLAY_NEED("I18",
              err == UIOMMU_OK ||
                  (play_rough(p) && (err == UIOMMU_E_POISONED || err == UIOMMU_E_WITHHELD)),
              "unbind: %d", err);
    if (err != UIOMMU_OK) {
        l->d->ill = true; /* The embedder resets what does not prove that it is through. */
    }
    if (err == UIOMMU_E_WITHHELD) {
        p->counts->withheld++;
        return;
    }
    if (l->number != number || l->pasid == UIOMMU_PASID_NONE) {
        return;
    }
    for (i = 0; i < l->d->id_count; i++) {
        PLAY_NEED("R12", !play_reaches(l->d, l->d->ids[i], l->pasid),
                  "unbind said %d, and device %u still reaches tables under PASID %u", err,
                  l->d->number, l->pasid);
    }
    l->over = err == UIOMMU_OK;
}

static void unbind_one(struct play *p, struct share *share, bool begun)
{
    struct play_life *l = share->l;
    uint32_t flags = play_chance(300) ? UIOMMU_UNBIND_ABORT : 0, tries = 20;
    uint64_t began = play_now(p);
    bool blocking = play_chance(500);
    uiommu_err err;

    if (l->number != share->number) {
        return;
    }
    if (play_chance(500) && !l->d->removed) {
        while (!play_stop(l->d, l->pasid) && tries > 0) {
            tries--;
            play_sleep(BENCH_US);
        }
        flags |= tries > 0 ? UIOMMU_UNBIND_STOPPED : 0;
        l->word |= tries > 0;
    }
    play_ends(l);
    if (blocking) {
        err = uiommu_unbind(p->bench->u, l->ref, flags);
    } else {
        err = uiommu_unbind_begin(p->bench->u, l->ref, flags);
        PLAY_NEED("I18", err == UIOMMU_OK, "unbind_begin: %d", err);
        do {
            err = uiommu_unbind_poll(p->bench->u, l->ref);
            if (err == UIOMMU_PENDING) {
                play_sleep((1 + play_pick(60)) * BENCH_US);
            }
        } while (err == UIOMMU_PENDING && (p->plan.harsh || play_now(p) - began < UNBIND_IN));
    }
    (void)begun;
    p->counts->unbinds++;
    PLAY_NEED("I21", p->plan.harsh || play_now(p) - began < UNBIND_IN, "an unbind took %llu us",
              (unsigned long long)((play_now(p) - began) / BENCH_US));
    unbound(l, share->number, err);
    if (play_chance(200)) {
        err = uiommu_unbind(p->bench->u, share->l->ref, 0);
        PLAY_NEED("I18", l->number != share->number || err == UIOMMU_OK || play_rough(p),
                  "a second unbind: %d", err);
    }
}

static void leave(struct play_space *s)
{
    struct play *p = s->p;
    uint64_t began = play_now(p);
    uiommu_err err;

    s->dead = true;
    err = uiommu_aspace_exit(s->as);
    s->exited = true;
    p->counts->exits++;
    PLAY_NEED("I14", p->plan.harsh || play_now(p) - began < EXIT_IN, "an exit took %llu us",
              (unsigned long long)((play_now(p) - began) / BENCH_US));
    PLAY_NEED("I15", err == UIOMMU_OK || (err == UIOMMU_E_WITHHELD && play_rough(p)), "exit: %d",
              err);
    PLAY_NEED("I15", err != UIOMMU_OK || !bench_uses_tables(p->bench, s->tables),
              "exit of space %u said OK, and its tables are in use", s->serial);
}

static void help(struct owned *o)
{
    uint32_t i;

    for (i = 0; i < o->p->devices; i++) {
        /* Bonds that never were given to anybody, too. */
        o->p->dev[i].ill |= play_rough(o->p);
    }
}

static void end_space(struct owned *o)
{
    struct play *p = o->p;
    struct play_space *s = o->s;
    uint64_t began = play_now(p);
    uiommu_err err = uiommu_aspace_destroy(s->as);
    uint32_t i;

    for (i = 0; i < o->shares; i++) {
        if (o->share[i].l->number == o->share[i].number) {
            play_ends(o->share[i].l);
        }
    }
    while (err == UIOMMU_E_BUSY) {
        if (!s->exited || play_chance(50)) {
            leave(s);
        }
        err = uiommu_aspace_reap(s->as);
        PLAY_NEED("I18",
                  err == UIOMMU_OK || err == UIOMMU_PENDING ||
                      ((err == UIOMMU_E_WITHHELD || err == UIOMMU_E_POISONED) && play_rough(p)),
                  "reap: %d", err);
        if (err == UIOMMU_E_WITHHELD || err == UIOMMU_E_POISONED) {
            help(o);
            play_sleep(200 * BENCH_US);
        }
        PLAY_NEED("I15",
                  err == UIOMMU_PENDING || err == UIOMMU_E_WITHHELD ||
                      !bench_uses_tables(p->bench, s->tables),
                  "reap of space %u said %d, and its tables are in use", s->serial, err);
        PLAY_NEED("I21", play_now(p) - began < PLAY_FOREVER, "space %u never ends: reap says %d",
                  s->serial, err);
        play_sleep((1 + play_pick(100)) * BENCH_US);
        err = uiommu_aspace_destroy(s->as);
    }
    PLAY_NEED("I18", err == UIOMMU_OK, "destroy: %d", err);
    PLAY_NEED("R27", s->calls == 0, "space %u is destroyed with %u handlers inside", s->serial,
              s->calls);
    play_space_free(s);
}

static void end_bonds(struct owned *o)
{
    struct play *p = o->p;
    uint32_t way = play_pick(4), i;
    uiommu_err err;

    if (way == 3) {
        leave(o->s);
        return;
    }
    for (i = 0; way == 2 && i < o->shares; i++) {
        play_ends(o->share[i].l);
        err = uiommu_unbind_begin(p->bench->u, o->share[i].l->ref, 0);
        PLAY_NEED("I18", err == UIOMMU_OK, "unbind_begin: %d", err);
    }
    for (i = 0; i < o->shares; i++) {
        unbind_one(p, &o->share[i], way == 2);
    }
}

/* ---- a life ---- */

static void live(struct owned *o)
{
    struct play *p = o->p;
    bool tagged = o->pasid != UIOMMU_PASID_NONE;
    enum bench_stage stage = BENCH_FIRST;
    uint32_t want = 1 + play_pick(PLAY_SHARES), first = play_pick(p->devices), i;

    if (!tagged && p->bench->features.second && p->plan.units == 1 && play_chance(500)) {
        stage = p->bench->features.nested && play_chance(300) ? BENCH_NESTED : BENCH_SECOND;
    }
    o->shares = 0;
    o->s = play_space_make(p, stage);
    if (o->s == NULL) {
        return;
    }
    for (i = 0; i < want && i < p->devices; i++) {
        bind_one(o, &p->dev[(first + i) % p->devices]);
    }
    work(o);
    end_bonds(o);
    for (i = 0; i < o->shares; i++) {
        /* A dead one leaves its devices at work: reap stops them. */
        if (!o->s->dead && o->share[i].l->number == o->share[i].number) {
            (void)play_stop(o->share[i].l->d, o->pasid);
        }
    }
    end_space(o);
    for (i = 0; i < o->shares; i++) {
        jobs(&o->share[i], true);
    }
}

static uint32_t number_get(struct play *p)
{
    struct play_owner *owner = &p->owner[play_pick(PLAY_OWNERS)];
    uint32_t pasid = 0, known = p->known;
    uiommu_err err;

    err = uiommu_pasid_alloc(p->bench->pasids, play_chance(500) ? owner->owner : NULL, 16, &pasid);
    PLAY_NEED("I18",
              err == UIOMMU_OK || err == UIOMMU_E_NOSPACE || err == UIOMMU_E_QUOTA ||
                  ((err == UIOMMU_E_DEAD || err == UIOMMU_E_NOMEM) && play_rough(p)),
              "pasid_alloc: %d", err);
    if (err != UIOMMU_OK) {
        return 0;
    }
    p->counts->allocations++;
    play_fresh(p, pasid, known);
    return pasid;
}

void play_cpu_life(struct sim *s, void *arg)
{
    struct play *p = arg;
    struct owned o;
    uint32_t i, k, slot = p->working++;
    uiommu_err err;

    (void)s;
    memset(&o, 0, sizeof(o));
    o.p = p;
    for (i = 0; i < PLAY_SHARES; i++) {
        for (k = 0; k < PLAY_JOBS; k++) {
            o.share[i].job[k].buffer = buffers[slot % PLAY_CPUS][i][k];
        }
    }
    while (!p->ending) {
        o.pasid = play_chance(150) ? UIOMMU_PASID_NONE : number_get(p);
        if (o.pasid == 0) {
            play_sleep(100 * BENCH_US);
            continue;
        }
        do {
            live(&o);
            play_sleep(play_pick(50) * BENCH_US);
        } while (!p->ending && play_chance(400));
        if (o.pasid != UIOMMU_PASID_NONE) {
            err = uiommu_pasid_put(p->bench->pasids, o.pasid);
            PLAY_NEED("I17", err == UIOMMU_OK, "pasid_put: %d", err);
        }
    }
    p->working--;
}
