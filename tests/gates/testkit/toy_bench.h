/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOY_BENCH_H
#define TOY_BENCH_H
/* What the conformance suite needs of a toy. */
#include "bench.h"

extern const struct bench_vendor toy_vendor;

#endif
