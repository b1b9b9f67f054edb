/* SPDX-License-Identifier: BSD-2-Clause */
/* The command queue: its room, its doorbell, its errors, and what hardware cannot mean. */
#include "fake_smmuv3.h"

#include <criterion/criterion.h>

#define CONS    0x9cu
#define PROD    0x98u
#define GERROR  0x60u
#define GERRORN 0x64u

static struct uiommu *u;
static struct uiommu_smmuv3 *hw;
static const struct uiommu_backend_ops *ops;

static void begin_with(uint32_t log2)
{
    struct uiommu_smmuv3_config c = fake_config();

    u = fake_new();
    c.cmdq_log2 = log2;
    hw = fake_unit(u, &c);
    cr_assert_not_null(hw);
    ops = u->core.unit.ops;
    u->logged = 0;
}

static void begin(void)
{
    begin_with(4);
}

static void end(void)
{
    fake_unit_free(u);
    fake_free(u);
}

TestSuite(cmdq, .init = begin, .fini = end);

static uint64_t ticket(void)
{
    uint64_t t = 0;

    cr_assert_eq(ops->ticket(hw, &t), UIOMMU_OK);
    return t;
}

/* A command of its own number, put without asking for room. */
static void put(uint32_t op, uint32_t sid, uint64_t d1)
{
    uiommu_smmuv3_cmdq_put(hw, (struct smmuv3_command){{op | (uint64_t)sid << 32, d1}});
}

static void go(void)
{
    u->hold = false;
    fake_run(u);
}

static struct uiommu_check check(void)
{
    struct uiommu_check c;

    memset(&c, 0xff, sizeof(c));
    ops->check(hw, &c);
    return c;
}

/* ---- indices ---- */

/* What cannot be is believed in nothing: neither more than was told, nor less than before. */
Test(cmdq, an_index_beyond_what_was_told)
{
    uint64_t t;

    u->hold = true;
    t = ticket();
    *fake_reg(u, CONS) = (*fake_reg(u, PROD) + 1) & 0x1f;
    cr_assert_eq(ops->ticket_poll(hw, t), UIOMMU_E_HW);
    cr_assert_eq(check().flags, UIOMMU_CHECK_DEAD);
    cr_assert_eq(ops->ticket(hw, &t), UIOMMU_E_HW);
}

Test(cmdq, an_index_that_goes_back)
{
    uint64_t t = ticket();

    cr_assert_eq(ops->ticket_poll(hw, t), UIOMMU_OK);
    u->hold = true;
    t = ticket();
    *fake_reg(u, CONS) = (*fake_reg(u, CONS) - 1) & 0x1f;
    cr_assert_eq(ops->ticket_poll(hw, t), UIOMMU_E_HW);
    cr_assert_eq(check().flags, UIOMMU_CHECK_DEAD);
}

static void sane(struct uiommu *unit)
{
    *fake_reg(unit, CONS) = *fake_reg(unit, PROD);
}

/* Nor is what is read there afterwards, while an error is looked at. */
Test(cmdq, an_index_that_is_put_right)
{
    uint64_t t;

    u->hold = true;
    t = ticket();
    *fake_reg(u, CONS) = (*fake_reg(u, PROD) + 3) & 0x1f;
    *fake_reg(u, GERROR) ^= 1;
    fake_before_read(u, CONS, 1, sane);
    cr_assert_eq(ops->ticket_poll(hw, t), UIOMMU_E_HW);
    cr_assert_eq(check().flags, UIOMMU_CHECK_DEAD);
}

/* What is not told yet is not consumed either. */
Test(cmdq, an_index_of_what_is_not_told)
{
    put(SMMUV3_OP_TLBI_ALL, 0, 0);
    *fake_reg(u, CONS) = (*fake_reg(u, CONS) + 1) & 0x1f;
    cr_assert_eq(hw->cmdq.told + 1, hw->cmdq.head);
    uiommu_smmuv3_cmdq_look(hw);
    cr_assert(hw->cmdq.dead);
}

/* ---- errors that come between two looks ---- */

static void consume(struct uiommu *unit)
{
    unit->hold = false;
    fake_run(unit);
}

