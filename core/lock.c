/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

/* A spin lock: 0 free, 1 held. Interrupts stay saved while it is held. */
uintptr_t uiommu_lock_take(const struct uiommu *u, struct uiommu_lock *lock)
{
    uintptr_t state = u->host.irq_save(u->host.ctx);
    uint32_t seen = 0;

    while (!uiommu_word_cas(&lock->word, &seen, 1)) {
        while (uiommu_word_peek(&lock->word) != 0)
            uiommu_pause();
        seen = 0;
    }
    return state;
}

void uiommu_lock_give(const struct uiommu *u, struct uiommu_lock *lock, uintptr_t state)
{
    UIOMMU_ASSERT("a lock given was held", uiommu_word_peek(&lock->word) == 1);
    uiommu_word_store(&lock->word, 0);
    u->host.irq_restore(u->host.ctx, state);
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
