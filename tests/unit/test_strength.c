/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "../../core/core.h"
#include "../support/fake_host.h"

/*
 * What barriers of each strength, and tickets that fail, mean for a shutdown (R5, R15, R18): a
 * backend without hardware, whose answers the test chooses.
 */

struct toy {
    uint32_t strength; /* of its barriers; > PROVED: the op is missing */
    uint32_t barriers; /* begun */
    uint64_t tickets;  /* pushed */
    uint64_t done;     /* tickets up to here are done */
    uint64_t failed;   /* this one fails */
    bool lag;          /* tickets are done only when the test says so */
    uint32_t waiting;  /* requests in its ring */
    uint32_t late;     /* this barrier ends in an overflow */
    uint64_t late_at;  /* its ticket */
    bool overflow;     /* not fetched yet */
    bool flood;        /* of a first ring, beside that of the requests */
    struct uiommu_request request[8];
    uint32_t answers; /* sent */
    uint32_t last_code;
    uint32_t blocked, cleared, set;
};

static struct fake_host host;
static struct uiommu *u;
static struct toy toy;
static struct uiommu_pasid_space *space;
static struct uiommu_unit *unit;
static struct uiommu_port *port;
static struct uiommu_device *dev;
static struct uiommu_aspace *as;
static uint32_t pasid, calls;
static bool flooded;
static struct uiommu_bond_ref bond;

static uiommu_err toy_probe(void *hw, struct uiommu_caps *out)
{
    (void)hw;
    out->flags = UIOMMU_CAP_ATS | UIOMMU_CAP_MARKERS | UIOMMU_CAP_RESPONSE_PASID;
    out->id_bits = 16;
    out->pasid_bits = 20;
    out->pasid_first = 1;
    out->request_entries = 64;
    out->tag_first = 1;
    out->tag_last = 15;
    out->stu_bits = 12;
    out->rings = toy.flood ? 2 : 1;
    out->ring[0].entries = 64;
    out->ring[out->rings - 1].flags = UIOMMU_RING_REQUESTS | UIOMMU_RING_LOSES;
    out->ring[out->rings - 1].entries = 64;
    return UIOMMU_OK;
}
static uiommu_err toy_ok(void *hw)
{
    (void)hw;
    return UIOMMU_OK;
}
static uiommu_err toy_root(void *hw, void *d, uint32_t number, const struct uiommu_root *root)
{
    (void)hw;
    (void)d;
    (void)number;
    return root->format == UIOMMU_ROOT_X86_64 ? UIOMMU_OK : UIOMMU_E_UNSUPPORTED;
}
static uiommu_err toy_attach(void *hw, const struct uiommu_device_desc *desc, void **out)
{
    (void)desc;
    *out = hw;
    return UIOMMU_OK;
}
static uiommu_err toy_device_set(void *hw, void *d, uint32_t flags, uint32_t step)
{
    (void)hw;
    (void)d;
    (void)flags;
    return step == 0 ? UIOMMU_MORE : UIOMMU_OK;
}
static uiommu_err toy_pasid(void *hw, void *d, uint32_t number)
{
    (void)hw;
    (void)d;
    (void)number;
    return UIOMMU_OK;
}
static uiommu_err toy_set(void *hw, void *d, uint32_t number, const struct uiommu_root *root,
                          uint32_t tag, uint32_t step)
{
    (void)hw;
    (void)d;
    (void)number;
    (void)step;
    cr_expect(root->table == 0x1000 && tag >= 1 && tag <= 15);
    toy.set++;
    return UIOMMU_OK;
}
static void toy_block(void *hw, void *d, uint32_t number)
{
    (void)toy_pasid(hw, d, number);
    toy.blocked++;
}
static void toy_clear(void *hw, void *d, uint32_t number)
{
    (void)toy_pasid(hw, d, number);
    toy.cleared++;
}
static uiommu_err toy_tlb(void *hw, void *d, uint32_t number, const struct uiommu_root *root,
                          uint32_t tag, const struct uiommu_range *r)
{
    (void)root;
    (void)tag;
    (void)r;
    return toy_pasid(hw, d, number);
}
static uiommu_err toy_dtlb(void *hw, void *d, uint32_t number, const struct uiommu_range *r)
{
    (void)r;
    return toy_pasid(hw, d, number);
}
static uiommu_err toy_ticket(void *hw, uint64_t *out)
{
    (void)hw;
    *out = ++toy.tickets;
    return UIOMMU_OK;
}
static uiommu_err toy_poll(void *hw, uint64_t ticket)
{
    (void)hw;
    if (ticket == toy.failed)
        return UIOMMU_E_HW;
    if (ticket == toy.late_at) {
        toy.late_at = 0;
        toy.overflow = true;
    }
    return !toy.lag || ticket <= toy.done ? UIOMMU_OK : UIOMMU_PENDING;
}
static uiommu_err toy_barrier(void *hw, void *d, uint32_t number, uint64_t *ticket,
                              uint32_t *strength)
{
    (void)toy_pasid(hw, d, number);
    toy.barriers++;
    *strength = toy.strength;
    if (toy.barriers == toy.late)
        toy.late_at = toy.tickets + 1;
    return toy_ticket(hw, ticket);
}
static uint32_t toy_respond(void *hw, const struct uiommu_answer *answers, uint32_t count)
{
    (void)hw;
    toy.answers += count;
    toy.last_code = answers[count - 1].code;
    return count;
}
static uint32_t toy_pending(void *hw, uint32_t ring)
{
    (void)hw;
    return toy.flood && ring == 0 ? 64 : toy.waiting;
}
static uiommu_err toy_fetch(void *hw, uint32_t ring, struct uiommu_fetch *io)
{
    uint32_t i;

    (void)hw;
    if (toy.flood && ring == 0) { /* reports of nothing, as many as are wanted */
        io->entries = io->request_room;
        io->flags = UIOMMU_FETCH_MORE;
        return UIOMMU_OK;
    }
    if (toy.overflow)
        io->flags = UIOMMU_FETCH_OVERFLOW;
    toy.overflow = false;
    for (i = 0; i < toy.waiting && i < io->request_room; i++) {
        io->requests[i] = toy.request[i];
        io->requests[i].at = i;
    }
    io->request_count = io->entries = i;
    toy.waiting -= i;
    return UIOMMU_OK;
}

