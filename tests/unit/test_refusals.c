/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_toy.h"

/* What is refused, with which status, and that nothing stays behind: toy_end() looks. */

TestSuite(refused_unit, .init = toy_begin, .fini = toy_end);
TestSuite(refused, .init = toy_up, .fini = toy_end);

Test(refused_unit, unit_configurations)
{
    struct uiommu_unit_config good = {.size = sizeof(good), .pasids = space}, c = good;
    struct uiommu_pasid_space *stranger = (struct uiommu_pasid_space *)(void *)&toy;
    struct uiommu_unit *out = NULL;
    static const uint32_t events[] = {2, 5, 0x20000};
    uint32_t i;

    cr_assert_eq(uiommu_unit_create((struct uiommu *)(void *)&toy, &toy_ops, &toy, &good, &out),
                 UIOMMU_E_HANDLE);
    cr_assert_eq(uiommu_unit_create(u, NULL, &toy, &good, &out), UIOMMU_E_INVALID);
    cr_assert_eq(uiommu_unit_create(u, &toy_ops, &toy, NULL, &out), UIOMMU_E_INVALID);
    cr_assert_eq(uiommu_unit_create(u, &toy_ops, &toy, &good, NULL), UIOMMU_E_INVALID);
    c.size = 1;
    cr_assert_eq(uiommu_unit_create(u, &toy_ops, &toy, &c, &out), UIOMMU_E_INVALID);
    c = good;
    c.pasids = stranger;
    cr_assert_eq(uiommu_unit_create(u, &toy_ops, &toy, &c, &out), UIOMMU_E_HANDLE);
    for (i = 0; i < 3; i++) {
        c = good;
        c.events = events[i];
        cr_assert_eq(uiommu_unit_create(u, &toy_ops, &toy, &c, &out), UIOMMU_E_INVALID, "%u", i);
    }
    c = good;
    c.id_bits = 33;
    cr_assert_eq(uiommu_unit_create(u, &toy_ops, &toy, &c, &out), UIOMMU_E_INVALID);
    cr_assert_null(out);
    cr_assert_null(uiommu_unit_user((struct uiommu_unit *)(void *)&toy));
}

/* Of another instance is as good as none. */
Test(refused_unit, space_of_another_instance)
{
    struct fake_host second;
    struct uiommu *v;
    struct uiommu_unit_config c = {.size = sizeof(c), .pasids = space};
    struct uiommu_unit *out = NULL;

    fake_host_init(&second);
    v = fake_host_create(&second);
    cr_assert_eq(uiommu_unit_create(v, &toy_ops, &toy, &c, &out), UIOMMU_E_HANDLE);
    cr_assert(fake_host_destroy(&second, v));
}

/* Nonsense that a backend says of itself is found once, here. */
Test(refused_unit, capabilities)
{
    struct uiommu_caps good = toy.caps;
    uint32_t i;

    for (i = 0; i < 6; i++) {
        toy.caps = good;
        toy.caps.rings = i == 0 ? UIOMMU_RINGS + 1 : 1;
        toy.caps.tag_last = i == 1 ? 0 : 15;
        toy.caps.pasid_bits = i == 2 ? 21 : 20;
        toy.caps.access = i == 3 ? 0x10 : 0;
        toy.caps.id_bits = i == 4 ? 0 : i == 5 ? 33 : 16;
        cr_assert_eq(toy_create(&toy_ops), UIOMMU_E_INTERNAL, "%u", i);
        cr_assert_null(unit);
    }
    toy.failing = TOY_PROBE;
    toy.with = UIOMMU_E_HW;
    cr_assert_eq(toy_create(&toy_ops), UIOMMU_E_HW);
    cr_assert_null(unit);
}

/* The narrower of what the unit decodes and of what the embedder wants. */
Test(refused_unit, narrow_ids)
{
    static const uint32_t ids[] = {0xff, 0x100};
    struct uiommu_device_config c = {.size = sizeof(c), .ids = &ids[1], .id_count = 1};
    struct uiommu_device *dev = NULL;

    toy.caps.id_bits = 8;
    cr_assert_eq(toy_create(&toy_ops), UIOMMU_OK);
    cr_assert_eq(uiommu_device_attach(unit, &c, &dev), UIOMMU_E_STATE);
    cr_assert_eq(uiommu_unit_start(unit), UIOMMU_OK);
    cr_assert_eq(uiommu_device_attach(unit, &c, &dev), UIOMMU_E_RANGE);
    cr_assert_null(dev);
    c.ids = ids;
    cr_assert_eq(uiommu_device_attach(unit, &c, &dev), UIOMMU_OK);
    cr_assert_eq(uiommu_device_detach(dev), UIOMMU_OK);
}

