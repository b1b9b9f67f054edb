/* SPDX-License-Identifier: BSD-2-Clause */
/* What the bytes of an input let happen on a hostile unit, an op-code at a time. */
#include "fuzz_life.h"

#include <stdlib.h>
#include <string.h>

static struct fuzz_bond *bond_of(struct fuzz_life *f)
{
    return &f->bond[fuzz_below(&f->in, FUZZ_BONDS)];
}

/* A PASID that is bound, sometimes one that is not. */
static uint32_t pasid_of(struct fuzz_life *f)
{
    uint32_t n = fuzz_below(&f->in, FUZZ_PASIDS + 3u);

    if (n < FUZZ_PASIDS)
        return f->pasid[n];
    return n == FUZZ_PASIDS ? UIOMMU_PASID_NONE : n == FUZZ_PASIDS + 1u ? 0 : 0xfffffu;
}

/* Byte by byte: who, flags, page, index. */
static struct fuzz_request request_of(struct fuzz_life *f)
{
    struct fuzz_request r;
    uint32_t who = fuzz_u8(&f->in), flags = fuzz_u8(&f->in);

    memset(&r, 0, sizeof(r));
    r.id = (who & 3u) == 3u ? (who >> 2) * 16u : f->device[who & 3u].id;
    r.pasid = pasid_of(f);
    r.flags = flags & 0xfu;
    r.flags |= (flags & 0x10u) == 0 ? UIOMMU_REQUEST_LAST : 0u;
    r.flags |= r.pasid != UIOMMU_PASID_NONE ? UIOMMU_REQUEST_PASID : 0u;
    r.index = fuzz_u8(&f->in);
    r.index |= (flags & 0x20u) != 0 ? 0x100u : 0u;
    r.address = (uint64_t)fuzz_u8(&f->in) << 12;
    if ((flags & 0x40u) != 0) /* Far, canonical or not. */
        r.address |= (uint64_t)r.index << 56 | (uint64_t)r.index << 44;
    if ((flags & 0x80u) != 0)
        r.noise = fuzz_u64(&f->in);
    return r;
}

/* ---- hardware ---- */

static void put_request(struct fuzz_life *f)
{
    struct fuzz_request r = request_of(f);

    f->hw.vendor->request(&f->hw, &r);
}

static void put_burst(struct fuzz_life *f)
{
    struct fuzz_request r = request_of(f);
    uint32_t n = fuzz_u8(&f->in);

    while (n-- != 0) {
        f->hw.vendor->request(&f->hw, &r);
        r.index = (r.index + 1u) & 0x1ffu;
        r.address += 4096;
    }
}

static void put_event(struct fuzz_life *f)
{
    struct fuzz_request r = request_of(f);

    f->hw.vendor->event(&f->hw, &f->in, &r);
}

static void put_events(struct fuzz_life *f)
{
    struct fuzz_request r = request_of(f);
    uint32_t n = fuzz_u8(&f->in);
    struct fuzz_input same = f->in;

    while (n-- != 0) {
        same = f->in;
        f->hw.vendor->event(&f->hw, &same, &r);
    }
    f->in = same;
}

static void put_word(struct fuzz_life *f)
{
    uint32_t words, which = fuzz_below(&f->in, 3), at = fuzz_u16(&f->in);
    uint64_t value = fuzz_u64(&f->in), *ring = f->hw.vendor->ring(&f->hw, which, &words);

    if (ring != NULL)
        fuzz_ring_put(&f->hw, &ring[at % words], value);
}

static void move_producer(struct fuzz_life *f)
{
    uint32_t shift, which = fuzz_below(&f->in, 3), at = f->hw.vendor->producer(which, &shift);

    fuzz_reg_set(&f->hw, at, fuzz_u16(&f->in) << shift);
}

static uint32_t register_of(struct fuzz_life *f)
{
    uint32_t n = fuzz_u8(&f->in);

    return f->hw.vendor->registers[n % f->hw.vendor->register_count];
}

static void set_register(struct fuzz_life *f)
{
    uint32_t at = register_of(f);

    fuzz_reg_set(&f->hw, at, fuzz_u32(&f->in));
}