/* The index of before the error names a good command: it is read again. */
Test(cmdq, the_failed_command_is_the_one_behind)
{
    struct uiommu_check c;
    uint64_t t;

    u->hold = true;
    put(SMMUV3_OP_TLBI_ALL, 0, 0x11);
    put(0x28, 7, 0x22);
    t = ticket();
    u->error_op = 0x28;
    u->error_code = SMMUV3_CERROR_ILL;
    u->error_times = 1;
    fake_before_read(u, GERROR, 0, consume);
    cr_assert_eq(ops->ticket_poll(hw, t), UIOMMU_E_HW);
    uiommu_smmuv3_cmdq_look(hw);
    cr_assert_eq(u->logged, 3);
    cr_assert_eq(u->log[0].d[0], SMMUV3_OP_TLBI_ALL);
    cr_assert_eq(u->log[1].d[0], 0x46);
    c = check();
    cr_assert_eq(c.event_count, 1);
    cr_assert_eq(c.event[0].hw_code, SMMUV3_CERROR_ILL);
    cr_assert_eq(c.event[0].raw[0], UINT64_C(0x28) | UINT64_C(7) << 32);
    cr_assert_eq(c.event[0].raw[1], 0x22);
    cr_assert_eq(c.event[0].raw[2], 0);
    cr_assert_eq(c.event[0].count, 1);
}

static void nonsense(struct uiommu *unit)
{
    *fake_reg(unit, CONS) = (*fake_reg(unit, PROD) + 3) & 0x1f;
    *fake_reg(unit, GERROR) ^= 1;
}

static void all_consumed(struct uiommu *unit)
{
    *fake_reg(unit, CONS) = *fake_reg(unit, PROD);
    *fake_reg(unit, GERROR) ^= 1;
}

/* With an index that cannot be, or an error of no command: nothing is overwritten, noted or
 * acknowledged. */
Test(cmdq, an_error_of_no_command)
{
    void (*const acts[])(struct uiommu *) = {nonsense, all_consumed};
    uint32_t i;

    for (i = 0; i < 2; i++) {
        u->hold = true;
        (void)ticket();
        u->writes = 0;
        fake_before_read(u, GERROR, 0, acts[i]);
        uiommu_smmuv3_cmdq_look(hw);
        cr_assert(hw->cmdq.dead);
        cr_assert_eq(u->writes, 0);
        cr_assert_eq(hw->notes.count, 0);
        u->hold = false;
        cr_assert_eq(ops->restart(hw), UIOMMU_OK);
    }
}

/* An error while there is nothing to be done waits for a command that it could be about. */
Test(cmdq, an_error_of_an_idle_queue)
{
    struct uiommu_check c;
    uint64_t t;

    *fake_reg(u, GERROR) ^= 1;
    c = check();
    cr_assert_eq(c.flags, 0);
    cr_assert_eq(c.event_count, 0);
    t = ticket();
    cr_assert_eq(ops->ticket_poll(hw, t), UIOMMU_PENDING);
    cr_assert_eq(ops->ticket_poll(hw, t), UIOMMU_OK);
    c = check();
    cr_assert_eq(c.flags, 0);
    cr_assert_eq(c.event_count, 1);
    cr_assert_eq(c.event[0].kind, UIOMMU_EVENT_COMMAND_ERROR);
    cr_assert_eq(c.event[0].hw_code, 0);
}

/* A check mends the queue where nobody polls. */
Test(cmdq, an_error_that_a_check_finds)
{
    struct uiommu_check c;
    uint64_t t;

    u->error_op = 0x28;
    u->error_code = SMMUV3_CERROR_ILL;
    u->error_times = 1;
    put(0x28, 7, 0);
    t = ticket();
    c = check();
    cr_assert_eq(c.event_count, 1);
    cr_assert_eq(c.event[0].raw[0], UINT64_C(0x28) | UINT64_C(7) << 32);
    cr_assert_eq(u->logged, 2);
    cr_assert_eq(ops->ticket_poll(hw, t), UIOMMU_E_HW);
}

/* ---- errors again and again ---- */

