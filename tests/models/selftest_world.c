/* SPDX-License-Identifier: BSD-2-Clause */
#include "selftest_support.h"

#define PAGE UINT64_C(0x1000)

extern const struct model_selftest model_selftests_world[];
extern const unsigned model_selftest_count_world;

/* ---- clock ---- */

struct trace {
    struct selftest_room *room;
    uint64_t token[8];
    uint64_t when[8];
    uint32_t count;
};

static void note(void *arg, uint64_t token)
{
    struct trace *trace = arg;

    if (trace->count < 8) {
        trace->token[trace->count] = token;
        trace->when[trace->count] = model_now(trace->room->world);
    }
    trace->count++;
}

static const char *work_runs_in_time_order(void *memory, size_t bytes)
{
    struct selftest_room room;
    struct trace trace = {.room = &room};

    if (!selftest_begin(&room, memory, bytes, 1, true)) {
        return room.why;
    }
    model_schedule(room.world, 300, note, &trace, 3);
    model_schedule(room.world, 100, note, &trace, 1);
    model_schedule(room.world, 200, note, &trace, 2);
    model_advance(room.world, 99);
    selftest_expect(&room, trace.count == 0, "nothing runs before its time");
    model_advance(room.world, 1);
    selftest_expect(&room, trace.count == 1 && trace.token[0] == 1, "the earliest runs when due");
    model_advance(room.world, 1000);
    selftest_expect(&room, trace.count == 3 && trace.token[1] == 2 && trace.token[2] == 3,
                    "the others run in time order");
    selftest_expect(&room, trace.when[1] == 200 && trace.when[2] == 300,
                    "work sees the time at which it was due");
    selftest_expect(&room, model_now(room.world) == 1100, "the clock ends where it was sent");
    return selftest_end(&room);
}

static const char *equal_times_keep_the_order_of_the_calls(void *memory, size_t bytes)
{
    struct selftest_room room;
    struct trace trace = {.room = &room};
    uint64_t i;

    if (!selftest_begin(&room, memory, bytes, 1, true)) {
        return room.why;
    }
    for (i = 0; i < 7; i++) {
        model_schedule(room.world, 50, note, &trace, i);
    }
    model_advance(room.world, 50);
    selftest_expect(&room, trace.count == 7, "all run");
    for (i = 0; i < 7; i++) {
        selftest_expect(&room, trace.token[i] == i, "in the order of the calls");
    }
    return selftest_end(&room);
}

static void look_at_clock(void *arg, uint64_t token)
{
    struct trace *trace = arg;
    uint32_t before = trace->count;

    (void)token;
    model_advance(trace->room->world, 1000);
    selftest_expect(trace->room, trace->count == before, "work does not run inside work");
}

static const char *time_inside_work_only_moves_the_clock(void *memory, size_t bytes)
{
    struct selftest_room room;
    struct trace trace = {.room = &room};

    if (!selftest_begin(&room, memory, bytes, 1, true)) {
        return room.why;
    }
    model_schedule(room.world, 10, look_at_clock, &trace, 0);
    model_schedule(room.world, 500, note, &trace, 1);
    model_advance(room.world, 10);
    selftest_expect(&room, model_now(room.world) == 1010, "the clock moved inside");
    selftest_expect(&room, trace.count == 0, "what became due inside waits");
    model_tick(room.world);
    selftest_expect(&room, trace.count == 1 && trace.when[0] == 1010, "and runs at the next look");
    selftest_expect(&room, model_now(room.world) == 1020, "a look takes one tick");
    return selftest_end(&room);
}

static void again(void *arg, uint64_t token)
{
    struct trace *trace = arg;

    trace->count++;
    model_schedule(trace->room->world, 100, again, arg, token);
}

static const char *settle_ends_in_time(void *memory, size_t bytes)
{
    struct selftest_room room;
    struct trace trace = {.room = &room};

    if (!selftest_begin(&room, memory, bytes, 1, true)) {
        return room.why;
    }
    model_schedule(room.world, 5000, note, &trace, 1);
    selftest_expect(&room, model_settle(room.world, 10000), "settles when nothing is left");
    selftest_expect(&room, trace.count == 1 && model_now(room.world) == 5000, "and not later");
    model_schedule(room.world, 100, again, &trace, 0);
    selftest_expect(&room, !model_settle(room.world, 1000), "says that work is left");
    selftest_expect(&room, trace.count == 11 && model_now(room.world) == 6000, "at the limit");
    return selftest_end(&room);
}

