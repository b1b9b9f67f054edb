/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Context descriptors (IHI 0070 5.4) and their tables. A descriptor is made valid by word 0
 * alone, after its other words went through CFGI and SYNC: hardware may have read those at any
 * time before, valid or not (3.21.3).
 */
#include "smmuv3_internal.h"

uint64_t uiommu_smmuv3_l1cd(uint64_t bus)
{
    return bus | uiommu_bits_make(SMMUV3_L1CD_V, 1);
}

static uint64_t word_common(const struct uiommu_smmuv3 *hw)
{
    uint64_t word = uiommu_bits_make(SMMUV3_CD0_V, 1) | uiommu_bits_make(SMMUV3_CD0_AA64, 1) |
                    uiommu_bits_make(SMMUV3_CD0_EPD1, 1) | uiommu_bits_make(SMMUV3_CD0_A, 1);

    if (!hw->config.asid_shared)
        word |= uiommu_bits_make(SMMUV3_CD0_ASET, 1);
    return word;
}

/* Neither half is walked, nothing is recorded. With forced stalls S=0 would be illegal. */
static uint64_t word_quiet(const struct uiommu_smmuv3 *hw)
{
    uint64_t word = uiommu_bits_make(SMMUV3_CD0_EPD0, 1) | uiommu_bits_make(SMMUV3_CD0_EPD1, 1);

    if (hw->f.stall_model == SMMUV3_STALL_FORCED)
        word |= uiommu_bits_make(SMMUV3_CD0_S, 1);
    return word;
}

/* Descriptor 0 while nothing is bound to untagged traffic: refuses quietly. ASID 0 is no
 * address space's. */
uint64_t uiommu_smmuv3_cd_idle(const struct uiommu_smmuv3 *hw)
{
    return word_common(hw) | word_quiet(hw);
}

/* The quiet form of a valid word 0: fields that TLB entries may hold stay, those of the table
 * walk become unused. */
uint64_t uiommu_smmuv3_cd_quiet(const struct uiommu_smmuv3 *hw, uint64_t word)
{
    uint64_t keep = uiommu_bits_mask(SMMUV3_CD0_V) | uiommu_bits_mask(SMMUV3_CD0_IPS) |
                    uiommu_bits_mask(SMMUV3_CD0_AA64) | uiommu_bits_mask(SMMUV3_CD0_HD) |
                    uiommu_bits_mask(SMMUV3_CD0_HA) | uiommu_bits_mask(SMMUV3_CD0_A) |
                    uiommu_bits_mask(SMMUV3_CD0_ASET) | uiommu_bits_mask(SMMUV3_CD0_ASID);

    return (word & keep) | word_quiet(hw);
}

static uint32_t root_pa_bits(const struct uiommu_smmuv3 *hw, const struct uiommu_root *root)
{
    return root->pa_bits != 0 ? root->pa_bits : uiommu_smmuv3_pa_bits(hw->f.oas);
}

/* The smallest output size that holds so many bits. */
uint32_t uiommu_smmuv3_pa_code(uint32_t pa_bits)
{
    uint32_t code = 0;

    while (code < 6u && uiommu_smmuv3_pa_bits(code) < pa_bits)
        code++;
    return code;
}

/* As in CD.TG0 and STE.S2TG. */
uint32_t uiommu_smmuv3_granule_code(uint32_t granule_bits)
{
    if (granule_bits == 16)
        return 1;
    return granule_bits == 14 ? 2 : 0;
}

/* log2 of what 64 bytes hold. */
#define ENTRIES_LEAST 3u

/* A root table is aligned to its size, which may be less than a page, but to 64 bytes at least. */
static uint64_t root_align(const struct uiommu_root *root)
{
    uint32_t level = root->granule_bits - 3u;
    uint32_t top = (uint32_t)(root->va_bits - root->granule_bits - 1u) % level + 1u;

    return UINT64_C(8) << (top < ENTRIES_LEAST ? ENTRIES_LEAST : top);
}

/* Output addresses that tables with such pages can hold. */
uint32_t uiommu_smmuv3_pa_most(const struct uiommu_smmuv3 *hw, uint32_t granule_bits)
{
    uint32_t most = uiommu_smmuv3_pa_bits(hw->f.oas), holds = granule_bits == 16 ? 52 : 48;

    return most < holds ? most : holds;
}

/*
 * Whether word 0 could make a legal descriptor of it (5.4.1), and whether hardware reaches all of
 * it. The tables must not hold global leaf entries (nG=0): invalidation by ASID leaves those.
 */
