/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_scene.h"

#include <stddef.h>

/* unit.c: start, stop, suspend, restart and the end: what is so while the backend is at it, what a
 * caller in the wrong moment hears, and what others find afterwards (R9, R21, R31). */

static struct {
    uint32_t stops, restarts, destroys, commands;
    uint32_t hung, suspended, role, generation; /* in the last stop or restart */
    uint32_t woken_started, objects;
    uint32_t failed, resumed; /* ports, and of units, when an event was put */
    uiommu_err restart;
} life;
static struct uiommu *instance; /* whose memory is given back */

static void look(void)
{
    life.hung = unit->hung.v;
    life.suspended = unit->suspended.v;
    life.role = unit->role.v;
    if (scene.dev[0] != NULL)
        life.generation = uiommu_word_load(&scene.dev[0]->generation);
}
static void stop(void *hw)
{
    (void)hw;
    life.stops++;
    look();
}
static uiommu_err restart(void *hw)
{
    (void)hw;
    life.restarts++;
    look();
    return life.restart;
}
static void destroy(void *hw)
{
    (void)hw;
    life.destroys++;
}
static uiommu_err command(void *hw, const uint64_t *words, uint32_t count)
{
    (void)hw;
    cr_assert(words[0] == 5 && count == 1);
    life.commands++;
    return UIOMMU_OK;
}

static struct uiommu_backend_ops own_ops(void)
{
    struct uiommu_backend_ops ops = toy_ops;

    ops.stop = stop;
    ops.restart = restart;
    ops.destroy = destroy;
    ops.command = command;
    return ops;
}

static struct uiommu_unit *make(void)
{
    struct uiommu_backend_ops ops = own_ops();

    cr_assert_eq(toy_create(&ops), UIOMMU_OK);
    return unit;
}

static void begin(void)
{
    memset(&life, 0, sizeof(life));
    memset(&scene, 0, sizeof(scene));
    toy_begin();
    make();
}

static void end(void)
{
    if (unit != NULL && !uiommu_unit_running(unit))
        cr_assert_eq(uiommu_unit_start(unit), UIOMMU_OK);
    toy_end();
}

TestSuite(unit_life, .init = begin, .fini = end);

Test(unit_life, no_unit)
{
    static const uint64_t word = 5;
    struct uiommu_unit nothing;
    struct uiommu_unit_info info;
    struct uiommu_unit_counters counters;

    memset(&nothing, 0, sizeof(nothing));
    nothing.u = u; /* all but its magic */
    nothing.ops = unit->ops;
    nothing.started.v = 1;
    nothing.config = unit->config;
    cr_assert_eq(uiommu_unit_start(&nothing), UIOMMU_E_HANDLE);
    cr_assert_eq(uiommu_unit_stop(&nothing), UIOMMU_E_HANDLE);
    cr_assert_eq(uiommu_unit_suspend(&nothing), UIOMMU_E_HANDLE);
    cr_assert_eq(uiommu_unit_command(&nothing, &word, 1), UIOMMU_E_HANDLE);
    cr_assert_eq(uiommu_unit_get_info(&nothing, &info), UIOMMU_E_HANDLE);
    cr_assert_eq(uiommu_unit_get_counters(&nothing, &counters), UIOMMU_E_HANDLE);
    nothing.started.v = 0;
    cr_assert_eq(uiommu_unit_destroy(&nothing), UIOMMU_E_HANDLE);
    cr_assert_eq(uiommu_unit_destroy(NULL), UIOMMU_E_HANDLE);
    cr_assert_eq(unit->ids.bits, 8, "a node of IDs is 2 KiB");
}

static void woken(void *ctx, const struct uiommu_word *word)
{
    (void)ctx;
    (void)word;
    life.woken_started = unit->started.v;
}

