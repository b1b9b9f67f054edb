/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf_themes.h"

/* The Nth allocation fails, for every N: undone completely, nothing leaked, and it works after. */

#define MOST 400u

/* Memory in use, as the host sees it. */
static uint64_t in_use(struct conf *c)
{
    return c->b.heap.live_bytes + ((uint64_t)c->b.mem_live << 40);
}

static void create_and_start(struct conf *c)
{
    uiommu_err err = UIOMMU_E_NOMEM;
    uint32_t n;

    for (n = 1; n < MOST && err != UIOMMU_OK && !conf_failed(c); n++) {
        c->b.allocations = 0;
        c->b.fail_at = n;
        err = bench_up(&c->b);
        CHECK(c, err == UIOMMU_OK || err == UIOMMU_E_NOMEM);
        if (err != UIOMMU_OK) {
            CHECK(c, c->b.u == NULL && in_use(c) == 0);
        }
    }
    c->b.fail_at = 0;
    CHECK(c, err == UIOMMU_OK && n > 4);
}

static void port_and_attach(struct conf *c)
{
    struct uiommu_device_config config;
    uiommu_err err = UIOMMU_E_NOMEM;
    struct conf_device *d;
    uint64_t before;
    uint32_t n;

    if (!conf_up(c)) {
        return;
    }
    d = conf_device_plan(c, NULL, &config);
    before = in_use(c);
    for (n = 1; n < MOST && err != UIOMMU_OK && d != NULL && !conf_failed(c); n++) {
        c->b.allocations = 0;
        c->b.fail_at = n;
        err = uiommu_device_attach(c->b.unit, &config, &d->dev);
        CHECK(c, err == UIOMMU_OK || err == UIOMMU_E_NOMEM);
        if (err != UIOMMU_OK) {
            d->dev = NULL;
            /* What grew for good (a second-level table) is the unit's and goes with it. */
            CHECK(c, !conf_access(d, UIOMMU_PASID_NONE, CONF_VA, MODEL_READ));
        }
    }
    c->b.fail_at = 0;
    CHECK(c, err == UIOMMU_OK && n > 2 && in_use(c) >= before);
}

static void bind_fails(struct conf *c)
{
    struct uiommu_bond_ref bond;
    uiommu_err err = UIOMMU_E_NOMEM;
    struct uiommu_pasid_info info;
    struct conf_flow f;
    uint32_t n, pasid;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    pasid = conf_pasid(c);
    for (n = 1; n < MOST && err != UIOMMU_OK && !conf_failed(c); n++) {
        c->b.allocations = 0;
        c->b.fail_at = n;
        err = conf_try_bind(c, f.d, f.b, pasid, &bond);
        CHECK(c, err == UIOMMU_OK || err == UIOMMU_E_NOMEM);
        c->b.fail_at = 0;
        if (err != UIOMMU_OK) {
            CHECK(c, uiommu_aspace_bonds(f.b->as) == 0);
            CHECK(c, uiommu_pasid_get_info(c->b.pasids, pasid, &info) == UIOMMU_OK);
            CHECK(c, info.refs == 1 && info.bonds == 0);
            CHECK(c, !c->b.vendor->reaches(&c->b, f.d->id, pasid));
        }
    }
    CHECK(c, err == UIOMMU_OK);
    conf_ask(f.d, pasid, CONF_VA, 1);
    conf_run(c, BENCH_MS);
    CHECK(c, f.b->calls == 1);
}

