/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

/* What is done under a lock is short, and shorter still where its cache lines are: those who wait
 * look seldom, so that whoever works gets on. */
#define PAUSES 32u

void uiommu_lock_wait(struct uiommu_lock *lock)
{
    uint32_t length = 1, seen, i;

    do {
        for (i = 0; i < length; i++)
            uiommu_pause();
        length = length < PAUSES ? 2 * length : PAUSES;
        seen = uiommu_word_peek(&lock->word);
    } while (seen != 0 || !uiommu_word_cas(&lock->word, &seen, 1));
}

/*
 * A control word: 0 free, 1 held, 2 held and perhaps waited for. Whoever has waited leaves 2
 * behind, since others may wait beside him; the cost is one wake too many.
 */
bool uiommu_control_take(struct uiommu *u, struct uiommu_word *word, uint64_t ns)
{
    uint32_t seen = 0;
    uint64_t deadline;

    if (uiommu_word_cas(word, &seen, 1))
        return true;
    if (ns == 0)
        return false;
    deadline = uiommu_after(uiommu_now(u), ns);
    for (;;) {
        if (uiommu_word_swap(word, 2) == 0)
            return true;
        if (uiommu_now(u) >= deadline)
            return false;
        if (u->host.wait != NULL)
            u->host.wait(u->host.ctx, word, 2, deadline);
        else
            uiommu_pause();
    }
}

void uiommu_control_give(struct uiommu *u, struct uiommu_word *word)
{
    uint32_t was = uiommu_word_swap(word, 0);

    UIOMMU_ASSERT("a control word given was held", was != 0);
    if (was == 2 && u->host.wake != NULL)
        u->host.wake(u->host.ctx, word);
}
