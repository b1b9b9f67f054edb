/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf_themes.h"

/* NULL, foreign and used-up handles, sizes and numbers that cannot be: a status, always. */

/* Memory that is no object of the library. */
static uint64_t nothing[512];

static void nulls(struct conf *c)
{
    struct uiommu_bond_ref bond = {0, 0};
    struct uiommu_group_ref group = {0, 0};
    struct uiommu_host_ops ops = c->b.ops;
    struct uiommu *u = NULL;
    uint32_t pasid;

    CHECK(c, uiommu_create(NULL, &u) == UIOMMU_E_INVALID);
    CHECK(c, uiommu_create(&ops, NULL) == UIOMMU_E_INVALID);
    CHECK(c, uiommu_destroy(NULL) == UIOMMU_E_HANDLE);
    CHECK(c, uiommu_owner_create(NULL, NULL, NULL) != UIOMMU_OK);
    CHECK(c, uiommu_owner_destroy(NULL) != UIOMMU_OK);
    CHECK(c, uiommu_owner_exit(NULL) != UIOMMU_OK);
    CHECK(c, uiommu_owner_reap(NULL) != UIOMMU_OK);
    CHECK(c, uiommu_owner_get_counters(NULL, NULL) != UIOMMU_OK);
    CHECK(c, uiommu_pasid_space_create(NULL, NULL, NULL) != UIOMMU_OK);
    CHECK(c, uiommu_pasid_space_destroy(NULL) != UIOMMU_OK);
    CHECK(c, uiommu_pasid_alloc(NULL, NULL, 0, &pasid) != UIOMMU_OK);
    CHECK(c, uiommu_pasid_hold(NULL, 1) != UIOMMU_OK);
    CHECK(c, uiommu_pasid_put(NULL, 1) != UIOMMU_OK);
    CHECK(c, uiommu_pasid_get_info(NULL, 1, NULL) != UIOMMU_OK);
    CHECK(c, uiommu_aspace_create(NULL, NULL, NULL) != UIOMMU_OK);
    CHECK(c, uiommu_aspace_destroy(NULL) == UIOMMU_E_HANDLE);
    CHECK(c, uiommu_aspace_exit(NULL) == UIOMMU_E_HANDLE);
    CHECK(c, uiommu_aspace_reap(NULL) == UIOMMU_E_HANDLE);
    CHECK(c, uiommu_aspace_invalidate(NULL, 0, 1, false) != UIOMMU_OK);
    CHECK(c, uiommu_aspace_bonds(NULL) == 0);
    CHECK(c, uiommu_bind(NULL, NULL, NULL, NULL) != UIOMMU_OK);
    CHECK(c, uiommu_unbind_begin(NULL, bond, 0) == UIOMMU_E_HANDLE);
    CHECK(c, uiommu_unbind_poll(NULL, bond) == UIOMMU_E_HANDLE);
    CHECK(c, uiommu_unbind(NULL, bond, 0) == UIOMMU_E_HANDLE);
    CHECK(c, uiommu_bond_stopped(NULL, bond) != UIOMMU_OK);
    CHECK(c, uiommu_bond_get_info(NULL, bond, NULL) != UIOMMU_OK);
    CHECK(c, uiommu_bond_get_counters(NULL, bond, NULL) != UIOMMU_OK);
    CHECK(c, uiommu_group_respond(NULL, group, UIOMMU_CODE_SUCCESS) == UIOMMU_E_HANDLE);
}

static void more_nulls(struct conf *c)
{
    struct uiommu_event event;

    CHECK(c, uiommu_unit_start(NULL) != UIOMMU_OK);
    CHECK(c, uiommu_unit_stop(NULL) != UIOMMU_OK);
    CHECK(c, uiommu_unit_destroy(NULL) != UIOMMU_OK);
    CHECK(c, uiommu_unit_restart(NULL) != UIOMMU_OK);
    CHECK(c, uiommu_unit_service(NULL, 1) == UIOMMU_E_HANDLE);
    CHECK(c, uiommu_unit_next_deadline(NULL) == UINT64_MAX);
    CHECK(c, uiommu_unit_due_word(NULL) == NULL);
    CHECK(c, uiommu_unit_get_info(NULL, NULL) != UIOMMU_OK);
    CHECK(c, uiommu_unit_get_counters(NULL, NULL) != UIOMMU_OK);
    CHECK(c, uiommu_unit_user(NULL) == NULL);
    CHECK(c, uiommu_unit_next_event(NULL, &event) != UIOMMU_OK);
    CHECK(c, uiommu_device_attach(NULL, NULL, NULL) != UIOMMU_OK);
    CHECK(c, uiommu_device_detach(NULL) != UIOMMU_OK);
    CHECK(c, uiommu_device_reset_begin(NULL) != UIOMMU_OK);
    CHECK(c, uiommu_device_reset_end(NULL) != UIOMMU_OK);
    CHECK(c, uiommu_device_removed(NULL) != UIOMMU_OK);
    CHECK(c, uiommu_device_get_counters(NULL, NULL) != UIOMMU_OK);
    CHECK(c, uiommu_device_get_state(NULL) == UIOMMU_E_HANDLE);
    CHECK(c, uiommu_device_user(NULL) == NULL);
    CHECK(c, uiommu_port_create(NULL, NULL, NULL) != UIOMMU_OK);
    CHECK(c, uiommu_port_destroy(NULL) != UIOMMU_OK);
    CHECK(c, uiommu_port_switch_off(NULL) == UIOMMU_E_HANDLE);
    CHECK(c, uiommu_port_get_info(NULL, NULL) != UIOMMU_OK);
    CHECK(c, uiommu_pcie_init(NULL, NULL, NULL, NULL, NULL) == UIOMMU_E_INVALID);
}

