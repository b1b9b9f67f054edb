/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_TESTS_UNIT_SCENE_H
#define UIOMMU_TESTS_UNIT_SCENE_H
/*
 * On the toy: two devices with a port each, an address space, and a bond of each device that has
 * the same PASID; requests, handlers, and what another processor does meanwhile.
 */
#include "unit_toy.h"

static const uint32_t scene_ids[2] = {8, 9};

struct scene {
    uint32_t stalls, credits, cap; /* of the bonds; before scene_begin() */
    uint32_t pf_flags;             /* of the devices, beside PASID, ATS and PRI */
    struct uiommu_owner *owner;    /* of the space, or NULL */
    const struct uiommu_device_ops *device_ops;
    struct uiommu_device *dev[2];
    struct uiommu_port *port[2];
    struct uiommu_aspace *as;
    struct uiommu_bond_ref bond[2];
    uint32_t pasid;
    /* handlers */
    uint32_t calls, pages; /* handler calls; of the last group */
    struct uiommu_group_ref group;
    uiommu_code says;
    uint32_t orphans;
    enum uiommu_orphan orphan;
    void (*meanwhile)(void);          /* inside the next handler, once */
    void (*orphaned_meanwhile)(void); /* inside the next notice, once */
};
static struct scene scene;

static inline uiommu_code scene_fault(void *user, const struct uiommu_group *group)
{
    void (*then)(void) = scene.meanwhile;

    (void)user;
    scene.calls++;
    scene.pages = group->pages;
    scene.group = group->ref;
    scene.meanwhile = NULL;
    if (then != NULL)
        then();
    return scene.says;
}

static inline void scene_orphaned(void *user, struct uiommu_unit *of, struct uiommu_group_ref ref,
                                  enum uiommu_orphan why)
{
    void (*then)(void) = scene.orphaned_meanwhile;

    (void)user;
    scene.orphaned_meanwhile = NULL;
    if (then != NULL)
        then();
    cr_assert_eq(uiommu_group_respond(of, ref, UIOMMU_CODE_SUCCESS), UIOMMU_E_STALE);
    scene.orphans++;
    scene.orphan = why;
}

static inline struct uiommu_port *scene_port(uint32_t credits)
{
    struct uiommu_port_config c = {.size = sizeof(c), .want = credits, .least = credits};
    struct uiommu_port *out;

    cr_assert_eq(uiommu_port_create(unit, &c, &out), UIOMMU_OK);
    return out;
}

static inline uiommu_err scene_attach(uint32_t id, uint32_t flags, struct uiommu_port *port,
                                      struct uiommu_device **out)
{
    struct uiommu_device_config c = {.size = sizeof(c),
                                     .ids = &id,
                                     .id_count = 1,
                                     .flags = flags,
                                     .pasid_bits = 20,
                                     .port = port,
                                     .ops = scene.device_ops};

    return uiommu_device_attach(unit, &c, out);
}

static inline struct uiommu_aspace *scene_space(struct uiommu_owner *owner)
{
    static const struct uiommu_aspace_ops faults = {
        .size = sizeof(faults), .fault = scene_fault, .orphaned = scene_orphaned};
    static const struct uiommu_root root = {UIOMMU_ROOT_X86_64, 12, 48, 48, 0, 0x1000, 0, {0}};
    struct uiommu_aspace_config c = {
        .size = sizeof(c), .owner = owner, .ops = &faults, .roots = &root, .root_count = 1};
    struct uiommu_aspace *out;

    cr_assert_eq(uiommu_aspace_create(u, &c, &out), UIOMMU_OK);
    return out;
}

static inline uiommu_err scene_bind(struct uiommu_device *dev, struct uiommu_aspace *as,
                                    uint32_t pasid, struct uiommu_bond_ref *out)
{
    struct uiommu_bind_config c = {.size = sizeof(c), .pasid = pasid, .in_flight = scene.cap};

    return uiommu_bind(dev, as, &c, out);
}