/* So many tries of one command, and not one more; of the next one, as many again. */
Test(cmdq, as_often_as_it_may)
{
    uint32_t i, round;
    uint64_t t;

    u->error_op = SMMUV3_OP_SYNC;
    u->error_code = 2;
    for (round = 0; round < 2; round++) {
        u->error_times = 8;
        t = ticket();
        for (i = 0; i < 8; i++)
            cr_assert_eq(ops->ticket_poll(hw, t), UIOMMU_PENDING);
        cr_assert_eq(ops->ticket_poll(hw, t), UIOMMU_OK);
        cr_assert_eq(check().event_count, 1);
    }
    u->error_times = 9;
    t = ticket();
    for (i = 0; i < 8; i++)
        cr_assert_eq(ops->ticket_poll(hw, t), UIOMMU_PENDING);
    cr_assert_eq(ops->ticket_poll(hw, t), UIOMMU_E_HW);
    cr_assert_eq(check().flags, UIOMMU_CHECK_DEAD);
}

/* A command whose fetch was aborted is still to be done: it stays as it is. */
Test(cmdq, what_is_tried_again_is_the_same)
{
    uint32_t i;
    uint64_t t;

    u->error_op = 0x28;
    u->error_code = 2;
    u->error_times = 3;
    put(0x28, 7, 0x1000);
    t = ticket();
    for (i = 0; i < 3; i++)
        cr_assert_eq(ops->ticket_poll(hw, t), UIOMMU_PENDING);
    cr_assert_eq(ops->ticket_poll(hw, t), UIOMMU_OK);
    cr_assert_eq(u->logged, 2);
    cr_assert_eq(u->log[0].d[0], UINT64_C(0x28) | UINT64_C(7) << 32);
    cr_assert_eq(u->log[0].d[1], 0x1000);
}

/* The very first command of a unit is one like any other. */
Test(cmdq_start, the_first_command_may_fail_as_often)
{
    struct uiommu_smmuv3_config c = fake_config();

    u = fake_new();
    u->error_op = SMMUV3_OP_CFGI_RANGE;
    u->error_code = 2;
    u->error_times = 8;
    hw = fake_unit(u, &c);
    cr_assert_not_null(hw);
    end();
}

/* ---- whose time-out it was ---- */

static struct uiommu_check timed_out(uint64_t t)
{
    uint32_t before;

    u->error_op = SMMUV3_OP_SYNC;
    u->error_code = SMMUV3_CERROR_ATC;
    u->error_times = 1;
    go();
    cr_assert_eq(ops->ticket_poll(hw, t), UIOMMU_E_HW);
    before = u->core.accesses;
    cr_assert_eq(ops->ticket_poll(hw, t), UIOMMU_E_HW); /* for ever: nothing is asked */
    cr_assert_eq(u->core.accesses, before);
    return check();
}

Test(cmdq, other_commands_have_no_part_in_a_time_out)
{
    struct uiommu_check c;
    uint64_t t;

    u->hold = true;
    put(SMMUV3_OP_ATC_INV, 0x310, 0);
    put(SMMUV3_OP_TLBI_ALL, 0, 0);
    put(SMMUV3_OP_ATC_INV, 0x310, 0);
    put(SMMUV3_OP_CFGI_STE, 0x208, 0);
    t = ticket();
    c = timed_out(t);
    cr_assert_eq(c.event_count, 1);
    cr_assert_eq(c.event[0].kind, UIOMMU_EVENT_INVALIDATION_TIMEOUT);
    cr_assert_eq(c.event[0].hw_code, SMMUV3_CERROR_ATC);
    cr_assert_eq(c.event[0].id, 0x310);
}

Test(cmdq, nor_what_an_older_sync_completed)
{
    uint64_t t;

    put(SMMUV3_OP_ATC_INV, 0x208, 0);
    t = ticket();
    cr_assert_eq(ops->ticket_poll(hw, t), UIOMMU_OK);
    u->hold = true;
    put(SMMUV3_OP_ATC_INV, 0x310, 0);
    t = ticket();
    cr_assert_eq(timed_out(t).event[0].id, 0x310);
}