/* Pointers to something else. */
static void foreign(struct conf *c)
{
    struct uiommu_bind_config bind;
    struct uiommu_bond_ref bond;
    struct uiommu_bond_ref never = {12345, 3};
    struct uiommu_group_ref group = {77777, 1};
    struct uiommu_bond_info info;
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    memset(&bind, 0, sizeof(bind));
    bind.size = sizeof(bind);
    bind.pasid = conf_pasid(c);
    CHECK(c, uiommu_bind((struct uiommu_device *)(void *)nothing, f.a->as, &bind, &bond) ==
                 UIOMMU_E_HANDLE);
    CHECK(c, uiommu_bind(f.d->dev, (struct uiommu_aspace *)(void *)nothing, &bind, &bond) ==
                 UIOMMU_E_HANDLE);
    CHECK(c, uiommu_aspace_exit((struct uiommu_aspace *)(void *)c->b.unit) == UIOMMU_E_HANDLE);
    CHECK(c, uiommu_unit_service((struct uiommu_unit *)(void *)f.a->as, 1) == UIOMMU_E_HANDLE);
    CHECK(c, uiommu_device_detach((struct uiommu_device *)(void *)nothing) == UIOMMU_E_HANDLE);
    CHECK(c, uiommu_unbind_begin((struct uiommu *)(void *)nothing, f.bond, 0) == UIOMMU_E_HANDLE);
    CHECK(c, uiommu_unbind_begin(c->b.u, never, 0) == UIOMMU_E_HANDLE);
    CHECK(c, uiommu_unbind_poll(c->b.u, never) == UIOMMU_E_HANDLE);
    CHECK(c, uiommu_bond_get_info(c->b.u, never, &info) == UIOMMU_E_HANDLE);
    never.index = 0;
    never.generation = 0;
    CHECK(c, uiommu_unbind_begin(c->b.u, never, 0) == UIOMMU_E_HANDLE);
    never = f.bond;
    never.generation += 50;
    CHECK(c, uiommu_unbind_begin(c->b.u, never, 0) == UIOMMU_E_HANDLE);
    CHECK(c, conf_respond(c, group, UIOMMU_CODE_SUCCESS) == UIOMMU_E_HANDLE);
    CHECK(c, conf_state(c, f.bond) == UIOMMU_BOND_LIVE);
}

static void codes(struct conf *c)
{
    struct conf_flow f;
    uiommu_code code;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    f.a->answer = UIOMMU_CODE_PENDING;
    conf_ask(f.d, f.pasid, CONF_VA, 1);
    conf_run(c, BENCH_MS);
    for (code = UIOMMU_CODE_FAILURE; code < 20; code++) {
        CHECK(c, conf_respond(c, f.a->seen[0].ref, code) == UIOMMU_E_INVALID);
    }
    CHECK(c, conf_respond(c, f.a->seen[0].ref, -1) == UIOMMU_E_INVALID);
    CHECK(c, conf_respond(c, f.a->seen[0].ref, UIOMMU_CODE_INVALID) == UIOMMU_OK);
    /* A handler that returns nonsense has said INVALID. */
    f.a->answer = 17;
    conf_ask(f.d, f.pasid, CONF_VA, 2);
    f.a->answer = UIOMMU_CODE_FAILURE;
    conf_ask(f.d, f.pasid, CONF_VA, 3);
    conf_run(c, BENCH_MS);
    CHECK(c, conf_answer(f.d, 2) == UIOMMU_CODE_INVALID);
    CHECK(c, conf_answer(f.d, 3) == UIOMMU_CODE_INVALID);
}

