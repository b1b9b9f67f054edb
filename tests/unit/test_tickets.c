/* SPDX-License-Identifier: BSD-2-Clause */
/* What backends share: completions in a command ring, and memory for hardware. */
#include "../support/fake_host.h"

#include <uiommu/backend.h>

#include <criterion/criterion.h>

static uint32_t slots[2];
static struct uiommu_tickets t;

static void begin(void)
{
    memset(&t, 0, sizeof(t));
    memset(slots, 0, sizeof(slots));
    t.slots = slots;
    t.log2 = 6;
}

TestSuite(tickets, .init = begin);

Test(tickets, size)
{
    cr_assert_eq(uiommu_tickets_bytes(0), 4);
    cr_assert_eq(uiommu_tickets_bytes(5), 4);
    cr_assert_eq(uiommu_tickets_bytes(6), 8);
    cr_assert_eq(uiommu_tickets_bytes(19), 65536);
}

Test(tickets, a_slot_is_what_was_put_last)
{
    uiommu_tickets_put(&t, 0, false);
    uiommu_tickets_put(&t, 1, true);
    uiommu_tickets_put(&t, 63, true);
    cr_assert_not(uiommu_tickets_at(&t, 0));
    cr_assert(uiommu_tickets_at(&t, 1));
    cr_assert(uiommu_tickets_at(&t, 63));
    uiommu_tickets_put(&t, 64, true);
    uiommu_tickets_put(&t, 65, false);
    cr_assert(uiommu_tickets_at(&t, 64));
    cr_assert_not(uiommu_tickets_at(&t, 65));
    cr_assert_eq(slots[0], 1);
}

Test(tickets, the_first_one_behind_a_command_covers_it)
{
    uint64_t p;

    for (p = 60; p < 70; p++) /* completions at 62, 66 */
        uiommu_tickets_put(&t, p, p == 62 || p == 66);
    uiommu_tickets_fail(&t, 60, 70);
    cr_assert(uiommu_failed_has(&t.failed, 63));
    cr_assert_not(uiommu_failed_has(&t.failed, 67));
    uiommu_tickets_fail(&t, 66, 70); /* a completion covers itself */
    cr_assert(uiommu_failed_has(&t.failed, 67));
    cr_assert_not(t.uncovered);
}

Test(tickets, what_no_one_covers_the_next_one_takes_on)
{
    uiommu_tickets_put(&t, 10, false);
    uiommu_tickets_put(&t, 11, false);
    uiommu_tickets_fail(&t, 10, 12);
    cr_assert(t.uncovered);
    uiommu_tickets_put(&t, 12, false);
    cr_assert(t.uncovered);
    uiommu_tickets_put(&t, 13, true);
    uiommu_tickets_put(&t, 14, true);
    cr_assert_not(uiommu_failed_has(&t.failed, 13));
    cr_assert(uiommu_failed_has(&t.failed, 14));
    cr_assert_not(uiommu_failed_has(&t.failed, 15));
}

/* R15: the failed command's ticket, and neither its neighbours' nor one beyond the head. */
Test(tickets, no_other_one_fails)
{
    uiommu_tickets_put(&t, 10, true);
    uiommu_tickets_put(&t, 14, true);
    uiommu_tickets_fail(&t, 8, 14);
    cr_assert(uiommu_failed_has(&t.failed, 11));
    cr_assert_not(uiommu_failed_has(&t.failed, 10));
    cr_assert_not(uiommu_failed_has(&t.failed, 12));
    uiommu_tickets_fail(&t, 12, 14);
    cr_assert_not(uiommu_failed_has(&t.failed, 15), "it is not in the ring yet");
    cr_assert(t.uncovered);
}

Test(tickets, nothing_to_drop)
{
    uint32_t p;

    uiommu_tickets_put(&t, 3, true);
    uiommu_tickets_drop(&t, 5, 5);
    cr_assert_eq(t.failed.count, 0);
    for (p = 0; p < 64; p++)
        cr_assert_not(uiommu_tickets_at(&t, p));
}

