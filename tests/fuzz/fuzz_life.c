/* SPDX-License-Identifier: BSD-2-Clause */
/* The beginning of a life, and its end. */
#include "fuzz_life.h"

#include <stdio.h>
#include <string.h>

#define ROUNDS 400u

uiommu_err fuzz_done(struct fuzz_life *f, uiommu_err err)
{
    fuzz_leave(&f->host);
    FUZZ_CHECK(err != UIOMMU_E_INTERNAL);
    FUZZ_CHECK(f->host.lines <= 64u + f->host.now / 1000000000u * 32u);
    return err;
}

/* ---- the beginning ---- */

void fuzz_attach(struct fuzz_life *f, uint32_t device, uint32_t want)
{
    struct fuzz_device *d = &f->device[device];
    struct uiommu_port_config port = {
        .size = sizeof(port), .want = want, .least = 1, .owner = f->owner};
    struct uiommu_device_config config = {.size = sizeof(config)};
    uint32_t ids[2];

    if (d->dev != NULL || !f->started)
        return;
    ids[0] = d->id;
    ids[1] = d->id + 1u;
    if ((d->flags & UIOMMU_DEVICE_PRI) != 0 && d->port == NULL)
        (void)FUZZ_CALL(f, uiommu_port_create(f->unit, &port, &d->port));
    config.ids = ids;
    config.id_count = 1;
    config.flags = d->flags;
    config.pasid_bits = f->hw.vendor->pasid_bits;
    config.in_flight = device == 1 ? 2 : 0;
    config.port = d->port;
    config.ops = &fuzz_device_ops;
    config.ops_ctx = d;
    config.user = d;
    config.pf_id = f->device[0].id;
    if (d->port == NULL)
        config.flags &= ~UIOMMU_DEVICE_PRI;
    if (FUZZ_CALL(f, uiommu_device_attach(f->unit, &config, &d->dev)) != UIOMMU_OK)
        d->dev = NULL;
    d->removed = false;
    d->resetting = false;
}

void fuzz_space_make(struct fuzz_life *f, uint32_t space)
{
    struct fuzz_space *s = &f->space[space];
    struct uiommu_root root = {.format = f->hw.vendor->format,
                               .granule_bits = 12,
                               .va_bits = 48,
                               .pa_bits = 44,
                               .table = UINT64_C(0x40000000)};
    struct uiommu_aspace_config config = {
        .size = sizeof(config), .ops = &fuzz_aspace_ops, .roots = &root, .root_count = 1};

    if (s->as != NULL)
        return;
    config.user = s;
    config.owner = space == 1 ? f->owner : NULL;
    if (FUZZ_CALL(f, uiommu_aspace_create(f->u, &config, &s->as)) != UIOMMU_OK)
        s->as = NULL;
    s->exited = false;
}

/* Deadlines short, and far enough apart to be told from each other. */
static struct uiommu_unit_config unit_config(const struct fuzz_life *f)
{
    struct uiommu_unit_config c = {.size = sizeof(c)};

    c.pasids = f->pasids;
    c.id_bits = 10;
    c.marker_reserve = 1;
    c.events = 16;
    c.stalls = 4;
    c.command_ns = 200000;
    c.handler_ns = 300000;
    c.partial_ns = 500000;
    c.stop_ns = 1000000;
    c.answer_ns = 2000000;
    c.drain_ns = 4000000;
    c.settle_ns = 50000;
    c.violations = 24;
    return c;
}

static bool core_up(struct fuzz_life *f)
{
    struct uiommu_pasid_space_config numbers = {
        .size = sizeof(numbers), .first = 1, .last = 40, .reuse_distance = 2};
    struct uiommu_owner_config owner = {.size = sizeof(owner), .in_flight = 3};
    struct uiommu_unit_config config;
    uint32_t i;

    FUZZ_CHECK(uiommu_create(&f->host.ops, &f->u) == UIOMMU_OK);
    FUZZ_CHECK(uiommu_owner_create(f->u, &owner, &f->owner) == UIOMMU_OK);
    FUZZ_CHECK(uiommu_pasid_space_create(f->u, &numbers, &f->pasids) == UIOMMU_OK);
    for (i = 0; i < FUZZ_PASIDS; i++)
        FUZZ_CHECK(uiommu_pasid_alloc(f->pasids, NULL, 0, &f->pasid[i]) == UIOMMU_OK);
    config = unit_config(f);
    return f->hw.vendor->create(&f->hw, f->u, &config, &f->unit) == UIOMMU_OK;
}

static uint32_t read32(void *owner, uint32_t offset)
{
    return fuzz_unit_read(&((struct fuzz_life *)owner)->hw, offset);
}