static const char *schedule_says_when_full(void *memory, size_t bytes)
{
    struct selftest_room room;
    struct trace trace = {.room = &room};
    uint32_t i;

    if (!selftest_begin(&room, memory, bytes, 1, true)) {
        return room.why;
    }
    for (i = 0; i < MODEL_WORK_MAX; i++) {
        selftest_expect(&room,
                        model_schedule(room.world, model_choose(room.world, 1000), note, &trace, i),
                        "there is room");
    }
    selftest_expect(&room, !model_schedule(room.world, 1, note, &trace, 0), "full is false");
    selftest_expect(&room, model_settle(room.world, 1000), "all of it runs");
    selftest_expect(&room, trace.count == MODEL_WORK_MAX, "once each");
    return selftest_end(&room);
}

/* ---- choices, reports, memory ---- */

static const char *choices_follow_the_seed(void *memory, size_t bytes)
{
    struct selftest_room room;
    uint64_t first[4];
    uint32_t seen = 0;
    uint32_t i;

    if (!selftest_begin(&room, memory, bytes, 42, true)) {
        return room.why;
    }
    for (i = 0; i < 4; i++) {
        first[i] = model_random(room.world);
    }
    if (!selftest_begin(&room, memory, bytes, 42, true)) {
        return room.why;
    }
    for (i = 0; i < 4; i++) {
        selftest_expect(&room, model_random(room.world) == first[i], "same seed, same choices");
    }
    if (!selftest_begin(&room, memory, bytes, 43, true)) {
        return room.why;
    }
    selftest_expect(&room, model_random(room.world) != first[0], "other seed, other choices");
    for (i = 0; i < 1000; i++) {
        uint32_t chosen = model_choose(room.world, 5);

        selftest_expect(&room, chosen < 5, "choices stay in range");
        seen |= 1u << (chosen & 31);
        selftest_expect(&room, !model_chance(room.world, 0), "0 of 1000 is never");
        selftest_expect(&room, model_chance(room.world, 1000), "1000 of 1000 is always");
    }
    selftest_expect(&room, seen == 0x1F, "each choice comes up");
    return selftest_end(&room);
}

static const char *reports_are_counted(void *memory, size_t bytes)
{
    struct selftest_room room;

    if (!selftest_begin(&room, memory, bytes, 1, true)) {
        return room.why;
    }
    model_report(room.world, "test.rule", "text", 1, 2);
    selftest_expect_report(&room, "test.rule");
    selftest_expect(&room, model_report_count(room.world) == 1, "and counted");
    return selftest_end(&room);
}

static const char *memory_that_does_not_suffice_gives_null(void *memory, size_t bytes)
{
    struct selftest_room room;
    uint8_t *piece;

    memset(memory, 0x77, 4 << 20);
    if (!selftest_begin(&room, memory, bytes, 1, true)) {
        return room.why;
    }
    piece = model_alloc(room.world, 100, 64);
    selftest_expect(&room, piece != NULL && ((uintptr_t)piece & 63) == 0, "aligned");
    selftest_expect(&room, piece != NULL && piece[0] == 0 && piece[99] == 0, "zeroed");
    selftest_expect(&room, model_alloc(room.world, bytes, 1) == NULL, "too much is NULL");
    selftest_begin(&room, memory, 4096, 1, true);
    selftest_expect(&room, room.world == NULL, "no world in 4 KiB");
    selftest_begin(&room, memory, (size_t)SELFTEST_RAM_BYTES, 1, true);
    selftest_expect(&room, room.world == NULL, "no world where RAM has no room");
    room.why = NULL;
    return selftest_end(&room);
}

/* ---- RAM ---- */

