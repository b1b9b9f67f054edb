/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_PROVE_H
#define UIOMMU_PROVE_H
/* What proofs for CBMC share: any value at all, what is taken for granted, what is shown. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool nondet_bool(void);
uint8_t nondet_u8(void);
uint16_t nondet_u16(void);
uint32_t nondet_u32(void);
uint64_t nondet_u64(void);

void __CPROVER_assume(_Bool cond);
void __CPROVER_assert(_Bool cond, const char *text);

#define ASSUME(cond) __CPROVER_assume(cond)
#define PROVE(cond)  __CPROVER_assert((cond), #cond)

/* Bits high to low of a word, as a sheet numbers them. */
static inline uint64_t sheet_bits(uint64_t word, unsigned high, unsigned low)
{
    return high - low == 63 ? word : (word >> low) & ((UINT64_C(1) << (high - low + 1)) - 1);
}

#endif
