/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include "stress_threads.h"

/*
 * Resets, and in a rough machine misfortune: who makes it, and who heals it. What is withheld
 * after it has to come back by a restart of the unit and a reset of the device, and by these alone.
 */

/* ---- reset ---- */

static bool in_family(const struct st_device *d, const struct st_device *chosen)
{
    return d == chosen || d->pf == chosen;
}

/* Or it was removed. */
static bool bad_luck(const struct machine *m, uiommu_err err)
{
    return st_luck(m, err) || (m->variant->rough && err == UIOMMU_E_GONE);
}

static void quiet(struct machine *m, const struct st_device *chosen, bool on)
{
    uint32_t i;

    st_lock(m);
    for (i = 0; i < m->devices; i++) {
        if (in_family(&m->dev[i], chosen)) {
            m->dev[i].quiet = on;
        }
    }
    st_unlock(m);
}

static bool is_hung(const struct st_unit *unit)
{
    struct uiommu_unit_info info;

    return uiommu_unit_get_info(unit->unit, &info) == UIOMMU_OK && info.hung;
}

static void reset_end(struct machine *m, struct st_device *d)
{
    uint64_t end = st_now(m) + (m->variant->rough ? ST_S : 20 * ST_S);
    uint64_t began;
    uiommu_err err;

    do {
        st_step("ending a reset");
        began = st_now(m);
        err = uiommu_device_reset_end(d->dev);
        st_in_time(m, began, "end of a reset");
        if (err == UIOMMU_OK) {
            return;
        }
        st_sleep(50 * ST_US);
    } while ((err == UIOMMU_PENDING || (st_luck(m, err) && !is_hung(d->unit))) && st_now(m) < end);
    if (m->variant->rough && err == UIOMMU_E_GONE) {
        return;
    }
    /* Its unit may hang, or its PF be half reset: again, once those were seen to. */
    st_expect(m, ST_RESET,
              m->variant->rough &&
                  (err == UIOMMU_PENDING || err == UIOMMU_E_BUSY || st_luck(m, err)),
              "end of a reset of %s: %d", d->name, err);
    atomic_store(&d->sick, true);
}

/* A PF's reset takes its VFs with it. */
static void reset(struct machine *m, struct st_device *chosen)
{
    static const struct model_endpoint_knobs honest = {0};
    uiommu_err err;
    uint32_t i;

    quiet(m, chosen, true);
    for (i = 0; i < m->devices; i++) {
        if (in_family(&m->dev[i], chosen)) {
            err = uiommu_device_reset_begin(m->dev[i].dev);
            st_expect(m, ST_RESET, err == UIOMMU_OK || bad_luck(m, err), "begin of a reset: %d",
                      err);
        }
    }
    st_sleep(50 * ST_US); /* What was sent downstream arrives before the reset. */
    st_lock(m);
    for (i = 0; i < m->devices; i++) {
        if (in_family(&m->dev[i], chosen)) {
            model_endpoint_set_knobs(m->dev[i].ep, &honest);
            m->dev[i].resets++;
        }
    }
    model_endpoint_reset(chosen->ep);
    st_unlock(m);
    for (i = 0; i < m->devices; i++) {
        if (in_family(&m->dev[i], chosen)) {
            reset_end(m, &m->dev[i]);
        }
    }
    quiet(m, chosen, false);
    ST_COUNT(m, resets);
}

/* Resets of one function and of its port, and what replugs it, are the host's to order. Who is at
 * it may have to wait for the medic, who therefore waits for nobody. */
bool st_reset(struct machine *m, struct st_device *chosen)
{
    struct st_device *pf = chosen->pf == NULL ? chosen : chosen->pf;

    if (pthread_mutex_trylock(&pf->family) != 0) {
        return false;
    }
    st_step("resetting");
    if (chosen->dev != NULL) {
        reset(m, chosen);
    }
    (void)pthread_mutex_unlock(&pf->family);
    return true;
}

void st_resetter_loop(struct machine *m)
{
    struct st_device *d;

    while (!atomic_load(&m->stop_lives)) {
        st_step("looking for a device");
        st_sleep(5 * ST_MS + st_choose(20000) * ST_US);
        d = &m->dev[st_choose(m->devices)];
        if ((d->flags & UIOMMU_DEVICE_PRI) != 0) {
            (void)st_reset(m, d);
        }
    }
}

/* ---- the medic ---- */

void st_sick(struct machine *m, const struct st_space *s)
{
    uint32_t i;

    for (i = 0; m->variant->rough && i < ST_BONDS; i++) {
        if (atomic_load(&s->bond[i]) != 0) {
            atomic_store(&s->device[i]->sick, true);
        }
    }
}

static void hang(struct st_unit *unit, bool on)
{
    st_lock(unit->m);
    unit->vendor->hang(&unit->b, on);
    st_unlock(unit->m);
}

static void all_sick(struct st_unit *unit)
{
    uint32_t i;

    for (i = 0; i < ST_PER; i++) {
        atomic_store(&unit->m->dev[unit->number * ST_PER + i].sick, true);
    }
}

