/* SPDX-License-Identifier: BSD-2-Clause */
/* The device table, word by word: what is in an entry, in which order it is stored, which entries a
 * device has; who can be a device, and its DomainID. */
#include "amd_fake_core.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define OPEN     UIOMMU_DEVICE_SET_OPEN
#define ATS      UIOMMU_DEVICE_SET_ATS
#define REQUIRED UIOMMU_DEVICE_SET_PASID_REQUIRED
#define TV       UINT64_C(2)
#define I        (UINT64_C(1) << 32)
#define SE       (UINT64_C(1) << 33)
#define GPRP     (UINT64_C(1) << 53)

static struct uiommu *u;
static struct uiommu_amd *hw;
static const struct uiommu_backend_ops *ops;
static const uint32_t ids[] = {0x118, 0x119};
static const uint32_t zero[] = {0};
static const uint32_t beside[] = {0x117};

/* Words of the entries that were stored, in that order: "118.0 119.1 ". */
static char stored[1024];

static void note(void *ctx, const void *cpu, uint64_t bytes)
{
    uintptr_t at = (uintptr_t)cpu - (uintptr_t)hw->devtab.cpu;
    size_t used = strlen(stored);

    (void)ctx;
    if (hw->devtab.cpu != NULL && at < hw->devtab.bytes)
        (void)snprintf(stored + used, sizeof(stored) - used, "%x.%x%s ", (uint32_t)(at / 32),
                       (uint32_t)(at % 32) / 8, bytes == 8 ? "" : "?");
}

static void begin(void)
{
    struct uiommu_amd_config c = fake_config();

    c.flags = UIOMMU_AMD_NOT_COHERENT;
    u = fake_new();
    hw = fake_unit(u, &c);
    cr_assert_not_null(hw);
    ops = u->core.unit.ops;
    u->core.host.mem_to_device = note;
    stored[0] = '\0';
}

static void end(void)
{
    FAKE_END(u);
}

TestSuite(amd_tables, .init = begin, .fini = end);

static struct amd_device *attach(const uint32_t *of, uint32_t count)
{
    struct uiommu_device_desc desc = {
        of, count, UIOMMU_DEVICE_PASID | UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI, 9, 3, 0};
    void *dev = NULL;

    cr_assert_eq(ops->device_attach(hw, &desc, &dev), UIOMMU_OK);
    return dev;
}

static void set(struct amd_device *dev, uint32_t flags)
{
    uint32_t step = 0;
    uiommu_err err;

    while ((err = ops->device_set(hw, dev, flags, step)) == UIOMMU_MORE)
        cr_assert_lt(step++, 3);
    cr_assert_eq(err, UIOMMU_OK);
}

static uint64_t word(uint32_t id, uint32_t w)
{
    return le64(uiommu_amd_dte_at(hw, id)[w]);
}

/* All of the table, nothing behind it, the host's bits not: and it is told at once. */
Test(amd_tables, cleared)
{
    uint64_t *table = aligned_alloc(4096, 32 * 65536 + 4096);
    struct uiommu_amd copy = *hw;
    uint32_t i;

    memset(table, 0xff, 32 * 65536 + 4096);
    memset(table + 4 * 65535, 0, 32);
    copy.devtab.cpu = table;
    hw->devtab.cpu = table;
    stored[0] = '\0';
    uiommu_amd_devtab_clear(&copy);
    cr_assert_str_eq(stored, "0.0? ");
    cr_assert(le64(table[4 * 65535]) == 1 && le64(table[4 * 65535 + 1]) == SE);
    cr_assert(table[4 * 65535 + 2] == 0 && table[4 * 65535 + 3] == 0);
    for (i = 0; i < 65535; i++) {
        cr_assert_eq(le64(table[i * 4]), 1);
        cr_assert_eq(le64(table[i * 4 + 1]), UINT64_C(3) << 40 | SE);
        cr_assert_eq(le64(table[i * 4 + 2]), ~(UINT64_C(15) << 52));
        cr_assert_eq(table[i * 4 + 3], UINT64_MAX);
    }
    for (i++; i < 65536 + 128; i++)
        cr_assert_eq(table[i * 4], UINT64_MAX);
    hw->devtab.cpu = NULL;
    cr_assert_null(uiommu_amd_dte_at(hw, 5));
    *hw = copy;
    cr_assert_null(uiommu_amd_dte_at(hw, 1u << hw->id_bits));
    cr_assert_not_null(uiommu_amd_dte_at(hw, (1u << hw->id_bits) - 1));
    hw->devtab.cpu = (void *)(uintptr_t)hw->devtab.bus;
    free(table);
}

