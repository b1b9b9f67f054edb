/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <uiommu/bits.h>

static uint64_t naive_mask(uint32_t high, uint32_t low)
{
    uint64_t mask = 0;
    uint32_t k;

    for (k = low; k <= high; k++)
        mask |= UINT64_C(1) << k;
    return mask;
}

Test(bits, every_field)
{
    static const uint64_t words[] = {0, UINT64_MAX, UINT64_C(0x0123456789abcdef),
                                     UINT64_C(0xa5a5a5a55a5a5a5a)};
    uint32_t high, low, k;

    for (low = 0; low < 64; low++) {
        for (high = low; high < 64; high++) {
            uint32_t field = UIOMMU_FIELD(high, low);
            uint64_t mask = naive_mask(high, low);

            if (uiommu_bits_mask(field) != mask)
                cr_assert_fail("mask %u:%u", high, low);
            for (k = 0; k < 4; k++) {
                uint64_t value = words[3 - k], put = uiommu_bits_put(words[k], field, value);

                if ((put & ~mask) != (words[k] & ~mask))
                    cr_assert_fail("put %u:%u touches others", high, low);
                if (uiommu_bits_get(put, field) != (value & (mask >> low)))
                    cr_assert_fail("get %u:%u", high, low);
                if (uiommu_bits_make(field, value) != (put & mask))
                    cr_assert_fail("make %u:%u", high, low);
            }
        }
    }
}

Test(bits, length)
{
    uint32_t k;

    cr_assert_eq(uiommu_bits_length(0), 0);
    cr_assert_eq(uiommu_bits_length_plain(0), 0);
    for (k = 0; k < 64; k++) {
        cr_assert_eq(uiommu_bits_length(UINT64_C(1) << k), k + 1);
        cr_assert_eq(uiommu_bits_length(UINT64_MAX >> k), 64 - k);
        cr_assert_eq(uiommu_bits_length_plain(UINT64_MAX >> k), 64 - k);
        cr_assert_eq(uiommu_bits_length((UINT64_C(1) << k) | 1), k + 1);
    }
}

Test(bits, add)
{
    uint64_t sum;

    cr_assert(uiommu_bits_add(1, 2, &sum));
    cr_assert_eq(sum, 3);
    cr_assert(uiommu_bits_add(UINT64_MAX, 0, &sum));
    cr_assert_eq(sum, UINT64_MAX);
    cr_assert_not(uiommu_bits_add(UINT64_MAX, 1, &sum));
    cr_assert_not(uiommu_bits_add(UINT64_C(1) << 63, UINT64_C(1) << 63, &sum));
}

Test(bits, little_endian_words)
{
    uint64_t word = 0;
    unsigned char bytes[8];
    uint32_t k;

    uiommu_bits_store64(&word, UINT64_C(0x0807060504030201));
    memcpy(bytes, &word, 8);
    for (k = 0; k < 8; k++)
        cr_assert_eq(bytes[k], k + 1);
    cr_assert_eq(uiommu_bits_load64(&word), UINT64_C(0x0807060504030201));
    uiommu_bits_publish64(&word, UINT64_C(0xfedcba9876543210));
    cr_assert_eq(uiommu_bits_load64(&word), UINT64_C(0xfedcba9876543210));
    uiommu_bits_retract64(&word, UINT64_C(0x1122334455667788));
    cr_assert_eq(uiommu_bits_load64(&word), UINT64_C(0x1122334455667788));
    cr_assert_eq(uiommu_bits_swap64(uiommu_bits_swap64(UINT64_C(0x0123456789abcdef))),
                 UINT64_C(0x0123456789abcdef));
    cr_assert_eq(uiommu_bits_swap32(uiommu_bits_swap32(0x01234567u)), 0x01234567u);
}