/* Without a space of PASIDs, or PASIDs of the unit, no device has any. */
Test(refused_unit, no_pasids)
{
    struct uiommu_unit_config bare = {.size = sizeof(bare)};
    struct uiommu_device_config c = {.size = sizeof(c),
                                     .ids = &toy_id,
                                     .id_count = 1,
                                     .flags = UIOMMU_DEVICE_PASID,
                                     .pasid_bits = 20};
    struct uiommu_device *dev = NULL;

    cr_assert_eq(uiommu_unit_create(u, &toy_ops, &toy, &bare, &unit), UIOMMU_OK);
    cr_assert_eq(uiommu_unit_start(unit), UIOMMU_OK);
    cr_assert_eq(uiommu_device_attach(unit, &c, &dev), UIOMMU_E_UNSUPPORTED);
}

Test(refused_unit, what_the_unit_cannot)
{
    struct uiommu_device_config c = {.size = sizeof(c), .ids = &toy_id, .id_count = 1};
    struct uiommu_port_config want = {.size = sizeof(want), .want = 1};
    struct uiommu_device *dev = NULL;
    struct uiommu_port *port = NULL;

    toy.caps.flags = 0;
    toy.caps.request_entries = 0;
    toy.caps.stall_max = 0;
    cr_assert_eq(toy_create(&toy_ops), UIOMMU_OK);
    cr_assert_eq(uiommu_unit_start(unit), UIOMMU_OK);
    c.flags = UIOMMU_DEVICE_ATS;
    cr_assert_eq(uiommu_device_attach(unit, &c, &dev), UIOMMU_E_UNSUPPORTED);
    c.flags = UIOMMU_DEVICE_STALL;
    cr_assert_eq(uiommu_device_attach(unit, &c, &dev), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(uiommu_port_create(unit, &want, &port), UIOMMU_E_UNSUPPORTED);
    cr_assert(dev == NULL && port == NULL);
}

Test(refused, ports)
{
    struct uiommu_port_config good = {.size = sizeof(good), .want = 4}, c = good;
    struct uiommu_port *port = NULL;

    cr_assert_eq(uiommu_port_create((struct uiommu_unit *)(void *)&toy, &good, &port),
                 UIOMMU_E_HANDLE);
    cr_assert_eq(uiommu_port_create(unit, NULL, &port), UIOMMU_E_INVALID);
    cr_assert_eq(uiommu_port_create(unit, &good, NULL), UIOMMU_E_INVALID);
    c.size = 0;
    cr_assert_eq(uiommu_port_create(unit, &c, &port), UIOMMU_E_INVALID);
    c = good;
    c.want = 0;
    cr_assert_eq(uiommu_port_create(unit, &c, &port), UIOMMU_E_INVALID);
    c.want = 4;
    c.least = 5;
    cr_assert_eq(uiommu_port_create(unit, &c, &port), UIOMMU_E_INVALID);
    c = good;
    c.owner = (struct uiommu_owner *)(void *)&toy;
    cr_assert_eq(uiommu_port_create(unit, &c, &port), UIOMMU_E_HANDLE);
    cr_assert_null(port);
    cr_assert_eq(uiommu_port_destroy(NULL), UIOMMU_E_HANDLE);
    c = good;
    c.least = 4;
    cr_assert_eq(uiommu_port_create(unit, &c, &port), UIOMMU_OK);
    cr_assert_eq(uiommu_port_get_info(port, NULL), UIOMMU_E_INVALID);
    cr_assert_eq(uiommu_port_destroy(port), UIOMMU_OK);
}

Test(refused, devices)
{
    static const uint32_t twins[] = {8, 8};
    struct uiommu_device_config good = {.size = sizeof(good), .ids = &toy_id, .id_count = 1};
    struct uiommu_device_config c[11];
    static const uiommu_err want[11] = {UIOMMU_E_INVALID, UIOMMU_E_INVALID, UIOMMU_E_INVALID,
                                        UIOMMU_E_INVALID, UIOMMU_E_INVALID, UIOMMU_E_INVALID,
                                        UIOMMU_E_INVALID, UIOMMU_E_HANDLE,  UIOMMU_E_INVALID,
                                        UIOMMU_E_INVALID, UIOMMU_E_INVALID};
    uint32_t many[UIOMMU_IDS_MAX + 1];
    struct uiommu_device_ops bad = {.size = 0};
    struct uiommu_device *dev = NULL;
    uint32_t i;

    for (i = 0; i <= UIOMMU_IDS_MAX; i++)
        many[i] = i;
    for (i = 0; i < 11; i++)
        c[i] = good;
    c[0].ids = NULL;
    c[1].id_count = 0;
    c[2].ids = many;
    c[2].id_count = UIOMMU_IDS_MAX + 1;
    c[3].flags = 0x80000000;
    c[4].flags = UIOMMU_DEVICE_PRI;
    c[5].flags = UIOMMU_DEVICE_PRI | UIOMMU_DEVICE_ATS;
    c[6].flags = UIOMMU_DEVICE_STALL | UIOMMU_DEVICE_ATS;
    c[7].port = (struct uiommu_port *)(void *)&toy;
    c[8].flags = UIOMMU_DEVICE_PASID;
    c[9].ids = twins;
    c[9].id_count = 2;
    c[10].ops = &bad;
    for (i = 0; i < 11; i++)
        cr_assert_eq(uiommu_device_attach(unit, &c[i], &dev), want[i], "%u", i);
    good.size = 0;
    cr_assert_eq(uiommu_device_attach(unit, &good, &dev), UIOMMU_E_INVALID);
    cr_assert_eq(uiommu_device_attach(unit, NULL, &dev), UIOMMU_E_INVALID);
    good.size = sizeof(good);
    cr_assert_eq(uiommu_device_attach(unit, &good, NULL), UIOMMU_E_INVALID);
    cr_assert_null(dev);
    cr_assert_eq(uiommu_device_attach(unit, &good, &dev), UIOMMU_OK);
    cr_assert_eq(uiommu_device_get_counters(dev, NULL), UIOMMU_E_INVALID);
    cr_assert_eq(uiommu_device_attach(unit, &good, &dev), UIOMMU_E_EXISTS);
    cr_assert_eq(uiommu_device_detach(dev), UIOMMU_OK);
}

/* A port is of one unit. */
Test(refused, port_of_another_unit)
{
    struct uiommu_unit_config second = {.size = sizeof(second)};
    struct uiommu_port_config want = {.size = sizeof(want), .want = 4};
    struct uiommu_device_config c = {.size = sizeof(c), .ids = &toy_id, .id_count = 1};
    struct uiommu_device *dev = NULL;
    struct uiommu_unit *other;

    cr_assert_eq(uiommu_unit_create(u, &toy_ops, &toy, &second, &other), UIOMMU_OK);
    cr_assert_eq(uiommu_port_create(other, &want, &c.port), UIOMMU_OK);
    cr_assert_eq(uiommu_device_attach(unit, &c, &dev), UIOMMU_E_HANDLE);
    cr_assert_null(dev);
    cr_assert_eq(uiommu_unit_destroy(other), UIOMMU_E_BUSY);
    cr_assert_eq(uiommu_port_destroy(c.port), UIOMMU_OK);
    cr_assert_eq(uiommu_unit_destroy(other), UIOMMU_OK);
}

static bool taken(const struct uiommu_root *root)
{
    struct uiommu_aspace_config c = {.size = sizeof(c), .roots = root, .root_count = 1};
    struct uiommu_aspace *as = NULL;
    uiommu_err err = uiommu_aspace_create(u, &c, &as);

    if (err == UIOMMU_OK)
        cr_assert_eq(uiommu_aspace_destroy(as), UIOMMU_OK);
    else
        cr_assert(err == UIOMMU_E_INVALID && as == NULL);
    return err == UIOMMU_OK;
}

/* Which widths a format has, each edge and one beyond. */
Test(refused, geometry)
{
    static const struct {
        enum uiommu_root_format format;
        uint32_t granule, va, pa;
        bool good;
    } rows[] = {
        {UIOMMU_ROOT_AARCH64, 12, 16, 32, true},
        {UIOMMU_ROOT_AARCH64, 14, 52, 52, true},
        {UIOMMU_ROOT_AARCH64, 16, 48, 48, true},
        {UIOMMU_ROOT_AARCH64, 13, 48, 48, false},
        {UIOMMU_ROOT_AARCH64, 12, 15, 48, false},
        {UIOMMU_ROOT_AARCH64, 12, 53, 48, false},
        {UIOMMU_ROOT_AARCH64, 12, 48, 31, false},
        {UIOMMU_ROOT_AARCH64, 12, 48, 53, false},
        {UIOMMU_ROOT_X86_64, 12, 48, 32, true},
        {UIOMMU_ROOT_X86_64, 12, 57, 52, true},
        {UIOMMU_ROOT_X86_64, 14, 48, 48, false},
        {UIOMMU_ROOT_X86_64, 12, 52, 48, false},
        {UIOMMU_ROOT_X86_64, 12, 48, 31, false},
        {UIOMMU_ROOT_X86_64, 12, 48, 53, false},
        {UIOMMU_ROOT_RISCV64, 12, 39, 32, true},
        {UIOMMU_ROOT_RISCV64, 12, 48, 56, true},
        {UIOMMU_ROOT_RISCV64, 12, 57, 56, true},
        {UIOMMU_ROOT_RISCV64, 14, 39, 56, false},
        {UIOMMU_ROOT_RISCV64, 12, 40, 56, false},
        {UIOMMU_ROOT_RISCV64, 12, 39, 31, false},
        {UIOMMU_ROOT_RISCV64, 12, 39, 57, false},
        {UIOMMU_ROOT_X86_64_STAGE2, 12, 39, 32, true},
        {UIOMMU_ROOT_X86_64_STAGE2, 12, 48, 52, true},
        {UIOMMU_ROOT_X86_64_STAGE2, 12, 57, 52, true},
        {UIOMMU_ROOT_X86_64_STAGE2, 16, 39, 52, false},
        {UIOMMU_ROOT_X86_64_STAGE2, 12, 47, 52, false},
        {UIOMMU_ROOT_X86_64_STAGE2, 12, 39, 31, false},
        {UIOMMU_ROOT_X86_64_STAGE2, 12, 39, 53, false},
        {UIOMMU_ROOT_X86_64_LEVELLED, 12, 21, 32, true},
        {UIOMMU_ROOT_X86_64_LEVELLED, 12, 57, 52, true},
        {UIOMMU_ROOT_X86_64_LEVELLED, 12, 64, 52, true},
        {UIOMMU_ROOT_X86_64_LEVELLED, 14, 48, 52, false},
        {UIOMMU_ROOT_X86_64_LEVELLED, 12, 12, 52, false},
        {UIOMMU_ROOT_X86_64_LEVELLED, 12, 40, 52, false},
        {UIOMMU_ROOT_X86_64_LEVELLED, 12, 52, 52, false},
        {UIOMMU_ROOT_X86_64_LEVELLED, 12, 66, 52, false},
        {UIOMMU_ROOT_X86_64_LEVELLED, 12, 48, 31, false},
        {UIOMMU_ROOT_X86_64_LEVELLED, 12, 48, 53, false},
        {UIOMMU_ROOT_AARCH64_CONTEXT, 0, 0, 0, false}, /* nothing below it */
        {(enum uiommu_root_format)99, 12, 48, 48, false},
    };
    uint32_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct uiommu_root root = {.format = rows[i].format,
                                   .granule_bits = (uint8_t)rows[i].granule,
                                   .va_bits = (uint8_t)rows[i].va,
                                   .pa_bits = (uint8_t)rows[i].pa,
                                   .table = 0x1000};

        cr_assert_eq(taken(&root), rows[i].good, "%u", i);
    }
}