static const char *ram_is_zeroed_aligned_and_below_the_limit(void *memory, size_t bytes)
{
    struct selftest_room room;
    uint64_t bus = 0;
    uint64_t live = 0;
    uint8_t *cpu;

    memset(memory, 0x77, 4 << 20);
    if (!selftest_begin(&room, memory, bytes, 1, true)) {
        return room.why;
    }
    cpu = model_ram_get(room.world, 5000, 0x10000, UINT64_MAX, &bus);
    selftest_expect(&room, cpu != NULL && (bus & 0xFFFF) == 0, "aligned on the bus");
    selftest_expect(&room, cpu != NULL && cpu[0] == 0 && cpu[4999] == 0, "zeroed");
    selftest_expect(&room, model_ram_cpu(room.world, bus, 5000) == cpu, "found by its address");
    selftest_expect(&room, model_ram_get(room.world, 64, 64, SELFTEST_RAM_BASE + 62, &bus) == NULL,
                    "nothing lies below the limit");
    selftest_expect(&room, model_ram_live(room.world, &live) == 1 && live == 5000, "live: one");
    selftest_expect(&room,
                    model_ram_get(room.world, SELFTEST_RAM_BYTES, 1, UINT64_MAX, &bus) == NULL,
                    "no more than there is");
    selftest_expect(&room,
                    model_ram_get(room.world, 64, 64, SELFTEST_RAM_BASE + PAGE - 1, &bus) == NULL ||
                        bus == SELFTEST_RAM_BASE,
                    "the last byte is within the limit");
    return selftest_end(&room);
}

static const char *freed_ram_rests_until_nothing_else_is_left(void *memory, size_t bytes)
{
    struct selftest_room room;
    uint64_t first, bus;
    uint32_t pages = (uint32_t)(SELFTEST_RAM_BYTES / PAGE);
    uint32_t i;

    if (!selftest_begin(&room, memory, bytes, 1, true)) {
        return room.why;
    }
    model_ram_get(room.world, PAGE, PAGE, UINT64_MAX, &first);
    model_ram_put(room.world, first, PAGE);
    for (i = 1; i < pages; i++) {
        selftest_expect(&room, model_ram_get(room.world, PAGE, PAGE, UINT64_MAX, &bus) != NULL,
                        "there is other memory");
        selftest_expect(&room, bus != first, "and it is taken first");
    }
    selftest_expect(&room,
                    model_ram_get(room.world, PAGE, PAGE, UINT64_MAX, &bus) != NULL && bus == first,
                    "at last freed memory is given again");
    selftest_expect(&room, model_ram_get(room.world, PAGE, PAGE, UINT64_MAX, &bus) == NULL,
                    "then there is none");
    return selftest_end(&room);
}

static const char *freed_ram_is_not_taken_before_fresh(void *memory, size_t bytes)
{
    struct selftest_room room;
    uint64_t first, bus;

    if (!selftest_begin(&room, memory, bytes, 1, true)) {
        return room.why;
    }
    model_ram_get(room.world, PAGE, PAGE, UINT64_MAX, &first);
    model_ram_put(room.world, first, PAGE);
    model_ram_get(room.world, PAGE, 16 * PAGE, UINT64_MAX, &bus);
    model_ram_get(room.world, PAGE, PAGE, SELFTEST_RAM_BASE + 8 * PAGE, &bus);
    selftest_expect(&room, bus == first + PAGE, "fresh memory is found below the last piece");
    return selftest_end(&room);
}

static const char *freed_ram_is_watched(void *memory, size_t bytes)
{
    struct selftest_room room;
    uint64_t bus, word = 0;
    uint64_t *cpu;

    if (!selftest_begin(&room, memory, bytes, 1, true)) {
        return room.why;
    }
    cpu = model_ram_get(room.world, PAGE, PAGE, UINT64_MAX, &bus);
    selftest_expect(&room, cpu != NULL && model_bus_write64(room.world, bus, 7), "live: no report");
    model_ram_put(room.world, bus, PAGE);
    selftest_expect(&room, model_bus_read64(room.world, bus, &word), "a read succeeds");
    selftest_expect_report(&room, "ram.use-after-free");
    selftest_expect(&room, model_bus_write64(room.world, bus, 9), "a write succeeds");
    selftest_expect_report(&room, "ram.use-after-free");
    model_ram_put(room.world, bus, PAGE);
    selftest_expect_report(&room, "ram.put-twice");
    return selftest_end(&room);
}

