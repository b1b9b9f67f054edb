/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stream table (IHI 0070 3.3.1, 5.1, 5.2) and devices.
 *
 * An entry is always valid: shut it says 'abort', silently, and hardware ignores the rest of it.
 * So it is opened without ever being invalid: first words 1 to 3, which an aborting entry does not
 * use; after CFGI and SYNC word 0, in one store. Open, only word 1 changes, and shut only word 0.
 * From one kind of stage to another the way is through 'abort', for the VMID is in word 2.
 */
#include "smmuv3_internal.h"

/* V=1, Config=0 */
#define STE_ABORT UINT64_C(1)
/* Words that are ever used. */
#define STE_USED 4u

static void table_clear(struct uiommu_smmuv3 *hw, const struct uiommu_mem *mem, uint64_t entries)
{
    volatile uint64_t *words = mem->cpu;
    uint64_t i;

    for (i = 0; i < entries * SMMUV3_STE_WORDS; i++)
        uiommu_bits_store64(&words[i], i % SMMUV3_STE_WORDS == 0 ? STE_ABORT : 0);
    uiommu_smmuv3_to_device(hw, mem->cpu, entries * SMMUV3_STE_BYTES);
}

/* Every entry there is blocks. */
void uiommu_smmuv3_strtab_clear(struct uiommu_smmuv3 *hw)
{
    uint32_t i;

    if (!hw->two_level) {
        table_clear(hw, &hw->strtab, UINT64_C(1) << hw->id_bits);
        return;
    }
    for (i = 0; i < hw->l2_count; i++) {
        if (hw->l2[i].cpu != NULL)
            table_clear(hw, &hw->l2[i], UINT64_C(1) << SMMUV3_SPLIT);
    }
}

/* A level-1 descriptor of a whole second-level table. */
uint64_t uiommu_smmuv3_l1std(uint64_t bus)
{
    return bus | uiommu_bits_make(SMMUV3_L1STD_SPAN, SMMUV3_SPLIT + 1u);
}

/* NULL: there is no entry yet, or the ID is too wide. */
volatile uint64_t *uiommu_smmuv3_ste_at(const struct uiommu_smmuv3 *hw, uint32_t sid)
{
    uint32_t slot = sid;
    void *table = hw->strtab.cpu;

    if (((uint64_t)sid >> hw->id_bits) != 0)
        return NULL;
    if (hw->two_level) {
        table = hw->l2[sid >> SMMUV3_SPLIT].cpu;
        slot = sid & ((UINT32_C(1) << SMMUV3_SPLIT) - 1u);
    }
    return table == NULL ? NULL : (volatile uint64_t *)table + (size_t)slot * SMMUV3_STE_WORDS;
}

/* The second-level table of an ID. Hardware may have cached that there is none: the core's first
 * config_invalidate() of the device covers level 1 too. */
static uiommu_err l2_get(struct uiommu_smmuv3 *hw, uint32_t sid)
{
    uint64_t bytes = (uint64_t)SMMUV3_STE_BYTES << SMMUV3_SPLIT;
    volatile uint64_t *l1 = (volatile uint64_t *)hw->strtab.cpu + (sid >> SMMUV3_SPLIT);
    struct uiommu_mem mem = {0};
    uintptr_t state;
    uiommu_err err;

    if (!hw->two_level || hw->l2[sid >> SMMUV3_SPLIT].cpu != NULL)
        return UIOMMU_OK;
    err = uiommu_smmuv3_mem_get(hw, bytes, bytes, &mem);
    if (err != UIOMMU_OK)
        return err;
    table_clear(hw, &mem, UINT64_C(1) << SMMUV3_SPLIT);
    state = uiommu_unit_lock(hw->unit);
    hw->l2[sid >> SMMUV3_SPLIT] = mem;
    uiommu_fence_dma_store();
    uiommu_bits_publish64(l1, uiommu_smmuv3_l1std(mem.bus));
    uiommu_smmuv3_to_device(hw, l1, sizeof(*l1));
    uiommu_unit_unlock(hw->unit, state);
    return UIOMMU_OK;
}

/* How descriptors are fetched, and whether they may make accesses stall. */
uint64_t uiommu_smmuv3_ste_attributes(const struct uiommu_smmuv3 *hw,
                                      const struct smmuv3_device *dev)
{
    uint64_t word = 0;

    if (hw->f.coherent)
        word = uiommu_bits_make(SMMUV3_STE1_S1CIR, SMMUV3_CD_WRITE_BACK) |
               uiommu_bits_make(SMMUV3_STE1_S1COR, SMMUV3_CD_WRITE_BACK) |
               uiommu_bits_make(SMMUV3_STE1_S1CSH, SMMUV3_SH_INNER);
    if (hw->f.stall_model == SMMUV3_STALL_CHOICE && (dev->flags & UIOMMU_DEVICE_STALL) == 0)
        word |= uiommu_bits_make(SMMUV3_STE1_S1STALLD, 1);
    return word;
}