static uiommu_err first_check(const struct uiommu_smmuv3 *hw, const struct smmuv3_device *dev,
                              const struct uiommu_root *root)
{
    uint32_t g = root->granule_bits;
    uint32_t va_most = g == 16 && hw->f.vas != 48 ? 52 : 48;
    uint32_t va_least = 25, pa_most = uiommu_smmuv3_pa_most(hw, g);
    uint32_t pa = root->pa_bits != 0 ? root->pa_bits : pa_most;

    if (!hw->f.s1p || root->under.format != 0 || root->format != UIOMMU_ROOT_AARCH64 ||
        (g != 12 && g != 14 && g != 16) || ((hw->f.granules >> g) & 1u) == 0)
        return UIOMMU_E_UNSUPPORTED;
    if (hw->f.small_tables)
        va_least = g == 16 ? 17 : 16;
    if (root->va_bits < va_least || root->va_bits > va_most)
        return UIOMMU_E_UNSUPPORTED;
    if (pa > pa_most || (root->table >> pa) != 0 || (root->table & (root_align(root) - 1u)) != 0)
        return UIOMMU_E_UNSUPPORTED;
    return dev->second[0] != 0 ? UIOMMU_E_BUSY : UIOMMU_OK;
}

uiommu_err uiommu_smmuv3_root_check(void *ctx, void *dev_ctx, uint32_t pasid,
                                    const struct uiommu_root *root)
{
    if (uiommu_smmuv3_is_second(root))
        return uiommu_smmuv3_second_check(ctx, dev_ctx, pasid, root);
    return first_check(ctx, dev_ctx, root);
}

/*
 * Words 0 to 3; the others are 0. R=1 for every device: only untranslated accesses look at A, R
 * and S, so for a device that asks for pages an event is a mistake worth seeing, and for one that
 * can't it is the only sign. S=1 needs S1STALLD=0, or is forced.
 */
void uiommu_smmuv3_cd_build(const struct uiommu_smmuv3 *hw, const struct smmuv3_device *dev,
                            const struct uiommu_root *root, uint32_t asid, uint64_t out[4])
{
    uint64_t cache = hw->f.coherent ? SMMUV3_CD_WRITE_BACK : 0;
    bool stall = (dev->flags & UIOMMU_DEVICE_STALL) != 0;
    bool accessed = (root->flags & UIOMMU_ROOT_ACCESSED) != 0 && hw->f.httu >= 1;
    bool dirty = accessed && (root->flags & UIOMMU_ROOT_DIRTY) != 0 && hw->f.httu >= 2;

    if (hw->f.stall_model != SMMUV3_STALL_CHOICE)
        stall = hw->f.stall_model == SMMUV3_STALL_FORCED;
    out[0] = word_common(hw) | uiommu_bits_make(SMMUV3_CD0_T0SZ, 64u - root->va_bits) |
             uiommu_bits_make(SMMUV3_CD0_TG0, uiommu_smmuv3_granule_code(root->granule_bits)) |
             uiommu_bits_make(SMMUV3_CD0_IR0, cache) | uiommu_bits_make(SMMUV3_CD0_OR0, cache) |
             uiommu_bits_make(SMMUV3_CD0_SH0, cache != 0 ? SMMUV3_SH_INNER : SMMUV3_SH_OUTER) |
             uiommu_bits_make(SMMUV3_CD0_IPS, uiommu_smmuv3_pa_code(root_pa_bits(hw, root))) |
             uiommu_bits_make(SMMUV3_CD0_HA, accessed) | uiommu_bits_make(SMMUV3_CD0_HD, dirty) |
             uiommu_bits_make(SMMUV3_CD0_S, stall) | uiommu_bits_make(SMMUV3_CD0_R, 1) |
             uiommu_bits_make(SMMUV3_CD0_ASID, asid);
    out[1] = root->table;
    out[2] = 0;
    out[3] = root->attributes != 0 ? root->attributes : ~UINT64_C(0);
}

/* Store all words but word 0. @return whether any of them changed. */
static bool words_put(struct uiommu_smmuv3 *hw, volatile uint64_t *cd, const uint64_t *words)
{
    bool changed = false;
    uint32_t i;

    for (i = 1; i < SMMUV3_CD_WORDS; i++) {
        if (uiommu_bits_load64(&cd[i]) == words[i])
            continue;
        changed = true;
        uiommu_bits_store64(&cd[i], words[i]);
    }
    uiommu_smmuv3_to_device(hw, cd, SMMUV3_CD_BYTES);
    return changed;
}

