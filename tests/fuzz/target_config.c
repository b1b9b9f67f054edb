/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Constructors: any identification registers under any config, any address space and PASID space;
 * a unit that was accepted starts, dumps, stops and goes; and what text makes of any event.
 */
#include "fuzz_unit.h"

#include <uiommu/amd.h>
#include <uiommu/smmuv3.h>
#include <uiommu/vtd.h>

#include <string.h>

struct maker {
    struct fuzz_host host;
    struct fuzz_unit hw;
    struct fuzz_input in;
    struct uiommu *u;
    struct uiommu_pasid_space *pasids;
    struct uiommu_reserved reserved;
};

union any_config {
    struct uiommu_smmuv3_config smmuv3;
    struct uiommu_amd_config amd;
    struct uiommu_vtd_config vtd;
    uint8_t bytes[1];
};

static uint32_t read32(void *owner, uint32_t offset)
{
    return fuzz_unit_read(&((struct maker *)owner)->hw, offset);
}

static void write32(void *owner, uint32_t offset, uint32_t value)
{
    fuzz_unit_write(&((struct maker *)owner)->hw, offset, value);
}

/* Some bytes of a good struct are changed. */
static void spoil(struct fuzz_input *in, void *at, size_t bytes)
{
    uint32_t n = fuzz_below(in, 8), where;

    while (n-- != 0) {
        where = fuzz_u16(in) % (uint32_t)bytes;
        ((uint8_t *)at)[where] ^= (uint8_t)fuzz_u8(in);
    }
}

/* A bool is 0 or 1, whoever writes the config. */
static bool truth(const bool *at)
{
    uint8_t byte;

    memcpy(&byte, at, sizeof(byte));
    return (byte & 1u) != 0;
}

static void spoil_ids(struct maker *m)
{
    static const uint8_t at[3][6] = {{0, 4, 0x0c, 0x14, 0x18, 0x1c},
                                     {0x30, 0x34, 0x30, 0x34, 0x30, 0x34},
                                     {8, 0x0c, 0x10, 0x14, 8, 0x10}};
    uint32_t n = fuzz_below(&m->in, 6), which = m->hw.vendor == &fuzz_smmuv3 ? 0
                                                : m->hw.vendor == &fuzz_amd  ? 1
                                                                             : 2;

    while (n-- != 0) {
        uint32_t offset = at[which][fuzz_below(&m->in, 6)], bit = fuzz_u8(&m->in);

        fuzz_reg_set(&m->hw, offset,
                     bit == 255 ? UINT32_MAX : fuzz_reg(&m->hw, offset) ^ 1u << (bit & 31u));
    }
}

/* Pointers stay good; sizes and numbers may be anything. */
static struct uiommu_unit_config unit_config(struct maker *m)
{
    struct uiommu_unit_config c = {.size = sizeof(c)};

    c.id_bits = 8;
    c.events = 16;
    c.command_ns = 100000;
    spoil(&m->in, &c, sizeof(c));
    if (fuzz_below(&m->in, 16) != 0) {
        c.size = sizeof(c);
        c.command_ns = 100000; /* Else a unit that never answers is waited for that long. */
    } else {
        c.command_ns %= 1000000;
    }
    c.user = m;
    m->reserved.access = UIOMMU_READ;
    m->reserved.last = c.reserved_count >> 3;
    m->reserved.word = (c.reserved_count >> 1) & 3u;
    c.reserved = &m->reserved;
    c.reserved_count &= 1u;
    c.pasids = fuzz_below(&m->in, 4) != 0 ? m->pasids : NULL;
    return c;
}

static uiommu_err create(struct maker *m, struct uiommu_unit **out)
{
    union any_config c;
    struct uiommu_unit_config unit = unit_config(m);

    memset(&c, 0, sizeof(c));
    if (m->hw.vendor == &fuzz_smmuv3) {
        c.smmuv3.size = sizeof(c.smmuv3);
        spoil(&m->in, &c, sizeof(c.smmuv3));
        c.smmuv3.poll = truth(&c.smmuv3.poll);
        c.smmuv3.asid_shared = truth(&c.smmuv3.asid_shared);
        c.smmuv3.unit = unit;
        c.smmuv3.base = FUZZ_REG_BASE;
        return uiommu_smmuv3_create(m->u, &c.smmuv3, out);
    }
    if (m->hw.vendor == &fuzz_amd) {
        c.amd.size = sizeof(c.amd);
        spoil(&m->in, &c, sizeof(c.amd));
        c.amd.unit = unit;
        c.amd.base = FUZZ_REG_BASE;
        return uiommu_amd_create(m->u, &c.amd, out);
    }
    c.vtd.size = sizeof(c.vtd);
    spoil(&m->in, &c, sizeof(c.vtd));
    c.vtd.poll = truth(&c.vtd.poll);
    c.vtd.unit = unit;
    c.vtd.base = FUZZ_REG_BASE;
    c.vtd.bytes = c.vtd.bytes < FUZZ_REGS ? c.vtd.bytes : FUZZ_REGS; /* What is mapped. */
    return uiommu_vtd_create(m->u, &c.vtd, out);
}

