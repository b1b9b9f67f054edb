/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Device table and devices.
 *
 * An entry always has V=1: without it traffic would pass. Shut it is word 0 alone, TV=0, which
 * aborts everything; so it is opened by that word, in one store, after words 1 and 2 went through
 * INVALIDATE_DEVTAB_ENTRY and a wait, and never invalid between. Open, only bits change that are
 * legal in any mixture: I, SE, PPR, GPRP. Of word 2 all but the DMA side's bits are the host's.
 */
#include "amd_internal.h"

/* Every entry blocks. A flood of faults would hide the events that tickets wait for: SE. What a
 * host has put into its half of a table that is kept stays. */
void uiommu_amd_devtab_clear(struct uiommu_amd *hw)
{
    const uint64_t keep[] = {0, AMD_DTE1_HOST, ~uiommu_bits_mask(AMD_DTE2_OURS)};
    const uint64_t set[] = {AMD_DTE_BLOCKED, uiommu_bits_mask(AMD_DTE1_SE), 0};
    volatile uint64_t *words = hw->devtab.cpu;
    uint32_t i, w;

    for (i = 0; i < AMD_DTE_ENTRIES; i++, words += AMD_DTE_WORDS) {
        for (w = 0; w < AMD_DTE_BUILT; w++)
            uiommu_bits_store64(&words[w], (uiommu_bits_load64(&words[w]) & keep[w]) | set[w]);
    }
    uiommu_amd_to_device(hw, hw->devtab.cpu, AMD_DTE_ENTRIES * AMD_DTE_BYTES);
}

volatile uint64_t *uiommu_amd_dte_at(const struct uiommu_amd *hw, uint32_t id)
{
    if (hw->devtab.cpu == NULL || (id >> hw->id_bits) != 0)
        return NULL;
    return (volatile uint64_t *)hw->devtab.cpu + (size_t)id * AMD_DTE_WORDS;
}

/* The GCR3 table: all of it, or its node of the lowest PASIDs under a host table. */
static void build_guest(const struct amd_device *dev, uint64_t out[AMD_DTE_BUILT])
{
    bool one = dev->host.mode != 0;
    uint64_t root = one && dev->levels > 1 ? dev->leaves.first.bus : dev->root.bus;

    out[0] |= uiommu_bits_mask(AMD_DTE0_GV) |
              uiommu_bits_make(AMD_DTE0_GLX, one ? 0 : dev->levels - 1u) |
              uiommu_bits_make(AMD_DTE0_ROOT_14, root >> 12);
    out[1] |= uiommu_bits_make(AMD_DTE1_ROOT_30, root >> 15) |
              uiommu_bits_make(AMD_DTE1_ROOT_51, root >> 31);
}

/* Untagged traffic would pass: there is neither a host table nor entry 0 for it. */
static bool would_pass(const struct uiommu_amd *hw, const struct amd_device *dev)
{
    if (dev->host.mode != 0)
        return false;
    return !hw->f.guest || (!hw->f.gio && (hw->config.flags & UIOMMU_AMD_UNTAGGED_PASSES) == 0);
}

/* Words 0 to 2 of an open entry, of word 2 the DMA side alone. With Mode 0 all addresses in the
 * GCR3 table and in guest tables are physical. GIoV: untagged traffic uses entry 0. SE: a device
 * whose address space died faults on every access, and each event more might hide one that a ticket
 * waits for. */
void uiommu_amd_dte_build(const struct uiommu_amd *hw, const struct amd_device *dev, uint32_t set,
                          uint64_t out[AMD_DTE_BUILT])
{
    bool ats = (set & UIOMMU_DEVICE_SET_ATS) != 0;
    bool ppr = ats && (dev->flags & UIOMMU_DEVICE_PRI) != 0;
    uint64_t table = dev->host.blocked ? hw->quiet.bus : dev->host.table;

    out[0] = AMD_DTE_BLOCKED;
    out[1] = uiommu_bits_make(AMD_DTE1_DOMAIN, dev->domain) | uiommu_bits_mask(AMD_DTE1_SE);
    out[2] = 0;
    if (would_pass(hw, dev))
        return;
    out[0] |= uiommu_bits_mask(AMD_DTE0_TV) | uiommu_bits_mask(AMD_DTE0_IR) |
              uiommu_bits_mask(AMD_DTE0_IW) | uiommu_bits_make(AMD_DTE0_MODE, dev->host.mode) |
              (table & uiommu_bits_mask(AMD_DTE0_HOST));
    if (hw->f.guest)
        build_guest(dev, out);
    if (hw->f.gio && (dev->host.mode == 0 || dev->host.nested))
        out[0] |= uiommu_bits_mask(AMD_DTE0_GIOV);
    if (ppr)
        out[0] |= uiommu_bits_mask(AMD_DTE0_PPR);
    if (ppr && (set & UIOMMU_DEVICE_SET_PASID_REQUIRED) != 0)
        out[0] |= uiommu_bits_mask(AMD_DTE0_GPRP);
    if (ats)
        out[1] |= uiommu_bits_mask(AMD_DTE1_I);
    if ((hw->config.flags & UIOMMU_AMD_FIVE_LEVEL) != 0)
        out[2] = uiommu_bits_make(AMD_DTE2_PAGING, AMD_PAGING_5_LEVEL);
}

