/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices: what a unit can do for them, what is kept where memory ends, and their entries' steps.
 */
#include "fake_smmuv3.h"

#include <criterion/criterion.h>

static struct uiommu *u;
static struct uiommu_smmuv3 *hw;
static struct smmuv3_device *dev;
static const struct uiommu_backend_ops *ops;
static const uint32_t ids[] = {0x208, 0x310};

static void begin_with(uint32_t id_bits)
{
    struct uiommu_smmuv3_config c = fake_config();

    c.cmdq_log2 = 4;
    c.unit.id_bits = id_bits;
    u = fake_new();
    hw = fake_unit(u, &c);
    cr_assert_not_null(hw);
    ops = u->core.unit.ops;
    dev = NULL;
}

static void begin(void)
{
    begin_with(0);
}

static void end(void)
{
    if (dev != NULL)
        ops->device_detach(hw, dev);
    cr_assert_null(hw->devices.first);
    cr_assert_eq(u->core.unit.locked, 0);
    FAKE_END(u);
}

static uiommu_err attach(const uint32_t *of, uint32_t count, uint32_t flags, uint32_t pasid_bits)
{
    struct uiommu_device_desc desc = {of, count, flags, pasid_bits, 1, 0};
    void *out = NULL;
    uiommu_err err = ops->device_attach(hw, &desc, &out);

    dev = out;
    return err;
}

static void detach(void)
{
    ops->device_detach(hw, dev);
    dev = NULL;
}

TestSuite(devices, .init = begin, .fini = end);

/* ---- attach ---- */

/* A device that needs nothing is always taken; one that needs what is missing never. */
Test(devices, what_a_unit_cannot_do_for_them)
{
    static const struct {
        uint32_t flags;
        bool ats, pri;
        uint32_t stall_max;
        uiommu_err want;
    } rows[] = {
        {0, false, false, 0, UIOMMU_OK},
        {UIOMMU_DEVICE_ATS, true, false, 0, UIOMMU_OK},
        {UIOMMU_DEVICE_ATS, false, true, 1, UIOMMU_E_UNSUPPORTED},
        {UIOMMU_DEVICE_PRI, false, true, 0, UIOMMU_OK},
        {UIOMMU_DEVICE_PRI, true, false, 1, UIOMMU_E_UNSUPPORTED},
        {UIOMMU_DEVICE_STALL, false, false, 1, UIOMMU_OK},
        {UIOMMU_DEVICE_STALL, true, true, 0, UIOMMU_E_UNSUPPORTED},
    };
    uint32_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        hw->f.ats = rows[i].ats;
        hw->f.pri = rows[i].pri;
        hw->f.stall_max = rows[i].stall_max;
        cr_assert_eq(attach(ids, 2, rows[i].flags, 4), rows[i].want, "%u", i);
        if (dev != NULL) {
            hw->f.ats = false;
            cr_assert_eq(ops->device_set(hw, dev, UIOMMU_DEVICE_SET_ATS, 0), UIOMMU_E_UNSUPPORTED);
            cr_assert_eq(dev->set, 0);
            cr_assert_eq(ops->device_set(hw, dev, 0, 0), UIOMMU_OK);
            detach();
        }
    }
    hw->f.ats = true;
    hw->f.pri = true;
}