/* What an open entry of any kind says of the device's interface. */
static uint64_t ste_interface(uint32_t set)
{
    uint64_t word = 0;

    if ((set & UIOMMU_DEVICE_SET_ATS) != 0)
        word |= uiommu_bits_make(SMMUV3_STE1_EATS, 1);
    if ((set & UIOMMU_DEVICE_SET_PASID_REQUIRED) != 0)
        word |= uiommu_bits_make(SMMUV3_STE1_PPAR, 1);
    return word;
}

/*
 * Words 0 and 1 of an open entry of first stages; the others are 0 (VMID 0, no MPAM).
 * S1DSS=2: untagged traffic uses descriptor 0, which blocks quietly while nothing is bound to
 * it; any other S1DSS would let such traffic bypass translation or raise an event each time.
 */
void uiommu_smmuv3_ste_build(const struct uiommu_smmuv3 *hw, const struct smmuv3_device *dev,
                             uint32_t set, uint64_t out[2])
{
    out[0] = uiommu_bits_make(SMMUV3_STE0_V, 1) |
             uiommu_bits_make(SMMUV3_STE0_CONFIG, SMMUV3_CONFIG_S1) | dev->table.bus |
             uiommu_bits_make(SMMUV3_STE0_CDMAX, dev->pasid_bits);
    if (dev->two_level)
        out[0] |= uiommu_bits_make(SMMUV3_STE0_S1FMT, SMMUV3_S1FMT_64K);
    out[1] = uiommu_smmuv3_ste_attributes(hw, dev) | ste_interface(set);
    if (dev->pasid_bits != 0)
        out[1] |= uiommu_bits_make(SMMUV3_STE1_S1DSS, SMMUV3_S1DSS_CD0);
}

/* What the entry is to be. A unit without first stages has nothing for a device without bond. */
static void ste_want(const struct uiommu_smmuv3 *hw, const struct smmuv3_device *dev,
                     uint64_t out[STE_USED])
{
    memset(out, 0, STE_USED * sizeof(out[0]));
    out[0] = STE_ABORT;
    if ((dev->set & UIOMMU_DEVICE_SET_OPEN) == 0 || dev->quiet)
        return;
    if (dev->second[0] != 0) {
        memcpy(out, dev->second, sizeof(dev->second));
        out[1] |= ste_interface(dev->set);
    } else if (hw->f.s1p) {
        uiommu_smmuv3_ste_build(hw, dev, dev->set, out);
    }
}

static uiommu_err attach_check(const struct uiommu_smmuv3 *hw,
                               const struct uiommu_device_desc *desc)
{
    if ((desc->flags & UIOMMU_DEVICE_ATS) != 0 && !hw->f.ats)
        return UIOMMU_E_UNSUPPORTED;
    if ((desc->flags & UIOMMU_DEVICE_PRI) != 0 && !hw->f.pri)
        return UIOMMU_E_UNSUPPORTED;
    if ((desc->flags & UIOMMU_DEVICE_STALL) != 0 && hw->f.stall_max == 0)
        return UIOMMU_E_UNSUPPORTED;
    /* One command for each ID, and the CMD_SYNC behind them. */
    if (desc->id_count + 2u > (UINT32_C(1) << hw->cmdq.log2))
        return UIOMMU_E_UNSUPPORTED;
    if (desc->pasid_bits > hw->f.ssid_bits)
        return UIOMMU_E_RANGE;
    return UIOMMU_OK;
}

static void device_free(struct uiommu_smmuv3 *hw, struct smmuv3_device *dev)
{
    uiommu_smmuv3_cd_table_put(hw, dev);
    uiommu_requester_fini(hw->u, &hw->devices, &dev->who);
    uiommu_heap_put(hw->u, dev, sizeof(*dev));
}

static uiommu_err device_new(struct uiommu_smmuv3 *hw, const struct uiommu_device_desc *desc,
                             struct smmuv3_device **out)
{
    struct smmuv3_device *dev = uiommu_heap_get(hw->u, sizeof(*dev));
    uiommu_err err;

    if (dev == NULL)
        return UIOMMU_E_NOMEM;
    dev->flags = desc->flags;
    dev->pasid_bits = desc->pasid_bits;
    err = uiommu_requester_init(hw->u, &hw->devices, desc, hw->id_bits, &dev->who);
    if (err != UIOMMU_OK)
        uiommu_heap_put(hw->u, dev, sizeof(*dev));
    else
        *out = dev;
    return err;
}

/* The entries themselves stay: they block since their table was made, or since the last device
 * with the ID was shut. */
