/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake_smmuv3.h"

#define BASE UINT64_C(0x9000000)

static bool fails(struct uiommu *u, uint64_t d0)
{
    if (u->error_times == 0 || (d0 & 0xff) != u->error_op)
        return false;
    u->error_times--;
    return true;
}

void fake_run(struct uiommu *u)
{
    uint64_t base = fake_reg64(u, 0x90);
    uint32_t mask = (2u << (base & 31)) - 1, cons = *fake_reg(u, 0x9c) & mask;
    const uint64_t *queue =
        (const uint64_t *)(uintptr_t)(base & UINT64_C(0xffffffffffffe0) & ~(uint64_t)0x1f);

    if (u->hold || (*fake_reg(u, 0x20) & 8) == 0)
        return;
    while (cons != (*fake_reg(u, 0x98) & mask) &&
           ((*fake_reg(u, 0x60) ^ *fake_reg(u, 0x64)) & 1) == 0) {
        const uint64_t *words = queue + (cons & (mask >> 1)) * 2;

        if (fails(u, le64(words[0]))) {
            *fake_reg(u, 0x9c) = cons | u->error_code << 24;
            *fake_reg(u, 0x60) ^= 1;
            return;
        }
        if (u->logged < FAKE_LOG) {
            u->log[u->logged].d[0] = le64(words[0]);
            u->log[u->logged++].d[1] = le64(words[1]);
        }
        cons = (cons + 1) & mask;
        *fake_reg(u, 0x9c) = cons;
    }
}

static void write32(void *ctx, uint64_t addr, uint32_t value)
{
    struct uiommu *u = ctx;
    uint32_t offset = (uint32_t)(addr - BASE);

    if (u->writes < FAKE_LOG) {
        u->wrote[u->writes].offset = offset;
        u->wrote[u->writes++].value = value;
    }
    if (offset == 0x44 && u->gbpa_stuck)
        value = *fake_reg(u, 0x44) | 0x80000000;
    if (offset == 0x20 && (*fake_reg(u, 0x20) & ~value & 1) != 0 &&
        (*fake_reg(u, 0x44) & 0x80100000) != 0x00100000)
        u->leaks++;
    *fake_reg(u, offset) = value;
    if (offset == 0x20 && !u->stuck)
        *fake_reg(u, 0x24) = value;
    if (offset == 0x50)
        *fake_reg(u, 0x54) = value;
    if (offset == 0x44 && !u->gbpa_stuck)
        *fake_reg(u, 0x44) = value & 0x7fffffff;
    if (offset == 0x98)
        u->doorbells++;
    if (offset == 0x98 || offset == 0x64)
        fake_run(u);
}

static uint32_t read32(void *ctx, uint64_t addr)
{
    struct uiommu *u = ctx;
    uint32_t offset = (uint32_t)(addr - BASE);
    void (*look)(struct uiommu *) = u->look;

    if (look != NULL && offset == u->look_at && u->look_nth-- == 0) {
        u->look = NULL;
        look(u);
    }
    u->core.accesses++;
    return *fake_reg(u, offset);
}

void fake_before_read(struct uiommu *u, uint32_t offset, uint32_t nth,
                      void (*look)(struct uiommu *u))
{
    u->look_at = offset;
    u->look_nth = nth;
    u->look = look;
    u->core.host.mmio_read32 = read32;
}

struct uiommu *fake_new(void)
{
    struct uiommu *u = fake_core_new(sizeof(*u), BASE, 0x20000, write32);

    /* S1P S2P TTF=2 COHACC BTM HTTU=2 Hyp ATS ASID16 MSI PRI VMID16 CD2L LE ATSRECERR two-level */
    *fake_reg(u, 0x00) = 0x3 | 2u << 2 | 1u << 4 | 1u << 5 | 2u << 6 | 1u << 9 | 1u << 10 |
                         1u << 12 | 1u << 13 | 1u << 16 | 1u << 18 | 1u << 19 | 2u << 21 |
                         1u << 23 | 1u << 27;
    *fake_reg(u, 0x04) = 16 | 20u << 6 | 10u << 11 | 10u << 16 | 10u << 21 | 1u << 27;
    *fake_reg(u, 0x0c) = 1u << 10;
    *fake_reg(u, 0x14) = 5 | 7u << 4 | 64u << 16;
    return u;
}

struct uiommu_smmuv3_config fake_config(void)
{
    struct uiommu_smmuv3_config c;

    memset(&c, 0, sizeof(c));
    c.size = sizeof(c);
    c.unit.size = sizeof(c.unit);
    c.base = BASE;
    return c;
}

struct uiommu_smmuv3 *fake_unit(struct uiommu *u, const struct uiommu_smmuv3_config *config)
{
    struct uiommu_unit *unit;

    if (uiommu_smmuv3_create(u, config, &unit) != UIOMMU_OK)
        return NULL;
    return fake_unit_start(u);
}