static void hosts(struct conf *c)
{
    struct uiommu_host_ops ops;
    struct uiommu *u = NULL;

    ops = c->b.ops;
    ops.size = 8;
    CHECK(c, uiommu_create(&ops, &u) == UIOMMU_E_INVALID);
    ops = c->b.ops;
    ops.mem_get = NULL;
    CHECK(c, uiommu_create(&ops, &u) == UIOMMU_E_INVALID);
    ops = c->b.ops;
    ops.now_ns = NULL;
    CHECK(c, uiommu_create(&ops, &u) == UIOMMU_E_INVALID);
    ops = c->b.ops;
    ops.heap_put = NULL;
    CHECK(c, uiommu_create(&ops, &u) == UIOMMU_E_INVALID);
    ops = c->b.ops;
    ops.irq_save = NULL;
    CHECK(c, uiommu_create(&ops, &u) == UIOMMU_E_INVALID);
    ops = c->b.ops;
    if (CHECK(c, uiommu_create(&ops, &u) == UIOMMU_OK)) {
        CHECK(c, uiommu_destroy(u) == UIOMMU_OK);
    }
}

static void roots(struct conf *c)
{
    struct uiommu_aspace_config config;
    struct uiommu_aspace *as = NULL;
    struct uiommu_root root[5];
    uint32_t i;

    if (!conf_up(c)) {
        return;
    }
    memset(root, 0, sizeof(root));
    memset(&config, 0, sizeof(config));
    for (i = 0; i < 5; i++) {
        root[i].format = UIOMMU_ROOT_AARCH64;
        root[i].granule_bits = 12;
        root[i].va_bits = 48;
        root[i].pa_bits = 40;
        root[i].table = UINT64_C(0x40000000);
    }
    config.size = sizeof(config);
    config.roots = root;
    CHECK(c, uiommu_aspace_create(c->b.u, &config, &as) == UIOMMU_E_INVALID);
    config.root_count = 2;
    CHECK(c, uiommu_aspace_create(c->b.u, &config, &as) == UIOMMU_E_INVALID);
    config.root_count = 5;
    CHECK(c, uiommu_aspace_create(c->b.u, &config, &as) == UIOMMU_E_INVALID);
    config.root_count = 1;
    root[0].granule_bits = 13;
    CHECK(c, uiommu_aspace_create(c->b.u, &config, &as) == UIOMMU_E_INVALID);
    root[0].granule_bits = 12;
    root[0].va_bits = 77;
    CHECK(c, uiommu_aspace_create(c->b.u, &config, &as) == UIOMMU_E_INVALID);
    root[0].va_bits = 48;
    root[0].format = (enum uiommu_root_format)9;
    CHECK(c, uiommu_aspace_create(c->b.u, &config, &as) == UIOMMU_E_INVALID);
    config.size = 3;
    CHECK(c, uiommu_aspace_create(c->b.u, &config, &as) == UIOMMU_E_INVALID);
}

/* An address space that this unit cannot walk. */
static void wrong_format(struct conf *c)
{
    struct uiommu_aspace_config config;
    struct uiommu_bind_config bind;
    struct uiommu_bond_ref bond;
    struct uiommu_aspace *as = NULL;
    struct uiommu_root root;
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    memset(&config, 0, sizeof(config));
    bench_tables_root(&c->b, f.b->tables, &root);
    root.format = root.format == UIOMMU_ROOT_RISCV64 ? UIOMMU_ROOT_X86_64 : UIOMMU_ROOT_RISCV64;
    config.size = sizeof(config);
    config.roots = &root;
    config.root_count = 1;
    if (!CHECK(c, uiommu_aspace_create(c->b.u, &config, &as) == UIOMMU_OK)) {
        return;
    }
    memset(&bind, 0, sizeof(bind));
    bind.size = sizeof(bind);
    bind.pasid = conf_pasid(c);
    CHECK(c, uiommu_bind(f.d->dev, as, &bind, &bond) == UIOMMU_E_UNSUPPORTED);
    bind.size = 1;
    CHECK(c, uiommu_bind(f.d->dev, f.b->as, &bind, &bond) == UIOMMU_E_INVALID);
    CHECK(c, uiommu_aspace_destroy(as) == UIOMMU_OK);
}