void st_heal(struct machine *m, struct st_unit *unit)
{
    struct uiommu_unit_info info;
    uint64_t began = st_now(m);
    uiommu_err err = uiommu_unit_get_info(unit->unit, &info);

    if (err != UIOMMU_OK || !info.hung || info.suspended) {
        return;
    }
    st_step("restarting a unit");
    hang(unit, false);
    err = uiommu_unit_restart(unit->unit);
    st_in_time(m, began, "restart");
    st_expect(m, ST_HEAL, err == UIOMMU_OK || st_luck(m, err), "restart of %s: %d",
              unit->vendor->name, err);
    if (err == UIOMMU_OK) {
        ST_COUNT(m, restarts);
        all_sick(unit);
    }
}

void st_medic_loop(struct machine *m)
{
    uint32_t i;

    while (!atomic_load(&m->stop_all)) {
        for (i = 0; i < m->devices; i++) {
            struct st_device *d = &m->dev[i];

            st_heal(m, d->unit);
            if (atomic_exchange(&d->sick, false) && !st_reset(m, d->pf == NULL ? d : d->pf)) {
                atomic_store(&d->sick, true);
            }
        }
        st_step("waiting for patients");
        st_sleep(2 * ST_MS);
    }
}

/* ---- the saboteur ---- */

static void sleep_and_wake(struct machine *m, struct st_unit *unit)
{
    uint64_t end = st_now(m) + 5 * ST_S;
    uint64_t began;
    uiommu_err err = uiommu_unit_suspend(unit->unit);

    st_expect(m, ST_RETURNS, err == UIOMMU_OK || st_luck(m, err), "suspend: %d", err);
    if (err != UIOMMU_OK) {
        return;
    }
    st_sleep(st_choose(2000) * ST_US);
    hang(unit, false); /* The medic leaves a sleeper alone. */
    st_lock(m);
    if (st_chance(600)) {
        unit->vendor->power_cycle(&unit->b);
    }
    st_unlock(m);
    do {
        st_step("waking a unit");
        began = st_now(m);
        err = uiommu_unit_resume(unit->unit);
        st_in_time(m, began, "resume");
    } while (st_luck(m, err) && st_now(m) < end);
    st_expect(m, ST_HEAL, err == UIOMMU_OK, "resume of %s: %d", unit->vendor->name, err);
    ST_COUNT(m, sleeps);
    all_sick(unit);
}

static void hang_for_a_while(struct machine *m, struct st_unit *unit)
{
    uint32_t i;

    ST_COUNT(m, hangs);
    hang(unit, true);
    if (st_chance(700)) {
        all_sick(unit); /* Somebody needs it now. */
    }
    for (i = 0; i < 40 + st_choose(400) && !is_hung(unit); i += 5) {
        st_sleep(5 * ST_MS);
    }
    if (!is_hung(unit)) {
        hang(unit, false); /* Whoever waits goes on. */
    }
}

static void odd_device(struct machine *m, struct st_device *d)
{
    struct model_endpoint_knobs knobs;

    memset(&knobs, 0, sizeof(knobs));
    switch (st_choose(4)) {
    case 0:
        knobs.exceed_credits = true;
        break;
    case 1:
        knobs.lose_marker = true;
        break;
    case 2:
        knobs.never_stops = true;
        break;
    default:
        knobs.ignore_invalidations = true;
        break;
    }
    st_lock(m);
    model_endpoint_set_knobs(d->ep, &knobs);
    st_unlock(m);
    ST_COUNT(m, oddities);
    st_sleep(st_choose(20) * ST_MS);
    atomic_store(&d->sick, true);
}

static void switch_off(struct machine *m, struct st_device *d)
{
    uiommu_err err;

    if (d->port != NULL) {
        err = uiommu_port_switch_off(d->port);
        st_expect(m, ST_RETURNS, err == UIOMMU_OK, "switch off: %d", err);
        ST_COUNT(m, switch_offs);
        st_sleep(ST_MS);
        atomic_store(&d->sick, true);
    }
}

/* Until somebody has noticed. */
static void no_memory(struct machine *m)
{
    uint64_t before = atomic_load(&m->tally.no_memory);
    uint32_t i;

    atomic_store_explicit(&m->fail_per_mille, 300, memory_order_relaxed);
    for (i = 0; i < 50 && atomic_load(&m->tally.no_memory) == before; i++) {
        st_sleep(3 * ST_MS);
    }
    atomic_store_explicit(&m->fail_per_mille, 0, memory_order_relaxed);
}

/* What the model does at once. */
static void spoil(struct machine *m, struct st_unit *unit, uint32_t which)
{
    st_lock(m);
    if (which == 0) {
        unit->vendor->overflow(&unit->b);
    } else if (which == 1) {
        unit->vendor->event_flood(&unit->b, 1 + st_choose(60));
        ST_COUNT(m, floods);
    } else if (which == 2) {
        unit->vendor->lose_invalidations(&unit->b, 1 + st_choose(3));
        ST_COUNT(m, lost_invalidations);
    } else {
        unit->vendor->slow_ring(&unit->b, st_choose(3) * 5 * (uint32_t)ST_US);
        ST_COUNT(m, lags);
    }
    st_unlock(m);
}