/* Below a first stage only a second, and one that is valid itself. */
Test(refused, nesting)
{
    struct uiommu_root root = {
        .format = UIOMMU_ROOT_X86_64,
        .granule_bits = 12,
        .va_bits = 48,
        .pa_bits = 48,
        .table = 0x1000,
        .under = {
            .format = UIOMMU_ROOT_X86_64_STAGE2, .granule_bits = 12, .va_bits = 48, .pa_bits = 48}};

    cr_assert(taken(&root));
    root.under.va_bits = 40;
    cr_assert_not(taken(&root));
    root.under.va_bits = 48;
    root.under.format = UIOMMU_ROOT_X86_64;
    cr_assert_not(taken(&root));
    root.under.format = UIOMMU_ROOT_X86_64_STAGE2;
    root.format = UIOMMU_ROOT_X86_64_LEVELLED;
    cr_assert_not(taken(&root));
    root.format = UIOMMU_ROOT_AARCH64_CONTEXT;
    cr_assert(taken(&root));
}

Test(refused, address_spaces)
{
    static const struct uiommu_root roots[2] = {
        {UIOMMU_ROOT_X86_64, 12, 48, 48, 0, 0x1000, 0, {0}},
        {UIOMMU_ROOT_X86_64, 12, 48, 48, 0, 0x2000, 0, {0}}};
    struct uiommu_aspace_config good = {.size = sizeof(good), .roots = roots, .root_count = 1};
    struct uiommu_aspace_config c = good;
    struct uiommu_aspace_ops bad = {.size = 0};
    struct uiommu_aspace *as = NULL;

    cr_assert_eq(uiommu_aspace_create((struct uiommu *)(void *)&toy, &good, &as), UIOMMU_E_HANDLE);
    cr_assert_eq(uiommu_aspace_create(u, NULL, &as), UIOMMU_E_INVALID);
    cr_assert_eq(uiommu_aspace_create(u, &good, NULL), UIOMMU_E_INVALID);
    c.size = 0;
    cr_assert_eq(uiommu_aspace_create(u, &c, &as), UIOMMU_E_INVALID);
    c = good;
    c.owner = (struct uiommu_owner *)(void *)&toy;
    cr_assert_eq(uiommu_aspace_create(u, &c, &as), UIOMMU_E_HANDLE);
    c = good;
    c.ops = &bad;
    cr_assert_eq(uiommu_aspace_create(u, &c, &as), UIOMMU_E_INVALID);
    c = good;
    c.roots = NULL;
    cr_assert_eq(uiommu_aspace_create(u, &c, &as), UIOMMU_E_INVALID);
    c = good;
    c.root_count = 0;
    cr_assert_eq(uiommu_aspace_create(u, &c, &as), UIOMMU_E_INVALID);
    c.root_count = UIOMMU_ROOTS_MAX + 1;
    cr_assert_eq(uiommu_aspace_create(u, &c, &as), UIOMMU_E_INVALID);
    c.root_count = 2; /* of one format */
    cr_assert_eq(uiommu_aspace_create(u, &c, &as), UIOMMU_E_INVALID);
    cr_assert_null(as);
    host.fail_at = host.gets + 1;
    cr_assert_eq(uiommu_aspace_create(u, &good, &as), UIOMMU_E_NOMEM);
    cr_assert_null(as);
}