struct amd_device *uiommu_amd_device_of(const struct uiommu_amd *hw, uint32_t id)
{
    return (struct amd_device *)uiommu_requester_find(&hw->devices, id);
}

static uiommu_err attach_check(const struct uiommu_amd *hw, const struct uiommu_device_desc *desc)
{
    if ((desc->flags & UIOMMU_DEVICE_ATS) != 0 && !hw->f.ats)
        return UIOMMU_E_UNSUPPORTED;
    if ((desc->flags & UIOMMU_DEVICE_PRI) != 0 && !hw->f.ppr)
        return UIOMMU_E_UNSUPPORTED;
    if ((desc->flags & UIOMMU_DEVICE_STALL) != 0)
        return UIOMMU_E_UNSUPPORTED;
    /* Two commands for each ID, and the tickets behind them. */
    if (desc->id_count > (UINT32_C(1) << hw->cmdq.log2) / 4u)
        return UIOMMU_E_UNSUPPORTED;
    if (desc->pasid_bits > hw->f.pasid_bits)
        return UIOMMU_E_RANGE;
    return UIOMMU_OK;
}

/* A DomainID of its own; 0 is the blocked entries'. Round about, so that one given back rests
 * longest. */
static uint32_t domain_take(struct uiommu_amd *hw)
{
    uint32_t at = hw->domain_next;

    do {
        at = (at + 1u) & 0xffffu;
        if (at != 0 && ((hw->domains[at >> 5] >> (at & 31u)) & 1u) == 0) {
            hw->domains[at >> 5] |= UINT32_C(1) << (at & 31u);
            hw->domain_next = at;
            return at;
        }
    } while (at != hw->domain_next);
    return 0;
}

static void domain_give(struct uiommu_amd *hw, uint32_t domain)
{
    hw->domains[domain >> 5] &= ~(UINT32_C(1) << (domain & 31u));
}

static void device_free(struct uiommu_amd *hw, struct amd_device *dev)
{
    uiommu_amd_gcr3_put(hw, dev);
    uiommu_requester_fini(hw->u, &hw->devices, &dev->who);
    uiommu_heap_put(hw->u, dev, sizeof(*dev));
}

static uiommu_err device_new(struct uiommu_amd *hw, const struct uiommu_device_desc *desc,
                             struct amd_device **out)
{
    struct amd_device *dev = uiommu_heap_get(hw->u, sizeof(*dev));
    uiommu_err err;

    if (dev == NULL)
        return UIOMMU_E_NOMEM;
    dev->flags = desc->flags;
    dev->pasid_bits = desc->pasid_bits != 0 ? desc->pasid_bits : 1u;
    dev->pending = desc->ats_depth;
    err = uiommu_requester_init(hw->u, &hw->devices, desc, hw->id_bits, &dev->who);
    if (err != UIOMMU_OK)
        uiommu_heap_put(hw->u, dev, sizeof(*dev));
    else
        *out = dev;
    return err;
}

/* The entries themselves stay: they block since the table was made, or since the last device with
 * the ID was shut. */
uiommu_err uiommu_amd_device_attach(void *ctx, const struct uiommu_device_desc *desc, void **out)
{
    struct uiommu_amd *hw = ctx;
    struct amd_device *dev;
    uiommu_err err = attach_check(hw, desc);
    uintptr_t state;

    if (err == UIOMMU_OK)
        err = device_new(hw, desc, &dev);
    if (err != UIOMMU_OK)
        return err;
    err = uiommu_amd_gcr3_get(hw, dev);
    if (err != UIOMMU_OK) {
        device_free(hw, dev);
        return err;
    }
    state = uiommu_unit_lock(hw->unit);
    dev->domain = domain_take(hw);
    if (dev->domain != 0)
        uiommu_requester_add(&hw->devices, &dev->who);
    uiommu_unit_unlock(hw->unit, state);
    if (dev->domain == 0) {
        device_free(hw, dev);
        return UIOMMU_E_NOSPACE;
    }
    *out = dev;
    return UIOMMU_OK;
}

