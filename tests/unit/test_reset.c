/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_bond.h"

/* reset.c: cutting off, and the steps of a reset (R5, R9, R18, R19, R20, R30, R33, I19). */

static struct uiommu_port port;
static uiommu_err cut, config_says;
static uint32_t cuts, configs, strength;

static uiommu_err isolate(void *hw, void *d)
{
    cr_assert(hw == &toy && d == &toy);
    cuts++;
    return cut;
}
static uiommu_err config(void *hw, void *d, uint32_t pasid)
{
    cr_assert(hw == &toy && d == &toy && pasid == UIOMMU_PASID_ALL);
    configs++;
    return config_says;
}
static uiommu_err barrier(void *hw, void *d, uint32_t pasid, uint64_t *ticket, uint32_t *out)
{
    cr_assert(hw == &toy && d == &toy && pasid == UIOMMU_PASID_NONE);
    *out = strength;
    return toy_ticket(hw, ticket);
}

/* A new device; it is the unit's only one. */
static void fresh(void)
{
    struct uiommu_event event;

    bond_fresh(UIOMMU_PHASE_POISONED);
    memset(&port, 0, sizeof(port));
    dev.magic = UIOMMU_MAGIC_DEVICE;
    dev.ids[0].id = 8;
    dev.port = &port;
    unit->devices = &dev;
    unit->caps.flags |= UIOMMU_CAP_ISOLATE;
    unit->ops.device_isolate = isolate;
    unit->ops.config_invalidate = config;
    unit->ops.barrier = barrier;
    cut = config_says = UIOMMU_OK;
    strength = UIOMMU_BARRIER_PROVED;
    cuts = configs = 0;
    toy.tickets = 0;
    toy.failing = TOY_NONE;
    uiommu_word_store(&unit->hung, 0);
    while (uiommu_unit_next_event(unit, &event) == UIOMMU_OK)
        ;
}

static void up(void)
{
    toy_up();
    fresh();
}

static void down(void)
{
    unit->devices = NULL;
    unit->stopping = NULL;
    toy_end();
}

TestSuite(reset, .init = up, .fini = down);

static uint32_t state(void)
{
    return uiommu_word_load(&dev.state);
}
static uint32_t generation(void)
{
    return uiommu_word_load(&dev.generation);
}
static uint32_t step(void)
{
    return uiommu_word_load(&dev.reset_step);
}
static uint32_t isolations(void)
{
    struct uiommu_event event;
    uint32_t n = 0;

    while (uiommu_unit_next_event(unit, &event) == UIOMMU_OK)
        n += event.kind == UIOMMU_EVENT_DEVICE_ISOLATED ? event.count : 0;
    return n;
}

/* ---- what others are told, and what is so at that moment ---- */

static struct uiommu_trace heard; /* the last of a device */
static uint32_t hears, events_then, swept_then, role_then, wants_then;
static uint64_t clock_then;

static void hear(void *ctx, const struct uiommu_trace *record)
{
    (void)ctx;
    if (record->id != UIOMMU_TRACE_DEVICE)
        return;
    heard = *record;
    hears++;
    events_then = unit->events.head - unit->events.tail;
    swept_then = dev.swept_generation;
}
/* Locks are taken inside the sweep, too. */
static uintptr_t saves(void *ctx)
{
    (void)ctx;
    if (dev.swept_generation == 2 && role_then == UINT32_MAX) {
        role_then = uiommu_word_load(&unit->role);
        clock_then = unit->now_ns;
    }
    return 0;
}
static void restores(void *ctx, uintptr_t irq)
{
    (void)ctx;
    (void)irq;
}
static void woken(void *ctx, const struct uiommu_word *word)
{
    (void)ctx;
    (void)word;
    wants_then = wants();
}

