/* SPDX-License-Identifier: BSD-2-Clause */
#include "bench.h"

/* The benches of the backends that were chosen: the columns of the matrix. */
const struct bench_vendor *const bench_vendors[] = {
#ifdef BENCH_SMMUV3
    &bench_smmuv3,
#endif
#ifdef BENCH_AMD
    &bench_amd,
#endif
#ifdef BENCH_VTD
    &bench_vtd,
#endif
};
const uint32_t bench_vendor_count = sizeof(bench_vendors) / sizeof(bench_vendors[0]);
