/* SPDX-License-Identifier: BSD-2-Clause */
/* Fields of words, lengths and the checked sum, for every field and every word. */
#include "../prove.h"

#include <uiommu/bits.h>

static void field(uint32_t high, uint32_t low, uint64_t word, uint64_t value, uint32_t bit)
{
    uint32_t f = UIOMMU_FIELD(high, low);
    uint64_t put = uiommu_bits_put(word, f, value);
    bool inside = bit >= low && bit <= high;

    PROVE(((uiommu_bits_mask(f) >> bit) & 1) == inside);
    PROVE(uiommu_bits_get(word, f) == sheet_bits(word, high, low));
    PROVE(uiommu_bits_get(put, f) == sheet_bits(value, high - low, 0));
    PROVE(inside || ((put ^ word) >> bit & 1) == 0);
    PROVE((uiommu_bits_make(f, value) & ~uiommu_bits_mask(f)) == 0);
}

void prove(void)
{
    uint32_t high = nondet_u32(), low = nondet_u32(), bit = nondet_u32(), length;
    uint64_t word = nondet_u64(), other = nondet_u64(), total = 0;
    bool fits;

    ASSUME(low <= high);
    ASSUME(high <= 63);
    ASSUME(bit <= 63);
    field(high, low, word, nondet_u64(), bit);
    length = uiommu_bits_length(word);
    PROVE(length == uiommu_bits_length_plain(word));
    PROVE(length <= 64);
    PROVE((length == 0) == (word == 0));
    PROVE(length == 0 || word >> (length - 1) == 1);
    fits = uiommu_bits_add(word, other, &total);
    PROVE(fits == (other <= UINT64_MAX - word));
    PROVE(!fits || total - word == other);
    PROVE(uiommu_bits_swap64(uiommu_bits_swap64(word)) == word);
}
