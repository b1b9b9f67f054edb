/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_toy.h"

/* Page requests that are wrong, too many or too old, and answers that find no room. */

static struct uiommu_device *dev, *second;
static struct uiommu_port *port, *second_port;
static struct uiommu_aspace *as;
static struct uiommu_bond_ref bond;
static uint32_t pasid, calls;
static uintptr_t self;
static uiommu_code says;
static void (*meanwhile)(void);
static const uint32_t second_id = 9;

static uintptr_t self_of(void *ctx)
{
    (void)ctx;
    return self;
}

static uiommu_code fault(void *user, const struct uiommu_group *group)
{
    void (*then)(void) = meanwhile;

    (void)user;
    (void)group;
    calls++;
    meanwhile = NULL;
    if (then != NULL)
        then();
    return says;
}

static struct uiommu_device *attach(const uint32_t *id, struct uiommu_port **made)
{
    struct uiommu_port_config want = {.size = sizeof(want), .want = 4, .least = 4};
    struct uiommu_device_config c = {.size = sizeof(c),
                                     .ids = id,
                                     .id_count = 1,
                                     .flags = UIOMMU_DEVICE_PASID | UIOMMU_DEVICE_ATS |
                                              UIOMMU_DEVICE_PRI,
                                     .pasid_bits = 20};
    struct uiommu_device *out;

    cr_assert_eq(uiommu_port_create(unit, &want, made), UIOMMU_OK);
    c.port = *made;
    cr_assert_eq(uiommu_device_attach(unit, &c, &out), UIOMMU_OK);
    return out;
}

/* Two devices; a bond of the first that handles one group at a time. */
static void begin(void)
{
    static const struct uiommu_aspace_ops faults = {.size = sizeof(faults), .fault = fault};
    static const struct uiommu_root root = {UIOMMU_ROOT_X86_64, 12, 48, 48, 0, 0x1000, 0, {0}};
    struct uiommu_pasid_space_config numbers = {.size = sizeof(numbers), .first = 1, .last = 1023};
    struct uiommu_aspace_config spaces = {
        .size = sizeof(spaces), .ops = &faults, .roots = &root, .root_count = 1};
    struct uiommu_bind_config bind = {.size = sizeof(bind), .in_flight = 1};

    toy_begin();
    cr_assert_eq(uiommu_pasid_space_destroy(space), UIOMMU_OK);
    cr_assert(fake_host_destroy(&host, u));
    host.ops.self = self_of;
    self = 1;
    calls = 0;
    says = UIOMMU_CODE_SUCCESS;
    meanwhile = NULL;
    u = fake_host_create(&host);
    cr_assert_eq(uiommu_pasid_space_create(u, &numbers, &space), UIOMMU_OK);
    cr_assert_eq(toy_create(&toy_ops), UIOMMU_OK);
    cr_assert_eq(uiommu_unit_start(unit), UIOMMU_OK);
    dev = attach(&toy_id, &port);
    second = attach(&second_id, &second_port);
    cr_assert_eq(uiommu_aspace_create(u, &spaces, &as), UIOMMU_OK);
    cr_assert_eq(uiommu_pasid_alloc(space, NULL, 0, &pasid), UIOMMU_OK);
    bind.pasid = pasid;
    cr_assert_eq(uiommu_bind(dev, as, &bind, &bond), UIOMMU_OK);
}

static void serve(void)
{
    uint32_t i;

    for (i = 0; i < 1000; i++)
        cr_assert_neq(uiommu_unit_service(unit, 0), UIOMMU_E_STATE);
}

static void end(void)
{
    toy.room = UINT32_MAX;
    cr_assert_eq(uiommu_unbind(u, bond, UIOMMU_UNBIND_STOPPED), UIOMMU_OK);
    serve();
    cr_assert_eq(uiommu_device_detach(dev), UIOMMU_OK);
    cr_assert_eq(uiommu_device_detach(second), UIOMMU_OK);
    cr_assert_eq(uiommu_port_destroy(port), UIOMMU_OK);
    cr_assert_eq(uiommu_port_destroy(second_port), UIOMMU_OK);
    cr_assert_eq(uiommu_aspace_destroy(as), UIOMMU_OK);
    cr_assert_eq(uiommu_pasid_put(space, pasid), UIOMMU_OK);
    toy_end();
}

TestSuite(requests, .init = begin, .fini = end);

static struct uiommu_request *ask(uint32_t id, uint32_t number, uint32_t index, uint32_t flags)
{
    struct uiommu_request *request = &toy.request[toy.waiting++];