Test(reset, told)
{
    struct uiommu_host_ops ops = u->host;
    uint32_t logs = host.logs;

    u->host.trace = hear;
    hears = 0;
    uiommu_device_isolate(&dev);
    cr_assert(hears == 1 && host.logs == logs + 1);
    cr_assert_eq(events_then, 0, "the cause first");
    cr_assert(heard.a == 8 && heard.b == 1 && heard.c == UIOMMU_EVENT_DEVICE_ISOLATED);
    cr_assert_eq(heard.d, 0);
    cr_assert_eq(uiommu_device_reset_begin(&dev), UIOMMU_OK);
    cr_assert(hears == 2 && heard.b == 2 && heard.c == UIOMMU_EVENT_REQUESTS_LOST);
    cr_assert_eq(swept_then, 1, "before anything ends for it");
    cr_assert_eq(uiommu_device_removed(&dev), UIOMMU_OK, "also in the middle of a reset");
    cr_assert(hears == 3 && heard.b == 3 && heard.c == UIOMMU_EVENT_REQUESTS_LOST);
    cr_assert(swept_then == 2 && state() == UIOMMU_DEVICE_GONE && generation() == 3);
    u->host = ops;
}

/* The sweep is done in the role, and by the clock of now. */
Test(reset, swept_in_the_role)
{
    struct uiommu_host_ops ops = u->host;

    u->host.irq_save = saves;
    u->host.irq_restore = restores;
    role_then = UINT32_MAX;
    unit->now_ns = 0;
    cr_assert_eq(uiommu_device_reset_begin(&dev), UIOMMU_OK);
    cr_assert_eq(role_then, UIOMMU_ROLE_TAKEN);
    cr_assert_neq(clock_then, 0);
    u->host = ops;
}

/* R25, I9: what handlers have from before counts no longer; of this device, and of before. */
Test(reset, credits_of_before)
{
    struct uiommu_group_slot *slot[3];
    struct uiommu_device far;
    uint32_t i;

    memset(&far, 0, sizeof(far));
    far.unit = unit;
    far.port = &port;
    cr_assert_eq(uiommu_pool_grow(unit, 4), UIOMMU_OK);
    for (i = 0; i < 3; i++) {
        slot[i] = uiommu_slot_open(unit);
        slot[i]->dev = i == 2 ? &far : &dev;
        slot[i]->dev_generation = i == 1 ? 2 : 1;
        slot[i]->pages = 1;
        slot[i]->charged = 1;
        uiommu_word_store(&slot[i]->state, UIOMMU_SLOT_CALLED);
        uiommu_age_add(unit, slot[i], 2);
    }
    uiommu_word_store(&port.outstanding, 3);
    uiommu_word_store(&port.groups, 3);
    cr_assert_eq(uiommu_device_reset_begin(&dev), UIOMMU_OK);
    cr_assert(!slot[0]->charged && slot[1]->charged && slot[2]->charged);
    cr_assert_eq(uiommu_word_load(&port.outstanding), 2);
    for (i = 0; i < 3; i++) {
        uiommu_age_remove(unit, slot[i]);
        slot[i]->charged = 0;
    }
}

/* A group that was left PENDING by a handler of before, after the sweep: it goes as well, once. */
Test(reset, swept_again)
{
    struct uiommu_group_slot *slot;

    cr_assert_eq(uiommu_pool_grow(unit, 4), UIOMMU_OK);
    slot = uiommu_slot_open(unit);
    slot->dev = &dev;
    slot->dev_generation = 1;
    slot->bond = &bond;
    uiommu_word_store(&slot->state, UIOMMU_SLOT_PENDING);
    uiommu_age_add(unit, slot, 2);
    dev.swept_generation = 2;
    uiommu_word_store(&dev.generation, 2);
    uiommu_reset_step(&dev);
    cr_assert_eq(uiommu_slot_state(slot), UIOMMU_SLOT_PENDING);
    uiommu_word_store(&dev.resweep, 1);
    uiommu_reset_step(&dev);
    cr_assert_eq(uiommu_slot_state(slot), UIOMMU_SLOT_ORPHAN);
    cr_assert(unit->orphans == slot && uiommu_word_load(&dev.resweep) == 0);
    uiommu_word_store(&dev.resweep, 1);
    uiommu_word_store(&dev.generation, 3);
    uiommu_reset_step(&dev);
    cr_assert(dev.swept_generation == 3 && uiommu_word_load(&dev.resweep) == 0, "in one");
    unit->orphans = NULL;
    uiommu_age_remove(unit, slot);
}