static void flip_register(struct fuzz_life *f)
{
    uint32_t at = register_of(f);

    fuzz_reg_set(&f->hw, at, fuzz_reg(&f->hw, at) ^ 1u << (fuzz_u8(&f->in) & 31u));
}

static void tell_lie(struct fuzz_life *f)
{
    struct fuzz_lie *lie = &f->hw.lie[fuzz_below(&f->in, FUZZ_LIES)];
    uint32_t how = fuzz_u8(&f->in);

    lie->offset = register_of(f);
    lie->skip = how & 15u;
    lie->count = how >> 4 == 15u ? FUZZ_FOREVER : how >> 4;
    lie->value = fuzz_u8(&f->in) == 0 ? UINT32_MAX : fuzz_u32(&f->in);
}

static void set_ambush(struct fuzz_life *f)
{
    struct fuzz_ambush *a = &f->hw.ambush[fuzz_below(&f->in, FUZZ_AMBUSHES)];
    uint32_t how = fuzz_u8(&f->in);

    a->in = 1u + (how & 63u);
    a->memory = how >> 6 != 3u;
    a->ring = how >> 6;
    a->at = a->memory ? fuzz_u8(&f->in) : register_of(f);
    a->value = fuzz_u64(&f->in);
}

static void commands(struct fuzz_life *f)
{
    uint32_t how = fuzz_u8(&f->in);

    if (how < 0x80u) {
        f->hw.budget = how;
    } else if (how < 0xc0u) {
        f->hw.budget = FUZZ_UNLIMITED;
        f->hw.refuse = 1u + (how & 7u);
        f->hw.refuse_code = fuzz_u8(&f->in);
    } else {
        f->hw.budget = FUZZ_UNLIMITED;
        f->hw.refuse = 0;
    }
    f->hw.vendor->run(&f->hw);
}

static void power_loss(struct fuzz_life *f)
{
    fuzz_unit_heal(&f->hw);
}

/* ---- the library ---- */

static void service(struct fuzz_life *f)
{
    uint32_t budget = fuzz_u8(&f->in);
    uiommu_err err;

    f->host.no_memory = true;
    err = FUZZ_CALL(f, uiommu_unit_service(f->unit, budget));
    f->host.no_memory = false;
    FUZZ_CHECK(err == UIOMMU_OK || err == UIOMMU_MORE ||
               (err == UIOMMU_E_STATE && (!f->started || f->suspended)));
}

/* Until there is nothing to do; hostile hardware may always have something. */
static void run(struct fuzz_life *f)
{
    uint32_t rounds = fuzz_u8(&f->in);
    uiommu_err err = UIOMMU_MORE;

    f->host.no_memory = true;
    while (err == UIOMMU_MORE && rounds-- != 0)
        err = FUZZ_CALL(f, uiommu_unit_service(f->unit, 0));
    f->host.no_memory = false;
}

static void pass_time(struct fuzz_life *f)
{
    f->host.now += UINT64_C(1000) << (fuzz_u8(&f->in) & 15u);
    (void)uiommu_unit_next_deadline(f->unit);
}

static void bind(struct fuzz_life *f)
{
    uint32_t n = fuzz_u8(&f->in), i;
    struct uiommu_bind_config config = {.size = sizeof(config)};
    struct fuzz_bond *b = NULL;
    struct fuzz_device *d = &f->device[n % FUZZ_DEVICES];
    struct fuzz_space *s = &f->space[n / FUZZ_DEVICES % FUZZ_SPACES];

    for (i = 0; i < FUZZ_BONDS; i++) {
        if (f->bond[i].ref.generation == 0)
            b = &f->bond[i];
    }
    config.pasid = pasid_of(f);
    config.in_flight = n >> 6;
    config.user = b;
    if (b == NULL || d->dev == NULL || s->as == NULL)
        return;
    b->device = n % FUZZ_DEVICES;
    b->space = n / FUZZ_DEVICES % FUZZ_SPACES;
    b->pasid = config.pasid;
    b->born = f->seen_count;
    if (FUZZ_CALL(f, uiommu_bind(d->dev, s->as, &config, &b->ref)) != UIOMMU_OK)
        memset(&b->ref, 0, sizeof(b->ref));
}

