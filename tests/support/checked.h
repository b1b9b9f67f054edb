/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_TESTS_CHECKED_H
#define UIOMMU_TESTS_CHECKED_H
/*
 * What a program defines that is linked with the checked core: see core/check.h. Guards are all
 * on at first; a broken invariant is printed and aborts, unless the program wants it told.
 */
#ifndef UIOMMU_TEST_GUARDS
#define UIOMMU_TEST_GUARDS
#endif
#ifndef UIOMMU_TEST_ASSERTS
#define UIOMMU_TEST_ASSERTS
#endif
#include "../../core/check.h"

/* NULL, or called instead of printing and aborting; may return. */
extern void (*checked_broken)(const char *invariant, const char *file, int line);

#endif