/* ---- cutting off ---- */

/* R19, R30: the port's FAILURE is told to all of it, service is due, and all that once. */
Test(reset, cut_off)
{
    uint32_t due = uiommu_word_load(&unit->due);

    uiommu_device_isolate(&dev);
    cr_assert(state() == UIOMMU_DEVICE_ISOLATED && uiommu_word_load(&port.failed) == 1);
    cr_assert_neq(uiommu_word_load(&unit->due), due);
    uiommu_device_isolate(&dev);
    cr_assert_eq(isolations(), 1);
    fresh();
    dev.port = NULL;
    uiommu_device_isolate(&dev);
    cr_assert(state() == UIOMMU_DEVICE_ISOLATED && isolations() == 1);
    fresh();
    uiommu_word_store(&dev.state, UIOMMU_DEVICE_RESETTING);
    uiommu_device_isolate(&dev);
    cr_assert(state() == UIOMMU_DEVICE_RESETTING && isolations() == 0);
    cr_assert_eq(uiommu_word_load(&port.failed), 0);
}

/* So many violations are too many; UINT32_MAX: never. */
Test(reset, violations)
{
    unit->config.violations = 3;
    uiommu_device_violation(&dev);
    uiommu_device_violation(&dev);
    cr_assert_eq(state(), UIOMMU_DEVICE_NORMAL);
    uiommu_device_violation(&dev);
    cr_assert(state() == UIOMMU_DEVICE_ISOLATED && dev.violations == 3);
    fresh();
    unit->config.violations = UINT32_MAX;
    dev.violations = UINT32_MAX - 1;
    uiommu_device_violation(&dev);
    cr_assert_eq(state(), UIOMMU_DEVICE_NORMAL);
}

static void isolated(void)
{
    fresh();
    uiommu_word_store(&dev.state, UIOMMU_DEVICE_ISOLATED);
}

static void look(bool goes_on, uint32_t did_cut, uint32_t did_config, uint64_t tickets)
{
    uiommu_reset_step(&dev);
    cr_assert_eq(dev.isolating, goes_on);
    cr_assert(cuts == did_cut && configs == did_config && toy.tickets == tickets, "%u %u %u", cuts,
              configs, (uint32_t)toy.tickets);
}

/* The entry, the caches behind it, and a ticket; then never again in this state. */
Test(reset, cut_in_hardware)
{
    isolated();
    look(true, 1, 1, 1);
    toy.failing = TOY_POLL;
    toy.with = UIOMMU_PENDING;
    look(true, 1, 1, 1);
    toy.failing = TOY_NONE;
    look(false, 1, 1, 1);
    look(false, 1, 1, 1);
    uiommu_word_store(&dev.state, UIOMMU_DEVICE_NORMAL);
    look(false, 1, 1, 1);
    uiommu_word_store(&dev.state, UIOMMU_DEVICE_ISOLATED);
    look(true, 2, 2, 2);
    isolated();
    unit->caps.flags &= ~UIOMMU_CAP_ISOLATE;
    look(false, 0, 0, 0);
    fresh();
    look(false, 0, 0, 0);
}

/* Each step until its ticket is done; what fails or finds no room is done again. */
Test(reset, cut_in_steps)
{
    isolated();
    cut = UIOMMU_MORE;
    look(true, 1, 1, 1);
    look(true, 1, 1, 1);
    cut = UIOMMU_OK;
    look(true, 2, 2, 2);
    look(false, 2, 2, 2);
    isolated();
    cut = UIOMMU_E_BUSY;
    look(true, 1, 0, 0);
    cut = UIOMMU_OK;
    config_says = UIOMMU_E_BUSY;
    look(true, 2, 1, 0);
    config_says = UIOMMU_OK;
    toy.failing = TOY_TICKET;
    toy.with = UIOMMU_E_BUSY;
    look(true, 3, 2, 1);
    toy.failing = TOY_NONE;
    look(true, 4, 3, 2);
    toy.failing = TOY_POLL;
    toy.with = UIOMMU_E_HW;
    look(true, 4, 3, 2);
    toy.failing = TOY_NONE;
    look(true, 5, 4, 3);
    look(false, 5, 4, 3);
    isolated();
    cut = UIOMMU_E_UNSUPPORTED;
    look(false, 1, 0, 0);
    look(false, 1, 0, 0);
}

