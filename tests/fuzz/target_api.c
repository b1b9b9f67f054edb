/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sequences of public calls on a conformance bench: models of unit, fabric and devices, which
 * complain about every misuse of the hardware. Handles and arguments may be anything; devices
 * keep to the rules. A run is a conformance test that the input writes.
 */
#include "fuzz.h"

#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BONDS 8u

static struct {
    struct fuzz_input in;
    struct uiommu_bond_ref bond[BONDS];
    struct uiommu_group_ref pending[16];
    uint32_t pendings;
    bool asked[512]; /* Indices that were sent, and may be unanswered. */
    uint32_t depth;
    bool suspended;
} s;

static struct uiommu_bond_ref bond_of(void)
{
    uint32_t n = fuzz_u8(&s.in);
    struct uiommu_bond_ref ref = s.bond[n % BONDS];

    if ((n & 0xc0u) == 0xc0u) /* Never was one, or long ago. */
        ref.generation += n >> 3 & 7u;
    return ref;
}

/* Legal in any context. */
static void any_call(struct conf *c)
{
    struct uiommu_bond_info info;
    uint32_t n = fuzz_u8(&s.in);
    struct conf_device *d = &c->dev[n % (c->devices == 0 ? 1u : c->devices)];
    struct conf_space *space = &c->space[n % (c->spaces == 0 ? 1u : c->spaces)];
    uiommu_err err = UIOMMU_OK;

    switch (n >> 3 & 7u) {
    case 0:
        err = uiommu_unbind_begin(c->b.u, bond_of(), fuzz_u8(&s.in) & 7u);
        break;
    case 1:
        err = uiommu_group_respond(c->b.unit, s.pending[fuzz_below(&s.in, 16)],
                                   (uiommu_code)fuzz_below(&s.in, 6));
        break;
    case 2:
        err = uiommu_aspace_invalidate(space->as, fuzz_u64(&s.in), UINT64_MAX, (n & 0x40u) != 0);
        break;
    case 3:
        if ((n & 0x40u) != 0)
            err = uiommu_aspace_exit(space->as);
        break;
    case 4:
        err = uiommu_bond_get_info(c->b.u, bond_of(), &info);
        break;
    case 5: /* A handle of another kind. */
        err = uiommu_aspace_exit((struct uiommu_aspace *)(void *)d->dev);
        FUZZ_CHECK(err == UIOMMU_E_HANDLE);
        break;
    case 6:
        err = uiommu_device_get_state((struct uiommu_device *)(void *)space->as);
        FUZZ_CHECK(err == UIOMMU_E_HANDLE);
        break;
    default:
        err = uiommu_unbind_begin(NULL, bond_of(), 0);
        FUZZ_CHECK(err == UIOMMU_E_HANDLE || err == UIOMMU_E_INVALID);
        break;
    }
    FUZZ_CHECK(err != UIOMMU_E_INTERNAL);
}

/* Every handler call takes a byte: what it answers, and what else it does. */
static void on_fault(struct conf *c, struct conf_space *space, const struct uiommu_group *group)
{
    uint32_t n = fuzz_u8(&s.in);

    space->answer = (uiommu_code)(n & 3u);
    if (space->answer == UIOMMU_CODE_FAILURE) /* Counts as INVALID. */
        space->answer = UIOMMU_CODE_INVALID;
    if (space->answer == UIOMMU_CODE_PENDING)
        s.pending[s.pendings++ % 16u] = group->ref;
    if ((n & 0xc0u) == 0xc0u && s.depth++ == 0)
        any_call(c);
    s.depth = 0;
}

/* Through an interrupt, or another thread. */
static void interrupted(struct bench *b, void *arg)
{
    (void)b;
    any_call(arg);
}