    cr_assert_leq(toy.waiting, TOY_RING);
    memset(request, 0, sizeof(*request));
    request->id = id;
    request->pasid = number;
    request->index = index;
    request->address = 0x5000;
    request->flags = UIOMMU_READ | UIOMMU_REQUEST_PASID | flags;
    return request;
}

static struct uiommu_device_counters counters(const struct uiommu_device *of)
{
    struct uiommu_device_counters out;

    cr_assert_eq(uiommu_device_get_counters(of, &out), UIOMMU_OK);
    return out;
}

/* No handler sees it, its Last is answered, and the device is blamed. */
Test(requests, malformed)
{
    ask(8, pasid, 3, UIOMMU_REQUEST_LAST | UIOMMU_REQUEST_MALFORMED);
    ask(8, pasid, 512, UIOMMU_REQUEST_LAST);
    ask(8, pasid, 3, UIOMMU_REQUEST_MALFORMED);
    serve();
    cr_assert_eq(calls, 0);
    cr_assert_eq(toy.answers, 2);
    cr_assert_eq(toy.code[UIOMMU_CODE_INVALID & 3], 2);
    cr_assert_eq(counters(dev).violations, 3);
    ask(8, pasid, 511, UIOMMU_REQUEST_LAST);
    serve();
    cr_assert_eq(calls, 1);
}

/* I9: beyond four credits: the partial that grows beyond them dies; a Last is INVALID. */
Test(requests, beyond_the_grant)
{
    struct uiommu_port_info info;
    uint32_t i, last;

    for (last = 0; last < 2; last++) {
        for (i = 0; i < 5; i++)
            ask(8, pasid, 7, i == 4 && last ? UIOMMU_REQUEST_LAST : 0);
        serve();
        cr_assert_eq(calls, 0);
        cr_assert_eq(counters(dev).over_credit, last + 1);
        cr_assert_eq(counters(dev).requests, 5 * (last + 1));
        cr_assert_eq(toy.answers, last);
        cr_assert_eq(uiommu_port_get_info(port, &info), UIOMMU_OK);
        cr_assert(info.outstanding == 0 && info.groups == 0);
    }
    cr_assert_eq(toy.code[UIOMMU_CODE_INVALID & 3], 1);
}

/* Answers to nobody's requests wait for room; nothing is consumed that could not be answered. */
Test(requests, no_room_for_answers)
{
    struct uiommu_unit_counters out;
    uint32_t i;

    toy.room = 0;
    for (i = 0; i < 200; i++)
        ask(8, pasid + 1, i & 511, UIOMMU_REQUEST_LAST);
    serve();
    cr_assert_eq(toy.answers, 0);
    cr_assert_eq(uiommu_unit_get_counters(unit, &out), UIOMMU_OK);
    cr_assert_eq(out.entries, UIOMMU_BATCH);
    cr_assert_eq(toy.waiting, 200 - UIOMMU_BATCH);
    toy.room = 5;
    serve();
    cr_assert_eq(toy.answers, 5);
    toy.room = UINT32_MAX;
    serve();
    cr_assert_eq(toy.answers, 200);
    cr_assert_eq(toy.waiting, 0);
}

/* I19: what waits for room when its device is reset is never sent; the neighbour's is. */
Test(requests, reset_before_the_answer)
{
    uint32_t i;

    toy.room = 0;
    ask(8, pasid, 1, UIOMMU_REQUEST_LAST);     /* a group, parked */
    ask(8, pasid + 1, 2, UIOMMU_REQUEST_LAST); /* none */
    ask(9, pasid, 3, UIOMMU_REQUEST_LAST);
    serve();
    cr_assert_eq(calls, 1);
    cr_assert_eq(uiommu_device_reset_begin(dev), UIOMMU_OK);
    toy.room = UINT32_MAX;
    serve();
    cr_assert_eq(toy.answers, 1);
    cr_assert_eq(toy.from, 9);
    for (i = 0; i < 100000 && uiommu_device_reset_end(dev) == UIOMMU_PENDING; i++)
        ;
    cr_assert_eq(uiommu_device_get_state(dev), UIOMMU_DEVICE_NORMAL);
    serve();
    cr_assert_eq(toy.answers, 1);
}

/* The same of a device that is detached. */
Test(requests, detach_before_the_answer)
{
    toy.room = 0;
    ask(9, pasid, 1, UIOMMU_REQUEST_LAST);
    ask(8, pasid + 1, 2, UIOMMU_REQUEST_LAST);
    serve();
    cr_assert_eq(uiommu_device_detach(second), UIOMMU_OK);
    toy.room = UINT32_MAX;
    serve();
    cr_assert_eq(toy.answers, 1);
    cr_assert_eq(toy.from, 8);
    cr_assert_eq(uiommu_port_destroy(second_port), UIOMMU_OK);
    second = attach(&second_id, &second_port);
}