static void write32(void *owner, uint32_t offset, uint32_t value)
{
    fuzz_unit_write(&((struct fuzz_life *)owner)->hw, offset, value);
}

static void moment(void *owner)
{
    fuzz_unit_moment(&((struct fuzz_life *)owner)->hw);
}

bool fuzz_life_begin(struct fuzz_life *f, const struct fuzz_vendor *vendor)
{
    static const uint32_t flags[FUZZ_DEVICES] = {
        UIOMMU_DEVICE_PASID | UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI,
        UIOMMU_DEVICE_PASID | UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI | UIOMMU_DEVICE_TRUST_MARKERS |
            UIOMMU_DEVICE_RESENDS,
        UIOMMU_DEVICE_PASID | UIOMMU_DEVICE_STALL,
    };
    uint32_t i;

    fuzz_host_begin(&f->host, f);
    f->host.trace = fuzz_trace;
    f->host.read32 = read32;
    f->host.write32 = write32;
    f->host.moment = moment;
    f->hw.vendor = vendor;
    f->hw.host = &f->host;
    f->hw.variant = fuzz_u8(&f->in);
    f->hw.log2 = f->hw.variant >> 7;
    fuzz_unit_heal(&f->hw);
    if (!core_up(f))
        return false;
    f->started = FUZZ_CALL(f, uiommu_unit_start(f->unit)) == UIOMMU_OK;
    for (i = 0; i < FUZZ_DEVICES; i++) {
        f->device[i].f = f;
        f->device[i].id = 8u + 4u * i;
        f->device[i].flags = flags[i];
        fuzz_attach(f, i, 3);
        if (i == 2 && f->device[i].dev == NULL) { /* No stalls here. */
            f->device[i].flags = UIOMMU_DEVICE_PASID | UIOMMU_DEVICE_ATS;
            fuzz_attach(f, i, 3);
        }
    }
    for (i = 0; i < FUZZ_SPACES; i++) {
        f->space[i].f = f;
        fuzz_space_make(f, i);
    }
    return true;
}

void fuzz_life_check(struct fuzz_life *f)
{
    struct uiommu_unit_info info;
    struct uiommu_bond_info bond;
    struct uiommu_port_info port;
    uint32_t i;

    FUZZ_CHECK(uiommu_unit_get_info(f->unit, &info) == UIOMMU_OK);
    FUZZ_CHECK(info.started == f->started);
    FUZZ_CHECK(uiommu_unit_valid(f->unit));
    for (i = 0; i < FUZZ_DEVICES; i++) {
        if (f->device[i].port == NULL)
            continue;
        FUZZ_CHECK(uiommu_port_get_info(f->device[i].port, &port) == UIOMMU_OK);
        FUZZ_CHECK(port.outstanding <= port.credits && port.groups <= port.credits);
    }
    for (i = 0; i < FUZZ_BONDS; i++) {
        if (f->bond[i].ref.generation == 0)
            continue;
        FUZZ_CHECK(uiommu_bond_get_info(f->u, f->bond[i].ref, &bond) == UIOMMU_OK);
        if (bond.state == UIOMMU_BOND_FREE)
            f->bond[i].ref.generation = 0;
        else
            FUZZ_CHECK(bond.pasid == f->bond[i].pasid);
    }
}

/* ---- the end ---- */

static void good_again(struct fuzz_life *f)
{
    uiommu_err err = UIOMMU_OK;
    uint32_t i;

    f->ending = true;
    f->host.fail_in = 0;
    fuzz_unit_heal(&f->hw);
    for (i = 0; i < 3; i++) {
        if (f->suspended)
            err = FUZZ_CALL(f, uiommu_unit_resume(f->unit));
        else if (f->started)
            err = FUZZ_CALL(f, uiommu_unit_restart(f->unit));
        if (err == UIOMMU_OK)
            break;
    }
    FUZZ_CHECK(err == UIOMMU_OK);
    f->suspended = false;
    for (i = 0; i < FUZZ_DEVICES; i++) {
        f->device[i].stop = 0;
        f->device[i].stopped = 0;
        f->device[i].fails = false;
        f->device[i].absent = f->device[i].removed;
    }
}

static void end_device(struct fuzz_life *f, uint32_t i)
{
    struct fuzz_device *d = &f->device[i];
    uiommu_err err;

    if (d->dev != NULL) {
        /* Begun once: beginning again after its end was tried begins another one. */
        if (!d->removed && (uiommu_device_get_state(d->dev) == UIOMMU_DEVICE_RESETTING ||
                            FUZZ_CALL(f, uiommu_device_reset_begin(d->dev)) == UIOMMU_OK))
            (void)FUZZ_CALL(f, uiommu_device_reset_end(d->dev));
        err = FUZZ_CALL(f, uiommu_device_detach(d->dev));
        if (err == UIOMMU_OK)
            d->dev = NULL;
    }
    if (d->dev == NULL && d->port != NULL &&
        FUZZ_CALL(f, uiommu_port_destroy(d->port)) == UIOMMU_OK)
        d->port = NULL;
}