Test(tickets, valid)
{
    cr_assert(uiommu_tickets_valid(&t));
    t.log2 = 31;
    cr_assert(uiommu_tickets_valid(&t));
    t.log2 = 32;
    cr_assert_not(uiommu_tickets_valid(&t));
    t.log2 = 6;
    t.failed.count = UINT32_MAX;
    cr_assert_not(uiommu_tickets_valid(&t));
    t.failed.count = 0;
    t.slots = NULL;
    cr_assert_not(uiommu_tickets_valid(&t));
}

Test(tickets, an_emptied_ring_proves_nothing)
{
    uiommu_tickets_put(&t, 4, true);
    uiommu_tickets_put(&t, 5, true);
    t.uncovered = true;
    uiommu_tickets_drop(&t, 5, 6);
    cr_assert_not(uiommu_failed_has(&t.failed, 5));
    cr_assert(uiommu_failed_has(&t.failed, 6));
    cr_assert_not(uiommu_tickets_at(&t, 4));
    uiommu_tickets_put(&t, 64, true);
    cr_assert_not(uiommu_failed_has(&t.failed, 65));
    t.slots = NULL; /* before the ring has memory */
    uiommu_tickets_drop(&t, 65, 65);
    cr_assert_not(uiommu_failed_has(&t.failed, 66));
}

static uiommu_err crooked(void *ctx, uint64_t bytes, uint64_t align, uint64_t limit,
                          struct uiommu_mem *out)
{
    static uint64_t page[512];
    const uint64_t *bus = ctx;

    (void)align;
    (void)limit;
    out->cpu = page;
    out->bus = *bus;
    out->bytes = bytes;
    return UIOMMU_OK;
}

static uint32_t puts_seen;

static void count_put(void *ctx, const struct uiommu_mem *mem)
{
    (void)ctx;
    (void)mem;
    puts_seen++;
}

static uiommu_err get_at(uint64_t bus, uint64_t limit, struct uiommu_mem *mem)
{
    struct uiommu_host_ops host;

    memset(&host, 0, sizeof(host));
    memset(mem, 0, sizeof(*mem));
    host.ctx = &bus;
    host.mem_get = crooked;
    host.mem_put = count_put;
    return uiommu_mem_get(&host, 4096, 4096, limit, mem);
}

Test(hwmem, the_hosts_word_is_checked)
{
    struct uiommu_mem mem;

    cr_assert_eq(get_at(0x7000, 0x7fff, &mem), UIOMMU_OK);
    cr_assert_eq(mem.bus, 0x7000);
    cr_assert_eq(puts_seen, 0);
    cr_assert_eq(get_at(0x7000, 0x7ffe, &mem), UIOMMU_E_NOMEM); /* its last byte */
    cr_assert_eq(get_at(0x8000, 0x7fff, &mem), UIOMMU_E_NOMEM);
    cr_assert_eq(get_at(0x7010, UINT64_MAX, &mem), UIOMMU_E_NOMEM);
    cr_assert_null(mem.cpu);
    cr_assert_eq(puts_seen, 3);
}

Test(hwmem, what_is_there_stays)
{
    struct fake_host host;
    struct uiommu_mem mem = {NULL, 0, 0};
    void *cpu;

    fake_host_init(&host);
    cr_assert_eq(uiommu_mem_get(&host.ops, 64, 64, UINT64_MAX, &mem), UIOMMU_OK);
    cpu = mem.cpu;
    cr_assert_eq(uiommu_mem_get(&host.ops, 64, 64, UINT64_MAX, &mem), UIOMMU_OK);
    cr_assert_eq(mem.cpu, cpu);
    cr_assert_eq(host.live, 1);
    uiommu_mem_put(&host.ops, &mem);
    cr_assert_null(mem.cpu);
    uiommu_mem_put(&host.ops, &mem);
    cr_assert(fake_host_clean(&host));
    host.fail_at = host.gets + 1;
    cr_assert_eq(uiommu_mem_get(&host.ops, 64, 64, UINT64_MAX, &mem), UIOMMU_E_NOMEM);
}