static void bind(struct conf *c)
{
    uint32_t n = fuzz_u8(&s.in), pasid;
    struct uiommu_bind_config config;
    struct uiommu_bond_ref ref;

    memset(&config, 0, sizeof(config));
    pasid = (n & 0x80u) != 0 ? fuzz_u16(&s.in) : c->pasid[n % c->pasids];
    config.size = sizeof(config);
    if ((n & 0x60u) == 0x60u) /* Too small, or of a later version; on_fault() wants its user. */
        config.size = (n & 1u) != 0 ? fuzz_u8(&s.in) & 7u : sizeof(config) + fuzz_u8(&s.in);
    config.pasid = pasid == 0xffffu ? UIOMMU_PASID_NONE : pasid;
    config.in_flight = n >> 4 & 1u;
    config.user = &c->space[n >> 2 & 1u];
    if (uiommu_bind(c->dev[n >> 1 & 1u].dev, c->space[n >> 2 & 1u].as, &config, &ref) == UIOMMU_OK)
        s.bond[n % BONDS] = ref;
}

/* Within its credits, under an index that is free: a device that keeps to the rules. */
static void send(struct conf *c)
{
    uint32_t n = fuzz_u8(&s.in), index = fuzz_u8(&s.in) & 63u;
    struct conf_device *d = &c->dev[n & 1u];
    struct model_page_response r;

    index += (n & 1u) * 64u;
    if (s.asked[index] && !model_endpoint_last_response(d->ep, d->id, index, &r))
        return;
    if (d->dev == NULL || d->removed || conf_counts(d).outstanding >= 4 ||
        uiommu_device_get_state(d->dev) != UIOMMU_DEVICE_NORMAL)
        return;
    s.asked[index] = true;
    conf_ask(d, c->pasid[n >> 1 & 3u], CONF_VA + (uint64_t)(n >> 3) * 4096u, index);
}

static void reset(struct conf *c)
{
    struct conf_device *d = &c->dev[fuzz_u8(&s.in) & 1u];

    if (d->dev == NULL || s.suspended)
        return;
    (void)conf_reset(c, d);
    memset(s.asked + (d == &c->dev[1] ? 64 : 0), 0, 64);
}

static void hang(struct conf *c)
{
    c->b.vendor->hang(&c->b, true);
    conf_run(c, (uint64_t)fuzz_u8(&s.in) * BENCH_MS / 8u);
    c->b.vendor->hang(&c->b, false);
}

static void unit(struct conf *c)
{
    uint64_t words[4] = {0};
    uint32_t n = fuzz_u8(&s.in);
    uiommu_err err = UIOMMU_OK;

    switch (n & 7u) {
    case 0:
        err = uiommu_unit_suspend(c->b.unit);
        s.suspended = s.suspended || err == UIOMMU_OK;
        if (err == UIOMMU_OK && (n & 8u) != 0)
            c->b.vendor->power_cycle(&c->b);
        break;
    case 1:
        err = uiommu_unit_resume(c->b.unit);
        s.suspended = s.suspended && err != UIOMMU_OK;
        break;
    case 2:
        err = s.suspended ? UIOMMU_OK : uiommu_unit_restart(c->b.unit);
        break;
    case 3:
        err = uiommu_unit_stop(c->b.unit); /* Devices are attached. */
        FUZZ_CHECK(err == UIOMMU_E_BUSY || err == UIOMMU_E_STATE);
        break;
    case 4:
        err = uiommu_unit_start(c->b.unit);
        FUZZ_CHECK(err == UIOMMU_E_STATE);
        break;
    case 5:
        FUZZ_CHECK(uiommu_unit_destroy(c->b.unit) == UIOMMU_E_BUSY);
        break;
    case 6: /* What the host asks for by itself is legal, its length may be not. */
        (void)c->b.vendor->host_command(&c->b, BENCH_COMMAND_LEGAL, words);
        err = uiommu_unit_command(c->b.unit, (n & 8u) != 0 ? words : NULL, n >> 4);
        break;
    default:
        err = uiommu_unit_service(c->b.unit, n >> 3);
        break;
    }
    FUZZ_CHECK(err != UIOMMU_E_INTERNAL);
}