/* Once there are two, a third that is like the first changes nothing. */
Test(cmdq, two_stay_two)
{
    uint64_t t;

    u->hold = true;
    put(SMMUV3_OP_ATC_INV, 0x310, 0);
    put(SMMUV3_OP_ATC_INV, 0x208, 0);
    put(SMMUV3_OP_ATC_INV, 0x310, 0);
    t = ticket();
    cr_assert_eq(timed_out(t).event[0].id, UINT32_MAX);
}

/* Slots that younger commands have taken are not looked at; all others are. */
Test(cmdq, a_time_out_with_a_full_ring)
{
    uint32_t i, first;
    uint64_t t;

    for (first = 0; first < 2; first++) {
        u->hold = true;
        put(SMMUV3_OP_ATC_INV, first == 0 ? 0x208 : 0x400, 0);
        for (i = 1; i < 8; i++)
            put(SMMUV3_OP_ATC_INV, 0x208, 0);
        t = ticket();
        for (i = 0; i < 7; i++)
            put(SMMUV3_OP_ATC_INV, 0x310, 0);
        cr_assert_eq(timed_out(t).event[0].id, first == 0 ? 0x208 : UINT32_MAX);
        uiommu_smmuv3_cmdq_look(hw);
        end();
        begin();
    }
}

/* ---- room and doorbell ---- */

static void leave(uint32_t commands)
{
    uint32_t n;

    u->hold = true;
    for (n = (1u << hw->cmdq.log2) - commands; n > 0; n--)
        uiommu_smmuv3_cmdq_put(hw, uiommu_smmuv3_cmd_tlbi(SMMUV3_OP_TLBI_ALL));
}

/* Where an erratum asks for more CMD_SYNC, there is room for those that may come between. */
Test(cmdq, room_for_what_may_come_between)
{
    static const struct {
        uint32_t often, since, commands, need;
    } rows[] = {
        {0, 0, 0, 1}, {0, 61, 1, 2}, {0, 500, 3, 4}, {1, 0, 0, 2},
        {1, 0, 1, 3}, {1, 60, 1, 3}, {1, 61, 1, 4},  {1, 62, 3, 6},
    };
    uint32_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint32_t want = rows[i].need;

        hw->f.sync_often = false;
        leave(want);
        hw->f.sync_often = rows[i].often;
        hw->cmdq.since_sync = rows[i].since;
        cr_assert(uiommu_smmuv3_cmdq_room(hw, rows[i].commands), "%u", i);
        hw->f.sync_often = false;
        uiommu_smmuv3_cmdq_put(hw, uiommu_smmuv3_cmd_tlbi(SMMUV3_OP_TLBI_ALL));
        hw->f.sync_often = rows[i].often;
        hw->cmdq.since_sync = rows[i].since;
        cr_assert_not(uiommu_smmuv3_cmdq_room(hw, rows[i].commands), "%u", i);
        cr_assert_eq(hw->cmdq.told, hw->cmdq.head); /* else nothing would ever make room */
        hw->f.sync_often = false;
        go();
        uiommu_smmuv3_cmdq_look(hw);
        cr_assert_eq(hw->cmdq.done, hw->cmdq.head);
    }
}

/* Just so many of them: one behind each 62 commands with the erratum, else none. */
Test(cmdq_start, how_often_a_sync_comes_between)
{
    uint32_t i, often;

    for (often = 0; often < 2; often++) {
        begin_with(8);
        hw->f.sync_often = often != 0;
        (void)ticket();
        u->logged = 0;
        for (i = 0; i < 200; i++)
            put(SMMUV3_OP_TLBI_ALL, 0, 0);
        (void)ticket();
        cr_assert_eq(u->logged, often ? 204 : 201);
        for (i = 0; often && i < u->logged; i++)
            cr_assert_eq(u->log[i].d[0] == 0x46, i % 63 == 62 || i == 203, "%u", i);
        end();
    }
}

