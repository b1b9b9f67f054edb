/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_toy.h"

/* Backends that leave ops out or fail, memory that runs out, a unit that somebody else holds. */

static struct uiommu_device *dev;
static struct uiommu_port *port;
static struct uiommu_aspace *as;
static struct uiommu_bond_ref bond;
static bool started, bonded;

static uiommu_err attach(uint32_t flags)
{
    struct uiommu_device_config c = {.size = sizeof(c),
                                     .ids = &toy_id,
                                     .id_count = 1,
                                     .flags = flags,
                                     .pasid_bits = 20,
                                     .port = port};

    return uiommu_device_attach(unit, &c, &dev);
}

/* A whole life, as far as it goes. */
static uiommu_err live(void)
{
    static const struct uiommu_root root = {UIOMMU_ROOT_X86_64, 12, 48, 48, 0, 0x1000, 0, {0}};
    struct uiommu_aspace_config spaces = {.size = sizeof(spaces), .roots = &root, .root_count = 1};
    struct uiommu_port_config want = {.size = sizeof(want), .want = 4};
    struct uiommu_bind_config bind = {.size = sizeof(bind)};
    uiommu_err err = uiommu_unit_start(unit);

    started = err == UIOMMU_OK;
    if (err == UIOMMU_OK)
        err = uiommu_port_create(unit, &want, &port);
    if (err == UIOMMU_OK)
        err = attach(UIOMMU_DEVICE_PASID | UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI);
    if (err == UIOMMU_OK)
        err = uiommu_aspace_create(u, &spaces, &as);
    if (err == UIOMMU_OK)
        err = uiommu_pasid_alloc(space, NULL, 0, &bind.pasid);
    if (err == UIOMMU_OK) {
        err = uiommu_bind(dev, as, &bind, &bond);
        bonded = err == UIOMMU_OK;
        if (uiommu_pasid_put(space, bind.pasid) != UIOMMU_OK)
            err = UIOMMU_E_INTERNAL;
    }
    return err;
}

/* Take back whatever there is; it rests as long as it has to. */
static void die(void)
{
    uint32_t i;

    if (bonded)
        cr_assert_eq(uiommu_unbind(u, bond, UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT),
                     UIOMMU_OK);
    for (i = 0; i < 1000 && unit != NULL; i++)
        cr_assert_neq(uiommu_unit_service(unit, 0), UIOMMU_E_HANDLE);
    if (dev != NULL)
        cr_assert_eq(uiommu_device_detach(dev), UIOMMU_OK);
    if (port != NULL)
        cr_assert_eq(uiommu_port_destroy(port), UIOMMU_OK);
    if (as != NULL)
        cr_assert_eq(uiommu_aspace_destroy(as), UIOMMU_OK);
    dev = NULL;
    port = NULL;
    as = NULL;
    bonded = false;
    if (unit != NULL) {
        if (started)
            cr_assert_eq(uiommu_unit_stop(unit), UIOMMU_OK);
        cr_assert_eq(uiommu_unit_destroy(unit), UIOMMU_OK);
    }
    started = false;
    unit = NULL;
}

TestSuite(failures, .init = toy_begin, .fini = toy_end);

/* Every request for memory fails once: a status, and nothing is left. */
Test(failures, each_allocation)
{
    uiommu_err err = UIOMMU_E_NOMEM;
    uint64_t n;

    for (n = 1; n < 200 && err == UIOMMU_E_NOMEM; n++) {
        host.fail_at = host.gets + n;
        err = toy_create(&toy_ops);
        if (err == UIOMMU_OK)
            err = live();
        host.fail_at = 0;
        if (unit != NULL)
            die();
        toy_end();
        if (err == UIOMMU_OK)
            cr_assert_gt(toy.set, 0);
        toy_begin();
    }
    cr_assert_eq(err, UIOMMU_OK);
    cr_assert_gt(n, 8);
}