static void pasid(struct conf *c)
{
    uint32_t n = fuzz_u8(&s.in), out = 0;
    struct uiommu_pasid_info info;
    uiommu_err err;

    switch (n & 3u) {
    case 0:
        err = uiommu_pasid_hold(c->b.pasids, c->pasid[n >> 2 & 3u]);
        if (err == UIOMMU_OK)
            err = uiommu_pasid_put(c->b.pasids, c->pasid[n >> 2 & 3u]);
        break;
    case 1:
        err = uiommu_pasid_alloc(c->b.pasids, NULL, n >> 2, &out);
        if (err == UIOMMU_OK)
            err = uiommu_pasid_put(c->b.pasids, out);
        break;
    case 2:
        err = uiommu_pasid_get_info(c->b.pasids, fuzz_u32(&s.in), &info);
        break;
    default:
        err = uiommu_pasid_put(c->b.pasids, 0x80000u + n);
        FUZZ_CHECK(err != UIOMMU_OK);
        break;
    }
    FUZZ_CHECK(err != UIOMMU_E_INTERNAL);
}

static void unbind(struct conf *c)
{
    struct uiommu_bond_ref ref = bond_of();
    uint32_t how = fuzz_u8(&s.in);
    uiommu_err err;

    if ((how & 4u) != 0)
        err = uiommu_unbind_poll(c->b.u, ref);
    else if ((how & 8u) != 0)
        err = uiommu_unbind_begin(c->b.u, ref, how & 2u);
    else
        err = conf_unbind(c, ref, how & 2u);
    FUZZ_CHECK(err != UIOMMU_E_INTERNAL);
}

static void step(struct conf *c)
{
    uint32_t n = fuzz_u8(&s.in);

    switch (n & 15u) {
    case 0:
    case 1:
        bind(c);
        break;
    case 2:
    case 3:
    case 4:
        send(c);
        break;
    case 5:
        unbind(c);
        break;
    case 6:
        reset(c);
        break;
    case 7:
        unit(c);
        break;
    case 8:
        pasid(c);
        break;
    case 9:
        hang(c);
        break;
    case 10:
        bench_interrupt(&c->b, n >> 2, interrupted, c);
        break;
    case 11:
    case 12:
        any_call(c);
        break;
    case 13:
        (void)conf_access(&c->dev[n >> 7], c->pasid[n >> 4 & 3u], CONF_VA + (n >> 6 & 1u) * 4096u,
                          MODEL_READ);
        break;
    default:
        conf_run(c, (uint64_t)(n >> 4) * BENCH_MS / 4u + 1000u);
        break;
    }
}

static void play(struct conf *c)
{
    uint32_t i, steps = 0;

    c->no_balance = true; /* After a reset some Lasts rightly get no answer. */
    if (!conf_up(c))
        return;
    for (i = 0; i < 2; i++) {
        if (conf_device_make(c, NULL) == NULL || conf_space_make(c) == NULL)
            return;
        c->space[i].on_fault = on_fault;
    }
    for (i = 0; i < 4; i++)
        (void)conf_pasid(c);
    while (s.in.left != 0 && steps++ < 120 && !conf_failed(c))
        step(c);
    bench_interrupt(&c->b, UINT32_MAX, NULL, NULL);
    if (s.suspended)
        conf_check(c, uiommu_unit_resume(c->b.unit) == UIOMMU_OK, "resume", __FILE__, __LINE__);
    for (i = 0; i < s.pendings && i < 16; i++)
        (void)conf_respond(c, s.pending[i], UIOMMU_CODE_INVALID);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct conf_test test = {"fuzz", play};
    static void *memory;
    const struct bench_variant *variant;
    const struct bench_vendor *vendor;
    struct conf_result result;
    uint32_t n;

    if (memory == NULL)
        memory = malloc(CONF_MEMORY);
    FUZZ_CHECK(memory != NULL);
    memset(&s, 0, sizeof(s));
    s.in.at = data;
    s.in.left = size;
    n = fuzz_u8(&s.in);
    vendor = bench_vendors[n % bench_vendor_count];
    variant = &bench_variants[n / bench_vendor_count % bench_variant_count];
    conf_run_test(&test, vendor, variant, 1, memory, &result);
    if (result.verdict == CONF_FAILED) {
        fprintf(stderr, "%s, %s: %s (%s)\n", vendor->name, variant->name, result.what,
                result.rule == NULL ? "no model complained" : result.rule);
        fuzz_fail(result.what, result.file, result.line);
    }
    return 0;
}
