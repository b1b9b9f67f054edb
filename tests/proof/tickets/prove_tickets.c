/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which commands of a ring are completions, and which of these prove nothing (R15): a command more,
 * commands that failed, all that is under way dropped; from any state of a ring of 8.
 */
#include "../prove.h"

#include <core/tickets.c>

#define LOG2 3u
#define SIZE (1u << LOG2)

static struct uiommu_tickets t;
static uint32_t word;
static uint64_t first, last; /* what was called failed */
static uint32_t calls;

void uiommu_failed_add(struct uiommu_failed *f, uint64_t from, uint64_t to)
{
    PROVE(f == &t.failed && from <= to);
    first = from;
    last = to;
    calls++;
}

bool uiommu_failed_valid(const struct uiommu_failed *f)
{
    return f == &t.failed;
}

static bool is_failed(uint64_t ticket)
{
    return calls == 1 && first <= ticket && ticket <= last;
}

static void put(uint64_t position)
{
    bool completion = nondet_bool(), uncovered = t.uncovered, was;
    uint32_t other = nondet_u32() % SIZE;

    was = (word >> other & 1) != 0;
    uiommu_tickets_put(&t, position, completion);
    PROVE(uiommu_tickets_at(&t, position) == completion);
    PROVE(other == position % SIZE || (word >> other & 1) == was);
    PROVE(calls == (completion && uncovered));
    PROVE(calls == 0 || (first == position + 1 && last == first));
    PROVE(t.uncovered == (uncovered && !completion));
}

/* From where a command failed; nothing in front of it does. */
static void fail(uint64_t position, uint64_t head)
{
    uint64_t at;

    uiommu_tickets_fail(&t, position, head);
    for (at = position; at < head && !uiommu_tickets_at(&t, at); at++)
        ;
    PROVE(at < head ? is_failed(at + 1) && first == last : calls == 0 && t.uncovered);
    if (at < head)
        return;
    uiommu_tickets_put(&t, head, true); /* the next one answers for it */
    PROVE(is_failed(head + 1) && !t.uncovered);
}

static void drop(uint64_t done, uint64_t head)
{
    uint64_t at = nondet_u64();

    uiommu_tickets_drop(&t, done, head);
    PROVE(!t.uncovered && word == 0);
    PROVE(at <= done || at > head || is_failed(at));
    PROVE(calls == 0 || (first > done && last <= head));
}

void prove(void)
{
    uint64_t position = nondet_u64(), head = nondet_u64();
    uint32_t what = nondet_u32();

    ASSUME(position < UINT64_MAX / 2 && head >= position && head - position <= SIZE);
    word = nondet_u8();
    t.slots = &word;
    t.log2 = LOG2;
    t.uncovered = nondet_bool();
    if (what == 0)
        put(position);
    else if (what == 1)
        fail(position, head);
    else
        drop(position, head);
    PROVE(uiommu_tickets_valid(&t));
}