#define WITHOUT(op, want)                                                                          \
    do {                                                                                           \
        struct uiommu_backend_ops ops = toy_ops;                                                   \
                                                                                                   \
        ops.op = NULL;                                                                             \
        err = toy_create(&ops);                                                                    \
        if (err == UIOMMU_OK)                                                                      \
            err = live();                                                                          \
        cr_assert_eq(err, want, #op ": %d", (int)err);                                             \
        if (unit != NULL)                                                                          \
            die();                                                                                 \
    } while (0)

/* What a backend leaves out is not supported, or is not needed. */
Test(failures, ops_left_out)
{
    uiommu_err err;

    WITHOUT(name, UIOMMU_OK);
    WITHOUT(probe, UIOMMU_E_UNSUPPORTED);
    WITHOUT(start, UIOMMU_E_UNSUPPORTED);
    WITHOUT(device_attach, UIOMMU_E_UNSUPPORTED);
    WITHOUT(root_check, UIOMMU_E_UNSUPPORTED);
    WITHOUT(pasid_prepare, UIOMMU_E_UNSUPPORTED);
    WITHOUT(respond, UIOMMU_OK);
    WITHOUT(ring_pending, UIOMMU_OK);
    WITHOUT(fetch, UIOMMU_OK);
    WITHOUT(pasid_block, UIOMMU_OK);
    WITHOUT(pasid_clear, UIOMMU_OK);
}

/* Nothing in a unit that cannot restart, take commands, or show itself. */
Test(failures, optional_ops_left_out)
{
    static const uint64_t words[2];

    cr_assert_eq(toy_create(&toy_ops), UIOMMU_OK);
    cr_assert_eq(uiommu_unit_start(unit), UIOMMU_OK);
    cr_assert_eq(uiommu_unit_command(unit, words, 2), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(uiommu_unit_restart(unit), UIOMMU_E_UNSUPPORTED);
}

/* What fails while a bond is made is said, and the next one succeeds. */
Test(failures, each_op_fails)
{
    static const enum toy_op failing[] = {TOY_START, TOY_ATTACH, TOY_DEVICE_SET, TOY_PREPARE,
                                          TOY_PASID_SET};
    uint32_t i;

    for (i = 0; i < 5; i++) {
        toy.failing = failing[i];
        toy.with = UIOMMU_E_HW;
        cr_assert_eq(toy_create(&toy_ops), UIOMMU_OK);
        cr_assert_eq(live(), UIOMMU_E_HW, "%u", i);
        cr_assert_eq(bonded, false);
        toy.failing = TOY_NONE;
        die();
        cr_assert_eq(toy_create(&toy_ops), UIOMMU_OK);
        cr_assert_eq(live(), UIOMMU_OK, "%u", i);
        die();
    }
}

/* Steps without end are a bug of the backend, not a loop of ours. */
Test(failures, steps_without_end)
{
    uint32_t before;

    toy.failing = TOY_DEVICE_SET;
    toy.with = UIOMMU_MORE;
    cr_assert_eq(toy_create(&toy_ops), UIOMMU_OK);
    cr_assert_eq(live(), UIOMMU_E_INTERNAL);
    cr_assert_eq(toy.opened, 8);
    cr_assert_eq(toy.attached, 0);
    die();
    toy.failing = TOY_PASID_SET;
    cr_assert_eq(toy_create(&toy_ops), UIOMMU_OK);
    before = toy.set;
    cr_assert_eq(live(), UIOMMU_E_INTERNAL);
    cr_assert_eq(toy.set - before, 8);
    toy.failing = TOY_NONE;
    die();
}

/* A device that could neither be attached nor shut out stays listed until it was. */
Test(failures, neither_in_nor_out)
{
    cr_assert_eq(toy_create(&toy_ops), UIOMMU_OK);
    cr_assert_eq(uiommu_unit_start(unit), UIOMMU_OK);
    started = true;
    host.tick_ns = 10000000;
    toy.failing = TOY_POLL;
    toy.with = UIOMMU_PENDING;
    cr_assert_eq(attach(0), UIOMMU_E_TIMEOUT);
    cr_assert_null(dev);
    cr_assert_eq(toy.attached, 1);
    cr_assert_eq(host.log_level, UIOMMU_LOG_ERROR);
    cr_assert_eq(attach(0), UIOMMU_E_EXISTS);
    cr_assert_eq(uiommu_unit_stop(unit), UIOMMU_E_TIMEOUT);
    toy.failing = TOY_NONE;
    cr_assert_eq(attach(0), UIOMMU_OK);
    cr_assert_eq(toy.attached, 1);
    die();
}

/* As another thread would, while the unit is held: it is waited for, and not for ever. */
static uiommu_err intruded[9];

static void intrude(struct fake_host *h)
{
    struct uiommu_port_config want = {.size = sizeof(want), .want = 1};
    struct uiommu_bind_config bind = {.size = sizeof(bind), .pasid = 1};
    struct uiommu_device_config c = {.size = sizeof(c), .ids = &toy_id, .id_count = 1};
    struct uiommu_device *other = NULL;
    struct uiommu_port *made = NULL;
    struct uiommu_bond_ref ref;

    h->on_get = NULL;
    intruded[0] = uiommu_port_create(unit, &want, &made);
    intruded[1] = uiommu_port_destroy(port);
    intruded[2] = uiommu_device_attach(unit, &c, &other);
    intruded[3] = uiommu_device_detach(dev);
    intruded[4] = uiommu_bind(dev, as, &bind, &ref);
    intruded[5] = uiommu_unit_start(unit);
    intruded[6] = uiommu_unit_stop(unit);
    intruded[7] = uiommu_unit_restart(unit);
    intruded[8] = uiommu_device_reset_end(dev);
    cr_assert(made == NULL && other == NULL);
}

Test(failures, held_by_another)
{
    static const uint32_t id = 9;
    struct uiommu_device_config c = {.size = sizeof(c), .ids = &id, .id_count = 1};
    struct uiommu_device *second;
    uint32_t i;

    cr_assert_eq(toy_create(&toy_ops), UIOMMU_OK);
    cr_assert_eq(live(), UIOMMU_OK);
    cr_assert_eq(uiommu_device_reset_begin(dev), UIOMMU_OK);
    for (i = 0; i < 9; i++)
        intruded[i] = UIOMMU_OK;
    host.tick_ns = 10000000;
    host.on_get = intrude;
    cr_assert_eq(uiommu_device_attach(unit, &c, &second), UIOMMU_OK);
    host.tick_ns = 1000;
    for (i = 0; i < 9; i++)
        cr_assert_eq(intruded[i], UIOMMU_E_TIMEOUT, "%u: %d", i, (int)intruded[i]);
    for (i = 0; i < 100000 && uiommu_device_reset_end(dev) == UIOMMU_PENDING; i++)
        ;
    cr_assert_eq(uiommu_device_detach(second), UIOMMU_OK);
    die();
}

/* A bind that failed before hardware knew it leaves alone the entry of the next one. */
Test(failures, bind_that_never_was)
{
    struct uiommu_bind_config c = {.size = sizeof(c)};
    struct uiommu_bond_ref ref;
    uint32_t cleared, i;

    cr_assert_eq(toy_create(&toy_ops), UIOMMU_OK);
    cr_assert_eq(live(), UIOMMU_OK);
    cr_assert_eq(uiommu_pasid_alloc(space, NULL, 0, &c.pasid), UIOMMU_OK);
    cr_assert(uiommu_role_take(unit)); /* As a service elsewhere that takes long. */
    host.tick_ns = 10000000;
    cr_assert_eq(uiommu_bind(dev, as, &c, &ref), UIOMMU_E_TIMEOUT);
    host.tick_ns = 1000;
    (void)uiommu_role_drop(unit);
    cr_assert_eq(uiommu_bind(dev, as, &c, &ref), UIOMMU_OK);
    cleared = toy.cleared;
    for (i = 0; i < 1000; i++)
        cr_assert_neq(uiommu_unit_service(unit, 0), UIOMMU_E_HANDLE);
    cr_assert_null(unit->stopping);
    cr_assert_eq(toy.cleared, cleared);
    cr_assert_eq(uiommu_bond_find(dev, c.pasid)->valid, true);
    cr_assert_eq(uiommu_unbind(u, ref, UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT), UIOMMU_OK);
    cr_assert_eq(toy.cleared, cleared + 1);
    cr_assert_eq(uiommu_pasid_put(space, c.pasid), UIOMMU_OK);
    die();
}

/* ---- while one CPU waits for the proof that an entry is shut, another one acts ---- */

static uint32_t forgot;
static uint64_t began;
static void (*meanwhile)(void);

static void while_waiting(struct fake_host *waiting)
{
    if (toy.tickets <= began)
        return; /* not pushed yet */
    waiting->on_now = NULL;
    toy.failing = TOY_NONE;
    meanwhile();
}

static void shut_meanwhile(void (*what)(void))
{
    cr_assert_eq(toy_create(&toy_ops), UIOMMU_OK);
    cr_assert_eq(live(), UIOMMU_OK);
    forgot = toy.forgot;
    meanwhile = what;
    toy.failing = TOY_POLL;
    toy.with = UIOMMU_PENDING;
    began = toy.tickets;
    host.on_now = while_waiting;
    cr_assert_eq(uiommu_device_program(dev, 0, 1000000), UIOMMU_OK);
    cr_assert_null(host.on_now);
}

static void open_it(void)
{
    cr_assert_eq(uiommu_device_program(dev, UIOMMU_DEVICE_SET_OPEN, 1000000), UIOMMU_OK);
}

/* Whoever found it reachable before it was shut, or its ATS switched off, tells it nothing. */
Test(failures, not_told_when_shut)
{
    cr_assert_eq(toy_create(&toy_ops), UIOMMU_OK);
    cr_assert_eq(live(), UIOMMU_OK);
    forgot = toy.forgot;
    cr_assert_eq(uiommu_device_forget(dev, 1, NULL), UIOMMU_OK);
    cr_assert_eq(toy.forgot, ++forgot);
    cr_assert_eq(uiommu_device_program(dev, 0, 1000000), UIOMMU_OK);
    cr_assert_eq(uiommu_device_forget(dev, 1, NULL), UIOMMU_OK);
    open_it();
    uiommu_word_store(&dev->ats_on, 0);
    cr_assert_eq(uiommu_device_forget(dev, 1, NULL), UIOMMU_OK);
    uiommu_word_store(&dev->ats_on, 1);
    cr_assert_eq(toy.forgot, forgot);
    die();
}

/* Who was opened by another CPU meanwhile is not shut: its device TLB may have filled. */
Test(failures, opened_while_it_is_shut)
{
    shut_meanwhile(open_it);
    cr_assert_eq(uiommu_device_reachable(dev), true);
    cr_assert_eq(uiommu_aspace_invalidate(as, 0, 4095, false), UIOMMU_OK);
    cr_assert_eq(toy.forgot, forgot + 1);
    die();
}

static uint32_t rounds;

/* Somebody else asks for service in each round. */
static void asked_again(void *hw)
{
    (void)hw;
    rounds++;
    cr_assert_eq(uiommu_unit_service(unit, 0), UIOMMU_E_BUSY);
}

/* Who serves comes to an end where a bind waits for the role, whoever asks for more. */
Test(failures, role_is_wanted)
{
    struct uiommu_backend_ops ops = toy_ops;
    uint32_t alone;

    ops.irq_ack = asked_again;
    cr_assert_eq(toy_create(&ops), UIOMMU_OK);
    cr_assert_eq(live(), UIOMMU_OK);
    rounds = 0;
    cr_assert_eq(uiommu_unit_service(unit, 8), UIOMMU_MORE);
    alone = rounds;
    cr_assert_gt(alone, 1);
    uiommu_word_add(&unit->role_wanted, 1);
    rounds = 0;
    cr_assert_eq(uiommu_unit_service(unit, 8), UIOMMU_MORE);
    cr_assert_eq(rounds, 1);
    uiommu_word_sub(&unit->role_wanted, 1);
    rounds = 0;
    cr_assert_eq(uiommu_unit_service(unit, 8), UIOMMU_MORE);
    cr_assert_eq(rounds, alone);
    die();
}
