/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_BITS_H
#define UIOMMU_BITS_H
/**
 * @file
 * Fields of hardware words, and little-endian words in memory. For backends and table writers.
 */
#include "env.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A field of a 64-bit word, from its highest and lowest bit, both inclusive. A constant. */
#define UIOMMU_FIELD(high, low) (((uint32_t)(high) << 8) | (uint32_t)(low))

/** The bits of a field, in place. Any context. */
static inline uint64_t uiommu_bits_mask(uint32_t field)
{
    uint32_t high = field >> 8, low = field & 0xffu;

    return (~UINT64_C(0) >> (63u - (high - low))) << low;
}
/** The value of a field. Any context. */
static inline uint64_t uiommu_bits_get(uint64_t word, uint32_t field)
{
    return (word & uiommu_bits_mask(field)) >> (field & 0xffu);
}
/** The word with the field replaced; a value too wide is cut. Any context. */
static inline uint64_t uiommu_bits_put(uint64_t word, uint32_t field, uint64_t value)
{
    uint64_t mask = uiommu_bits_mask(field);

    return (word & ~mask) | ((value << (field & 0xffu)) & mask);
}
/** Just the field, all else 0. Any context. */
static inline uint64_t uiommu_bits_make(uint32_t field, uint64_t value)
{
    return uiommu_bits_put(0, field, value);
}

/** Between host order and little endian; its own inverse. Any context. */
static inline uint64_t uiommu_bits_swap64(uint64_t v)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = ((v & UINT64_C(0x00ff00ff00ff00ff)) << 8) | ((v >> 8) & UINT64_C(0x00ff00ff00ff00ff));
    v = ((v & UINT64_C(0x0000ffff0000ffff)) << 16) | ((v >> 16) & UINT64_C(0x0000ffff0000ffff));
    return (v << 32) | (v >> 32);
#else
    return v;
#endif
}
/** As uiommu_bits_swap64() for 32 bits. Any context. */
static inline uint32_t uiommu_bits_swap32(uint32_t v)
{
    return (uint32_t)(uiommu_bits_swap64(v) >> (uiommu_bits_swap64(1) == 1 ? 0 : 32));
}

/** Load a little-endian word that a device writes. Not atomic on 32-bit hosts. Any context. */
static inline uint64_t uiommu_bits_load64(const volatile uint64_t *p)
{
    return uiommu_bits_swap64(*p);
}
/** Store a little-endian word that a device reads, in any order of its halves. Any context. */
static inline void uiommu_bits_store64(volatile uint64_t *p, uint64_t v)
{
    *p = uiommu_bits_swap64(v);
}
/** Store a word whose low half holds the valid bit: on 32-bit hosts the high half goes first,
 * with a barrier between, so that a device never sees valid with an old high half. Any context. */
static inline void uiommu_bits_publish64(volatile uint64_t *p, uint64_t v)
{
#if UINTPTR_MAX > 0xffffffffu
    uiommu_bits_store64(p, v);
#else
    volatile uint32_t *half = (volatile uint32_t *)p;

    half[1] = uiommu_bits_swap32((uint32_t)(v >> 32));
    uiommu_fence_dma_store();
    half[0] = uiommu_bits_swap32((uint32_t)v);
#endif
}
/** As uiommu_bits_publish64() for clearing the valid bit: the low half goes first. Any context. */
static inline void uiommu_bits_retract64(volatile uint64_t *p, uint64_t v)
{
#if UINTPTR_MAX > 0xffffffffu
    uiommu_bits_store64(p, v);
#else
    volatile uint32_t *half = (volatile uint32_t *)p;

    half[0] = uiommu_bits_swap32((uint32_t)v);
    uiommu_fence_dma_store();
    half[1] = uiommu_bits_swap32((uint32_t)(v >> 32));
#endif
}

/** Number of the highest set bit plus 1; 0 for 0. No builtin, no table. Any context. */
static inline uint32_t uiommu_bits_length_plain(uint64_t v)
{
    uint32_t n = 0, step;

    for (step = 32; step != 0; step >>= 1) {
        if ((v >> step) != 0) {
            v >>= step;
            n += step;
        }
    }
    return n + (v != 0);
}
/** The same, by one instruction where the processor is known to have it. Any context. */
static inline uint32_t uiommu_bits_length(uint64_t v)
{
#if defined(__GNUC__) && (defined(__x86_64__) || defined(__aarch64__))
    return v == 0 ? 0 : 64u - (uint32_t)__builtin_clzll(v);
#else
    return uiommu_bits_length_plain(v);
#endif
}
/** *@p sum = @p a + @p b. @return false if that wraps. Any context. */
static inline bool uiommu_bits_add(uint64_t a, uint64_t b, uint64_t *sum)
{
    *sum = a + b;
    return *sum >= a;
}

#ifdef __cplusplus
}
#endif
#endif
