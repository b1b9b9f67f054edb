/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * R21, R25: what another processor does in the one moment between a look at a word and the change
 * of it. The files are compiled in here, so that a test can be in between.
 */
#include "../../core/core.h"

static const struct uiommu_word *watched, *looked_at;
static void (*between)(struct uiommu_word *word);
static uint32_t pauses;

static void come_between(struct uiommu_word *word)
{
    void (*then)(struct uiommu_word *) = between;

    if (word != watched || then == NULL)
        return;
    between = NULL;
    then(word);
}

static bool moment_cas(struct uiommu_word *word, uint32_t *seen, uint32_t value)
{
    come_between(word);
    return uiommu_word_cas(word, seen, value);
}

static uint32_t moment_swap(struct uiommu_word *word, uint32_t value)
{
    uint32_t was = uiommu_word_swap(word, value);

    come_between(word);
    return was;
}

/* What comes between comes after the look. */
static uint32_t moment_look(const struct uiommu_word *word)
{
    uint32_t was = uiommu_word_load(word);

    if (word == looked_at)
        come_between((struct uiommu_word *)(uintptr_t)word);
    return was;
}

static void moment_pause(void)
{
    if (--pauses == 0)
        come_between((struct uiommu_word *)(uintptr_t)watched);
}

#define uiommu_word_cas  moment_cas
#define uiommu_word_swap moment_swap
#define uiommu_pause     moment_pause
#include "../../core/dispatch.c"
#include "../../core/lock.c"
#include "../../core/role.c"
#define uiommu_word_load moment_look
#include "../../core/unbind.c"
#undef uiommu_word_load
#undef uiommu_word_cas
#undef uiommu_word_swap
#undef uiommu_pause

#include "unit_scene.h"

static void begin(void)
{
    watched = looked_at = NULL;
    between = NULL;
    pauses = 0;
    scene_begin();
}

TestSuite(moments, .init = begin, .fini = scene_end);

static void watch(const struct uiommu_word *word, void (*then)(struct uiommu_word *word))
{
    watched = word;
    between = then;
}

static void take(struct uiommu_word *word)
{
    uiommu_word_store(word, 1);
}

static void give(struct uiommu_word *word)
{
    uiommu_word_store(word, 0);
}

/* R22: free when it was looked at, taken when it was to be: word is left for the new holder. */
Test(moments, role_was_taken)
{
    watch(&unit->role, take);
    cr_assert_not(uiommu_role_take(unit));
    cr_assert_eq(unit->role.v, UIOMMU_ROLE_TAKEN | UIOMMU_ROLE_AGAIN);
    cr_assert(uiommu_role_drop(unit));
    watch(&unit->role, take);
    host.tick_ns = 10000000;
    cr_assert_eq(uiommu_role_wait(unit, 1000), UIOMMU_E_TIMEOUT);
    cr_assert_eq(unit->role.v, UIOMMU_ROLE_TAKEN, "who waits leaves no word");
    cr_assert_not(uiommu_role_drop(unit));
}

/* R21: held when it was looked at, free when word was to be left. */
Test(moments, role_was_given)
{
    serve();
    take(&unit->role);
    watch(&unit->role, give);
    cr_assert(uiommu_role_take(unit), "it is the caller's");
    watch(&unit->role, give);
    cr_assert_eq(uiommu_word_load(&unit->due_now), 0);
    uiommu_unit_kick(unit);
    cr_assert_eq(uiommu_word_load(&unit->due_now), 1, "the host hears of it");
    cr_assert_eq(unit->role.v, 0);
}

static void stops_unit(struct uiommu_word *role)
{
    (void)role;
    uiommu_word_store(&unit->started, 0);
}

/* The unit was stopped between the look and the role: nothing is touched. */
Test(moments, service_of_a_stopped_unit)
{
    uintptr_t services = unit->counters.services;

    watch(&unit->role, stops_unit);
    cr_assert_eq(uiommu_unit_service(unit, 0), UIOMMU_E_STATE);
    cr_assert_eq(unit->counters.services, services);
    cr_assert_eq(unit->role.v, 0);
    uiommu_word_store(&unit->started, 1);
}

static uint32_t turns;

