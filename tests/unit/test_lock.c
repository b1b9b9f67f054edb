/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "../../core/core.h"
#include "../support/fake_host.h"

Test(lock, saves_interrupts)
{
    struct uiommu_lock outer = {{0}}, inner = {{0}};
    struct fake_host host;
    struct uiommu *u;
    uintptr_t a, b;
    uint32_t before;

    fake_host_init(&host);
    u = fake_host_create(&host);
    before = host.irq_saves;
    a = uiommu_lock_take(u, &outer);
    cr_assert_eq(host.irq_depth, 1);
    cr_assert_eq(outer.word.v, 1);
    b = uiommu_lock_take(u, &inner);
    cr_assert_eq(host.irq_depth, 2);
    uiommu_lock_give(u, &inner, b);
    uiommu_lock_give(u, &outer, a);
    cr_assert_eq(outer.word.v, 0);
    cr_assert_eq(host.irq_saves, before + 2);
    cr_assert(fake_host_destroy(&host, u));
}

Test(lock, without_interrupts)
{
    struct uiommu_lock lock = {{0}};
    struct fake_host host;
    struct uiommu *u;
    uintptr_t state;

    fake_host_init(&host);
    fake_host_bare(&host);
    u = fake_host_create(&host);
    state = uiommu_lock_take(u, &lock);
    cr_assert_eq(lock.word.v, 1);
    uiommu_lock_give(u, &lock, state);
    cr_assert_eq(lock.word.v, 0);
    cr_assert(fake_host_destroy(&host, u));
}

Test(control, free_word_needs_no_clock)
{
    struct uiommu_word word = {0};
    struct fake_host host;
    struct uiommu *u;

    fake_host_init(&host);
    u = fake_host_create(&host);
    host.tick_ns = 1;
    cr_assert(uiommu_control_take(u, &word, 0));
    cr_assert_eq(host.now_ns, 0);
    cr_assert_not(uiommu_control_take(u, &word, 0));
    uiommu_control_give(u, &word);
    cr_assert_eq(word.v, 0);
    cr_assert_eq(host.wakes, 0);
    cr_assert(fake_host_destroy(&host, u));
}

Test(control, deadline)
{
    struct uiommu_word word = {0};
    struct fake_host host;
    struct uiommu *u;
    uint32_t bare;

    for (bare = 0; bare < 2; bare++) {
        fake_host_init(&host);
        if (bare != 0)
            fake_host_bare(&host);
        u = fake_host_create(&host);
        host.tick_ns = 10;
        host.now_ns = 5000;
        word.v = 0;
        cr_assert(uiommu_control_take(u, &word, 1000));
        cr_assert_not(uiommu_control_take(u, &word, 1000));
        cr_assert_geq(host.now_ns, 6000);
        cr_assert_lt(host.now_ns, 6100);
        cr_assert_eq(host.waits, bare != 0 ? 0 : 1);
        /* The one who gave up counts as a waiter: one wake too many, never one too few. */
        uiommu_control_give(u, &word);
        cr_assert_eq(word.v, 0);
        cr_assert_eq(host.wakes, bare != 0 ? 0 : 1);
        /* A deadline beyond the end of the clock saturates. */
        host.now_ns = UINT64_MAX - 50;
        host.tick_ns = 20;
        cr_assert(uiommu_control_take(u, &word, UINT64_MAX));
        host.tick_ns = 0;
        uiommu_control_give(u, &word);
        cr_assert(fake_host_destroy(&host, u));
    }
}

static void give_on_second(struct fake_host *host, const struct uiommu_word *word)
{
    if (host->waits == 2)
        uiommu_word_store((struct uiommu_word *)(uintptr_t)word, 0);
}

/* The host may come back early for no reason. */
Test(control, waits_again)
{
    struct uiommu_word word = {0};
    struct fake_host host;
    struct uiommu *u;

    fake_host_init(&host);
    u = fake_host_create(&host);
    host.on_wait = give_on_second;
    cr_assert(uiommu_control_take(u, &word, 1000));
    cr_assert(uiommu_control_take(u, &word, 1000));
    cr_assert_eq(host.waits, 2);
    cr_assert_eq(word.v, 2);
    uiommu_control_give(u, &word);
    cr_assert_eq(host.wakes, 1);
    cr_assert_eq(host.woken, &word);
    cr_assert(fake_host_destroy(&host, u));
}