/* ---- the steps of a reset ---- */

static void asked(void)
{
    fresh();
    uiommu_word_store(&dev.state, UIOMMU_DEVICE_RESETTING);
    uiommu_word_store(&dev.reset_step, UIOMMU_RESET_ASKED);
    dev.violations = 2;
    toy.waiting = 6;
    toy.failing = TOY_POLL;
    toy.with = UIOMMU_PENDING;
    unit->config.command_ns = UINT64_MAX / 2;
}

/* R5: a barrier of its own; one that proves ends the reset at once, others a settle time on. */
Test(reset, stamped)
{
    asked();
    uiommu_reset_step(&dev);
    cr_assert_eq(step(), UIOMMU_RESET_BARRIER);
    cr_assert(dev.reset_barrier == 1 && dev.reset_until_ns == T0 + unit->config.drain_ns);
    toy.failing = TOY_NONE;
    uiommu_reset_step(&dev);
    cr_assert(step() == UIOMMU_RESET_STAMPED && dev.gen_at[0] == 6 && dev.violations == 0);
    asked();
    toy.failing = TOY_NONE;
    strength = UIOMMU_BARRIER_ORDERED;
    host.now_ns = T0;
    uiommu_reset_step(&dev);
    cr_assert(step() == UIOMMU_RESET_SETTLE && dev.gen_at[0] == 0 && dev.violations == 2);
    cr_assert_geq(dev.reset_until_ns, T0 + unit->settle_ns);
    unit->now_ns = dev.reset_until_ns - 1;
    uiommu_reset_step(&dev);
    cr_assert_eq(step(), UIOMMU_RESET_SETTLE);
    unit->now_ns++;
    uiommu_reset_step(&dev);
    cr_assert(step() == UIOMMU_RESET_STAMPED && dev.gen_at[0] == 6 && dev.violations == 0);
    toy.waiting = 0;
}

/* R33: without a barrier there is no end; it has drain_ns. */
Test(reset, unstamped)
{
    asked();
    uiommu_reset_step(&dev);
    unit->now_ns = dev.reset_until_ns - 1;
    uiommu_reset_step(&dev);
    cr_assert_eq(step(), UIOMMU_RESET_BARRIER);
    unit->now_ns++;
    uiommu_reset_step(&dev);
    cr_assert_eq(step(), UIOMMU_RESET_FAILED);
    cr_assert(dev.gen_at[0] == 0 && dev.violations == 2);
    asked();
    toy.with = UIOMMU_E_HW;
    uiommu_reset_step(&dev);
    cr_assert_eq(step(), UIOMMU_RESET_FAILED);
    toy.waiting = 0;
}

/* R21: when there is something to do. */
Test(reset, deadlines)
{
    uint32_t s;

    dev.reset_until_ns = 77;
    for (s = UIOMMU_RESET_NONE; s <= UIOMMU_RESET_FAILED; s++) {
        uiommu_word_store(&dev.reset_step, s);
        dev.isolating = false;
        cr_assert_eq(uiommu_reset_deadline(&dev, 1000),
                     s == UIOMMU_RESET_SETTLE                               ? 77
                     : s == UIOMMU_RESET_ASKED || s == UIOMMU_RESET_BARRIER ? 1000 + UIOMMU_RETRY_NS
                                                                            : UINT64_MAX);
        dev.isolating = true;
        cr_assert_eq(uiommu_reset_deadline(&dev, 1000),
                     s == UIOMMU_RESET_SETTLE ? 77 : 1000 + UIOMMU_RETRY_NS);
    }
    dev.isolating = false;
}

/* ---- begin ---- */