/* Registers are slow: none is touched while there is room, and none without a reason. */
Test(cmdq, registers_are_touched_where_they_must)
{
    uint64_t t = ticket(), other;
    uint32_t before, bells;

    cr_assert_eq(ops->ticket_poll(hw, t), UIOMMU_OK);
    before = u->core.accesses;
    cr_assert(uiommu_smmuv3_cmdq_room(hw, 15));
    uiommu_smmuv3_cmdq_put(hw, uiommu_smmuv3_cmd_tlbi(SMMUV3_OP_TLBI_ALL));
    cr_assert_eq(ops->ticket_poll(hw, t), UIOMMU_OK);
    cr_assert_eq(u->core.accesses, before);
    (void)ticket(); /* its doorbell */
    cr_assert_eq(u->core.accesses, before + 1);
    uiommu_smmuv3_cmdq_look(hw);
    bells = u->doorbells;
    cr_assert_eq(ops->respond(hw, NULL, 0), 0); /* nothing new to tell */
    cr_assert_eq(u->doorbells, bells);
    before = u->core.accesses;
    (void)check();
    cr_assert_leq(u->core.accesses - before, 3); /* GERROR, and CR0ACK for each queue */
    leave(1);
    before = u->core.accesses;
    t = ticket(); /* the last slot is for it */
    cr_assert_eq(u->core.accesses, before + 1);
    cr_assert_eq(ops->ticket(hw, &other), UIOMMU_E_BUSY);
    go();
    other = ticket(); /* a look makes room */
    cr_assert_eq(ops->ticket_poll(hw, other), UIOMMU_OK);
    cr_assert_eq(ops->ticket_poll(hw, t), UIOMMU_OK);
}

/* All of the ring is room again once a look says so. */
Test(cmdq, a_look_makes_all_of_it_room)
{
    u->hold = true;
    put(SMMUV3_OP_TLBI_ALL, 0, 0);
    (void)ticket();
    cr_assert_not(uiommu_smmuv3_cmdq_room(hw, 15));
    go();
    cr_assert(uiommu_smmuv3_cmdq_room(hw, 15));
}

/* What was under way is gone, however full the ring was and wherever in it: nothing is left to
 * tell, and the new life's tickets are found done. */
Test(cmdq, a_restart_of_a_full_ring)
{
    uint32_t at, before;
    uint64_t t;

    for (at = 0; at < 32; at++) {
        while ((hw->cmdq.head & 31) != at)
            t = ticket();
        uiommu_smmuv3_cmdq_look(hw);
        leave(1);
        t = ticket();
        u->hold = false;
        *fake_reg(u, PROD) = *fake_reg(u, CONS);
        cr_assert_eq(ops->restart(hw), UIOMMU_OK);
        cr_assert_eq(ops->ticket_poll(hw, t), UIOMMU_E_HW);
        cr_assert_eq(hw->cmdq.head - hw->cmdq.done, 0);
        put(SMMUV3_OP_TLBI_ALL, 0, 0);
        ops->stop(hw);
        before = u->core.accesses;
        uiommu_smmuv3_cmdq_tell(hw);
        cr_assert_eq(u->core.accesses, before);
        cr_assert_eq(ops->restart(hw), UIOMMU_OK);
    }
}

/* After a death nothing is asked any more. */
Test(cmdq, dead)
{
    uint32_t before;
    uint64_t t;

    u->hold = true;
    t = ticket();
    hw->cmdq.dead = true;
    before = u->core.accesses;
    uiommu_smmuv3_cmdq_look(hw);
    cr_assert_eq(ops->ticket_poll(hw, t), UIOMMU_E_HW);
    cr_assert_eq(u->core.accesses, before);
}

/* A unit that does not snoop: each command is cleaned when both its words are there. */
static uint32_t cleaned;
static uint64_t seen[2];

static void clean(void *ctx, const void *cpu, uint64_t bytes)
{
    (void)ctx;
    cleaned++;
    cr_assert_eq(bytes, 16);
    memcpy(seen, cpu, sizeof(seen));
}

Test(cmdq, a_unit_that_does_not_snoop)
{
    cleaned = 0;
    u->core.host.mem_to_device = clean;
    hw->f.coherent = false;
    put(0x28, 7, UINT64_C(0x1122334455667788));
    cr_assert_eq(cleaned, 1);
    cr_assert_eq(le64(seen[0]), UINT64_C(0x0000000700000028));
    cr_assert_eq(le64(seen[1]), UINT64_C(0x1122334455667788));
    hw->f.coherent = true;
}