/* Objects one by one. */
static void small_things(struct conf *c)
{
    struct uiommu_pasid_space_config numbers = c->b.numbers;
    struct uiommu_owner_config quota;
    struct uiommu_owner *owner = NULL;
    struct uiommu_port_config port;
    struct uiommu_port *p = NULL;
    uint64_t before;
    uint32_t n, pasid;

    memset(&quota, 0, sizeof(quota));
    memset(&port, 0, sizeof(port));
    quota.size = sizeof(quota);
    port.size = sizeof(port);
    port.want = 12;
    numbers.first = 1;
    if (!conf_up(c)) {
        return;
    }
    for (n = 1; n < 4; n++) {
        struct uiommu_pasid_space *space = NULL;

        before = in_use(c);
        c->b.allocations = 0;
        c->b.fail_at = n;
        c->err = uiommu_pasid_space_create(c->b.u, &numbers, &space);
        if (c->err == UIOMMU_OK) {
            c->err = uiommu_pasid_alloc(space, NULL, 0, &pasid);
            CHECK(c, c->err != UIOMMU_OK || uiommu_pasid_put(space, pasid) == UIOMMU_OK);
            CHECK(c, uiommu_pasid_space_destroy(space) == UIOMMU_OK);
        }
        CHECK(c, c->err == UIOMMU_OK || c->err == UIOMMU_E_NOMEM);
        CHECK(c, in_use(c) == before);
    }
    c->b.allocations = 0;
    c->b.fail_at = 1;
    before = in_use(c);
    CHECK(c, uiommu_owner_create(c->b.u, &quota, &owner) == UIOMMU_E_NOMEM);
    c->b.allocations = 0;
    c->b.fail_at = 1;
    CHECK(c, uiommu_port_create(c->b.unit, &port, &p) ==
                 (c->b.features.pri ? UIOMMU_E_NOMEM : UIOMMU_E_UNSUPPORTED));
    CHECK(c, in_use(c) == before);
    c->b.fail_at = 0;
}

/* Faults, answers, drains: no memory is asked for. */
static void none_per_fault(struct conf *c)
{
    struct conf_flow f;
    uint32_t before, i;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    f.a->answer = UIOMMU_CODE_INVALID;
    before = c->b.allocations;
    for (i = 0; i < 30; i++) {
        conf_ask(f.d, f.pasid, CONF_VA, i);
        conf_run(c, 100 * BENCH_US);
    }
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->calls == 30);
    CHECK(c, uiommu_aspace_invalidate(f.a->as, 0, 4095, false) == UIOMMU_OK);
    CHECK(c, uiommu_aspace_exit(f.a->as) == UIOMMU_OK);
    CHECK(c, conf_reap(c, f.a) == UIOMMU_OK);
    CHECK(c, c->b.allocations == before);
}

/* Without heap ops the library carves from the host's other memory. */
static void own_heap(struct conf *c)
{
    struct conf_flow f;

    c->b.ops.heap_get = NULL;
    c->b.ops.heap_put = NULL;
    if (!conf_flow_up(c, &f)) {
        return;
    }
    conf_ask(f.d, f.pasid, CONF_VA, 1);
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->calls == 1 && c->b.heap.live == 0);
    CHECK(c, conf_unbind(c, f.bond, UIOMMU_UNBIND_STOPPED) == UIOMMU_OK);
}

/* A host without any optional op. */
static void barest_host(struct conf *c)
{
    struct conf_flow f;

    c->b.ops.heap_get = NULL;
    c->b.ops.heap_put = NULL;
    c->b.ops.wait = NULL;
    c->b.ops.wake = NULL;
    c->b.ops.irq_save = NULL;
    c->b.ops.irq_restore = NULL;
    c->b.ops.self = NULL;
    c->b.ops.log = NULL;
    c->b.ops.trace = NULL;
    if (c->b.variant->coherent) {
        c->b.ops.mem_to_device = NULL;
        c->b.ops.mem_from_device = NULL;
    }
    if (!conf_flow_up(c, &f)) {
        return;
    }
    conf_ask(f.d, f.pasid, CONF_VA, 1);
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->calls == 1 && conf_answer(f.d, 1) == UIOMMU_CODE_SUCCESS);
    CHECK(c, uiommu_unbind(c->b.u, f.bond, UIOMMU_UNBIND_STOPPED) == UIOMMU_OK);
    CHECK(c, !bench_uses_tables(&c->b, f.a->tables));
}

static const struct conf_test tests[] = {
    {"I18 memory: create and start, the Nth allocation fails", create_and_start},
    {"I18 memory: attach, the Nth allocation fails", port_and_attach},
    {"I18 L38 memory: bind, the Nth allocation fails", bind_fails},
    {"I18 memory: spaces, owners, ports", small_things},
    {"I8 I14 L21 memory: nothing is allocated for a fault, an exit or a drain", none_per_fault},
    {"memory: a host without a heap", own_heap},
    {"R14 memory: a host with no optional op at all", barest_host},
};
const struct conf_theme conf_memory_theme = {"memory", tests, sizeof(tests) / sizeof(tests[0])};