/* What needs more than it has. */
Test(amd_tables, entries)
{
    struct amd_device *dev = attach(ids, 2);
    uint64_t out[AMD_DTE_BUILT];

    uiommu_amd_dte_build(hw, dev, ATS | REQUIRED, out);
    cr_assert((out[0] & GPRP) != 0 && (out[0] >> 52 & 1) != 0);
    uiommu_amd_dte_build(hw, dev, REQUIRED, out);
    cr_assert((out[0] & GPRP) == 0 && (out[0] >> 52 & 1) == 0 && (out[0] & TV) != 0);
    hw->f.gio = false;
    uiommu_amd_dte_build(hw, dev, 0, out);
    cr_assert(out[0] == 1 && out[1] == (dev->domain | SE) && out[2] == 0);
    hw->config.flags |= UIOMMU_AMD_UNTAGGED_PASSES;
    uiommu_amd_dte_build(hw, dev, 0, out);
    cr_assert_eq(out[0] & TV, TV);
    hw->f.guest = false; /* There is nothing then for those with a PASID either. */
    uiommu_amd_dte_build(hw, dev, 0, out);
    cr_assert_eq(out[0], 1);
    ops->device_detach(hw, dev);
}

static uiommu_err attempt(struct uiommu_device_desc desc)
{
    uint64_t bytes = u->core.mem_bytes, heap = u->core.heap_bytes;
    void *dev = NULL;
    uiommu_err err = ops->device_attach(hw, &desc, &dev);

    if (err == UIOMMU_OK)
        ops->device_detach(hw, dev);
    cr_assert(u->core.mem_bytes == bytes && u->core.heap_bytes == heap);
    cr_assert_null(uiommu_amd_device_of(hw, desc.ids[0]));
    return err;
}

/* Who can be one. */
Test(amd_tables, attached)
{
    uint32_t many[129], i;
    struct uiommu_device_desc desc = {many, 2, 0, 0, 1, 0};

    for (i = 0; i < 129; i++)
        many[i] = 0x200 + i;
    cr_assert_eq(hw->cmdq.log2, 9);
    hw->f.ats = hw->f.ppr = false;
    cr_assert_eq(attempt(desc), UIOMMU_OK);
    desc.flags = UIOMMU_DEVICE_ATS;
    cr_assert_eq(attempt(desc), UIOMMU_E_UNSUPPORTED);
    hw->f.ats = true;
    cr_assert_eq(attempt(desc), UIOMMU_OK);
    desc.flags = UIOMMU_DEVICE_PRI;
    cr_assert_eq(attempt(desc), UIOMMU_E_UNSUPPORTED);
    hw->f.ppr = true;
    cr_assert_eq(attempt(desc), UIOMMU_OK);
    desc.flags = UIOMMU_DEVICE_STALL;
    cr_assert_eq(attempt(desc), UIOMMU_E_UNSUPPORTED);
    desc.flags = UIOMMU_DEVICE_PASID;
    desc.pasid_bits = hw->f.pasid_bits;
    cr_assert_eq(attempt(desc), UIOMMU_OK);
    desc.pasid_bits++;
    cr_assert_eq(attempt(desc), UIOMMU_E_RANGE);
    desc.pasid_bits = 0;
    desc.id_count = 128; /* A quarter of the ring. */
    cr_assert_eq(attempt(desc), UIOMMU_OK);
    desc.id_count = 129;
    cr_assert_eq(attempt(desc), UIOMMU_E_UNSUPPORTED);
    desc.id_count = 0;
    cr_assert_eq(attempt(desc), UIOMMU_E_INVALID);
}