void uiommu_amd_device_detach(void *ctx, void *dev_ctx)
{
    struct uiommu_amd *hw = ctx;
    struct amd_device *dev = dev_ctx;
    uintptr_t state = uiommu_unit_lock(hw->unit);

    uiommu_requester_remove(&hw->devices, &dev->who);
    domain_give(hw, dev->domain);
    uiommu_unit_unlock(hw->unit, state);
    device_free(hw, dev);
}

/* Behind every store before it. */
static void store(struct uiommu_amd *hw, volatile uint64_t *dte, uint32_t word, uint64_t v)
{
    uiommu_fence_dma_store();
    if (word == 0 && (v & uiommu_bits_mask(AMD_DTE0_TV)) == 0)
        uiommu_bits_retract64(&dte[0], v); /* Its low half blocks already. */
    else
        uiommu_bits_publish64(&dte[word], v);
    uiommu_amd_to_device(hw, &dte[word], sizeof(*dte));
}

/* Word 1 beside the host's bits. */
static void store1(struct uiommu_amd *hw, volatile uint64_t *dte, uint64_t v)
{
    store(hw, dte, 1, (v & ~AMD_DTE1_HOST) | (uiommu_bits_load64(&dte[1]) & AMD_DTE1_HOST));
}

void uiommu_amd_dte_store0(struct uiommu_amd *hw, volatile uint64_t *dte, uint64_t v)
{
    store(hw, dte, 0, v);
}

/* TV=0 ends walks; what the device translated before is refused by I=0. GPRP stays, for answers
 * that are in the command ring already and to what the device still asks: without the PASID it
 * would take them for another's. */
void uiommu_amd_dte_shut(struct uiommu_amd *hw, volatile uint64_t *dte, uint32_t set)
{
    const uint64_t gprp = uiommu_bits_mask(AMD_DTE0_GPRP);
    bool pasid = hw->f.eph && (set & UIOMMU_DEVICE_SET_PASID_REQUIRED) != 0;

    store(hw, dte, 0, AMD_DTE_BLOCKED | (uiommu_bits_load64(&dte[0]) & gprp) | (pasid ? gprp : 0));
    store1(hw, dte,
           (uiommu_bits_load64(&dte[1]) & ~uiommu_bits_mask(AMD_DTE1_I)) |
               uiommu_bits_mask(AMD_DTE1_SE));
}

void uiommu_amd_device_shut(struct uiommu_amd *hw, const struct amd_device *dev)
{
    uint32_t i;

    for (i = 0; i < dev->who.id_count; i++)
        uiommu_amd_dte_shut(hw, uiommu_amd_dte_at(hw, dev->who.ids[i]), dev->set);
}

/* PPR without I would invite requests of a device that cannot translate: I comes first and goes
 * last. */
static void dte_change(struct uiommu_amd *hw, volatile uint64_t *dte,
                       const uint64_t want[AMD_DTE_BUILT])
{
    bool ats = uiommu_bits_get(want[1], AMD_DTE1_I) != 0;

    if (ats)
        store1(hw, dte, want[1]);
    store(hw, dte, 0, want[0]);
    if (!ats)
        store1(hw, dte, want[1]);
}

/*
 * One step for one entry: 0 shuts, 1 writes what does not count while it is shut, 2 opens. The core
 * has hardware drop the entry between, and may repeat a step before it could: what a step does
 * follows from its number. @return whether the opening store is still to come.
 */
bool uiommu_amd_dte_step(struct uiommu_amd *hw, volatile uint64_t *dte,
                         const uint64_t want[AMD_DTE_BUILT], uint32_t step)
{
    const uint64_t live1 = uiommu_bits_mask(AMD_DTE1_I) | uiommu_bits_mask(AMD_DTE1_SE);
    const uint64_t live0 = uiommu_bits_mask(AMD_DTE0_PPR) | uiommu_bits_mask(AMD_DTE0_GPRP);
    uint64_t now0 = uiommu_bits_load64(&dte[0]);
    uint64_t now1 = uiommu_bits_load64(&dte[1]) & ~AMD_DTE1_HOST;
    uint64_t now2 = uiommu_bits_load64(&dte[2]), ours = uiommu_bits_mask(AMD_DTE2_OURS);
    bool same1 = ((now1 ^ want[1]) & ~live1) == 0;
    bool same2 = ((now2 ^ want[2]) & ours) == 0;

    if (((now0 ^ want[0]) & ~live0) == 0 && same1 && same2) {
        dte_change(hw, dte, want);
        return false;
    }
    if (step == 0 || (now0 & uiommu_bits_mask(AMD_DTE0_TV)) != 0) {
        store(hw, dte, 0, AMD_DTE_BLOCKED | (now0 & uiommu_bits_mask(AMD_DTE0_GPRP)));
        return true;
    }
    if (step == 1 || now1 != want[1] || !same2) {
        store1(hw, dte, want[1]);
        store(hw, dte, 2, (now2 & ~ours) | want[2]);
        return true;
    }
    store(hw, dte, 0, want[0]);
    return false;
}