static void no_line(void *ctx, const char *text)
{
    uint32_t *lines = ctx;

    FUZZ_CHECK(strlen(text) < 1024 && ++*lines < 100000);
}

static void try_unit(struct maker *m)
{
    static const struct fuzz_vendor *const vendors[] = {&fuzz_smmuv3, &fuzz_amd, &fuzz_vtd};
    struct uiommu_unit_info info;
    struct uiommu_unit *unit = NULL;
    struct uiommu_sink sink;
    uint32_t lines = 0, hang;
    uiommu_err err;

    m->hw.vendor = vendors[fuzz_below(&m->in, 3)];
    m->hw.host = &m->host;
    fuzz_unit_heal(&m->hw);
    spoil_ids(m);
    hang = fuzz_u8(&m->in);
    m->hw.budget = hang < 64 ? hang : FUZZ_UNLIMITED;
    m->host.fail_in = hang >= 224 ? hang - 224u : 0;
    if (create(m, &unit) != UIOMMU_OK)
        return;
    FUZZ_CHECK(uiommu_unit_get_info(unit, &info) == UIOMMU_OK && info.pasid_bits <= 20);
    fuzz_enter(&m->host, "start");
    err = uiommu_unit_start(unit);
    fuzz_leave(&m->host);
    sink.ctx = &lines;
    sink.line = no_line;
    FUZZ_CHECK(uiommu_unit_dump(unit, fuzz_u16(&m->in), fuzz_u16(&m->in), &sink) == UIOMMU_OK);
    m->hw.budget = FUZZ_UNLIMITED;
    m->hw.vendor->run(&m->hw);
    if (err == UIOMMU_OK)
        FUZZ_CHECK(uiommu_unit_stop(unit) == UIOMMU_OK);
    FUZZ_CHECK(uiommu_unit_destroy(unit) == UIOMMU_OK);
}

static void try_space(struct maker *m)
{
    struct uiommu_root roots[4];
    struct uiommu_aspace_ops ops = {.size = sizeof(ops)};
    struct uiommu_aspace_config config = {
        .size = sizeof(config), .ops = &ops, .roots = roots, .root_count = 1};
    struct uiommu_aspace *as = NULL;
    uint32_t i;

    memset(roots, 0, sizeof(roots));
    for (i = 0; i < 4; i++) {
        roots[i].format = (enum uiommu_root_format)(fuzz_u8(&m->in) & 15u);
        roots[i].granule_bits = 12;
        roots[i].va_bits = 48;
        roots[i].pa_bits = 48;
    }
    spoil(&m->in, roots, sizeof(roots));
    spoil(&m->in, &ops.size, sizeof(ops.size));
    config.root_count = fuzz_below(&m->in, 5);
    if (uiommu_aspace_create(m->u, &config, &as) == UIOMMU_OK)
        FUZZ_CHECK(uiommu_aspace_destroy(as) == UIOMMU_OK);
}

static void try_text(struct maker *m)
{
    struct uiommu_event event;
    char text[200];
    size_t room, need;

    memset(&event, 0, sizeof(event));
    event.kind = (enum uiommu_event_kind)fuzz_u8(&m->in);
    spoil(&m->in, &event.id, offsetof(struct uiommu_event, device) - sizeof(event.kind));
    event.raw[0] = fuzz_u64(&m->in);
    room = fuzz_below(&m->in, sizeof(text));
    memset(text, 'x', sizeof(text));
    need = uiommu_event_format(&event, room == 0 ? NULL : text, room);
    if (room != 0)
        FUZZ_CHECK(strlen(text) == (need < room ? need : room - 1));
    FUZZ_CHECK(text[room] == 'x');
    FUZZ_CHECK(uiommu_err_str((uiommu_err)fuzz_u32(&m->in)) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct maker m;
    struct uiommu_pasid_space_config numbers = {.size = sizeof(numbers), .first = 1, .last = 99};

    memset(&m, 0, sizeof(m));
    m.in.at = data;
    m.in.left = size;
    fuzz_host_begin(&m.host, &m);
    m.host.read32 = read32;
    m.host.write32 = write32;
    FUZZ_CHECK(uiommu_create(&m.host.ops, &m.u) == UIOMMU_OK);
    spoil(&m.in, &numbers, sizeof(numbers));
    if (uiommu_pasid_space_create(m.u, &numbers, &m.pasids) != UIOMMU_OK)
        m.pasids = NULL;
    try_text(&m);
    try_space(&m);
    try_unit(&m);
    if (m.pasids != NULL)
        FUZZ_CHECK(uiommu_pasid_space_destroy(m.pasids) == UIOMMU_OK);
    FUZZ_CHECK(uiommu_destroy(m.u) == UIOMMU_OK);
    /* A unit that hung when it was started keeps what hardware may still have. */
    fuzz_host_end(&m.host, m.hw.budget != FUZZ_UNLIMITED);
    return 0;
}