/* One command for each ID and the CMD_SYNC behind them fit in the queue. */
Test(devices, too_much_of_something)
{
    uint32_t many[15], i;

    for (i = 0; i < 15; i++)
        many[i] = 0x200 + i;
    cr_assert_eq(attach(many, 14, 0, 4), UIOMMU_OK);
    detach();
    cr_assert_eq(attach(many, 15, 0, 4), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(attach(ids, 2, 0, 20), UIOMMU_OK);
    detach();
    cr_assert_eq(attach(ids, 2, 0, 21), UIOMMU_E_RANGE);
    many[1] = 1u << 16;
    cr_assert_eq(attach(many, 2, 0, 4), UIOMMU_E_RANGE);
    cr_assert_null(dev);
    cr_assert_null(uiommu_smmuv3_ste_at(hw, 1u << 16));
}

static uiommu_err (*plain_get)(void *ctx, uint64_t bytes, uint64_t align, uint64_t limit,
                               struct uiommu_mem *out);

static uiommu_err once(void *ctx, uint64_t bytes, uint64_t align, uint64_t limit,
                       struct uiommu_mem *out)
{
    (void)ctx;
    (void)bytes;
    (void)align;
    (void)limit;
    (void)out;
    u->core.host.mem_get = plain_get;
    return UIOMMU_E_NOMEM;
}

/* Nothing is hung into a table that is not there. */
Test(devices, no_memory_once)
{
    uint64_t mem = u->core.mem_bytes;

    plain_get = u->core.host.mem_get;
    u->core.host.mem_get = once;
    cr_assert_eq(attach(ids, 2, 0, 20), UIOMMU_E_NOMEM);
    cr_assert_eq(u->core.mem_bytes, mem);
}

/* Wherever memory ends; a second-level table that is there stays, for it blocks. */
Test(devices, no_memory)
{
    uint64_t heap = u->core.heap_bytes;
    uint32_t n;

    for (n = 0; n < 3; n++) { /* the device, its IDs, its leaves */
        u->core.heap_left = n;
        cr_assert_eq(attach(ids, 2, 0, 20), UIOMMU_E_NOMEM);
        cr_assert_eq(u->core.heap_bytes, heap);
    }
    u->core.heap_left = UINT32_MAX;
    for (n = 0; n < 4; n++) { /* level 1, a leaf, a table for each ID */
        u->core.mem_left = n;
        cr_assert_eq(attach(ids, 2, 0, 20), UIOMMU_E_NOMEM);
        cr_assert_eq(u->core.heap_bytes, heap);
        cr_assert_null(hw->devices.first);
    }
    cr_assert_not_null(hw->l2[2].cpu);
    cr_assert_null(hw->l2[3].cpu);
    cr_assert_eq(((volatile uint64_t *)hw->strtab.cpu)[3], 0);
    u->core.mem_left = 3;
    cr_assert_eq(attach(ids, 2, 0, 20), UIOMMU_OK);
    cr_assert_null(hw->l2[0].cpu);
}

/* The list of devices changes under the lock, and a device goes when nobody can find it. */
static uint32_t taken, given;

static void watch(struct uiommu_unit *unit, bool now)
{
    const struct uiommu_smmuv3 *of = unit->hw;

    if (now)
        taken = taken * 2 + (of->devices.first != NULL);
    else
        given = given * 2 + (of->devices.first != NULL && u->core.heap_bytes != 0);
}

Test(devices, come_and_go_under_the_lock)
{
    uint64_t heap;

    cr_assert_eq(attach(ids, 2, 0, 4), UIOMMU_OK);
    detach();
    taken = given = 1;
    u->core.unit.watch = watch;
    cr_assert_eq(attach(ids, 2, 0, 4), UIOMMU_OK);
    cr_assert_eq(taken, 2); /* once, and it was not there */
    cr_assert_eq(given, 3);
    heap = u->core.heap_bytes;
    detach();
    cr_assert_eq(taken, 5);
    cr_assert_eq(given, 6);
    cr_assert_lt(u->core.heap_bytes, heap);
    u->core.unit.watch = NULL;
}

static uint64_t heap_then;

static void note_heap(struct uiommu_unit *unit, bool now)
{
    (void)unit;
    if (!now)
        heap_then = u->core.heap_bytes;
}

Test(devices, memory_goes_outside_the_lock)
{
    uint64_t heap;

    cr_assert_eq(attach(ids, 2, 0, 4), UIOMMU_OK);
    heap = u->core.heap_bytes;
    u->core.unit.watch = note_heap;
    detach();
    cr_assert_eq(heap_then, heap);
    u->core.unit.watch = NULL;
}

/* ---- entries ---- */

static volatile uint64_t *open_at(uint32_t id, uint32_t set)
{
    volatile uint64_t *ste = uiommu_smmuv3_ste_at(hw, id);
    uint32_t step;

    for (step = 0; ops->device_set(hw, dev, set, step) == UIOMMU_MORE; step++)
        ;
    cr_assert_neq(le64(ste[0]), 1);
    return ste;
}

/* A start finds all of them shut again, in whichever table. */
Test(devices, are_shut_by_a_start)
{
    static const uint32_t first[] = {0, 0x101};
    volatile uint64_t *ste[2];

    cr_assert_eq(attach(first, 2, 0, 4), UIOMMU_OK);
    ste[0] = open_at(0, UIOMMU_DEVICE_SET_OPEN);
    ste[1] = uiommu_smmuv3_ste_at(hw, 0x101);
    cr_assert_eq(ste[1], uiommu_smmuv3_ste_at(hw, 0x100) + 8);
    detach();
    ops->stop(hw);
    cr_assert_eq(ops->start(hw), UIOMMU_OK);
    cr_assert_eq(le64(ste[0][0]), 1);
    cr_assert_eq(le64(ste[1][0]), 1);
    cr_assert_eq(le64(ste[1][1]), 0);
}

/* Whoever is shut, the others' entries stay. */
Test(devices, are_shut_alone)
{
    static const uint32_t zero[] = {0};
    volatile uint64_t *ste;
    struct smmuv3_device *other;

    cr_assert_eq(attach(zero, 1, 0, 4), UIOMMU_OK);
    ste = open_at(0, UIOMMU_DEVICE_SET_OPEN);
    other = dev;
    cr_assert_eq(attach(ids, 2, 0, 4), UIOMMU_OK);
    uiommu_smmuv3_ste_shut(hw, dev);
    cr_assert_neq(le64(ste[0]), 1);
    detach();
    dev = other;
}

/* What a step wrote is opened by a later one only. */
Test(devices, whose_words_change_late)
{
    uint32_t open = UIOMMU_DEVICE_SET_OPEN, ats = open | UIOMMU_DEVICE_SET_ATS;
    volatile uint64_t *ste;

    cr_assert_eq(attach(ids, 2, 0, 4), UIOMMU_OK);
    ste = uiommu_smmuv3_ste_at(hw, 0x208);
    ste[4] = 7; /* not ours */
    cr_assert_eq(ops->device_set(hw, dev, open, 0), UIOMMU_MORE);
    cr_assert_eq(ops->device_set(hw, dev, ats, 1), UIOMMU_MORE);
    cr_assert_eq(le64(ste[0]), 1);
    cr_assert_eq(ops->device_set(hw, dev, ats, 1), UIOMMU_MORE); /* repeated */
    cr_assert_eq(ops->device_set(hw, dev, ats, 2), UIOMMU_OK);
    cr_assert_eq(ste[4], 7);
    cr_assert_eq(ops->device_isolate(hw, dev), UIOMMU_OK);
    cr_assert_eq(dev->written, 1); /* what shuts leaves it to a way that opens */
    cr_assert_eq(ops->device_set(hw, dev, open, 0), UIOMMU_MORE);
    cr_assert_eq(ops->device_set(hw, dev, ats, 1), UIOMMU_MORE);
    cr_assert_eq(ops->device_set(hw, dev, 0, 0), UIOMMU_OK);
    cr_assert_eq(ops->device_set(hw, dev, ats, 0), UIOMMU_MORE);
    cr_assert_eq(ops->device_set(hw, dev, ats, 1), UIOMMU_OK);
}

/* Another table, where all other words are the same: by way of an entry that aborts. */
Test(devices, whose_second_stage_moves)
{
    static const uint64_t second[4] = {0xd, 0, 7, 0x1000};
    volatile uint64_t *ste;

    cr_assert_eq(attach(ids, 1, 0, 4), UIOMMU_OK);
    memcpy(dev->second, second, sizeof(second));
    ste = open_at(0x208, UIOMMU_DEVICE_SET_OPEN);
    cr_assert_eq(le64(ste[0]), 0xd);
    cr_assert_eq(le64(ste[3]), 0x1000);
    dev->second[3] = 0x3000;
    cr_assert_eq(ops->device_set(hw, dev, UIOMMU_DEVICE_SET_OPEN, 0), UIOMMU_MORE);
    cr_assert_eq(le64(ste[0]), 1);
    cr_assert_eq(ops->device_set(hw, dev, UIOMMU_DEVICE_SET_OPEN, 1), UIOMMU_MORE);
    cr_assert_eq(le64(ste[3]), 0x3000);
    cr_assert_eq(ops->device_set(hw, dev, UIOMMU_DEVICE_SET_OPEN, 2), UIOMMU_OK);
    dev->second[2] = 1; /* reads as an aborting word 0 */
    dev->second[3] = 0x2000;
    cr_assert_eq(ops->device_set(hw, dev, UIOMMU_DEVICE_SET_OPEN, 0), UIOMMU_MORE);
    cr_assert_eq(le64(ste[0]), 1);
    (void)open_at(0x208, UIOMMU_DEVICE_SET_OPEN);
    cr_assert_eq(le64(ste[0]), 0xd);
    cr_assert_eq(le64(ste[2]), 1);
    cr_assert_eq(le64(ste[3]), 0x2000);
}

/* A linear stream table has room for each ID from the start. */
Test(devices_of, a_linear_table)
{
    static const uint32_t low[] = {5, 63};
    uint64_t mem;

    begin_with(6);
    cr_assert_not(hw->two_level);
    mem = u->core.mem_bytes;
    cr_assert_eq(attach(low, 2, 0, 0), UIOMMU_OK);
    cr_assert_eq(u->core.mem_bytes, mem + 64); /* its descriptor */
    (void)open_at(63, UIOMMU_DEVICE_SET_OPEN);
    cr_assert_eq(uiommu_smmuv3_ste_at(hw, 63), (volatile uint64_t *)hw->strtab.cpu + 63 * 8);
    end();
}