/* BUSY: commands that an entry with I=0 forbids are under way; no new ones follow until it is
 * written. A restart before that writes it too. */
static uiommu_err shut(struct uiommu_amd *hw, struct amd_device *dev, uint32_t flags)
{
    dev->set = flags;
    dev->closing = uiommu_amd_is_told(hw, dev);
    if (dev->closing)
        return UIOMMU_E_BUSY;
    dev->isolated = false;
    dev->held = false;
    uiommu_amd_device_shut(hw, dev);
    return UIOMMU_OK;
}

/* What entries that were to block waited for is gone with the ring. */
void uiommu_amd_entries_close(struct uiommu_amd *hw)
{
    uintptr_t state = uiommu_unit_lock(hw->unit);
    struct uiommu_requester *who;
    struct amd_device *dev;

    for (who = hw->devices.first; who != NULL; who = who->next) {
        dev = (struct amd_device *)who;
        if (dev->closing)
            (void)shut(hw, dev, dev->set);
    }
    uiommu_unit_unlock(hw->unit, state);
}

/* Open entries block, for the control bits that they are made for are not set yet. Before the unit
 * uses this table. */
void uiommu_amd_entries_hold(struct uiommu_amd *hw)
{
    uintptr_t state = uiommu_unit_lock(hw->unit);
    struct uiommu_requester *who;
    struct amd_device *dev;
    volatile uint64_t *dte;
    uint64_t now;
    uint32_t i;

    for (who = hw->devices.first; who != NULL; who = who->next) {
        dev = (struct amd_device *)who;
        for (i = 0; i < who->id_count; i++) {
            dte = uiommu_amd_dte_at(hw, who->ids[i]);
            now = uiommu_bits_load64(dte);
            if ((now & uiommu_bits_mask(AMD_DTE0_TV)) == 0)
                continue;
            dev->held = true;
            store(hw, dte, 0, AMD_DTE_BLOCKED | (now & uiommu_bits_mask(AMD_DTE0_GPRP)));
        }
    }
    uiommu_unit_unlock(hw->unit, state);
}

/* @return whether there was any: hardware has to drop what it holds of them. */
bool uiommu_amd_entries_release(struct uiommu_amd *hw)
{
    uintptr_t state = uiommu_unit_lock(hw->unit);
    struct uiommu_requester *who;
    struct amd_device *dev;
    bool any = false;
    uint64_t want[AMD_DTE_BUILT];
    uint32_t i;

    for (who = hw->devices.first; who != NULL; who = who->next) {
        dev = (struct amd_device *)who;
        uiommu_amd_dte_build(hw, dev, dev->set, want);
        for (i = 0; dev->held && i < who->id_count; i++)
            store(hw, uiommu_amd_dte_at(hw, who->ids[i]), 0, want[0]);
        any = any || dev->held;
        dev->held = false;
    }
    uiommu_unit_unlock(hw->unit, state);
    return any;
}

uiommu_err uiommu_amd_device_set(void *ctx, void *dev_ctx, uint32_t flags, uint32_t step)
{
    struct uiommu_amd *hw = ctx;
    struct amd_device *dev = dev_ctx;

    if ((flags & UIOMMU_DEVICE_SET_ATS) != 0 && !hw->f.ats)
        return UIOMMU_E_UNSUPPORTED;
    if ((flags & UIOMMU_DEVICE_SET_OPEN) == 0)
        return shut(hw, dev, flags);
    dev->set = flags;
    dev->closing = false;
    dev->isolated = false;
    dev->held = false;
    return uiommu_amd_device_sync(hw, dev, step);
}

/* The blocked entry refuses traffic, translated traffic and translation requests (I=0), and page
 * requests (PPR=0): those become events. */
uiommu_err uiommu_amd_device_isolate(void *ctx, void *dev_ctx)
{
    struct amd_device *dev = dev_ctx;
    uiommu_err err = shut(ctx, dev, dev->set & ~UIOMMU_DEVICE_SET_OPEN);

    dev->isolated = err == UIOMMU_OK;
    return err;
}