static const char *wrong_puts_are_reported(void *memory, size_t bytes)
{
    struct selftest_room room;
    uint64_t bus, live;

    if (!selftest_begin(&room, memory, bytes, 1, true)) {
        return room.why;
    }
    model_ram_get(room.world, 2 * PAGE, PAGE, UINT64_MAX, &bus);
    model_ram_put(room.world, bus, PAGE);
    selftest_expect_report(&room, "ram.put-wrong");
    model_ram_put(room.world, bus + PAGE, PAGE);
    selftest_expect_report(&room, "ram.put-wrong");
    model_ram_put(room.world, bus + 64, 2 * PAGE);
    selftest_expect_report(&room, "ram.put-wrong");
    model_ram_put(room.world, 0x1000, PAGE);
    selftest_expect_report(&room, "ram.put-wrong");
    selftest_expect(&room, model_ram_live(room.world, &live) == 1, "it is still out");
    model_ram_put(room.world, bus, 2 * PAGE);
    selftest_expect(&room, model_ram_live(room.world, &live) == 0 && live == 0, "now it is back");
    return selftest_end(&room);
}

static const char *hardware_keeps_to_what_was_handed_out(void *memory, size_t bytes)
{
    struct selftest_room room;
    uint64_t bus, word = 1;
    uint8_t four[4];

    memset(memory, 0x77, 4 << 20);
    if (!selftest_begin(&room, memory, bytes, 1, true)) {
        return room.why;
    }
    model_ram_get(room.world, 100, 64, UINT64_MAX, &bus);
    selftest_expect(&room, model_bus_read(room.world, bus + 96, four, 4), "inside: no report");
    model_bus_read(room.world, bus + 97, four, 4);
    selftest_expect_report(&room, "ram.outside-piece");
    selftest_expect(&room, model_bus_read64(room.world, bus + PAGE, &word) && word == 0,
                    "memory that nobody has reads as zero");
    selftest_expect_report(&room, "ram.never-given");
    selftest_expect(&room, model_ram_cpu(room.world, bus + 2 * PAGE, 8) != NULL, "a test may take");
    selftest_expect(&room, model_bus_write64(room.world, bus + 2 * PAGE, 1), "and then use it");
    selftest_expect(&room, !model_bus_read64(room.world, SELFTEST_RAM_BASE - 8, &word),
                    "below RAM");
    selftest_expect(
        &room, !model_bus_read64(room.world, SELFTEST_RAM_BASE + SELFTEST_RAM_BYTES - 4, &word),
        "over the end of RAM");
    selftest_expect(&room, model_ram_cpu(room.world, UINT64_MAX - 3, 8) == NULL, "not RAM");
    return selftest_end(&room);
}

static const char *words_are_little_endian(void *memory, size_t bytes)
{
    struct selftest_room room;
    uint64_t bus, wide = 0;
    uint32_t half = 0;
    uint8_t *cpu;

    if (!selftest_begin(&room, memory, bytes, 1, true)) {
        return room.why;
    }
    cpu = model_ram_get(room.world, PAGE, PAGE, UINT64_MAX, &bus);
    model_bus_write64(room.world, bus, UINT64_C(0x0102030405060708));
    selftest_expect(&room, cpu != NULL && cpu[0] == 8 && cpu[7] == 1, "64 bits");
    model_bus_write32(room.world, bus + 8, 0x0A0B0C0D);
    selftest_expect(&room, cpu != NULL && cpu[8] == 0xD && cpu[11] == 0xA, "32 bits");
    selftest_expect(
        &room, model_bus_read64(room.world, bus, &wide) && wide == UINT64_C(0x0102030405060708),
        "read back 64");
    selftest_expect(&room, model_bus_read32(room.world, bus + 4, &half) && half == 0x01020304,
                    "read back 32");
    return selftest_end(&room);
}

static const char *without_coherency_only_maintenance_carries_bytes(void *memory, size_t bytes)
{
    struct selftest_room room;
    uint64_t bus;
    uint8_t seen[4];
    uint8_t *cpu;

    if (!selftest_begin(&room, memory, bytes, 1, false)) {
        return room.why;
    }
    cpu = model_ram_get(room.world, PAGE, PAGE, UINT64_MAX, &bus);
    if (cpu == NULL) {
        return "no RAM";
    }
    model_bus_read(room.world, bus, seen, 4);
    selftest_expect(&room, seen[0] != 0, "zeroes that were not cleaned are not seen");
    memcpy(cpu, "abcd", 4);
    model_ram_clean(room.world, cpu, 3);
    model_bus_read(room.world, bus, seen, 4);
    selftest_expect(&room, memcmp(seen, "abc", 3) == 0, "cleaned bytes are seen");
    selftest_expect(&room, seen[3] != 'd', "and no byte more");
    model_bus_write(room.world, bus, "wxyz", 4);
    selftest_expect(&room, memcmp(cpu, "abcd", 4) == 0, "hardware's bytes are not seen");
    model_ram_invalidate(room.world, cpu + 1, 2);
    selftest_expect(&room, memcmp(cpu, "axyd", 4) == 0, "until they are invalidated, exactly");
    if (!selftest_begin(&room, memory, bytes, 1, true)) {
        return room.why;
    }
    cpu = model_ram_get(room.world, PAGE, PAGE, UINT64_MAX, &bus);
    model_bus_write(room.world, bus, "wxyz", 4);
    selftest_expect(&room, cpu != NULL && memcmp(cpu, "wxyz", 4) == 0, "coherent: seen at once");
    return selftest_end(&room);
}