static void unbind(struct fuzz_life *f)
{
    struct fuzz_bond *b = bond_of(f);
    uint32_t how = fuzz_u8(&f->in);

    if ((how & 0x80u) != 0) /* Any handle. */
        (void)FUZZ_CALL(f, uiommu_unbind_begin(f->u, (struct uiommu_bond_ref){how, b->device}, 0));
    if (b->ref.generation == 0)
        return;
    if ((how & 0x4u) != 0)
        (void)FUZZ_CALL(f, uiommu_unbind(f->u, b->ref, how & 3u));
    else
        (void)FUZZ_CALL(f, uiommu_unbind_begin(f->u, b->ref, how & 3u));
    if ((how & 0x8u) != 0)
        (void)FUZZ_CALL(f, uiommu_bond_stopped(f->u, b->ref));
}

static void poll(struct fuzz_life *f)
{
    struct fuzz_bond *b = bond_of(f);

    if (b->ref.generation != 0)
        (void)FUZZ_CALL(f, uiommu_unbind_poll(f->u, b->ref));
}

static void respond(struct fuzz_life *f)
{
    uint32_t n = fuzz_u8(&f->in);
    struct uiommu_group_ref ref = f->pending[n % FUZZ_PENDING];
    uiommu_err err;
    bool open;

    if ((n & 0x80u) != 0)
        ref.index ^= 1u << (n >> 4 & 7u);
    if ((n & 0x40u) != 0)
        ref.generation += n >> 4;
    open = fuzz_token_open(f, ref);
    err = FUZZ_CALL(f, uiommu_group_respond(f->unit, ref, (uiommu_code)fuzz_below(&f->in, 5)));
    FUZZ_CHECK(open || (err != UIOMMU_OK && err != UIOMMU_E_DEAD));
}

static void device(struct fuzz_life *f)
{
    uint32_t n = fuzz_u8(&f->in), what = fuzz_u8(&f->in);
    struct fuzz_device *d = &f->device[n % FUZZ_DEVICES];

    if (d->dev == NULL) {
        fuzz_attach(f, n % FUZZ_DEVICES, 1u + what);
        return;
    }
    switch (what & 7u) {
    case 0:
        (void)FUZZ_CALL(f, uiommu_device_reset_begin(d->dev));
        break;
    case 1:
        (void)FUZZ_CALL(f, uiommu_device_reset_end(d->dev));
        break;
    case 2:
        if ((what & 0xc0u) == 0) { /* Seldom: it is final. */
            d->removed = true;
            (void)FUZZ_CALL(f, uiommu_device_removed(d->dev));
        }
        break;
    case 3:
        if (FUZZ_CALL(f, uiommu_device_detach(d->dev)) == UIOMMU_OK)
            d->dev = NULL;
        break;
    case 4:
        if (d->port != NULL)
            (void)FUZZ_CALL(f, uiommu_port_switch_off(d->port));
        break;
    case 5:
        d->stop = what >> 3 & 3u;
        d->stopped = what >> 5 & 1u;
        break;
    case 6:
        d->fails = (what & 8u) != 0;
        d->absent = (what & 16u) != 0;
        break;
    default:
        if (d->port != NULL && FUZZ_CALL(f, uiommu_port_destroy(d->port)) == UIOMMU_OK)
            d->port = NULL;
        break;
    }
}