/* At each look or pause: held, given, lost to somebody else, given again. */
static void another_turn(struct uiommu_word *word)
{
    turns++;
    if (turns == 1 || turns == 3)
        take(word);
    else
        give(word);
    pauses = 4;
    if (turns < 4)
        between = another_turn;
}

/* A lock is waited for, as long as that takes, and had by one. */
Test(moments, lock)
{
    struct uiommu_lock lock = {{1}};
    uintptr_t irq;

    turns = 0;
    pauses = 1;
    watch(&lock.word, another_turn);
    irq = uiommu_lock_take(u, &lock);
    cr_assert_eq(turns, 4);
    cr_assert_eq(lock.word.v, 1);
    uiommu_lock_give(u, &lock, irq);
    cr_assert_eq(host.irq_depth, 0);
}

static uint32_t looks;

/* Behind the first 31 pauses, then every 32. */
static void look_on(struct uiommu_word *word)
{
    looks++;
    if (looks == 10) {
        give(word);
        return;
    }
    pauses = 32;
    between = look_on;
}

/* The looks become rarer, up to one in 32 pauses. */
Test(moments, lock_is_looked_at_seldom)
{
    struct uiommu_lock lock = {{1}};
    uintptr_t irq;

    looks = 0;
    pauses = 31;
    watch(&lock.word, look_on);
    irq = uiommu_lock_take(u, &lock);
    cr_assert_eq(looks, 10);
    uiommu_lock_give(u, &lock, irq);
    /* 1 + 2 + 4 + 8 + 16 pauses, then 32 each: the last look comes right behind the last pause. */
    cr_assert_eq(pauses, 0);
}

/* ---- stop() ---- */

static struct uiommu_device *third;
static uint32_t stops;

static uiommu_err stop(void *ctx, struct uiommu_device *dev, struct uiommu_bond_ref bond,
                       uint32_t pasid)
{
    (void)ctx;
    (void)bond;
    cr_assert(dev == third && pasid == scene.pasid);
    stops++;
    return UIOMMU_OK;
}

static const struct uiommu_device_ops with_stop = {.size = sizeof(with_stop), .stop = stop};

static void speaks(struct uiommu_word *wants)
{
    uiommu_word_or(wants, UIOMMU_WANT_RETRY);
}

static void calls(struct uiommu_word *wants)
{
    uiommu_word_or(wants, UIOMMU_WANT_CALLED);
}

static void callbacks_busy(uint32_t busy)
{
    uint32_t i;

    for (i = 0; i < UIOMMU_RUNNERS; i++)
        uiommu_word_store(&unit->callback[i].busy, busy);
}

/* R14: stop() is called once, whoever else polls, and also where four others are in theirs. */
Test(moments, stop_once)
{
    struct uiommu_bond_ref ref;
    uint32_t i;

    for (i = 0; i < 3; i++) {
        stops = 0;
        scene.device_ops = &with_stop;
        cr_assert_eq(scene_attach(30, UIOMMU_DEVICE_PASID, NULL, &third), UIOMMU_OK);
        cr_assert_eq(scene_bind(third, scene.as, scene.pasid, &ref), UIOMMU_OK);
        cr_assert_eq(uiommu_unbind_begin(u, ref, 0), UIOMMU_OK);
        watch(&((struct uiommu_bond *)uiommu_radix_get(&u->bonds, ref.index))->wants,
              i == 0   ? speaks
              : i == 1 ? calls
                       : NULL);
        callbacks_busy(i == 2 ? 1 : 0);
        (void)!uiommu_unbind_poll(u, ref);
        callbacks_busy(0);
        cr_assert_eq(stops, i != 1);
        if (i == 1)
            cr_assert_eq(uiommu_bond_stopped(u, ref), UIOMMU_OK);
        cr_assert_eq(uiommu_unbind(u, ref, 0), UIOMMU_OK);
        cr_assert_eq(stops, i != 1);
        serve();
        cr_assert_eq(uiommu_device_detach(third), UIOMMU_OK);
    }
}

/* ---- the result ---- */

static struct uiommu_bond *ending;