static void devices(struct conf *c)
{
    struct uiommu_device_config config, plain;
    struct uiommu_device *dev = NULL;
    uint32_t ids[17] = {0};
    struct conf_device *d;

    if (!conf_up(c)) {
        return;
    }
    d = conf_device_plan(c, NULL, &plain);
    if (d == NULL) {
        return;
    }
    config = plain;
    config.id_count = 0;
    CHECK(c, uiommu_device_attach(c->b.unit, &config, &dev) == UIOMMU_E_INVALID);
    config = plain;
    config.ids = ids;
    config.id_count = 17;
    CHECK(c, uiommu_device_attach(c->b.unit, &config, &dev) != UIOMMU_OK);
    config.id_count = 1;
    ids[0] = 0xFFFFFFF0;
    CHECK(c, uiommu_device_attach(c->b.unit, &config, &dev) == UIOMMU_E_RANGE);
    ids[0] = 5;
    ids[1] = 5;
    config.id_count = 2;
    CHECK(c, uiommu_device_attach(c->b.unit, &config, &dev) != UIOMMU_OK);
    config = plain;
    config.port = NULL;
    config.flags |= UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI;
    CHECK(c, uiommu_device_attach(c->b.unit, &config, &dev) == UIOMMU_E_INVALID);
    config = plain;
    config.flags |= UIOMMU_DEVICE_PRI;
    config.flags &= ~UIOMMU_DEVICE_ATS;
    CHECK(c, uiommu_device_attach(c->b.unit, &config, &dev) == UIOMMU_E_INVALID);
    config = plain;
    config.flags |= 0x8000u;
    CHECK(c, uiommu_device_attach(c->b.unit, &config, &dev) != UIOMMU_OK);
    config = plain;
    config.pasid_bits = 33;
    c->err = uiommu_device_attach(c->b.unit, &config, &dev);
    CHECK(c, c->err == UIOMMU_E_RANGE || c->err == UIOMMU_E_INVALID || c->err == UIOMMU_OK);
    d->dev = c->err == UIOMMU_OK ? dev : NULL;
}

static void states(struct conf *c)
{
    struct uiommu_device_config config;
    struct uiommu_device *dev = NULL;
    struct conf_device *d;

    if (!CHECK(c, bench_create(&c->b) == UIOMMU_OK)) {
        return;
    }
    CHECK(c, uiommu_unit_service(c->b.unit, 0) == UIOMMU_E_STATE);
    CHECK(c, uiommu_unit_stop(c->b.unit) == UIOMMU_E_STATE);
    CHECK(c, uiommu_destroy(c->b.u) == UIOMMU_E_BUSY);
    d = conf_device_plan(c, NULL, &config);
    CHECK(c, d != NULL && uiommu_device_attach(c->b.unit, &config, &dev) == UIOMMU_E_STATE);
    CHECK(c, uiommu_unit_start(c->b.unit) == UIOMMU_OK);
    c->b.started = true;
    CHECK(c, uiommu_unit_start(c->b.unit) == UIOMMU_E_STATE);
    CHECK(c, uiommu_unit_destroy(c->b.unit) == UIOMMU_E_BUSY);
    CHECK(c, uiommu_unit_stop(c->b.unit) == UIOMMU_OK);
    CHECK(c, uiommu_unit_start(c->b.unit) == UIOMMU_OK);
}

static void bonds(struct conf *c)
{
    struct uiommu_bond_ref next;
    struct conf_flow f;

    if (!conf_flow_up(c, &f)) {
        return;
    }
    CHECK(c, conf_try_bind(c, f.d, f.a, f.pasid, &next) == UIOMMU_E_BUSY);
    CHECK(c, conf_try_bind(c, f.d, f.b, 0x9999, &next) == UIOMMU_E_NOT_FOUND);
    CHECK(c, conf_try_bind(c, f.d, f.b, 1u << 20, &next) != UIOMMU_OK);
    CHECK(c, conf_try_bind(c, f.d, f.b, 0, &next) != UIOMMU_OK);
    conf_ask(f.d, f.pasid, CONF_VA, 1);
    conf_run(c, BENCH_MS);
    CHECK(c, f.a->calls == 1);
}

static const struct conf_test tests[] = {
    {"badinput: NULL everywhere", nulls},
    {"badinput: NULL everywhere, units and devices", more_nulls},
    {"badinput: foreign and never-given handles", foreign},
    {"I7 badinput: codes that are none", codes},
    {"badinput: hosts with half a table", hosts},
    {"badinput: roots that no format has", roots},
    {"badinput: an address space the unit cannot walk", wrong_format},
    {"badinput: devices that cannot be", devices},
    {"badinput: units in the wrong state", states},
    {"R6 badinput: bonds that cannot be", bonds},
};
const struct conf_theme conf_badinput_theme = {"badinput", tests, sizeof(tests) / sizeof(tests[0])};