static void space(struct fuzz_life *f)
{
    uint32_t n = fuzz_u8(&f->in);
    struct fuzz_space *s = &f->space[n & 1u];
    uint64_t first;

    if (s->as == NULL) {
        fuzz_space_make(f, n & 1u);
        return;
    }
    switch (n >> 1 & 3u) {
    case 0:
        first = (uint64_t)fuzz_u8(&f->in) << 12;
        (void)FUZZ_CALL(f, uiommu_aspace_invalidate(s->as, first,
                                                    first + ((UINT64_C(1) << (n >> 3)) << 12) - 1u,
                                                    (n & 0x80u) != 0));
        break;
    case 1:
        (void)FUZZ_CALL(f, uiommu_aspace_exit(s->as));
        s->exited = true;
        break;
    case 2:
        (void)FUZZ_CALL(f, uiommu_aspace_reap(s->as));
        break;
    default:
        if (FUZZ_CALL(f, uiommu_aspace_destroy(s->as)) == UIOMMU_OK)
            s->as = NULL;
        break;
    }
}

static void no_line(void *ctx, const char *text)
{
    uint32_t *lines = ctx;

    FUZZ_CHECK(strlen(text) < 1024 && ++*lines < 100000);
}

static void look(struct fuzz_life *f)
{
    struct uiommu_unit_counters counters;
    struct uiommu_event event;
    struct uiommu_sink sink;
    uint32_t n = fuzz_u8(&f->in), lines = 0;
    char text[160];

    if ((n & 1u) != 0) {
        sink.ctx = &lines;
        sink.line = no_line;
        (void)FUZZ_CALL(
            f, uiommu_unit_dump(f->unit, f->device[n % FUZZ_DEVICES].id, pasid_of(f), &sink));
    }
    while (FUZZ_CALL(f, uiommu_unit_next_event(f->unit, &event)) == UIOMMU_OK)
        (void)uiommu_event_format(&event, text, n < sizeof(text) ? n : sizeof(text));
    FUZZ_CHECK(uiommu_unit_get_counters(f->unit, &counters) == UIOMMU_OK);
}

static void unit(struct fuzz_life *f)
{
    uint32_t what = fuzz_u8(&f->in);
    uint64_t words[4];

    switch (what % 6u) {
    case 0:
        (void)FUZZ_CALL(f, uiommu_unit_restart(f->unit));
        break;
    case 1:
        if (FUZZ_CALL(f, uiommu_unit_suspend(f->unit)) == UIOMMU_OK)
            f->suspended = true;
        break;
    case 2:
        if (FUZZ_CALL(f, uiommu_unit_resume(f->unit)) == UIOMMU_OK)
            f->suspended = false;
        break;
    case 3:
        if (FUZZ_CALL(f, uiommu_unit_stop(f->unit)) == UIOMMU_OK)
            f->started = f->suspended = false;
        break;
    case 4:
        if (FUZZ_CALL(f, uiommu_unit_start(f->unit)) == UIOMMU_OK)
            f->started = true;
        break;
    default:
        words[0] = fuzz_u64(&f->in);
        words[1] = words[2] = words[3] = fuzz_u64(&f->in);
        (void)FUZZ_CALL(f, uiommu_unit_command(f->unit, words, what >> 4 & 7u));
        break;
    }
}

static void no_memory(struct fuzz_life *f)
{
    f->host.fail_in = fuzz_u8(&f->in);
}

/* What makes progress has more codes than what breaks things. */
static void (*const ops[])(struct fuzz_life *f) = {
    put_request,  put_request,   put_burst,   put_event,  put_events, put_word, move_producer,
    set_register, flip_register, tell_lie,    set_ambush, commands,   service,  service,
    run,          run,           pass_time,   bind,       bind,       unbind,   unbind,
    poll,         respond,       device,      device,     space,      look,     unit,
    no_memory,    power_loss,    put_request, run,
};

void fuzz_life_step(struct fuzz_life *f)
{
    ops[fuzz_u8(&f->in) % (sizeof(ops) / sizeof(ops[0]))](f);
    fuzz_life_check(f);
}

int fuzz_hostile(const struct fuzz_vendor *vendor, const uint8_t *data, size_t size)
{
    static struct fuzz_life f;
    uint32_t n = 0;

    memset(&f, 0, sizeof(f));
    f.in.at = data;
    f.in.left = size;
    if (fuzz_life_begin(&f, vendor)) {
        while (f.in.left != 0 && n++ < FUZZ_OPS)
            fuzz_life_step(&f);
    }
    fuzz_life_end(&f);
    return 0;
}