/* Binding what does not fit; a device that has no PASIDs; somebody else's device. */
Test(refused, bonds)
{
    static const struct uiommu_root root = {UIOMMU_ROOT_X86_64, 12, 48, 48, 0, 0x1000, 0, {0}};
    struct uiommu_aspace_config space_config = {
        .size = sizeof(space_config), .roots = &root, .root_count = 1};
    struct uiommu_device_config c = {.size = sizeof(c), .ids = &toy_id, .id_count = 1};
    struct uiommu_bind_config bind = {.size = sizeof(bind), .pasid = 5};
    struct uiommu_bond_ref bond;
    struct uiommu_device *dev;
    struct uiommu_aspace *as, *foreign;
    struct fake_host second;
    struct uiommu *v;

    fake_host_init(&second);
    v = fake_host_create(&second);
    cr_assert_eq(uiommu_aspace_create(v, &space_config, &foreign), UIOMMU_OK);
    cr_assert_eq(uiommu_aspace_create(u, &space_config, &as), UIOMMU_OK);
    cr_assert_eq(uiommu_device_attach(unit, &c, &dev), UIOMMU_OK);
    cr_assert_eq(uiommu_bind(dev, foreign, &bind, &bond), UIOMMU_E_HANDLE);
    cr_assert_eq(uiommu_bind(NULL, as, &bind, &bond), UIOMMU_E_HANDLE);
    cr_assert_eq(uiommu_bind(dev, NULL, &bind, &bond), UIOMMU_E_HANDLE);
    cr_assert_eq(uiommu_bind(dev, as, NULL, &bond), UIOMMU_E_INVALID);
    cr_assert_eq(uiommu_bind(dev, as, &bind, NULL), UIOMMU_E_INVALID);
    cr_assert_eq(uiommu_bind(dev, as, &bind, &bond), UIOMMU_E_UNSUPPORTED);
    bind.size = 0;
    cr_assert_eq(uiommu_bind(dev, as, &bind, &bond), UIOMMU_E_INVALID);
    cr_assert_eq(toy.set, 0);
    cr_assert_eq(uiommu_device_detach(dev), UIOMMU_OK);
    cr_assert_eq(uiommu_aspace_destroy(as), UIOMMU_OK);
    cr_assert_eq(uiommu_aspace_destroy(foreign), UIOMMU_OK);
    cr_assert(fake_host_destroy(&second, v));
}

Test(refused, places_for_answers)
{
    struct uiommu_event event;

    cr_assert_eq(uiommu_unit_get_info(unit, NULL), UIOMMU_E_INVALID);
    cr_assert_eq(uiommu_unit_get_counters(unit, NULL), UIOMMU_E_INVALID);
    cr_assert_eq(uiommu_unit_next_event(unit, NULL), UIOMMU_E_INVALID);
    cr_assert_eq(uiommu_unit_next_event(NULL, &event), UIOMMU_E_HANDLE);
    cr_assert_eq(uiommu_unbind_begin(u, (struct uiommu_bond_ref){0, 1}, 0x100), UIOMMU_E_INVALID);
}