/* Whoever is woken finds it started; what was of before is gone. */
Test(unit_life, start_and_stop)
{
    struct uiommu_host_ops host_ops = u->host;

    cr_assert_eq(uiommu_unit_stop(unit), UIOMMU_E_STATE);
    u->host.wake = woken;
    cr_assert_eq(uiommu_unit_start(unit), UIOMMU_OK);
    u->host = host_ops;
    cr_assert(unit->started.v == 1 && unit->due_now.v == 1 && life.woken_started == 1);
    cr_assert(uiommu_role_take(unit));
    host.tick_ns = 10000000;
    cr_assert_eq(uiommu_unit_stop(unit), UIOMMU_E_TIMEOUT);
    host.tick_ns = 1000;
    cr_assert(uiommu_unit_running(unit) && life.stops == 0);
    (void)uiommu_role_drop(unit);
    unit->hung.v = unit->suspended.v = 1;
    unit->out.count = 2;
    cr_assert_eq(uiommu_unit_stop(unit), UIOMMU_OK);
    cr_assert(life.stops == 1 && life.role == UIOMMU_ROLE_TAKEN);
    cr_assert(unit->started.v == 0 && unit->suspended.v == 0 && unit->out.count == 0);
    cr_assert_eq(unit->role.v, 0);
    cr_assert_eq(uiommu_unit_start(unit), UIOMMU_OK);
    cr_assert_eq(unit->hung.v, 0);
}

static void (*heap_put)(void *ctx, void *ptr, size_t bytes);

static void put(void *ctx, void *ptr, size_t bytes)
{
    if (unit != NULL && ptr != unit)
        cr_assert_eq(unit->magic, 0, "nobody takes it for a unit any more");
    life.objects = instance->objects;
    heap_put(ctx, ptr, bytes);
}

/* The backend goes first, the instance stays until the last piece is back. */
Test(unit_life, destroyed)
{
    struct uiommu_unit *first = unit, *second = make();
    uint32_t objects = u->objects;

    cr_assert_eq(uiommu_unit_start(first), UIOMMU_OK);
    cr_assert_eq(uiommu_unit_destroy(first), UIOMMU_E_BUSY);
    cr_assert_eq(uiommu_unit_stop(first), UIOMMU_OK);
    instance = u;
    heap_put = u->host.heap_put;
    u->host.heap_put = put;
    unit = first;
    cr_assert_eq(uiommu_unit_destroy(first), UIOMMU_OK);
    cr_assert(u->units == second && second->next == NULL);
    cr_assert(life.destroys == 1 && life.objects == objects && u->objects == objects - 1);
    unit = second;
    cr_assert_eq(uiommu_unit_destroy(second), UIOMMU_OK);
    cr_assert_null(u->units);
    u->host.heap_put = heap_put;
    unit = NULL;
}

/* One place for a stall is one, and no bytes of a look are left as they were. */
Test(unit_life, told_of_itself)
{
    struct uiommu_unit_info one, two;

    cr_assert_eq(uiommu_unit_destroy(unit), UIOMMU_OK);
    toy.caps.stall_max = 1;
    make();
    cr_assert_eq(unit->pool.count, 1);
    memset(&one, 0x55, sizeof(one));
    memset(&two, 0xaa, sizeof(two));
    cr_assert_eq(uiommu_unit_get_info(unit, &one), UIOMMU_OK);
    cr_assert_eq(uiommu_unit_get_info(unit, &two), UIOMMU_OK);
    cr_assert_eq(memcmp(&one, &two, sizeof(one)), 0);
    cr_assert_eq(((const uint8_t *)&one)[offsetof(struct uiommu_unit_info, access) - 1], 0);
}

Test(unit_life, commands)
{
    static const uint64_t word = 5;

    cr_assert_eq(uiommu_unit_command(unit, &word, 1), UIOMMU_E_STATE);
    cr_assert_eq(uiommu_unit_start(unit), UIOMMU_OK);
    cr_assert_eq(uiommu_unit_command(unit, NULL, 1), UIOMMU_E_INVALID);
    cr_assert_eq(uiommu_unit_command(unit, &word, 0), UIOMMU_E_INVALID);
    cr_assert_eq(life.commands, 0);
    cr_assert_eq(uiommu_unit_command(unit, &word, 1), UIOMMU_OK);
    cr_assert_eq(uiommu_unit_suspend(unit), UIOMMU_OK);
    cr_assert_eq(uiommu_unit_command(unit, &word, 1), UIOMMU_E_STATE);
    cr_assert_eq(life.commands, 1);
    unit->suspended.v = 0;
}

/* ---- with devices ---- */

static void begin_scene(void)
{
    struct uiommu_backend_ops ops = own_ops();

    memset(&life, 0, sizeof(life));
    memset(&scene, 0, sizeof(scene));
    toy_begin();
    scene_set(&ops);
    serve();
}