static const struct uiommu_backend_ops toy_ops = {
    .size = sizeof(toy_ops),
    .name = "toy",
    .probe = toy_probe,
    .start = toy_ok,
    .root_check = toy_root,
    .device_attach = toy_attach,
    .device_set = toy_device_set,
    .pasid_prepare = toy_pasid,
    .pasid_set = toy_set,
    .pasid_block = toy_block,
    .pasid_clear = toy_clear,
    .config_invalidate = toy_pasid,
    .tlb_invalidate = toy_tlb,
    .dtlb_invalidate = toy_dtlb,
    .ticket = toy_ticket,
    .ticket_poll = toy_poll,
    .barrier = toy_barrier,
    .respond = toy_respond,
    .ring_pending = toy_pending,
    .fetch = toy_fetch,
};

static uiommu_code fault(void *user, const struct uiommu_group *group)
{
    (void)user;
    (void)group;
    calls++;
    return UIOMMU_CODE_SUCCESS;
}

static void bind_again(void)
{
    struct uiommu_bind_config config = {.size = sizeof(config), .pasid = pasid};

    cr_assert_eq(uiommu_bind(dev, as, &config, &bond), UIOMMU_OK);
}

static void make_unit(const struct uiommu_backend_ops *ops)
{
    struct uiommu_unit_config config = {.size = sizeof(config), .pasids = space};
    struct uiommu_port_config want = {.size = sizeof(want), .want = 16};
    static const uint32_t id = 8;
    struct uiommu_device_config device = {.size = sizeof(device),
                                          .ids = &id,
                                          .id_count = 1,
                                          .flags = UIOMMU_DEVICE_PASID | UIOMMU_DEVICE_ATS |
                                                   UIOMMU_DEVICE_PRI,
                                          .pasid_bits = 20};

    cr_assert_eq(uiommu_unit_create(u, ops, &toy, &config, &unit), UIOMMU_OK);
    cr_assert_eq(uiommu_unit_start(unit), UIOMMU_OK);
    cr_assert_eq(uiommu_port_create(unit, &want, &port), UIOMMU_OK);
    device.port = port;
    cr_assert_eq(uiommu_device_attach(unit, &device, &dev), UIOMMU_OK);
}

