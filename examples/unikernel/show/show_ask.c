/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A page request from the unit's queue to its answer, and the end of a bond that can have some. No
 * device of QEMU sends one: the image writes it in the name of a second edu device, whose
 * capabilities for it (PASID, ATS, PRI) are pretended. The unit's side is as ever.
 */
#include "show.h"

#define ADDRESS UINT64_C(0x123000)

static struct {
    uint32_t id;
    uint32_t pasid;
    struct uiommu_port *port;
    struct uiommu_device *device;
    struct uiommu_aspace *as;
    struct glue_space space;
    struct uiommu_bond_ref bond;
    uint32_t calls;
    bool same; /* The handler was asked for what was sent. */
} ask;

static uiommu_code fault(void *user, const struct uiommu_group *group)
{
    (void)user;
    ask.calls++;
    ask.same = group->id == ask.id && group->pasid == ask.pasid && group->pages == 1 &&
               group->first.address == ADDRESS;
    return UIOMMU_CODE_SUCCESS;
}

static uiommu_err stop(void *ctx, struct uiommu_device *dev, struct uiommu_bond_ref bond,
                       uint32_t pasid)
{
    (void)ctx;
    (void)dev;
    (void)bond;
    (void)pasid;
    return UIOMMU_OK;
}

static uiommu_err set_pasid(void *ctx, bool on)
{
    (void)ctx;
    (void)on;
    return UIOMMU_OK;
}

static uiommu_err set_ats(void *ctx, bool on, uint32_t stu)
{
    (void)ctx;
    (void)on;
    (void)stu;
    return UIOMMU_OK;
}

static uiommu_err set_pri(void *ctx, bool on, uint32_t credits, bool *pasid_required)
{
    (void)ctx;
    (void)on;
    (void)credits;
    *pasid_required = true;
    return UIOMMU_OK;
}

static uiommu_err yes(void *ctx)
{
    (void)ctx;
    return UIOMMU_OK;
}

static uiommu_err attach(struct show *s)
{
    const struct uiommu_device_ops ops = {sizeof(ops), stop, set_pasid, set_ats, set_pri, yes, yes};
    struct uiommu_port_config port = {.size = sizeof(port), .want = 4};
    struct uiommu_device_config config = {.size = sizeof(config)};
    struct glue_found found;
    const char *why;
    uiommu_err err;

    if (glue_discover(s->other.function, &found, &why) != GLUE_GOOD)
        return UIOMMU_E_NOT_FOUND;
    err = uiommu_port_create(s->g.unit, &port, &ask.port);
    if (err != UIOMMU_OK)
        return err;
    ask.id = found.id;
    config.ids = &ask.id;
    config.id_count = 1;
    config.flags = UIOMMU_DEVICE_PASID | UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI;
    config.pasid_bits = 20;
    config.port = ask.port;
    config.ops = &ops;
    return uiommu_device_attach(s->g.unit, &config, &ask.device);
}

static uiommu_err bind(struct show *s)
{
    const struct uiommu_aspace_ops ops = {.size = sizeof(ops), .fault = fault};
    struct uiommu_aspace_config config = {.size = sizeof(config), .ops = &ops};
    struct uiommu_bind_config how = {.size = sizeof(how)};
    struct uiommu_root root;
    uiommu_err err = glue_space_create(&ask.space, &s->g);

    if (err != UIOMMU_OK)
        return err;
    /* The same tables again, with somebody who answers for them. */
    table_root(&ask.space.tables[0], &root);
    config.roots = &root;
    config.root_count = 1;
    err = uiommu_aspace_create(s->u, &config, &ask.as);
    if (err == UIOMMU_OK)
        err = uiommu_pasid_alloc(s->g.pasids, NULL, 20, &ask.pasid);
    if (err != UIOMMU_OK)
        return err;
    how.pasid = ask.pasid;
    return uiommu_bind(ask.device, ask.as, &how, &ask.bond);
}

static bool can(struct show *s)
{
    struct glue_requests q = {0};

    s->g.found.vendor->requests(&s->g.found, &q);
    if (q.none != NULL || s->g.found.vendor->request == NULL || s->other.registers == 0) {
        SHOW_SEEN(s, "%s", q.none != NULL ? q.none : "no way to write one, or no second edu");
        return false;
    }
    return true;
}

static enum show_verdict answered(struct show *s)
{
    struct uiommu_unit_counters before, after;
    struct glue_requests q = {0};
    uiommu_err err;

    if (!can(s))
        return SHOW_SKIPPED;
    err = attach(s);
    if (err == UIOMMU_OK)
        err = bind(s);
    if (err != UIOMMU_OK || uiommu_unit_get_counters(s->g.unit, &before) != UIOMMU_OK) {
        SHOW_SEEN(s, "%s", uiommu_err_str(err));
        return SHOW_FAILED;
    }
    if (!s->g.found.vendor->request(&s->g.found, ask.id, ask.pasid, ADDRESS)) {
        SHOW_SEEN(s, "the queue's tail is the unit's alone here");
        return SHOW_SKIPPED;
    }
    glue_serve(&s->g);
    glue_pause(&s->g, SHOW_NS / 10);
    s->g.found.vendor->requests(&s->g.found, &q);
    if (uiommu_unit_get_counters(s->g.unit, &after) != UIOMMU_OK)
        return SHOW_FAILED;
    SHOW_SEEN(s, "asked %u times, answered %u times, head %u, tail %u", (unsigned)ask.calls,
              (unsigned)(after.success - before.success), (unsigned)q.head, (unsigned)q.tail);
    return ask.calls == 1 && ask.same && after.success - before.success == 1 && q.head == q.tail
               ? SHOW_GOOD
               : SHOW_FAILED;
}

/* The unit proves that no request of it is on the way: a drain of page requests. */
static enum show_verdict ended(struct show *s)
{
    uint64_t end = kernel_now_ns() + 4 * SHOW_NS;
    uiommu_err err;

    if (!can(s))
        return SHOW_SKIPPED;
    err = uiommu_unbind(s->u, ask.bond, 0);
    if (err == UIOMMU_OK)
        err = uiommu_pasid_put(s->g.pasids, ask.pasid);
    while (err == UIOMMU_OK) {
        err = uiommu_device_detach(ask.device);
        if ((err != UIOMMU_PENDING && err != UIOMMU_E_BUSY) || kernel_now_ns() >= end)
            break;
        err = UIOMMU_OK;
        glue_pause(&s->g, 1000000);
    }
    if (err == UIOMMU_OK)
        err = uiommu_port_destroy(ask.port);
    if (err == UIOMMU_OK)
        err = uiommu_aspace_destroy(ask.as);
    if (err == UIOMMU_OK)
        err = glue_space_destroy(&ask.space);
    SHOW_SEEN(s, "%s", uiommu_err_str(err));
    return err == UIOMMU_OK ? SHOW_GOOD : SHOW_FAILED;
}

const struct show_row show_ask[] = {
    {"a page request, written by the image", answered},
    {"its bond drained, device and port gone", ended},
    {NULL, NULL},
};