/* I19: a new generation, once for a reset, and once more where the end was tried. */
Test(reset, begun)
{
    uint32_t s, due = uiommu_word_load(&unit->due), before;

    cr_assert_eq(uiommu_device_reset_begin(&dev), UIOMMU_OK);
    cr_assert(state() == UIOMMU_DEVICE_RESETTING && generation() == 2);
    cr_assert(step() == UIOMMU_RESET_BEGUN && uiommu_word_load(&dev.shut) == 1);
    cr_assert_eq(dev.swept_generation, 2, "at once: nobody serves the unit");
    cr_assert_eq(uiommu_word_load(&unit->role), 0);
    cr_assert_neq(uiommu_word_load(&unit->due), due);
    cr_assert_eq(uiommu_device_reset_begin(&dev), UIOMMU_OK);
    cr_assert_eq(generation(), 2, "it is the same one");
    for (s = UIOMMU_RESET_ASKED; s <= UIOMMU_RESET_FAILED; s++) {
        uiommu_word_store(&dev.reset_step, s);
        before = generation();
        cr_assert_eq(uiommu_device_reset_begin(&dev), UIOMMU_OK);
        cr_assert(generation() == before + 1 && step() == UIOMMU_RESET_BEGUN);
    }
    uiommu_word_store(&dev.state, UIOMMU_DEVICE_GONE);
    configs = 0;
    before = generation();
    cr_assert_eq(uiommu_device_reset_begin(&dev), UIOMMU_E_GONE);
    cr_assert(generation() == before && configs == 0);
    cr_assert_eq(uiommu_device_reset_begin(NULL), UIOMMU_E_HANDLE);
}

/* Who serves the unit sweeps, and is told (R21). */
Test(reset, begun_while_served)
{
    cr_assert(uiommu_role_take(unit));
    cr_assert_eq(uiommu_device_reset_begin(&dev), UIOMMU_OK);
    cr_assert(generation() == 2 && dev.swept_generation == 1);
    cr_assert(uiommu_role_drop(unit), "word was left");
    uiommu_reset_step(&dev);
    cr_assert_eq(dev.swept_generation, 2);
    cr_assert_eq(dev.counters.resets, 1);
    uiommu_reset_step(&dev);
    cr_assert_eq(dev.counters.resets, 1);
}

/* ---- who is due ---- */

static struct uiommu_device more[3];

static void due_fresh(void)
{
    uint32_t i;

    fresh();
    for (i = 0; i < 3; i++) {
        more[i] = dev;
        uiommu_device_due(&more[i]);
        uiommu_device_due(&more[i]); /* once is enough */
    }
}

static bool due_are(const struct uiommu_device *a, const struct uiommu_device *b)
{
    bool ok = unit->due_first == a && unit->due_last == b;

    return ok && a->due_next == b && b->due_next == NULL && uiommu_word_peek(&unit->due_count) == 2;
}

/* First come, first stepped; one that goes may be anywhere, or not in the list. */
Test(reset, due_list)
{
    due_fresh();
    uiommu_device_undue(&more[0]);
    cr_assert(due_are(&more[1], &more[2]) && !more[0].due);
    due_fresh();
    uiommu_device_undue(&more[1]);
    cr_assert(due_are(&more[0], &more[2]));
    uiommu_device_undue(&more[1]);
    cr_assert(due_are(&more[0], &more[2]));
    due_fresh();
    uiommu_device_undue(&more[2]);
    cr_assert(due_are(&more[0], &more[1]));
    uiommu_device_undue(&more[0]);
    uiommu_device_undue(&more[1]);
    cr_assert(unit->due_first == NULL && uiommu_word_peek(&unit->due_count) == 0);
}