static void hangs(struct uiommu_word *word)
{
    (void)word;
    uiommu_word_or(&ending->missing, UIOMMU_PROOF_CONFIG | UIOMMU_PROOF_REQUESTS);
    uiommu_bond_set_state(ending, UIOMMU_BOND_POISONED);
}

/* R12: what became POISONED during the look is never said to be out of hardware's reach. */
Test(moments, result_is_of_the_state)
{
    struct uiommu_bond_ref ref;

    cr_assert_eq(scene_attach(30, UIOMMU_DEVICE_PASID, NULL, &third), UIOMMU_OK);
    cr_assert_eq(scene_bind(third, scene.as, scene.pasid, &ref), UIOMMU_OK);
    ending = uiommu_radix_get(&u->bonds, ref.index);
    watch(&ending->missing, hangs);
    looked_at = watched;
    cr_assert_eq(uiommu_bond_result(ending), UIOMMU_PENDING);
    hangs(NULL);
    cr_assert_eq(uiommu_bond_result(ending), UIOMMU_E_WITHHELD);
    uiommu_word_store(&ending->missing, 0);
    uiommu_bond_set_state(ending, UIOMMU_BOND_LIVE);
    cr_assert_eq(uiommu_unbind(u, ref, UIOMMU_UNBIND_STOPPED), UIOMMU_OK);
    serve();
    cr_assert_eq(uiommu_device_detach(third), UIOMMU_OK);
}

/* ---- an owner's groups in flight ---- */

static void leaves(struct uiommu_word *waiting)
{
    cr_assert_eq(uiommu_word_load(waiting), 1);
    cr_assert_eq(uiommu_word_load(&unit->cap_waiting), 1, "whoever sees the one sees the other");
    uiommu_word_sub(&scene.as->owner->in_flight, 1);
}

static void begin_owned(void)
{
    struct uiommu_owner_config c = {.size = sizeof(c), .in_flight = 1};

    memset(&scene, 0, sizeof(scene));
    toy_begin();
    watched = NULL;
    between = NULL;
    cr_assert_eq(uiommu_owner_create(u, &c, &scene.owner), UIOMMU_OK);
    scene_set(&toy_ops);
}

TestSuite(owned, .init = begin_owned, .fini = scene_end);

/* R21: a place became free after the look and before the word about it: it is seen. */
Test(owned, place_in_flight)
{
    uiommu_word_store(&scene.owner->in_flight, 1); /* of another unit */
    watch(&scene.owner->waiting, leaves);
    ask(8, scene.pasid, 1, LAST);
    cr_assert_neq(uiommu_unit_service(unit, 0), UIOMMU_E_HANDLE);
    cr_assert_eq(scene.calls, 1);
    cr_assert_eq(uiommu_word_load(&scene.owner->in_flight), 0);
}

/* A unit whose groups do not wait is not told of a place. */
Test(owned, who_is_told)
{
    struct uiommu_unit *first = unit, *other;

    cr_assert_eq(toy_create(&toy_ops), UIOMMU_OK);
    other = unit;
    unit = first;
    cr_assert_eq(uiommu_unit_start(other), UIOMMU_OK);
    scene.says = UIOMMU_CODE_PENDING;
    ask(8, scene.pasid, 1, LAST);
    ask(9, scene.pasid, 1, LAST);
    serve();
    cr_assert_eq(scene.calls, 1);
    cr_assert_eq(uiommu_word_load(&scene.owner->waiting), 1);
    uiommu_word_store(&unit->due_now, 0);
    uiommu_word_store(&other->due_now, 0);
    cr_assert_eq(uiommu_group_respond(unit, scene.group, UIOMMU_CODE_SUCCESS), UIOMMU_OK);
    cr_assert_eq(uiommu_word_load(&unit->due_now), 1);
    cr_assert_eq(uiommu_word_load(&other->due_now), 0);
    serve();
    cr_assert_eq(scene.calls, 2);
    host.now_ns += UINT64_C(11000000000); /* answer_ns, and a second */
    serve();
    cr_assert_eq(scene.owner->expired, 1);
    cr_assert_eq(uiommu_unit_stop(other), UIOMMU_OK);
    cr_assert_eq(uiommu_unit_destroy(other), UIOMMU_OK);
}