static void begin_with(const struct uiommu_backend_ops *ops)
{
    struct uiommu_pasid_space_config numbers = {.size = sizeof(numbers), .first = 1, .last = 1023};
    static const struct uiommu_aspace_ops faults = {.size = sizeof(faults), .fault = fault};
    static const struct uiommu_root root = {UIOMMU_ROOT_X86_64, 12, 48, 48, 0, 0x1000, 0, {0}};
    struct uiommu_aspace_config config = {
        .size = sizeof(config), .ops = &faults, .roots = &root, .root_count = 1};

    fake_host_init(&host);
    host.tick_ns = 1000;
    memset(&toy, 0, sizeof(toy));
    toy.flood = flooded;
    calls = 0;
    u = fake_host_create(&host);
    cr_assert_eq(uiommu_pasid_space_create(u, &numbers, &space), UIOMMU_OK);
    cr_assert_eq(uiommu_aspace_create(u, &config, &as), UIOMMU_OK);
    cr_assert_eq(uiommu_pasid_alloc(space, NULL, 0, &pasid), UIOMMU_OK);
    make_unit(ops);
    bind_again();
    toy.barriers = 0;
}

static void begin(void)
{
    begin_with(&toy_ops);
}

TestSuite(strength, .init = begin);

static struct uiommu_bond_info info_of(void)
{
    struct uiommu_bond_info info;

    cr_assert_eq(uiommu_bond_get_info(u, bond, &info), UIOMMU_OK);
    return info;
}

/* Serve until the number is free again. */
static void rest(void)
{
    uint32_t i;

    for (i = 0; i < 100000 && info_of().state != UIOMMU_BOND_FREE; i++)
        cr_assert_neq(uiommu_unit_service(unit, 0), UIOMMU_E_STATE);
    cr_assert_eq(info_of().state, UIOMMU_BOND_FREE);
}

static void end(void)
{
    cr_assert_eq(uiommu_device_detach(dev), UIOMMU_OK);
    cr_assert_eq(uiommu_port_destroy(port), UIOMMU_OK);
    cr_assert_eq(uiommu_unit_stop(unit), UIOMMU_OK);
    cr_assert_eq(uiommu_unit_destroy(unit), UIOMMU_OK);
    cr_assert_eq(uiommu_aspace_destroy(as), UIOMMU_OK);
    cr_assert_eq(uiommu_pasid_put(space, pasid), UIOMMU_OK);
    cr_assert_eq(uiommu_pasid_space_destroy(space), UIOMMU_OK);
    cr_assert(fake_host_destroy(&host, u));
}

static void ask(uint32_t index)
{
    struct uiommu_request *request = &toy.request[toy.waiting++];

    memset(request, 0, sizeof(*request));
    request->id = 8;
    request->pasid = pasid;
    request->index = index;
    request->address = 0x5000;
    request->flags = UIOMMU_READ | UIOMMU_REQUEST_PASID | UIOMMU_REQUEST_LAST;
}

