/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_CORE_CHECK_H
#define UIOMMU_CORE_CHECK_H
/*
 * Guards that tests can switch off, and assertions of the invariants that test builds check.
 * In the installed library a guard is the constant true and an assertion is nothing.
 */
#include <uiommu/env.h>

/* What each guard keeps: docs/conformance.md says which test fails without it. */
enum uiommu_guard {
    UIOMMU_GUARD_D1_CLOSE,     /* close the gate */
    UIOMMU_GUARD_D1_WAIT,      /* wait for groups that a handler has */
    UIOMMU_GUARD_D2_CLEAR,     /* make the entry invalid */
    UIOMMU_GUARD_D2_CONFIG,    /* invalidate configuration caches */
    UIOMMU_GUARD_D2_TLB,       /* invalidate the IOTLB */
    UIOMMU_GUARD_D2_DEVICE,    /* invalidate the device TLB */
    UIOMMU_GUARD_D3,           /* request barrier */
    UIOMMU_GUARD_D3_TWICE,     /* second barrier after the settle time */
    UIOMMU_GUARD_D4,           /* consume to the snapshot */
    UIOMMU_GUARD_D5,           /* purge partials */
    UIOMMU_GUARD_D6,           /* nothing in flight */
    UIOMMU_GUARD_REST,         /* quarantine before the number is free */
    UIOMMU_GUARD_LIFE,         /* R2: positions decide about lives */
    UIOMMU_GUARD_I3_TOKEN,     /* a group is answered once */
    UIOMMU_GUARD_I3_LAST,      /* no answer without Last */
    UIOMMU_GUARD_I3_MARKER,    /* no answer to a Stop Marker */
    UIOMMU_GUARD_I5_KEY,       /* PASID is part of the key */
    UIOMMU_GUARD_I5_IN_FLIGHT, /* an index in flight is not taken again */
    UIOMMU_GUARD_I9_LEDGER,    /* grants never exceed the queue */
    UIOMMU_GUARD_I9_CREDITS,   /* requests beyond the grant are refused */
    UIOMMU_GUARD_I11_PARTIALS, /* overflow kills partials */
    UIOMMU_GUARD_I11_RESTART,  /* overflow repeats D3 */
    UIOMMU_GUARD_I19_TOKEN,    /* nothing is sent for a group of before a reset */
    UIOMMU_GUARD_I19_RING,     /* entries of before a reset are dropped */
    UIOMMU_GUARD_I20_ORDER,    /* IOTLB before device TLB */
    UIOMMU_GUARD_EXIT_DEAD,    /* answers of a dead space are INVALID */
    UIOMMU_GUARD_R4_STOP,      /* an unconfirmed stop is withheld */
    UIOMMU_GUARD_END
};

#ifdef UIOMMU_TEST_GUARDS
/* Defined by the test program: nonzero switches the guard off. */
extern unsigned char uiommu_test_guard_off[UIOMMU_GUARD_END];
static inline bool uiommu_guard(enum uiommu_guard guard)
{
    return uiommu_test_guard_off[guard] == 0;
}
#else
/* A macro: no branch is made of it, even without optimization. */
#define uiommu_guard(guard) true
#endif

#ifdef UIOMMU_TEST_ASSERTS
/* Defined by the test program: an invariant of the core does not hold. */
void uiommu_test_broken(const char *invariant, const char *file, int line);
#define UIOMMU_ASSERT(invariant, cond)                                                             \
    ((cond) ? (void)0 : uiommu_test_broken(invariant, __FILE__, __LINE__))
#else
#define UIOMMU_ASSERT(invariant, cond) ((void)0)
#endif

#endif