static const char *maintenance_outside_ram_is_reported(void *memory, size_t bytes)
{
    struct selftest_room room;
    uint64_t bus;
    uint8_t *cpu;

    if (!selftest_begin(&room, memory, bytes, 1, false)) {
        return room.why;
    }
    cpu = model_ram_get(room.world, SELFTEST_RAM_BYTES, PAGE, UINT64_MAX, &bus);
    if (cpu == NULL) {
        return "no RAM";
    }
    model_ram_clean(room.world, cpu + SELFTEST_RAM_BYTES - 4, 8);
    selftest_expect_report(&room, "ram.maintain-wrong");
    model_ram_invalidate(room.world, cpu - 4, 8);
    selftest_expect_report(&room, "ram.maintain-wrong");
    return selftest_end(&room);
}

static const char *aborts_are_injected_by_count(void *memory, size_t bytes)
{
    struct selftest_room room;
    uint64_t bus, word;
    uint32_t i;

    if (!selftest_begin(&room, memory, bytes, 1, true)) {
        return room.why;
    }
    model_ram_get(room.world, PAGE, PAGE, UINT64_MAX, &bus);
    model_bus_inject_abort(room.world, bus + 8, bus + 15, 2);
    selftest_expect(&room, model_bus_read64(room.world, bus, &word), "elsewhere: fine");
    selftest_expect(&room, !model_bus_read64(room.world, bus + 8, &word), "first");
    selftest_expect(&room, !model_bus_write32(room.world, bus + 12, 0), "second");
    selftest_expect(&room, model_bus_read64(room.world, bus + 8, &word), "no third");
    for (i = 0; i < MODEL_ABORT_MAX; i++) {
        model_bus_inject_abort(room.world, bus + i, bus + i, 1);
    }
    selftest_expect(&room, room.reports == 0, "so many fit");
    model_bus_inject_abort(room.world, bus + i, bus + i, 1);
    selftest_expect_report(&room, "ram.abort-table-full");
    return selftest_end(&room);
}

const struct model_selftest model_selftests_world[] = {
    {"work_runs_in_time_order", work_runs_in_time_order},
    {"equal_times_keep_the_order_of_the_calls", equal_times_keep_the_order_of_the_calls},
    {"time_inside_work_only_moves_the_clock", time_inside_work_only_moves_the_clock},
    {"settle_ends_in_time", settle_ends_in_time},
    {"schedule_says_when_full", schedule_says_when_full},
    {"choices_follow_the_seed", choices_follow_the_seed},
    {"reports_are_counted", reports_are_counted},
    {"memory_that_does_not_suffice_gives_null", memory_that_does_not_suffice_gives_null},
    {"ram_is_zeroed_aligned_and_below_the_limit", ram_is_zeroed_aligned_and_below_the_limit},
    {"freed_ram_rests_until_nothing_else_is_left", freed_ram_rests_until_nothing_else_is_left},
    {"freed_ram_is_not_taken_before_fresh", freed_ram_is_not_taken_before_fresh},
    {"freed_ram_is_watched", freed_ram_is_watched},
    {"wrong_puts_are_reported", wrong_puts_are_reported},
    {"hardware_keeps_to_what_was_handed_out", hardware_keeps_to_what_was_handed_out},
    {"words_are_little_endian", words_are_little_endian},
    {"without_coherency_only_maintenance_carries_bytes",
     without_coherency_only_maintenance_carries_bytes},
    {"maintenance_outside_ram_is_reported", maintenance_outside_ram_is_reported},
    {"aborts_are_injected_by_count", aborts_are_injected_by_count},
};
const unsigned model_selftest_count_world =
    sizeof(model_selftests_world) / sizeof(model_selftests_world[0]);
