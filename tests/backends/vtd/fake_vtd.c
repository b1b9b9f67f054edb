/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake_vtd.h"

#define BASE UINT64_C(0xfed90000)

/* A wait: its word is written, or a time-out aborts it. false: nothing is fetched after it. */
static bool wait_done(struct uiommu *u, const uint64_t *words)
{
    if (u->time_outs != 0) {
        u->time_outs--;
        *fake_reg(u, 0x34) |= 0x40;
        *fake_reg(u, 0xb4) = u->silent;
        return false;
    }
    if ((words[0] & 0x20) != 0)
        *(uint32_t *)(uintptr_t)words[1] = uiommu_bits_swap32((uint32_t)(words[0] >> 32));
    return true;
}

void fake_run(struct uiommu *u)
{
    uint64_t base = fake_reg64(u, 0x90) & ~(uint64_t)0xfff;
    uint32_t bytes = 0x1000u << (*fake_reg(u, 0x90) & 7), at = *fake_reg(u, 0x80);

    while (!u->hold && (*fake_reg(u, 0x1c) & 0x04000000) != 0 && at != *fake_reg(u, 0x88) &&
           (*fake_reg(u, 0x34) & 0x50) == 0) {
        const uint64_t *slot = (const uint64_t *)(uintptr_t)(base + at);
        uint64_t words[4] = {le64(slot[0]), le64(slot[1]), le64(slot[2]), le64(slot[3])};

        if (u->bad_type != 0 && (words[0] & 15) == u->bad_type) {
            *fake_reg(u, 0x34) |= 0x10;
            *fake_reg(u, 0xb0) = u->bad_code;
            return;
        }
        at = (at + 32) & (bytes - 1);
        *fake_reg(u, 0x80) = at;
        if (u->logged < FAKE_LOG)
            memcpy(u->log[u->logged++].q, words, 32);
        if ((words[0] & 15) == 5) {
            u->hold = u->lazy;
            if (!wait_done(u, words))
                return;
        }
    }
}

static void obey(struct uiommu *u, uint32_t value)
{
    uint32_t *status = fake_reg(u, 0x1c);

    *status = (*status & 0x41000000) | (value & 0xc6800000);
    if ((value & 0x04000000) == 0)
        *fake_reg(u, 0x80) = 0;
}

void fake_late(struct uiommu *u)
{
    u->slow = 0;
    obey(u, u->late);
    fake_run(u);
}

static void command(struct uiommu *u, uint32_t value)
{
    uint32_t *status = fake_reg(u, 0x1c),
             changes = ((*status ^ value) & 0xbfffffff) | (value & 0x40000000);

    u->commands[u->command_count++ & 63] = value;
    if (u->stuck || (changes & u->slow) != 0) {
        *status &= ~(value & u->slow & 0x40000000);
        u->late = value;
        return;
    }
    obey(u, value);
}

/* PPF is the OR of all F. */
static void record_free(struct uiommu *u, uint32_t offset)
{
    uint32_t i, left = 0;

    *fake_reg(u, offset) &= 0x7fffffff;
    for (i = 0x22c; i < 0x2a0; i += 16)
        left |= *fake_reg(u, i) >> 31;
    if (left == 0)
        *fake_reg(u, 0x34) &= ~2u;
}

static void write32(void *ctx, uint64_t addr, uint32_t value)
{
    struct uiommu *u = ctx;
    uint32_t offset = (uint32_t)(addr - BASE);

    u->writes[u->write_count++ % FAKE_WRITES] = (struct fake_write){offset, value};
    if (offset == 0x34) {
        *fake_reg(u, 0x34) &= ~(value & 0x71);
    } else if (offset == 0xdc) {
        *fake_reg(u, 0xdc) &= ~(value & 3);
    } else if (offset >= 0x220 && offset < 0x2a0) {
        if ((offset & 15) == 12 && (value >> 31) != 0)
            record_free(u, offset);
    } else {
        *fake_reg(u, offset) = value;
    }
    if (offset == 0x18)
        command(u, value);
    if (offset == 0x88 || ((offset == 0x34 || offset == 0x18) && !u->tail_only))
        fake_run(u);
    if (u->on_write != NULL)
        u->on_write(u, offset, value);
}

static uint32_t read32(void *ctx, uint64_t addr)
{
    struct uiommu *u = ctx;

    u->core.accesses++;
    if (u->on_read != NULL)
        u->on_read(u, (uint32_t)(addr - BASE));
    return *fake_reg(u, (uint32_t)(addr - BASE));
}

static uint64_t read64(void *ctx, uint64_t addr)
{
    uint64_t low = read32(ctx, addr);

    return low | (uint64_t)*fake_reg(ctx, (uint32_t)(addr - BASE) + 4) << 32;
}

struct uiommu *fake_new(void)
{
    struct uiommu *u = fake_core_new(sizeof(*u), BASE, 0x1000, write32);

    u->core.host.mmio_read32 = read32;
    u->core.host.mmio_read64 = read64;
    /* CAP and ECAP: the sheet's example (22.5). */
    *fake_reg(u, 0x08) = 0x22780c06;
    *fake_reg(u, 0x0c) = 0xd9d2078c;
    *fake_reg(u, 0x10) = 0xa4f00fdf;
    *fake_reg(u, 0x14) = 0x0003cf9a;
    *fake_reg(u, 0x38) = *fake_reg(u, 0xa0) = *fake_reg(u, 0xe0) = 0x80000000;
    return u;
}

struct uiommu_vtd_config fake_config(void)
{
    struct uiommu_vtd_config c;

    memset(&c, 0, sizeof(c));
    c.size = sizeof(c);
    c.unit.size = sizeof(c.unit);
    c.base = BASE;
    return c;
}

struct uiommu_vtd *fake_unit(struct uiommu *u, const struct uiommu_vtd_config *config)
{
    struct uiommu_unit *unit;

    if (uiommu_vtd_create(u, config, &unit) != UIOMMU_OK)
        return NULL;
    return fake_unit_start(u);
}

struct vtd_device *fake_device(struct uiommu_vtd *hw, uint32_t id)
{
    struct uiommu_device_desc desc = {
        &id, 1, UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI | UIOMMU_DEVICE_PASID, 20, 1, 0};
    void *dev = NULL;

    if (uiommu_vtd_device_attach(hw, &desc, &dev) != UIOMMU_OK ||
        uiommu_vtd_device_set(hw, dev, UIOMMU_DEVICE_SET_OPEN | UIOMMU_DEVICE_SET_ATS, 0) !=
            UIOMMU_OK)
        return NULL;
    return dev;
}

void fake_release(struct uiommu *u)
{
    u->hold = false;
    fake_run(u);
}

uint64_t fake_ticket(struct uiommu_vtd *hw)
{
    uint64_t ticket = 0;

    return uiommu_vtd_ticket(hw, &ticket) == UIOMMU_OK ? ticket : 0;
}