/* Who has more to do stays, and says when; a round steps each once. */
Test(reset, due_stepped)
{
    due_fresh();
    uiommu_word_store(&more[0].reset_step, UIOMMU_RESET_SETTLE);
    more[0].reset_until_ns = T0 + 70;
    uiommu_word_store(&more[1].reset_step, UIOMMU_RESET_SETTLE);
    more[1].reset_until_ns = T0 + 50;
    uiommu_word_store(&more[2].generation, 2);
    cr_assert_eq(uiommu_resets_deadline(unit), T0 + 50);
    uiommu_resets_step(unit);
    cr_assert(due_are(&more[0], &more[1]));
    cr_assert_eq(more[2].swept_generation, 2);
    unit->now_ns = T0 + 60;
    uiommu_resets_step(unit);
    cr_assert(unit->due_first == &more[0] && unit->due_last == &more[0]);
    cr_assert_eq(uiommu_resets_deadline(unit), T0 + 70);
    unit->now_ns = T0 + 70;
    uiommu_resets_step(unit);
    cr_assert_eq(uiommu_word_peek(&unit->due_count), 0);
    cr_assert_eq(uiommu_resets_deadline(unit), UINT64_MAX);
}

/* R20: gone for good, with the proofs of a reset, and once. */
Test(reset, removed)
{
    unit->stopping = &bond;
    mark();
    cr_assert_eq(uiommu_device_removed(&dev), UIOMMU_OK);
    cr_assert(state() == UIOMMU_DEVICE_GONE && generation() == 2);
    cr_assert_neq(wants() & UIOMMU_WANT_RESET, 0);
    cr_assert_not(bond.marker, "of before");
    cr_assert_eq(dev.swept_generation, 2);
    cr_assert_eq(uiommu_device_removed(&dev), UIOMMU_OK);
    cr_assert_eq(generation(), 2);
    cr_assert_eq(uiommu_device_removed(NULL), UIOMMU_E_HANDLE);
}

/* ---- end ---- */

static void (*meanwhile)(void);
static uiommu_err pasid_says;

static uiommu_err set_pasid(void *ctx, bool on)
{
    (void)ctx;
    cr_assert(on);
    if (meanwhile != NULL)
        meanwhile();
    return pasid_says;
}
static uiommu_err absent(void *ctx)
{
    (void)ctx;
    return UIOMMU_E_GONE;
}

/* Nothing is left to do but to switch on. */
static void ready(uint32_t at)
{
    fresh();
    uiommu_word_store(&dev.state, UIOMMU_DEVICE_RESETTING);
    uiommu_word_store(&dev.reset_step, at);
    uiommu_word_store(&dev.shut, 1);
    uiommu_word_store(&port.failed, 1);
    uiommu_word_store(&dev.ats_on, 1);
    dev.pri_on = true;
    dev.flags = UIOMMU_DEVICE_PASID;
    dev.ops.set_pasid = set_pasid;
    meanwhile = NULL;
    pasid_says = UIOMMU_OK;
}

Test(reset, ended)
{
    void (*wake)(void *ctx, const struct uiommu_word *word) = u->host.wake;
    uintptr_t services;
    uint32_t due;

    ready(UIOMMU_RESET_STAMPED);
    services = unit->counters.services;
    u->host.wake = woken;
    unit->stopping = &bond;
    uiommu_word_store(&bond.wants, UIOMMU_WANT_TOLD);
    uiommu_word_store(&dev.mute, UIOMMU_MUTE_YES);
    due = uiommu_word_load(&unit->due);
    cr_assert_eq(uiommu_device_reset_end(&dev), UIOMMU_OK);
    cr_assert(state() == UIOMMU_DEVICE_NORMAL && step() == UIOMMU_RESET_NONE);
    cr_assert_eq(uiommu_word_load(&dev.mute), UIOMMU_MUTE_NO, "it may answer now");
    cr_assert(uiommu_word_load(&port.failed) == 0 && uiommu_word_load(&dev.shut) == 0);
    cr_assert(uiommu_word_load(&dev.ats_on) == 0 && !dev.pri_on, "it has neither");
    cr_assert_neq(wants() & UIOMMU_WANT_RESET, 0);
    cr_assert_neq(uiommu_word_load(&unit->due), due);
    cr_assert_neq(wants_then & UIOMMU_WANT_RESET, 0, "who is woken finds it");
    cr_assert_eq(unit->counters.services, services, "nothing was left to be served");
    u->host.wake = wake;
    cr_assert_eq(uiommu_device_reset_end(&dev), UIOMMU_E_STATE);
    cr_assert_eq(uiommu_device_reset_end(NULL), UIOMMU_E_HANDLE);
    ready(UIOMMU_RESET_STAMPED);
    dev.port = NULL;
    cr_assert_eq(uiommu_device_reset_end(&dev), UIOMMU_OK);
}