/* One round; true: nothing is left. */
static bool end_round(struct fuzz_life *f)
{
    bool left = false;
    uint32_t i;

    for (i = 0; i < f->pendings && i < FUZZ_PENDING; i++)
        (void)FUZZ_CALL(f, uiommu_group_respond(f->unit, f->pending[i], UIOMMU_CODE_INVALID));
    f->pendings = 0;
    for (i = 0; i < FUZZ_BONDS; i++) {
        if (f->bond[i].ref.generation == 0)
            continue;
        (void)FUZZ_CALL(f, uiommu_unbind_begin(f->u, f->bond[i].ref, UIOMMU_UNBIND_STOPPED));
        (void)FUZZ_CALL(f, uiommu_unbind_poll(f->u, f->bond[i].ref));
        (void)FUZZ_CALL(f, uiommu_bond_stopped(f->u, f->bond[i].ref));
    }
    for (i = 0; i < FUZZ_SPACES; i++) {
        struct fuzz_space *s = &f->space[i];

        if (s->as == NULL)
            continue;
        (void)FUZZ_CALL(f, uiommu_aspace_exit(s->as));
        (void)FUZZ_CALL(f, uiommu_aspace_reap(s->as));
        if (FUZZ_CALL(f, uiommu_aspace_destroy(s->as)) == UIOMMU_OK)
            s->as = NULL;
        left = left || s->as != NULL;
    }
    for (i = 0; i < FUZZ_DEVICES; i++) {
        end_device(f, i);
        left = left || f->device[i].dev != NULL || f->device[i].port != NULL;
    }
    if (f->started)
        (void)FUZZ_CALL(f, uiommu_unit_service(f->unit, 0));
    fuzz_life_check(f);
    f->host.now += 100000;
    return !left;
}

static void complain(const struct fuzz_life *f)
{
    struct uiommu_bond_info info;
    uint32_t i;

    for (i = 0; i < FUZZ_BONDS; i++) {
        if (f->bond[i].ref.generation == 0)
            continue;
        if (uiommu_bond_get_info(f->u, f->bond[i].ref, &info) == UIOMMU_OK)
            fprintf(stderr, "bond %u: device %u, state %d, missing 0x%x, in flight %u\n", i,
                    f->bond[i].device, (int)info.state, (unsigned)info.missing, info.in_flight);
    }
    for (i = 0; i < FUZZ_DEVICES; i++)
        fprintf(stderr, "device %u: %s, state %d, port %p\n", i,
                f->device[i].dev != NULL ? "attached" : "gone",
                uiommu_device_get_state(f->device[i].dev), (void *)f->device[i].port);
    fuzz_fail("everything ends on good hardware", __FILE__, __LINE__);
}

void fuzz_life_end(struct fuzz_life *f)
{
    uint32_t i, rounds = 0;

    if (f->unit != NULL) {
        good_again(f);
        while (!end_round(f)) {
            if (++rounds == ROUNDS)
                complain(f);
        }
        if (f->started)
            FUZZ_CHECK(FUZZ_CALL(f, uiommu_unit_stop(f->unit)) == UIOMMU_OK);
        FUZZ_CHECK(FUZZ_CALL(f, uiommu_unit_destroy(f->unit)) == UIOMMU_OK);
    }
    for (i = 0; i < FUZZ_SPACES; i++) {
        if (f->space[i].as != NULL)
            FUZZ_CHECK(FUZZ_CALL(f, uiommu_aspace_destroy(f->space[i].as)) == UIOMMU_OK);
    }
    for (i = 0; i < FUZZ_PASIDS; i++) {
        if (f->pasid[i] != 0)
            FUZZ_CHECK(FUZZ_CALL(f, uiommu_pasid_put(f->pasids, f->pasid[i])) == UIOMMU_OK);
    }
    FUZZ_CHECK(FUZZ_CALL(f, uiommu_pasid_space_destroy(f->pasids)) == UIOMMU_OK);
    FUZZ_CHECK(FUZZ_CALL(f, uiommu_owner_destroy(f->owner)) == UIOMMU_OK);
    FUZZ_CHECK(FUZZ_CALL(f, uiommu_destroy(f->u)) == UIOMMU_OK);
    fuzz_host_end(&f->host, false);
}