/* After toy_begin(): the unit and all the rest. */
static inline void scene_set(const struct uiommu_backend_ops *ops)
{
    uint32_t flags = UIOMMU_DEVICE_PASID | UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI, i;
    uint32_t credits = scene.credits == 0 ? 4 : scene.credits;

    cr_assert_eq(toy_create(ops), UIOMMU_OK);
    cr_assert_eq(uiommu_unit_start(unit), UIOMMU_OK);
    scene.says = UIOMMU_CODE_SUCCESS;
    scene.as = scene_space(scene.owner);
    cr_assert_eq(uiommu_pasid_alloc(space, NULL, 0, &scene.pasid), UIOMMU_OK);
    for (i = 0; i < 2; i++) {
        scene.port[i] = scene_port(credits);
        cr_assert_eq(
            scene_attach(scene_ids[i], flags | scene.pf_flags, scene.port[i], &scene.dev[i]),
            UIOMMU_OK);
        cr_assert_eq(scene_bind(scene.dev[i], scene.as, scene.pasid, &scene.bond[i]), UIOMMU_OK);
    }
}

static inline void scene_begin(void)
{
    memset(&scene, 0, sizeof(scene));
    toy_begin();
    scene_set(&toy_ops);
}

static inline void serve(void)
{
    uint32_t i;

    for (i = 0; i < 300; i++)
        cr_assert_neq(uiommu_unit_service(unit, 0), UIOMMU_E_HANDLE);
}

/* Everything goes, and nothing is left. */
static inline void scene_end(void)
{
    uint32_t i;

    toy.room = UINT32_MAX;
    toy.failing = TOY_NONE;
    host.tick_ns = 1000;
    for (i = 0; i < 2; i++)
        cr_assert_eq(uiommu_unbind(u, scene.bond[i], UIOMMU_UNBIND_STOPPED | UIOMMU_UNBIND_ABORT),
                     UIOMMU_OK);
    host.tick_ns = 100000; /* also over settle times */
    serve();
    for (i = 0; i < 2; i++) {
        cr_assert_eq(uiommu_device_detach(scene.dev[i]), UIOMMU_OK);
        cr_assert_eq(uiommu_port_destroy(scene.port[i]), UIOMMU_OK);
    }
    cr_assert_eq(uiommu_aspace_destroy(scene.as), UIOMMU_OK);
    cr_assert_eq(uiommu_pasid_put(space, scene.pasid), UIOMMU_OK);
    if (scene.owner != NULL)
        cr_assert_eq(uiommu_owner_destroy(scene.owner), UIOMMU_OK);
    toy_end();
}

static inline struct uiommu_request *ask(uint32_t id, uint32_t pasid, uint32_t index,
                                         uint32_t flags)
{
    struct uiommu_request *request = &toy.request[toy.waiting++];

    cr_assert_leq(toy.waiting, TOY_RING);
    memset(request, 0, sizeof(*request));
    request->id = id;
    request->pasid = pasid;
    request->index = index;
    request->address = 0x5000;
    request->flags = UIOMMU_READ | UIOMMU_REQUEST_PASID | flags;
    return request;
}

#define LAST UIOMMU_REQUEST_LAST

static inline struct uiommu_bond *bond_at(uint32_t i)
{
    return (struct uiommu_bond *)uiommu_radix_get(&u->bonds, scene.bond[i].index);
}

static inline struct uiommu_bond_info bond_info(uint32_t i)
{
    struct uiommu_bond_info out;

    cr_assert_eq(uiommu_bond_get_info(u, scene.bond[i], &out), UIOMMU_OK);
    return out;
}

static inline struct uiommu_device_counters device_counts(uint32_t i)
{
    struct uiommu_device_counters out;

    cr_assert_eq(uiommu_device_get_counters(scene.dev[i], &out), UIOMMU_OK);
    return out;
}

static inline uiommu_err reset_to_end(uint32_t i)
{
    uiommu_err err = UIOMMU_PENDING;
    uint32_t n;

    for (n = 0; n < 100000 && err == UIOMMU_PENDING; n++)
        err = uiommu_device_reset_end(scene.dev[i]);
    return err;
}

/* Some rounds of another processor. */
static inline void as_another(uint32_t rounds)
{
    uintptr_t was = host.self;

    for (host.self = was + 1; rounds != 0; rounds--)
        cr_assert_neq(uiommu_unit_service(unit, 0), UIOMMU_E_HANDLE);
    host.self = was;
}

#endif