/* NULL: beyond the table, or its leaf was not prepared. Descriptor 0 is untagged traffic's. */
volatile uint64_t *uiommu_smmuv3_cd_at(const struct smmuv3_device *dev, uint32_t pasid)
{
    uint32_t slot = pasid == UIOMMU_PASID_NONE ? 0 : pasid;
    const struct uiommu_mem *table = &dev->table;

    if (pasid == 0 || (slot >> dev->pasid_bits) != 0)
        return NULL;
    if (dev->two_level) {
        table = uiommu_leaf(&dev->leaves, slot >> SMMUV3_CD_LEAF_LOG2);
        slot &= (UINT32_C(1) << SMMUV3_CD_LEAF_LOG2) - 1u;
    }
    return table == NULL || table->cpu == NULL
               ? NULL
               : (volatile uint64_t *)table->cpu + (size_t)slot * SMMUV3_CD_WORDS;
}

/* Hardware may have cached that there is no leaf: config_invalidate() covers level 1 too. */
static uiommu_err leaf_get(struct uiommu_smmuv3 *hw, struct smmuv3_device *dev, uint32_t i)
{
    volatile uint64_t *l1 = (volatile uint64_t *)dev->table.cpu + i;
    struct uiommu_mem mem = {0}, *leaf;
    uintptr_t state;
    uiommu_err err;

    if (uiommu_leaf(&dev->leaves, i) != NULL)
        return UIOMMU_OK;
    leaf = uiommu_leaf_make(hw->u, &dev->leaves, i);
    if (leaf == NULL)
        return UIOMMU_E_NOMEM;
    err = uiommu_smmuv3_mem_get(hw, SMMUV3_CD_LEAF_BYTES, SMMUV3_CD_LEAF_BYTES, &mem);
    if (err != UIOMMU_OK)
        return err;
    state = uiommu_unit_lock(hw->unit);
    *leaf = mem;
    uiommu_fence_dma_store();
    uiommu_bits_publish64(l1, uiommu_smmuv3_l1cd(mem.bus));
    uiommu_smmuv3_to_device(hw, l1, sizeof(*l1));
    uiommu_unit_unlock(hw->unit, state);
    return UIOMMU_OK;
}

static void cd_store(struct uiommu_smmuv3 *hw, volatile uint64_t *cd, uint64_t word)
{
    /* The low half first: no walk is left when ASID and flags in the high half change. */
    uiommu_bits_retract64(&cd[0], word);
    uiommu_smmuv3_to_device(hw, cd, sizeof(*cd));
}

/* One table for all IDs of the device; aligned to its size. Not yet reachable: written freely. */
uiommu_err uiommu_smmuv3_cd_table_get(struct uiommu_smmuv3 *hw, struct smmuv3_device *dev)
{
    uint64_t bytes = (uint64_t)SMMUV3_CD_BYTES << dev->pasid_bits;
    uint32_t count;
    uiommu_err err;

    dev->two_level = hw->f.cd2l && dev->pasid_bits > SMMUV3_CD_LEAF_LOG2;
    if (dev->two_level) {
        count = UINT32_C(1) << (dev->pasid_bits - SMMUV3_CD_LEAF_LOG2);
        dev->leaves.count = count;
        bytes = (uint64_t)count * sizeof(uint64_t);
        if (bytes < SMMUV3_CD_BYTES)
            bytes = SMMUV3_CD_BYTES;
    }
    err = uiommu_smmuv3_mem_get(hw, bytes, bytes, &dev->table);
    if (err == UIOMMU_OK && dev->two_level)
        err = leaf_get(hw, dev, 0);
    if (err == UIOMMU_OK)
        cd_store(hw, uiommu_smmuv3_cd_at(dev, UIOMMU_PASID_NONE), uiommu_smmuv3_cd_idle(hw));
    return err;
}

void uiommu_smmuv3_cd_table_put(struct uiommu_smmuv3 *hw, struct smmuv3_device *dev)
{
    uiommu_smmuv3_mem_put(hw, &dev->table);
    if (dev->two_level)
        uiommu_leaves_fini(hw->u, &dev->leaves);
}

uiommu_err uiommu_smmuv3_pasid_prepare(void *ctx, void *dev_ctx, uint32_t pasid)
{
    struct smmuv3_device *dev = dev_ctx;

    if (pasid == UIOMMU_PASID_NONE)
        return UIOMMU_OK;
    if (pasid == 0 || (pasid >> dev->pasid_bits) != 0)
        return UIOMMU_E_RANGE;
    return dev->two_level ? leaf_get(ctx, dev, pasid >> SMMUV3_CD_LEAF_LOG2) : UIOMMU_OK;
}