void st_saboteur_loop(struct machine *m)
{
    while (!atomic_load(&m->stop_lives)) {
        struct st_unit *unit = &m->unit[st_choose(m->units)];
        struct st_device *d = &m->dev[st_choose(m->devices)];
        uint32_t which = st_choose(9);

        st_step("looking for mischief");
        st_sleep(2 * ST_MS + st_choose(16) * ST_MS);
        st_step("sabotaging");
        if (which < 4) {
            spoil(m, unit, which);
        } else if (which == 4) {
            hang_for_a_while(m, unit);
        } else if (which == 5) {
            sleep_and_wake(m, unit);
        } else if (which == 6) {
            odd_device(m, d);
        } else if (which == 7) {
            switch_off(m, d);
        } else {
            no_memory(m);
        }
    }
}

/* ---- plug and unplug ---- */

static void unplug(struct machine *m, struct st_device *d, bool removed)
{
    uiommu_err err;

    if (removed) {
        st_lock(m);
        model_endpoint_remove(d->ep);
        d->resets++;
        st_unlock(m);
        err = uiommu_device_removed(d->dev);
        st_expect(m, ST_RESET, err == UIOMMU_OK || st_luck(m, err), "removal: %d", err);
        ST_COUNT(m, removals);
    }
}

static void show_line(void *ctx, const char *line)
{
    if (strncmp(line, "bond state", 10) == 0) {
        printf("  PASID %u: %s\n", *(const uint32_t *)ctx, line);
    }
}

/* What keeps it. */
static void show_bonds(struct st_device *d)
{
    uint32_t pasid;
    const struct uiommu_sink sink = {&pasid, show_line};

    for (pasid = 1; pasid <= ST_PASIDS; pasid++) {
        if (uiommu_unit_dump(d->unit->unit, d->id, pasid, &sink) != UIOMMU_OK) {
            printf("  PASID %u: no dump\n", pasid);
        }
    }
}

static bool detached(struct machine *m, struct st_device *d, uint64_t end)
{
    uiommu_err err;

    do {
        st_step("detaching");
        err = uiommu_device_detach(d->dev);
        if (err == UIOMMU_PENDING) {
            st_bell(d->unit);
        }
        st_sleep(ST_MS);
    } while ((err == UIOMMU_PENDING || err == UIOMMU_E_BUSY || st_luck(m, err)) && st_now(m) < end);
    return err == UIOMMU_OK;
}

/* What the medic cannot do for one that is not attached: its reset, which nobody has to be told. */
static void revive(struct machine *m, struct st_device *d)
{
    static const struct model_endpoint_knobs honest = {0};

    if ((d->flags & UIOMMU_DEVICE_PRI) != 0) {
        st_lock(m);
        model_endpoint_set_knobs(d->ep, &honest);
        model_endpoint_reset(d->ep);
        st_unlock(m);
    }
}

static void plug(struct machine *m, struct st_device *d, bool fresh)
{
    uint64_t end = st_now(m) + 25 * ST_S;
    uint32_t i;

    if (fresh) {
        st_lock(m);
        for (i = 0; i < d->id_count; i++) {
            model_fabric_detach_endpoint(d->unit->b.fabric, d->id + i);
        }
        st_unlock(m);
    }
    d->dev = NULL;
    while (!st_device_make(d, fresh)) {
        st_step("attaching");
        fresh = false;
        st_sleep(2 * ST_MS);
        revive(m, d); /* It may have been made silent while it was away. */
        if (atomic_load(&m->failed[ST_DOWN]) != 0 ||
            !st_expect(m, ST_HEAL, st_now(m) < end, "%s cannot be attached again: %d", d->name,
                       d->refused)) {
            return;
        }
    }
    ST_COUNT(m, replugs);
}

/* One without virtual functions, taken away when nobody uses it, or while somebody does. */
void st_replug_loop(struct machine *m)
{
    while (!atomic_load(&m->stop_lives)) {
        struct st_device *d = &m->dev[st_choose(m->units) * ST_PER + 3 + st_choose(2)];
        bool removed = st_chance(500);

        st_step("looking for a plug");
        st_sleep(st_choose(60) * ST_MS);
        (void)pthread_mutex_lock(&d->family);
        (void)pthread_rwlock_wrlock(&d->held);
        if (d->dev != NULL) {
            atomic_store(&d->leaving, true);
            unplug(m, d, removed);
        }
        (void)pthread_rwlock_unlock(&d->held);
        (void)pthread_mutex_unlock(&d->family);
        st_sleep(20 * ST_MS);
        (void)pthread_mutex_lock(&d->family);
        (void)pthread_rwlock_wrlock(&d->held);
        if (detached(m, d, st_now(m) + (removed ? 25 * ST_S : 50 * ST_MS))) {
            plug(m, d, removed);
        } else if (!st_expect(m, ST_HEAL, !removed, "%s was removed, and cannot be detached",
                              d->name)) {
            show_bonds(d);
        }
        atomic_store(&d->leaving, false);
        (void)pthread_rwlock_unlock(&d->held);
        (void)pthread_mutex_unlock(&d->family);
    }
}
