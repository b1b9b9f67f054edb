/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_amd_internal.h"

#define RESERVED_LEAF  UINT64_C(0x07F0000000000000)
#define RESERVED_TABLE UINT64_C(0x1FF0000000000000)

static bool fault(struct amd_outcome *got, uint32_t event, uint32_t flags, uint64_t fetch)
{
    got->event = event;
    got->flags = flags;
    got->fetch = fetch;
    return false;
}

/* A leaf whose address codes its size: it lies between the natural sizes of two levels. */
static bool coded_size(uint64_t word, uint32_t level, uint32_t *size_log2)
{
    unsigned k = 12;

    while (k < 51 && amd_bit(word, k)) {
        k++;
    }
    *size_log2 = k + 1;
    return *size_log2 > 12 + 9 * (level - 1) && *size_log2 < 12 + 9 * level;
}

/* Host (v1) tables: each entry names the level of the next one. */
bool amd_host_walk(struct model_amd *m, const struct amd_dte *dte, const struct amd_access *want,
                   struct amd_tlb *leaf, struct amd_outcome *got)
{
    uint32_t level = dte->mode;
    uint32_t next;
    uint64_t node = dte->root;
    uint64_t rights = ~UINT64_C(0);

    (void)want;
    if (12 + 9 * level < 64 && leaf->va >> (12 + 9 * level) != 0) {
        return fault(got, AMD_PAGE_FAULT, 0, 0);
    }
    leaf->root = dte->root;
    for (;;) {
        unsigned size = 12 + 9 * (level - 1);

        leaf->at = node + 8 * (leaf->va >> size & 0x1FF);
        if (!model_bus_read64(m->world, leaf->at, &leaf->word)) {
            return fault(got, AMD_PAGETAB_HW, 0, leaf->at);
        }
        if (!amd_bit(leaf->word, 0)) {
            return fault(got, AMD_PAGE_FAULT, 0, leaf->at);
        }
        next = amd_bits(leaf->word, 11, 9);
        rights &= leaf->word;
        if ((leaf->word & (next == 0 || next == 7 ? RESERVED_LEAF : RESERVED_TABLE)) != 0) {
            return fault(got, AMD_PAGE_FAULT, AMD_F_PR | AMD_F_RZ, leaf->at);
        }
        leaf->size_log2 = size;
        if (next == 0 || next == 7) {
            if (level == 6 || (next == 7 && !coded_size(leaf->word, level, &leaf->size_log2))) {
                return fault(got, AMD_PAGE_FAULT, AMD_F_PR, leaf->at);
            }
            break;
        }
        if (next >= level || (leaf->va & (amd_ones(size) & ~amd_ones(12 + 9 * next))) != 0) {
            return fault(got, AMD_PAGE_FAULT, AMD_F_PR, leaf->at);
        }
        node = leaf->word & AMD_ADDRESS;
        level = next;
    }
    leaf->level = level;
    leaf->user = true;
    leaf->granted = (amd_bit(rights, 61) ? MODEL_READ | MODEL_EXEC : 0u) |
                    (amd_bit(rights, 62) ? MODEL_WRITE : 0u);
    leaf->va &= ~amd_ones(leaf->size_log2);
    leaf->out = leaf->word & AMD_ADDRESS & ~amd_ones(leaf->size_log2);
    return true;
}