uiommu_err uiommu_smmuv3_device_attach(void *ctx, const struct uiommu_device_desc *desc, void **out)
{
    struct uiommu_smmuv3 *hw = ctx;
    struct smmuv3_device *dev;
    uiommu_err err = attach_check(hw, desc);
    uintptr_t state;
    uint32_t i;

    if (err == UIOMMU_OK)
        err = device_new(hw, desc, &dev);
    if (err != UIOMMU_OK)
        return err;
    if (hw->f.s1p)
        err = uiommu_smmuv3_cd_table_get(hw, dev);
    for (i = 0; err == UIOMMU_OK && i < dev->who.id_count; i++)
        err = l2_get(hw, dev->who.ids[i]); /* Stays if a later step fails: it blocks. */
    if (err != UIOMMU_OK) {
        device_free(hw, dev);
        return err;
    }
    state = uiommu_unit_lock(hw->unit);
    uiommu_requester_add(&hw->devices, &dev->who);
    uiommu_unit_unlock(hw->unit, state);
    *out = dev;
    return UIOMMU_OK;
}

void uiommu_smmuv3_device_detach(void *ctx, void *dev_ctx)
{
    struct uiommu_smmuv3 *hw = ctx;
    struct smmuv3_device *dev = dev_ctx;
    uintptr_t state = uiommu_unit_lock(hw->unit);

    uiommu_requester_remove(&hw->devices, &dev->who);
    uiommu_unit_unlock(hw->unit, state);
    device_free(hw, dev);
}

static void ste_store(struct uiommu_smmuv3 *hw, volatile uint64_t *ste, uint32_t word, uint64_t v)
{
    if (v == STE_ABORT)
        uiommu_bits_retract64(&ste[word], v); /* Half of it aborts already. */
    else
        uiommu_bits_publish64(&ste[word], v);
    uiommu_smmuv3_to_device(hw, &ste[word], sizeof(*ste));
}

/* One step for one entry. @return whether the opening store is still to come. The opening store
 * is never in the step that wrote the words, nor in a repetition of it: no SYNC was between. */
static bool ste_step(struct uiommu_smmuv3 *hw, struct smmuv3_device *dev, volatile uint64_t *ste,
                     const uint64_t want[STE_USED], uint32_t step)
{
    uint64_t now = uiommu_bits_load64(&ste[0]);
    bool same1 = uiommu_bits_load64(&ste[1]) == want[1];
    bool same = uiommu_bits_load64(&ste[2]) == want[2] && uiommu_bits_load64(&ste[3]) == want[3];
    uint32_t i;

    if (now == want[0] && same) { /* Open: word 1 alone may change. */
        if (!same1)
            ste_store(hw, ste, 1, want[1]);
        return false;
    }
    if (now != STE_ABORT) { /* Another table, or another stage: shut it first. */
        ste_store(hw, ste, 0, STE_ABORT);
        return true;
    }
    if (!same1 || !same || step <= dev->written) {
        dev->written = step;
        for (i = 1; i < STE_USED; i++)
            ste_store(hw, ste, i, want[i]);
        return true;
    }
    ste_store(hw, ste, 0, want[0]);
    return false;
}

/*
 * A step of the way from what the entries are to what they are to be. Ways that open take turns:
 * binds, attach, the end of a reset. One that shuts may come between the steps of such a one; it
 * writes no words. What an earlier way has left in 'written' costs a step at most.
 */
uiommu_err uiommu_smmuv3_ste_sync(struct uiommu_smmuv3 *hw, struct smmuv3_device *dev,
                                  uint32_t step)
{
    volatile uint64_t *ste;
    uint64_t want[STE_USED];
    bool more = false;
    uint32_t i;

    ste_want(hw, dev, want);
    for (i = 0; i < dev->who.id_count; i++) {
        ste = uiommu_smmuv3_ste_at(hw, dev->who.ids[i]);
        if (want[0] == STE_ABORT)
            ste_store(hw, ste, 0, STE_ABORT);
        else if (ste_step(hw, dev, ste, want, step))
            more = true;
    }
    return more ? UIOMMU_MORE : UIOMMU_OK;
}

void uiommu_smmuv3_ste_shut(struct uiommu_smmuv3 *hw, const struct smmuv3_device *dev)
{
    volatile uint64_t *ste;
    uint32_t i;

    for (i = 0; i < dev->who.id_count; i++) {
        ste = uiommu_smmuv3_ste_at(hw, dev->who.ids[i]);
        ste_store(hw, ste, 0, STE_ABORT);
    }
}

uiommu_err uiommu_smmuv3_device_set(void *ctx, void *dev_ctx, uint32_t flags, uint32_t step)
{
    struct uiommu_smmuv3 *hw = ctx;
    struct smmuv3_device *dev = dev_ctx;

    if ((flags & UIOMMU_DEVICE_SET_ATS) != 0 && !hw->f.ats)
        return UIOMMU_E_UNSUPPORTED;
    dev->set = flags;
    return uiommu_smmuv3_ste_sync(hw, dev, step);
}

/* An aborting entry refuses translated traffic and translation requests too (ATSCHK=1), but no
 * page request: what is told to that is the core's. */
uiommu_err uiommu_smmuv3_device_isolate(void *ctx, void *dev_ctx)
{
    struct smmuv3_device *dev = dev_ctx;

    dev->set &= ~UIOMMU_DEVICE_SET_OPEN;
    uiommu_smmuv3_ste_shut(ctx, dev);
    return UIOMMU_OK;
}