/* What does not end it leaves it as it was. */
Test(reset, not_ended)
{
    ready(UIOMMU_RESET_STAMPED);
    dev.ops.present = absent;
    cr_assert_eq(uiommu_device_reset_end(&dev), UIOMMU_E_GONE);
    ready(UIOMMU_RESET_STAMPED);
    unit->stopping = &bond;
    uiommu_word_store(&bond.wants, UIOMMU_WANT_TOLD);
    pasid_says = UIOMMU_E_HW;
    cr_assert_eq(uiommu_device_reset_end(&dev), UIOMMU_E_HW);
    cr_assert(state() == UIOMMU_DEVICE_RESETTING && step() == UIOMMU_RESET_STAMPED);
    cr_assert(uiommu_word_load(&port.failed) == 1 && (wants() & UIOMMU_WANT_RESET) == 0);
    ready(UIOMMU_RESET_STAMPED);
    unit->config.command_ns = 1000;
    uiommu_word_store(&unit->control, 1);
    cr_assert_eq(uiommu_device_reset_end(&dev), UIOMMU_E_TIMEOUT);
    uiommu_word_store(&unit->control, 0);
}

static void goes(void)
{
    cr_assert_eq(uiommu_device_removed(&dev), UIOMMU_OK);
    uiommu_word_store(&bond.wants, 0);
}
static void resets_again(void)
{
    cr_assert_eq(uiommu_device_reset_begin(&dev), UIOMMU_OK);
}

/* R20, R33: removed or reset again while it is switched on: then this was not the end of it. */
Test(reset, overtaken)
{
    ready(UIOMMU_RESET_STAMPED);
    unit->stopping = &bond;
    meanwhile = goes;
    cr_assert_eq(uiommu_device_reset_end(&dev), UIOMMU_E_GONE);
    cr_assert(state() == UIOMMU_DEVICE_GONE && (wants() & UIOMMU_WANT_RESET) == 0);
    ready(UIOMMU_RESET_STAMPED);
    unit->stopping = &bond;
    uiommu_word_store(&bond.wants, UIOMMU_WANT_TOLD);
    meanwhile = resets_again;
    cr_assert_eq(uiommu_device_reset_end(&dev), UIOMMU_PENDING);
    cr_assert(state() == UIOMMU_DEVICE_RESETTING && step() == UIOMMU_RESET_BEGUN);
    cr_assert_eq(uiommu_word_load(&dev.shut), 1, "as that one has left it");
    cr_assert_eq(wants() & UIOMMU_WANT_RESET, 0);
}

/* The end is asked for once it was begun, and once more where it failed; the call itself
 * serves. */
Test(reset, asked_for)
{
    ready(UIOMMU_RESET_BEGUN);
    toy.failing = TOY_POLL;
    toy.with = UIOMMU_PENDING;
    cr_assert_eq(uiommu_device_reset_end(&dev), UIOMMU_PENDING);
    cr_assert_eq(step(), UIOMMU_RESET_BARRIER);
    cr_assert_eq(uiommu_device_reset_end(&dev), UIOMMU_PENDING);
    cr_assert_eq(step(), UIOMMU_RESET_BARRIER);
    toy.with = UIOMMU_E_HW;
    cr_assert_eq(uiommu_device_reset_end(&dev), UIOMMU_E_HW);
    cr_assert_eq(step(), UIOMMU_RESET_FAILED);
    toy.failing = TOY_NONE;
    cr_assert_eq(uiommu_device_reset_end(&dev), UIOMMU_OK);
    cr_assert_eq(state(), UIOMMU_DEVICE_NORMAL);
    ready(UIOMMU_RESET_SETTLE);
    dev.reset_until_ns = UINT64_MAX;
    cr_assert_eq(uiommu_device_reset_end(&dev), UIOMMU_PENDING);
    cr_assert_eq(step(), UIOMMU_RESET_SETTLE, "it is not begun anew");
}
