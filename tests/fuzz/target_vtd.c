/* SPDX-License-Identifier: BSD-2-Clause */
#include "fuzz_life.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_hostile(&fuzz_vtd, data, size);
}