/* A barrier that proves is taken once in a drain, and nothing rests. */
Test(strength, proved_once)
{
    uint64_t before;

    toy.strength = UIOMMU_BARRIER_PROVED;
    ask(3);
    before = host.now_ns;
    cr_assert_eq(uiommu_unbind(u, bond, UIOMMU_UNBIND_STOPPED), UIOMMU_OK);
    cr_assert_eq(calls, 1, "the sweep handles what was sent");
    cr_assert(toy.answers == 1 && toy.last_code == UIOMMU_CODE_SUCCESS);
    rest();
    cr_assert_eq(toy.barriers, 2, "one for the sweep, one for D3");
    cr_assert_lt(host.now_ns - before, 10000000u, "no settle time");
    end();
}

/* One that only orders is taken twice, a settle time apart, and the number rests as long again. */
Test(strength, ordered_twice)
{
    uint64_t before = host.now_ns;

    toy.strength = UIOMMU_BARRIER_ORDERED;
    cr_assert_eq(uiommu_unbind(u, bond, UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT), UIOMMU_OK);
    cr_assert_eq(info_of().barriers, 2);
    cr_assert_eq(toy.barriers, 2);
    cr_assert_geq(host.now_ns - before, 10000000u, "the settle time");
    cr_assert_eq(info_of().state, UIOMMU_BOND_QUARANTINE);
    rest();
    cr_assert_geq(host.now_ns - before, 20000000u, "and once more");
    end();
}

/* R29: an overflow between the fetch and the barrier's end, both of one round: D3 once more. */
Test(strength, overflow_at_the_end)
{
    toy.strength = UIOMMU_BARRIER_ORDERED;
    toy.late = 2;
    cr_assert_eq(uiommu_unbind(u, bond, UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT), UIOMMU_OK);
    cr_assert_eq(info_of().barriers, 3);
    rest();
    end();
}

/* None proves nothing: the number is withheld until a reset. */
Test(strength, none_poisons)
{
    uint32_t i;

    toy.strength = UIOMMU_BARRIER_NONE;
    cr_assert_eq(uiommu_unbind(u, bond, UIOMMU_UNBIND_STOPPED), UIOMMU_E_POISONED);
    cr_assert_eq(info_of().missing, UIOMMU_PROOF_REQUESTS);
    cr_assert_eq(uiommu_device_reset_begin(dev), UIOMMU_OK);
    for (i = 0; i < 100000 && uiommu_device_reset_end(dev) == UIOMMU_PENDING; i++)
        ;
    cr_assert_eq(uiommu_device_get_state(dev), UIOMMU_DEVICE_NORMAL);
    rest();
    end();
}

/* A ring that never ends has the budget of one call, the next ring that of another. */
Test(strength_bare, flood_beside)
{
    flooded = true;
    begin_with(&toy_ops);
    ask(1);
    cr_assert_eq(uiommu_unit_service(unit, 4), UIOMMU_MORE);
    cr_assert_eq(uiommu_unit_service(unit, 4), UIOMMU_MORE);
    cr_assert_eq(calls, 1);
}

/* A backend without the op is as one without a barrier. */
Test(strength_bare, missing_op)
{
    struct uiommu_backend_ops ops = toy_ops;
    uint32_t i;

    ops.barrier = NULL;
    begin_with(&ops);
    cr_assert_eq(uiommu_unbind(u, bond, UIOMMU_UNBIND_STOPPED), UIOMMU_E_POISONED);
    cr_assert_eq(uiommu_device_reset_begin(dev), UIOMMU_OK);
    for (i = 0; i < 100000 && uiommu_device_reset_end(dev) == UIOMMU_PENDING; i++)
        ;
    rest();
    end();
}

/* A barrier whose ticket fails is none, and the next one's success is not its own (R18). */
Test(strength, failed_barrier)
{
    toy.strength = UIOMMU_BARRIER_PROVED;
    cr_assert_eq(uiommu_unbind_begin(u, bond, UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT),
                 UIOMMU_OK);
    toy.failed = toy.tickets + 4; /* configuration, IOTLB, device TLB, barrier */
    cr_assert_eq(uiommu_unbind(u, bond, 0), UIOMMU_E_POISONED);
    cr_assert_eq(info_of().missing, UIOMMU_PROOF_REQUESTS);
    cr_assert_eq(toy.barriers, 1);
    cr_assert_eq(uiommu_device_removed(dev), UIOMMU_OK);
    rest();
    end();
}