/* Is the descriptor somebody's: neither invalid nor what untagged traffic meets at rest? */
static bool in_use(const struct uiommu_smmuv3 *hw, uint64_t word)
{
    return word != 0 && word != uiommu_smmuv3_cd_idle(hw);
}

/*
 * The words that neither an invalid entry nor descriptor 0 at rest uses; then word 0, which alone
 * makes the entry live. Between the two the core has CFGI and SYNC done. Words that are there
 * when a bind begins count as unwritten: nobody knows whether a SYNC followed them. A step may
 * be repeated, where its CFGI did not fit in the ring.
 */
static uiommu_err first_set(struct uiommu_smmuv3 *hw, struct smmuv3_device *dev, uint32_t pasid,
                            const struct uiommu_root *root, uint32_t tag, uint32_t step)
{
    volatile uint64_t *cd = uiommu_smmuv3_cd_at(dev, pasid);
    uint64_t words[SMMUV3_CD_WORDS], now;
    uiommu_err err;

    if (cd == NULL || tag == 0 || tag > hw->f.asid_last)
        return UIOMMU_E_INVALID;
    memset(words, 0, sizeof(words));
    uiommu_smmuv3_cd_build(hw, dev, root, tag, words);
    now = uiommu_bits_load64(&cd[0]);
    if (in_use(hw, now) && (now != words[0] || step == 0))
        return UIOMMU_E_STATE;
    err = dev->by_ste ? uiommu_smmuv3_ste_sync(hw, dev, step) : UIOMMU_OK;
    if (err != UIOMMU_OK || now == words[0])
        return err;
    if (words_put(hw, cd, words) || step <= dev->written) {
        dev->written = step;
        return UIOMMU_MORE;
    }
    dev->firsts++;
    uiommu_bits_publish64(&cd[0], words[0]);
    uiommu_smmuv3_to_device(hw, cd, sizeof(*cd));
    return UIOMMU_OK;
}

uiommu_err uiommu_smmuv3_pasid_set(void *ctx, void *dev_ctx, uint32_t pasid,
                                   const struct uiommu_root *root, uint32_t tag, uint32_t step)
{
    uiommu_err err = uiommu_smmuv3_root_check(ctx, dev_ctx, pasid, root);

    if (err != UIOMMU_OK)
        return err;
    return uiommu_smmuv3_is_second(root) ? uiommu_smmuv3_second_set(ctx, dev_ctx, root, tag, step)
                                         : first_set(ctx, dev_ctx, pasid, root, tag, step);
}

static bool entry_is_second(const struct smmuv3_device *dev, uint32_t pasid)
{
    return pasid == UIOMMU_PASID_NONE && dev->second[0] != 0;
}

void uiommu_smmuv3_pasid_block(void *ctx, void *dev_ctx, uint32_t pasid)
{
    struct uiommu_smmuv3 *hw = ctx;
    struct smmuv3_device *dev = dev_ctx;
    volatile uint64_t *cd = uiommu_smmuv3_cd_at(dev, pasid);
    uint64_t word;

    if (entry_is_second(dev, pasid)) {
        uiommu_smmuv3_second_block(hw, dev);
        return;
    }
    if (cd == NULL)
        return;
    word = uiommu_bits_load64(&cd[0]);
    if (uiommu_bits_get(word, SMMUV3_CD0_V) != 0)
        cd_store(hw, cd, uiommu_smmuv3_cd_quiet(hw, word));
}

/* Untagged traffic goes back to its quiet descriptor: an invalid one would mean an event for
 * every access. The other words are left to the next set, behind a SYNC. */
void uiommu_smmuv3_pasid_clear(void *ctx, void *dev_ctx, uint32_t pasid)
{
    struct uiommu_smmuv3 *hw = ctx;
    struct smmuv3_device *dev = dev_ctx;
    volatile uint64_t *cd = uiommu_smmuv3_cd_at(dev, pasid);

    if (entry_is_second(dev, pasid)) {
        uiommu_smmuv3_second_clear(hw, dev);
        return;
    }
    if (cd == NULL)
        return;
    if (in_use(hw, uiommu_bits_load64(&cd[0])))
        dev->firsts--;
    cd_store(hw, cd, pasid == UIOMMU_PASID_NONE ? uiommu_smmuv3_cd_idle(hw) : 0);
}