/* At least PASID bit 1; as many invalidations as it queues; not isolated yet. */
Test(amd_tables, fresh)
{
    struct uiommu_device_desc desc = {ids, 2, 0, 0, 7, 0};
    struct amd_device *dev;
    void *out;

    cr_assert_eq(ops->device_attach(hw, &desc, &out), UIOMMU_OK);
    dev = out;
    cr_assert(dev->pasid_bits == 1 && dev->pending == 7);
    hw->f.ats = false;
    cr_assert_eq(ops->device_set(hw, dev, OPEN | ATS, 0), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(ops->device_set(hw, dev, OPEN, 0), UIOMMU_MORE);
    cr_assert_eq(ops->device_isolate(hw, dev), UIOMMU_OK);
    cr_assert(dev->isolated);
    set(dev, 0);
    cr_assert_not(dev->isolated);
    cr_assert_eq(ops->device_isolate(hw, dev), UIOMMU_OK);
    set(dev, OPEN);
    cr_assert_not(dev->isolated);
    ops->device_detach(hw, dev);
}

static uint32_t at_take, at_give;
static uint64_t heap_at_give;

static void watch(struct uiommu_unit *unit, bool taken)
{
    (void)unit;
    *(taken ? &at_take : &at_give) = hw->domain_next;
    heap_at_give = u->core.heap_bytes;
}

/* 0, which nobody gets, and this one. */
static void free_are(uint32_t one)
{
    uint32_t i;

    for (i = 0; i < 65536; i++)
        cr_assert_eq((hw->domains[i / 32] >> i % 32 & 1) == 0, i == 0 || i == one);
}

/* A DomainID that nobody has, from the last one on; given back it is free, under the lock. */
Test(amd_tables, domains)
{
    static const uint32_t only[] = {1, 31, 32, 33, 0x1235, 0x7fff, 0xffff};
    struct amd_device *dev;
    uint64_t heap;
    uint32_t i;

    for (i = 0; i < sizeof(only) / sizeof(only[0]); i++) {
        memset(hw->domains, 0xff, 8192);
        hw->domains[0] &= ~1u; /* The blocked entries': nobody gets it. */
        hw->domains[only[i] / 32] &= ~(1u << only[i] % 32);
        hw->domain_next = only[i];
        dev = attach(ids, 2);
        cr_assert_eq(dev->domain, only[i]);
        free_are(0);
        cr_assert_eq(attempt((struct uiommu_device_desc){beside, 1, 0, 0, 1, 0}), UIOMMU_E_NOSPACE);
        ops->device_detach(hw, dev);
        free_are(only[i]);
    }
    memset(hw->domains, 0, 8192);
    hw->domain_next = 0xfffe;
    u->core.unit.watch = watch;
    dev = attach(ids, 2);
    cr_assert(at_take == 0xfffe && at_give == 0xffff && dev->domain == 0xffff);
    heap = u->core.heap_bytes;
    ops->device_detach(hw, dev);
    cr_assert_eq(heap_at_give, heap, "it is not freed under the lock");
    u->core.unit.watch = NULL;
    dev = attach(ids, 2);
    cr_assert(dev->domain == 1 && hw->domain_next == 1);
    ops->device_detach(hw, dev);
}

static uint32_t given;

static void watch_give(struct uiommu_unit *unit, bool taken)
{
    (void)unit;
    if (!taken)
        given = hw->domains[0];
}

Test(amd_tables, domain_is_given_under_the_lock)
{
    struct amd_device *dev;

    hw->domain_next = 0;
    dev = attach(ids, 2);
    u->core.unit.watch = watch_give;
    ops->device_detach(hw, dev);
    u->core.unit.watch = NULL;
    cr_assert_eq(given, 0);
}

/* Opened by word 0, last; shut by word 0, first; I comes before PPR and goes after it. */
Test(amd_tables, order)
{
    struct amd_device *dev = attach(ids, 1);

    cr_assert_eq(ops->device_set(hw, dev, OPEN, 0), UIOMMU_MORE);
    stored[0] = '\0';
    cr_assert_eq(ops->device_set(hw, dev, OPEN, 1), UIOMMU_MORE);
    cr_assert_eq(ops->device_set(hw, dev, OPEN, 2), UIOMMU_OK);
    cr_assert_str_eq(stored, "118.1 118.2 118.0 ");
    stored[0] = '\0';
    set(dev, OPEN | ATS);
    cr_assert_str_eq(stored, "118.1 118.0 ");
    cr_assert_eq(word(0x118, 1) & (I | SE), I | SE);
    stored[0] = '\0';
    set(dev, OPEN);
    cr_assert_str_eq(stored, "118.0 118.1 ");
    cr_assert_eq(word(0x118, 1) & (I | SE), SE);
    cr_assert_eq(word(0x118, 1) & 0xffff, dev->domain);
    set(dev, OPEN | ATS);
    stored[0] = '\0';
    set(dev, 0);
    cr_assert_str_eq(stored, "118.0 118.1 ");
    ops->device_detach(hw, dev);
}

/* Shut: words 1 and 2 are as they were, but for I and SE. GPRP where answers can have a PASID. */
Test(amd_tables, shut)
{
    struct amd_device *dev = attach(ids, 2);
    uint64_t one;

    set(dev, OPEN | ATS);
    one = word(0x119, 1);
    uiommu_amd_dte_at(hw, 0x119)[1] = le64(one & ~SE);
    set(dev, REQUIRED);
    cr_assert(word(0x119, 1) == (one & ~I) && word(0x118, 1) == (one & ~I));
    cr_assert(word(0x119, 0) == (1 | GPRP) && word(0x118, 0) == (1 | GPRP));
    uiommu_amd_dte_at(hw, 0x119)[0] = le64(1);
    hw->f.eph = false;
    set(dev, REQUIRED);
    cr_assert(word(0x119, 0) == 1 && word(0x118, 0) == (1 | GPRP));
    hw->f.eph = true;
    set(dev, 0);
    cr_assert_eq(word(0x119, 0), 1);
    ops->device_detach(hw, dev);
}

/* A host table is replaced in one store where the host has such. */
Test(amd_tables, host_table_blocks)
{
    static const struct uiommu_root host = {
        UIOMMU_ROOT_X86_64_LEVELLED, 12, 48, 48, 0, 0xabcdef000, 0, {0}};
    struct amd_device *dev = attach(ids, 2);
    uint32_t number = 0;

    set(dev, OPEN);
    while (ops->pasid_set(hw, dev, UIOMMU_PASID_NONE, &host, 1, number) == UIOMMU_MORE)
        number++;
    stored[0] = '\0';
    ops->pasid_block(hw, dev, UIOMMU_PASID_NONE);
    cr_assert_str_eq(stored, sizeof(uintptr_t) < sizeof(uint64_t) ? "118.0 118.0 119.0 119.0 "
                                                                  : "118.0 119.0 ");
    ops->device_detach(hw, dev);
}

static uint64_t entry[4];

static bool step(uint32_t number, uint64_t a, uint64_t b, uint64_t c)
{
    const uint64_t want[AMD_DTE_BUILT] = {le64(entry[0]) ^ a, le64(entry[1]) ^ b,
                                          le64(entry[2]) ^ c};

    return uiommu_amd_dte_step(hw, entry, want, number);
}

static void entry_is(uint64_t a, uint64_t b, uint64_t c)
{
    entry[0] = le64(a);
    entry[1] = le64(b);
    entry[2] = le64(c);
}

/* In place only what is legal in any mixture; else by way of an entry that blocks. */
Test(amd_tables, steps)
{
    const uint64_t paging = UINT64_C(1) << 54, high = UINT64_C(0x00f0) << 48, host = 0x1234;
    const uint64_t open = TV | 1 | 0x5000;

    entry_is(open, high | 7 | SE, host | paging);
    cr_assert_not(step(0, GPRP, I, 0));
    cr_assert(le64(entry[0]) == (open | GPRP) && le64(entry[1]) == (high | 7 | SE | I));
    cr_assert(step(2, 0, 8, 0), "another domain");
    cr_assert(le64(entry[0]) == (1 | GPRP) && le64(entry[1]) == (high | 7 | SE | I));
    cr_assert(step(2, open ^ 1, 8, 0), "what does not count is not there yet");
    cr_assert(le64(entry[0]) == (1 | GPRP) && le64(entry[1]) == (high | 15 | SE | I));
    cr_assert_not(step(2, open ^ 1, 0, 0));
    cr_assert_eq(le64(entry[0]), open | GPRP);
    cr_assert(step(1, 0, 0, paging), "other paging");
    cr_assert(le64(entry[0]) == (1 | GPRP) && le64(entry[2]) == (host | paging));
    cr_assert(step(2, open ^ 1, 0, paging));
    cr_assert(le64(entry[0]) == (1 | GPRP) && le64(entry[2]) == host);
    entry_is(open, 7 | SE, host);
    cr_assert_not(step(0, 0, 0, 0x1000), "the host's bits do not matter");
    entry_is(1, 7 | SE, host);
    cr_assert(step(0, TV, 0, 0));
    cr_assert(step(1, TV, 0, 0));
    cr_assert_eq(le64(entry[0]), 1);
    cr_assert_not(step(2, TV, 0, 0));
    cr_assert_eq(le64(entry[0]), 3);
}

/* A device's entries are those of its IDs, and no others. */
Test(amd_tables, of_its_ids)
{
    struct amd_device *other = attach(zero, 1), *dev = attach(ids, 2);

    set(other, OPEN);
    stored[0] = '\0';
    set(dev, OPEN);
    cr_assert_eq(ops->device_isolate(hw, dev), UIOMMU_OK);
    set(dev, 0);
    cr_assert_null(strstr(stored, " 0."));
    cr_assert_eq(word(0, 0) & TV, TV);
    ops->device_detach(hw, dev);
    ops->device_detach(hw, other);
}

/* It was to be shut, and is opened instead: its TLB can be told of things again. */
Test(amd_tables, open_after_all)
{
    struct amd_device *dev = attach(ids, 2);
    uint64_t ticket;

    set(dev, OPEN | ATS);
    u->hold = true;
    cr_assert_eq(ops->dtlb_invalidate(hw, dev, 5, NULL), UIOMMU_OK);
    cr_assert_eq(ops->ticket(hw, &ticket), UIOMMU_OK);
    cr_assert_eq(ops->device_set(hw, dev, 0, 0), UIOMMU_E_BUSY);
    cr_assert_eq(ops->dtlb_invalidate(hw, dev, 5, NULL), UIOMMU_E_BUSY);
    set(dev, OPEN | ATS);
    cr_assert_eq(ops->dtlb_invalidate(hw, dev, 5, NULL), UIOMMU_OK);
    u->hold = false;
    fake_run(u);
    ops->device_detach(hw, dev);
}