/* R18: an answer of a device that found no room is not proved gone: its PASID is withheld. */
Test(requests, drain_without_room)
{
    struct uiommu_bond_info info;
    uint32_t i;

    toy.room = 0;
    ask(8, pasid + 1, 2, UIOMMU_REQUEST_LAST);
    serve();
    host.tick_ns = 1000000;
    cr_assert_eq(uiommu_unbind(u, bond, UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT),
                 UIOMMU_E_POISONED);
    cr_assert_eq(uiommu_bond_get_info(u, bond, &info), UIOMMU_OK);
    cr_assert_eq(info.missing & UIOMMU_PROOF_REQUESTS, UIOMMU_PROOF_REQUESTS);
    toy.room = UINT32_MAX;
    host.tick_ns = 1000;
    serve();
    cr_assert_eq(toy.answers, 1);
    cr_assert_eq(uiommu_device_reset_begin(dev), UIOMMU_OK);
    for (i = 0; i < 100000 && uiommu_device_reset_end(dev) == UIOMMU_PENDING; i++)
        ;
    cr_assert_eq(uiommu_device_get_state(dev), UIOMMU_DEVICE_NORMAL);
}

/* An entry came too late and is lost: a partial may lack a page, so it never becomes a group. */
Test(requests, late_entries)
{
    ask(8, pasid, 4, 0);
    serve();
    toy.flags = UIOMMU_FETCH_LATE;
    serve();
    ask(8, pasid, 4, UIOMMU_REQUEST_LAST);
    serve();
    cr_assert_eq(calls, 1, "its Last begins a group of its own");
    cr_assert_eq(counters(dev).dropped, 1);
}

/* A ring that cannot be read is no endless loop, and what is in it is served later. */
Test(requests, fetch_fails)
{
    struct uiommu_unit_counters out;

    toy.failing = TOY_FETCH;
    toy.with = UIOMMU_E_HW;
    ask(8, pasid, 4, UIOMMU_REQUEST_LAST);
    serve();
    cr_assert_eq(calls, 0);
    cr_assert_eq(uiommu_unit_get_counters(unit, &out), UIOMMU_OK);
    cr_assert_eq(out.entries, 0);
    toy.failing = TOY_NONE;
    serve();
    cr_assert_eq(calls, 1);
}

/* As another thread, while the handler has not come back. */
static void as_another(void)
{
    uint32_t i;

    self = 2;
    host.now_ns += UINT64_C(11000000000); /* answer_ns, and a second */
    for (i = 0; i < 10; i++)
        cr_assert_neq(uiommu_unit_service(unit, 0), UIOMMU_E_STATE);
    self = 1;
    cr_assert_eq(calls, 1);
    cr_assert_eq(toy.answers, 2, "the two behind the cap");
    cr_assert_eq(toy.code[UIOMMU_CODE_INVALID & 3], 2);
}

/* Behind a cap that a handler holds for ever, groups are answered when their time is over. */
Test(requests, expire_behind_a_cap)
{
    struct uiommu_bond_counters out;

    meanwhile = as_another;
    ask(8, pasid, 1, UIOMMU_REQUEST_LAST);
    ask(8, pasid, 2, UIOMMU_REQUEST_LAST);
    ask(8, pasid, 3, UIOMMU_REQUEST_LAST);
    serve();
    cr_assert_eq(calls, 1);
    cr_assert_eq(toy.answers, 3);
    cr_assert_eq(toy.code[UIOMMU_CODE_SUCCESS & 3], 1);
    cr_assert_eq(uiommu_bond_get_counters(u, bond, &out), UIOMMU_OK);
    cr_assert_eq(out.expired, 2);
    ask(8, pasid, 4, UIOMMU_REQUEST_LAST);
    serve();
    cr_assert_eq(calls, 2, "and it goes on");
}

Test(requests, answers_that_name_nothing)
{
    struct uiommu_group_ref ref = {0, 1};

    cr_assert_eq(uiommu_group_respond(NULL, ref, UIOMMU_CODE_SUCCESS), UIOMMU_E_HANDLE);
    cr_assert_eq(uiommu_group_respond(unit, ref, UIOMMU_CODE_FAILURE), UIOMMU_E_INVALID);
    ref.index = 1u << 30;
    cr_assert_eq(uiommu_group_respond(unit, ref, UIOMMU_CODE_SUCCESS), UIOMMU_E_HANDLE);
}
