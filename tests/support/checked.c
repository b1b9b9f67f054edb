/* SPDX-License-Identifier: BSD-2-Clause */
#include "checked.h"

#include <stdio.h>
#include <stdlib.h>

unsigned char uiommu_test_guard_off[UIOMMU_GUARD_END];

void (*checked_broken)(const char *invariant, const char *file, int line);

void uiommu_test_broken(const char *invariant, const char *file, int line)
{
    if (checked_broken != NULL) {
        checked_broken(invariant, file, line);
        return;
    }
    fprintf(stderr, "%s:%d: broken: %s\n", file, line, invariant);
    abort();
}