/* R15: an invalidation that fails once is done again; twice, it is withheld and said. */
Test(strength, failed_invalidation)
{
    toy.strength = UIOMMU_BARRIER_PROVED;
    toy.failed = toy.tickets + 2; /* IOTLB */
    cr_assert_eq(uiommu_unbind(u, bond, UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT), UIOMMU_OK);
    rest();
    cr_assert_eq(toy.cleared, 1);
    end();
}

/* R12: nothing completes: the tables stay reachable, and exit says so as well. */
Test(strength, hung_unit)
{
    struct uiommu_event event;

    toy.strength = UIOMMU_BARRIER_PROVED;
    toy.lag = true;
    toy.done = toy.tickets;
    cr_assert_eq(uiommu_unbind(u, bond, UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT),
                 UIOMMU_E_WITHHELD);
    cr_assert_eq(uiommu_aspace_exit(as), UIOMMU_E_WITHHELD);
    cr_assert_eq(uiommu_unit_next_event(unit, &event), UIOMMU_OK);
    cr_assert_eq(event.kind, UIOMMU_EVENT_UNIT_HUNG);
    cr_assert_eq(uiommu_aspace_destroy(as), UIOMMU_E_BUSY);
    toy.lag = false; /* it comes back: asked again, everything is proved */
    cr_assert_eq(uiommu_unbind(u, bond, 0), UIOMMU_OK);
    cr_assert_eq(uiommu_aspace_exit(as), UIOMMU_OK);
    rest();
    end();
}

/* A number bound again meets nothing of its old owner: positions decide (R2). */
Test(strength, lives)
{
    struct uiommu_bond_ref old = bond;

    toy.strength = UIOMMU_BARRIER_PROVED;
    cr_assert_eq(uiommu_unbind(u, bond, UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT), UIOMMU_OK);
    rest();
    ask(1); /* from nowhere: the number is unbound */
    bind_again();
    cr_assert_neq(bond.generation == old.generation && bond.index == old.index, 1);
    while (uiommu_unit_service(unit, 0) == UIOMMU_MORE)
        ;
    cr_assert(calls == 0 && toy.answers == 1 && toy.last_code == UIOMMU_CODE_INVALID);
    ask(2);
    while (uiommu_unit_service(unit, 0) == UIOMMU_MORE)
        ;
    cr_assert(calls == 1 && toy.answers == 2 && toy.last_code == UIOMMU_CODE_SUCCESS);
    cr_assert_eq(uiommu_unbind(u, old, 0), UIOMMU_OK, "the old name is the old life's");
    cr_assert_eq(info_of().state, UIOMMU_BOND_LIVE);
    cr_assert_eq(uiommu_unbind(u, bond, UIOMMU_UNBIND_STOPPED), UIOMMU_OK);
    rest();
    end();
}

/* I21: a removed device behind a hung unit: what cannot be proved is said, not retried for ever. */
Test(strength, hung_and_removed)
{
    uiommu_err err = UIOMMU_PENDING;
    uint32_t i;

    toy.strength = UIOMMU_BARRIER_PROVED;
    toy.lag = true;
    toy.done = toy.tickets;
    cr_assert_eq(uiommu_unbind(u, bond, UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT),
                 UIOMMU_E_WITHHELD);
    cr_assert_eq(uiommu_device_removed(dev), UIOMMU_OK);
    host.tick_ns = 1000000;
    for (i = 0; i < 20000 && err == UIOMMU_PENDING; i++)
        err = uiommu_unbind_poll(u, bond);
    cr_assert_eq(err, UIOMMU_E_WITHHELD);
    toy.lag = false;
    cr_assert_eq(uiommu_unbind(u, bond, 0), UIOMMU_OK);
    rest();
    end();
}