TestSuite(unit_again, .init = begin_scene, .fini = scene_end);

static void recover(void)
{
    uint32_t i;

    for (i = 0; i < 2; i++) {
        cr_assert_eq(uiommu_device_reset_begin(scene.dev[i]), UIOMMU_OK);
        cr_assert_eq(reset_to_end(i), UIOMMU_OK);
    }
}

static uint32_t port_events(void)
{
    struct uiommu_event event;
    uint32_t n = 0;

    while (uiommu_unit_next_event(unit, &event) == UIOMMU_OK)
        n += event.kind == UIOMMU_EVENT_PRI_OFF ? event.count : 0;
    return n;
}

/* Before each of the two events: is the port off of which it tells, and the unit back? */
static void looks_at_ports(struct fake_host *h)
{
    uint32_t n = unit->events.head - unit->events.tail;

    (void)h;
    if (n < 2 && life.failed == n && scene.port[1 - n]->failed.v != 0) {
        life.failed++;
        life.resumed += unit->suspended.v == 0;
    }
}

/* R9: while it is restarted nobody waits for it; then a shutdown hears that it was. */
Test(unit_again, restarted)
{
    uint64_t count = unit->ring[0].count + 3;

    unit->ring[0].given = unit->ring[0].count;
    unit->ring[0].count = count; /* more than was given out */
    unit->ring[1].acks = 7;

    cr_assert_eq(uiommu_unbind_begin(u, scene.bond[0], 0), UIOMMU_OK);
    (void)port_events();
    unit->due_now.v = 0;
    cr_assert_eq(uiommu_unit_restart(unit), UIOMMU_OK);
    cr_assert(life.restarts == 1 && life.hung == 1 && life.role == UIOMMU_ROLE_TAKEN);
    cr_assert_eq(life.generation, 1);
    cr_assert_eq(uiommu_word_load(&scene.dev[0]->generation), 2);
    cr_assert_neq(uiommu_word_load(&bond_at(0)->wants) & UIOMMU_WANT_RESTART, 0);
    cr_assert(unit->hung.v == 0 && unit->due_now.v == 1 && unit->role.v == 0);
    cr_assert(unit->ring[0].count == count && unit->ring[1].acks == 7);
    cr_assert_eq(port_events(), 2);
    recover();
}

/* R31: what waits for an answer is taken away at once, and who is told finds it so. */
Test(unit_again, suspended)
{
    scene.says = UIOMMU_CODE_PENDING;
    ask(8, scene.pasid, 1, LAST);
    serve();
    cr_assert_eq(uiommu_unit_suspend(unit), UIOMMU_OK);
    cr_assert(life.stops == 1 && life.hung == 1 && life.suspended == 1);
    cr_assert(unit->hung.v == 1 && unit->suspended.v == 1);
    cr_assert_eq(uiommu_slot_state(uiommu_slot_at(unit, scene.group.index)), UIOMMU_SLOT_ORPHAN);
    cr_assert_eq(scene_attach(30, 0, NULL, &scene.dev[0]), UIOMMU_E_STATE);
    scene.port[0]->failed.v = scene.port[1]->failed.v = 0;
    (void)port_events();
    host.on_lock = looks_at_ports;
    cr_assert_eq(uiommu_unit_resume(unit), UIOMMU_OK);
    host.on_lock = NULL;
    cr_assert(life.resumed == 2 && life.failed == 2);
    cr_assert(unit->hung.v == 0 && unit->suspended.v == 0);
    serve();
    recover();
}

/* It did not work: it is hung, and nothing is proved by it. */
Test(unit_again, restart_fails)
{
    life.restart = UIOMMU_E_HW;
    cr_assert_eq(uiommu_unit_restart(unit), UIOMMU_E_HW);
    cr_assert_eq(unit->hung.v, 1);
    cr_assert_eq(uiommu_word_load(&scene.dev[0]->generation), 1);
    life.restart = UIOMMU_OK;
    cr_assert(uiommu_role_take(unit));
    host.tick_ns = 10000000;
    cr_assert_eq(uiommu_unit_restart(unit), UIOMMU_E_TIMEOUT);
    host.tick_ns = 1000;
    cr_assert_eq(life.restarts, 1);
    (void)uiommu_role_drop(unit);
    cr_assert_eq(uiommu_unit_restart(unit), UIOMMU_OK);
    recover();
}
