/* SPDX-License-Identifier: BSD-2-Clause */
#include "mutation.h"

#include <stdio.h>
#include <stdlib.h>

/* What of the library was reached, from clang's -fsanitize-coverage; and which mutant is on. */

void __sanitizer_cov_trace_pc_guard_init(uint32_t *start, uint32_t *stop);
void __sanitizer_cov_trace_pc_guard(uint32_t *guard);
void __sanitizer_cov_pcs_init(const uintptr_t *begin, const uintptr_t *end);

static uint8_t own[MUTATION_PLACES];
static uint32_t blocks;
static const uintptr_t *addresses;

int mutation_now;
uint8_t *mutation_seen = own;

__attribute__((constructor)) static void choose(void)
{
    const char *number = getenv("MUTANT");

    if (number != NULL)
        mutation_now = atoi(number);
}

void __sanitizer_cov_trace_pc_guard_init(uint32_t *start, uint32_t *stop)
{
    uint32_t *guard;

    if (start == stop || *start != 0) {
        return;
    }
    for (guard = start; guard < stop && blocks < MUTATION_PLACES - 1; guard++) {
        *guard = ++blocks;
    }
}

void __sanitizer_cov_trace_pc_guard(uint32_t *guard)
{
    if (*guard != 0) {
        mutation_seen[*guard - 1] = 1;
    }
}

/* Each block has its address and its flags; the order is that of the guards. */
void __sanitizer_cov_pcs_init(const uintptr_t *begin, const uintptr_t *end)
{
    (void)end;
    addresses = begin;
}

void mutation_cover_list(void)
{
    uint32_t i;

    for (i = 0; i < blocks; i++) {
        printf("block %lu\n", (unsigned long)addresses[2 * i]);
    }
}
