/* SPDX-License-Identifier: BSD-2-Clause */
/* On and off, register by register, in the order of the sheet (11.1); what a unit is told when it
 * is found on; what is waited for, and what stays when nothing comes. */
#include "amd_fake_core.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define SNP     0x80000000u /* High half of the feature register. */
#define EARLY   0x100u
#define MARKERS 0x1000u
#define DUAL    0x1000000u /* Low half. */
#define PPR     0x2u
#define MS      UINT64_C(1000000)

static struct uiommu *u;
static struct uiommu_amd *hw;
static struct uiommu_amd_config config;
static const struct uiommu_backend_ops *ops;
static char text[2048];
static uint64_t control;  /* As last written. */
static bool gone;         /* The control register reads all ones. */
static uint32_t off_late; /* So many looks until it is seen off. */
static void (*at_write)(uint32_t offset);
static uint64_t (*now_ns)(void *ctx);
static uint32_t (*read32)(void *ctx, uint64_t addr);
static uint64_t (*read64)(void *ctx, uint64_t addr);
static void (*write32)(void *ctx, uint64_t addr, uint32_t value);
static void (*write64)(void *ctx, uint64_t addr, uint64_t value);

static void add(const char *word)
{
    size_t used = strlen(text);

    (void)snprintf(text + used, sizeof(text) - used, "%s ", word);
}

static const char *memory(uint64_t value)
{
    const struct {
        const char *name;
        const struct uiommu_mem *mem;
    } of[] = {{"table", &hw->devtab},
              {"ring", &hw->cmdq.mem},
              {"events", &hw->evt.mem},
              {"requests", &hw->ppr.mem},
              {"page", &hw->cmdq.store}};
    size_t i;

    for (i = 0; i < 5; i++) {
        if (of[i].mem->cpu != NULL && (value & UINT64_C(0xffffffffff000)) == of[i].mem->bus)
            return of[i].name;
    }
    return NULL;
}

/* What is written, memory by name; of the control register the bits that change. */
static void note(uint32_t offset, uint64_t value)
{
    char word[64];

    cr_assert(u->core.unit.locked != 0 || (offset != 0x18 && (offset != 0x2008 || value == 0)),
              "%x without the lock", offset);
    if (offset == 0x18)
        (void)snprintf(word, sizeof(word), "%s%llx", (value & ~control) != 0 ? "+" : "-",
                       (unsigned long long)(value ^ control));
    else if (memory(value) != NULL)
        (void)snprintf(word, sizeof(word), "%x=%s", offset, memory(value));
    else
        (void)snprintf(word, sizeof(word), "%x=%llx", offset, (unsigned long long)value);
    if (offset == 0x18)
        control = value;
    add(word);
    if (at_write != NULL)
        at_write(offset);
}

static void note32(void *ctx, uint64_t addr, uint32_t value)
{
    note((uint32_t)(addr - config.base), value);
    write32(ctx, addr, value);
}

static void note64(void *ctx, uint64_t addr, uint64_t value)
{
    note((uint32_t)(addr - config.base), value);
    write64(ctx, addr, value);
}

/* The status is looked at, as often as need be. */
static uint32_t look32(void *ctx, uint64_t addr)
{
    size_t used = strlen(text);

    if (addr == config.base + 0x2020 && (used < 2 || text[used - 2] != '?'))
        add("?");
    return read32(ctx, addr);
}

static uint64_t look64(void *ctx, uint64_t addr)
{
    uint64_t value = read64(ctx, addr);

    if (addr != config.base + 0x18)
        return value;
    if (gone)
        return UINT64_MAX;
    if (off_late != 0 && (value & 1) == 0) {
        off_late--;
        value |= 1;
    }
    return value;
}

/* What is told of the device table, and of the word for tickets. */
static void told(void *ctx, const void *cpu, uint64_t bytes)
{
    uintptr_t table = (uintptr_t)hw->devtab.cpu, page = (uintptr_t)hw->cmdq.store.cpu;

    (void)ctx;
    if (table != 0 && (uintptr_t)cpu - table < hw->devtab.bytes && hw->cmdq.store.cpu != NULL)
        add(bytes == hw->devtab.bytes ? "clear" : "entry");
    if (page != 0 && (uintptr_t)cpu - page < 4096 && bytes == 8)
        add("word");
}

static uint64_t clock_ns(void *ctx)
{
    cr_assert_eq(u->core.unit.locked, 0, "nobody waits under the lock");
    return now_ns(ctx);
}

static void begin(void)
{
    u = fake_new();
    config = fake_config();
    write32 = u->core.host.mmio_write32;
    write64 = u->core.host.mmio_write64;
    read32 = u->core.host.mmio_read32;
    read64 = u->core.host.mmio_read64;
    now_ns = u->core.host.now_ns;
    at_write = NULL;
    gone = false;
    off_late = 0;
}

static void make(uint32_t low, uint32_t high)
{
    struct uiommu_unit *unit;

    *fake_reg(u, 0x30) ^= low;
    *fake_reg(u, 0x34) ^= high;
    cr_assert_eq(uiommu_amd_create(u, &config, &unit), UIOMMU_OK);
    hw = unit->hw;
    ops = unit->ops;
    text[0] = '\0';
    u->core.host.mmio_write32 = note32;
    u->core.host.mmio_write64 = note64;
    u->core.host.mmio_read32 = look32;
    u->core.host.mmio_read64 = look64;
    u->core.host.mem_to_device = told;
    u->core.host.now_ns = clock_ns;
    control = fake_reg64(u, 0x18);
}

/* Since it was asked last. */
static void is(const char *want)
{
    cr_assert_str_eq(text, want, "%s", text);
    text[0] = '\0';
}

static void end(void)
{
    u->core.host.mem_to_device = NULL;
    hw->config.flags &= ~UIOMMU_AMD_NOT_COHERENT;
    FAKE_END(u);
}

TestSuite(amd_start, .init = begin, .fini = end);

/* What it does when it is off, when it is on; up to the commands that drop what caches hold; logs.
 */
#define OFF      "-0 -0 -0 -0 -0 -0 ? "
#define OFF_ON   "-1000 -8 -4 -2000 -4000 -8000 ? "
#define OFF_HUNG "-1000 -0 -0 -0 -0 -0 ? " /* Before there were logs. */
#define EVENTS   "10=events 2010=0 2018=0 "
#define ASKS     "38=requests 2030=0 2038=0 "
#define RING     "8=ring 2000=0 2008=0 " EVENTS ASKS "+1000 "
#define FLUSH    "? 2008=20 "
#define LOGS     EVENTS "2020=3 +4 +8 ? +8000 " ASKS "2020=60 +4000 +2000 ? "
#define NO_HOLE  "20=0 28=0 "

/* Disabled; bases; control bits; commands, then translation; all caches; then the logs: that of
 * events before it can interrupt, that of requests behind its interrupt. */
Test(amd_start, everything)
{
    make(DUAL, SNP | EARLY);
    cr_assert_eq(ops->start(hw), UIOMMU_OK);
    is(OFF "0=table 20=page 28=page 2088=c0000180 2090=0 +200000010460 " RING "+1 " FLUSH LOGS);
    cr_assert_lt(u->core.now, 200 * MS, "nobody waits for what is there");
    cr_assert_eq(u->loose, 0);
}

/* Commands that were told are waited for; then off, translation last: with the unit given up. */
Test(amd_start, stopped)
{
    uintptr_t state;
    uint64_t ticket;

    make(0, 0);
    cr_assert_eq(ops->start(hw), UIOMMU_OK);
    text[0] = '\0';
    ops->stop(hw);
    is(OFF_ON);
    ops->stop(hw);
    is("");
    cr_assert_eq(ops->restart(hw), UIOMMU_OK);
    is(OFF NO_HOLE "-0 " RING "-0 " FLUSH LOGS);
    u->hold = true;
    state = uiommu_unit_lock(hw->unit);
    cr_assert_eq(ops->ticket(hw, &ticket), UIOMMU_OK);
    uiommu_unit_unlock(hw->unit, state);
    text[0] = '\0';
    ops->stop(hw);
    is("2008=40 ? " OFF_ON);
    ops->destroy(hw);
    is("-1 ");
    cr_assert(u->core.mem_bytes == 0 && u->core.heap_bytes == 0);
    fake_free(u);
    begin();
    make(0, 0);
}

/* Interrupts stay off; three quarters of the log are nothing to be told of. */
Test(amd_start, polled)
{
    config.flags = UIOMMU_AMD_POLL;
    make(0, EARLY);
    cr_assert_eq(ops->start(hw), UIOMMU_OK);
    is(OFF "0=table " NO_HOLE "2088=0 +200000010460 " RING "+1 " FLUSH EVENTS
           "2020=3 +4 ? +8000 " ASKS "2020=60 +2000 ? ");
}

Test(amd_start, without_requests)
{
    make(PPR, EARLY);
    cr_assert_eq(ops->start(hw), UIOMMU_OK);
    is(OFF "0=table " NO_HOLE "2088=0 +200000010460 8=ring 2000=0 2008=0 " EVENTS
           "+1000 +1 " FLUSH EVENTS "2020=3 +4 +8 ? ");
}

static void found(uint64_t bits)
{
    *fake_reg(u, 0x00) = 0x12345000 | 0x1ff;
    *fake_reg(u, 0x18) = (uint32_t)bits;
    *fake_reg(u, 0x1c) = (uint32_t)(bits >> 32);
    control = bits;
}

#define FOUND UINT64_C(0x0400011c0001f40d)

/* All blocks before the base is moved, in one store, while it is on; then what it holds of the old
 * table goes, and all else is as ever. */
Test(amd_start, found_on)
{
    config.flags = UIOMMU_AMD_NOT_COHERENT;
    make(0, 0);
    found(FOUND);
    cr_assert_eq(ops->start(hw), UIOMMU_OK);
    is("clear " OFF_ON "-11c00000000 " NO_HOLE "0=table " RING "-0 " FLUSH "-1000 ? word " NO_HOLE
       "+400200000000460 " RING "-0 " FLUSH LOGS);
}

static struct amd_device *opened(void)
{
    static const uint32_t id = 0x118;
    struct uiommu_device_desc desc = {&id, 1, UIOMMU_DEVICE_PASID, 9, 1, 0};
    uint32_t step = 0;
    void *dev;

    cr_assert_eq(ops->device_attach(hw, &desc, &dev), UIOMMU_OK);
    while (ops->device_set(hw, dev, UIOMMU_DEVICE_SET_OPEN, step) == UIOMMU_MORE)
        step++;
    text[0] = '\0';
    return dev;
}

static void hang_at_control(uint32_t offset)
{
    u->hold = u->hold || (offset == 0x18 && (control & 0x11000) == 0x10000);
}

/* Resumed over another's table. It hangs when the bits are set: open entries stay blocked. */
Test(amd_start, hangs_behind_the_takeover)
{
    struct amd_device *dev;

    config.flags = UIOMMU_AMD_NOT_COHERENT;
    make(0, 0);
    cr_assert_eq(ops->start(hw), UIOMMU_OK);
    dev = opened();
    ops->stop(hw);
    text[0] = '\0';
    found(1);
    at_write = hang_at_control;
    cr_assert_eq(ops->restart(hw), UIOMMU_E_TIMEOUT);
    is("word " OFF "-0 " NO_HOLE "entry 0=table " RING "-0 " FLUSH "-1000 ? word " NO_HOLE
       "+200000010060 " RING "-0 " FLUSH "? ");
    cr_assert_eq(le64(uiommu_amd_dte_at(hw, 0x118)[0]), 1);
    at_write = NULL;
    u->hold = false;
    ops->device_detach(hw, dev);
}

/* It hangs at once: its table has been moved, the other bits are as they were. */
Test(amd_start, hangs_in_the_takeover)
{
    struct uiommu_check check;

    make(0, 0);
    cr_assert_eq(ops->start(hw), UIOMMU_OK);
    ops->stop(hw);
    text[0] = '\0';
    found(1);
    u->hold = true;
    cr_assert_eq(ops->restart(hw), UIOMMU_E_TIMEOUT);
    is(OFF "-0 " NO_HOLE "0=table " RING "-0 " FLUSH "? ");
    ops->check(hw, &check);
    cr_assert((check.flags & UIOMMU_CHECK_DEAD) != 0);
    u->hold = false;
}

static void sticks(uint32_t offset)
{
    u->stuck = u->stuck || offset == 0x2008;
}

/* Its command buffer does not stop behind the takeover. */
Test(amd_start, sticks_in_the_takeover)
{
    make(0, 0);
    found(1);
    at_write = sticks;
    cr_assert_eq(ops->start(hw), UIOMMU_E_TIMEOUT);
    is(OFF "-0 " NO_HOLE "0=table " RING "-0 " FLUSH "-1000 ? " OFF);
    at_write = NULL;
    u->stuck = false;
}

/* It does not stop at all: nothing else is done, and its memory stays until it does. */
Test(amd_start, stuck)
{
    uint64_t bytes;

    make(0, 0);
    *fake_reg(u, 0x2020) = 0x98;
    u->stuck = true;
    cr_assert_eq(ops->start(hw), UIOMMU_E_TIMEOUT);
    is(OFF OFF);
    u->stuck = false;
    cr_assert_eq(ops->start(hw), UIOMMU_OK);
    u->stuck = true;
    cr_assert_eq(ops->restart(hw), UIOMMU_E_TIMEOUT);
    text[0] = '\0';
    cr_assert_eq(ops->restart(hw), UIOMMU_E_TIMEOUT);
    is(OFF);
    ops->stop(hw);
    is(OFF);
    bytes = u->core.mem_bytes;
    cr_assert_neq(bytes, 0);
    u->stuck = false;
    ops->destroy(hw);
    is(OFF "-1 ");
    cr_assert_eq(u->core.mem_bytes, 0);
    fake_free(u);
    begin();
    make(0, 0);
}

static void seen_off_late(uint32_t offset)
{
    if (offset == 0x18 && (control & 1) != 0)
        off_late = UINT32_MAX; /* Not yet. */
    else if (offset == 0x18 && off_late == UINT32_MAX)
        off_late = 3;
}

/* Given up while it is: nothing else is tried, and nothing given back. */
Test(amd_start, stuck_for_good)
{
    struct uiommu_amd copy;

    make(0, 0);
    cr_assert_eq(ops->start(hw), UIOMMU_OK);
    hw->cmdq.head++; /* Of a ring that is dead nothing is waited for. */
    hw->cmdq.dead = true;
    u->stuck = true;
    text[0] = '\0';
    ops->stop(hw);
    is(OFF_ON);
    copy = *hw;
    ops->destroy(hw);
    hw = &copy;
    is(OFF);
    cr_assert_neq(u->core.mem_bytes, 0);
    uiommu_amd_memory_put(&copy);
    cr_assert_eq(u->core.mem_bytes, 0);
    fake_free(u);
    begin();
    make(0, 0);
}

/* A start that fails leaves it as it was: off, which is waited for. */
Test(amd_start, undone)
{
    make(0, 0);
    u->hold = true;
    at_write = seen_off_late;
    cr_assert_eq(ops->start(hw), UIOMMU_E_TIMEOUT);
    is(OFF "0=table " NO_HOLE "+200000010460 " RING "+1 " FLUSH "? " OFF_HUNG "-1 ");
    ops->destroy(hw);
    is("");
    cr_assert_eq(u->core.mem_bytes, 0);
    fake_free(u);
    begin();
    make(0, 0);
}

/* A unit that is not there any more gets no store of what was read. */
Test(amd_start, gone)
{
    make(0, 0);
    cr_assert_eq(ops->start(hw), UIOMMU_OK);
    text[0] = '\0';
    gone = true;
    hw->unit->locked++;
    uiommu_amd_control(hw, 0, 8);
    hw->unit->locked--;
    is("");
    gone = false;
    control = fake_reg64(u, 0x18);
}

/* The run bits come late. */
Test(amd_start, runs_late)
{
    make(0, 0);
    u->run_late = 5;
    cr_assert_eq(ops->start(hw), UIOMMU_OK);
}

static uint8_t entries[65536], domains[65536];
static uint32_t tells, seen;

/* What the ring holds up to the new tail. */
static void count(uint32_t offset)
{
    const uint64_t *ring = hw->cmdq.mem.cpu;

    if (offset != 0x2008)
        return;
    for (tells++; hw->cmdq.told == hw->cmdq.head && seen != hw->cmdq.told; seen++) {
        uint64_t word = le64(ring[(seen & 511) * 2]);

        entries[word & 0xffff] += word >> 60 == 2;
        domains[word >> 32 & 0xffff] += word >> 60 == 3;
    }
}

/* Without a command for all of it: each entry, each domain, once; half a ring at a time. */
Test(amd_start, one_by_one)
{
    uint32_t i;

    make(1u << 6, 0);
    at_write = count;
    cr_assert_eq(ops->start(hw), UIOMMU_OK);
    for (i = 0; i < 65536; i++)
        cr_assert(entries[i] == 1 && domains[i] == 1, "%x", i);
    cr_assert_eq(tells, 511 + 1);
    at_write = NULL;
    ops->stop(hw);
    u->hold = true;
    u->core.now = 0;
    cr_assert_eq(ops->restart(hw), UIOMMU_E_TIMEOUT);
    cr_assert_lt(u->core.now, 2000 * MS);
    u->hold = false;
}

static uint64_t head, done;

static void watch(struct uiommu_unit *unit, bool taken)
{
    (void)unit;
    if (taken)
        cr_assert(hw->cmdq.head == head && hw->cmdq.done == done);
    head = hw->cmdq.head;
    done = hw->cmdq.done;
}

/* The ring is written, and dropped, under the lock. */
Test(amd_start, under_the_lock)
{
    make(0, 0);
    u->core.unit.watch = watch;
    cr_assert_eq(ops->start(hw), UIOMMU_OK);
    cr_assert_eq(ops->restart(hw), UIOMMU_OK);
    ops->stop(hw);
    found(FOUND);
    cr_assert_eq(ops->restart(hw), UIOMMU_OK);
    cr_assert(hw->cmdq.head == head && hw->cmdq.done == done);
    u->core.unit.watch = NULL;
}

static void arrives(uint32_t offset)
{
    uint32_t i;

    for (i = 0; i < 2 && offset == 0x18 && (control & 0xe000) == 0xc000; i++)
        fake_log(u, 0x38, 0x1144020112340118, 0x7fff12344000);
}

/* What is logged until the log is off counts as gone, too. */
Test(amd_start, logged_until_it_is_off)
{
    make(0, 0);
    cr_assert_eq(ops->start(hw), UIOMMU_OK);
    at_write = arrives;
    ops->stop(hw);
    cr_assert_eq(hw->ppr.discarded, 2);
    at_write = NULL;
    cr_assert_eq(ops->restart(hw), UIOMMU_OK);
    at_write = arrives;
    cr_assert_eq(ops->restart(hw), UIOMMU_OK);
    cr_assert_eq(hw->ppr.discarded, 2 + 1 + 2, "the second as it was off");
    at_write = NULL;
}

/* InvTimeOut is rounded down; half a command's time where none is asked for. */
Test(amd_start, invalidation_times)
{
    static const struct {
        uint64_t ns;
        uint32_t code;
    } rows[] = {{9999999, 1},    {10 * MS, 2},     {90 * MS, 2},      {100 * MS, 3},
                {999 * MS, 3},   {1000 * MS, 4},   {9999 * MS, 4},    {10000 * MS, 5},
                {99999 * MS, 5}, {100000 * MS, 6}, {1000000 * MS, 6}, {UINT64_MAX, 6}};
    struct uiommu_amd of;
    uint32_t i;

    make(0, 0);
    memset(&of, 0, sizeof(of));
    of.config.flags = UIOMMU_AMD_NOT_COHERENT;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        of.config.invalidation_ns = rows[i].ns;
        cr_assert_eq(uiommu_amd_control_base(&of), (uint64_t)rows[i].code << 5, "%u", i);
    }
    of.config.invalidation_ns = 0;
    of.config.unit.command_ns = 200 * MS;
    cr_assert_eq(uiommu_amd_control_base(&of), 3u << 5);
    of.config.unit.command_ns = 199 * MS;
    cr_assert_eq(uiommu_amd_control_base(&of), 2u << 5);
}

/* Each flag of firmware is one bit. */
Test(amd_start, control_bits)
{
    static const uint32_t bits[] = {1u << 1, 1u << 8, 1u << 9, 1u << 11};
    struct uiommu_amd of;
    uint32_t i;

    make(0, 0);
    memset(&of, 0, sizeof(of));
    of.config.flags = UIOMMU_AMD_NOT_COHERENT;
    of.config.invalidation_ns = 1;
    for (i = 0; i < 4; i++) {
        of.config.ivhd_flags = 1u << i;
        cr_assert_eq(uiommu_amd_control_base(&of), bits[i] | 0x20);
    }
    of.config.ivhd_flags = 0;
    of.f.block_markers = true;
    cr_assert_eq(uiommu_amd_control_base(&of), UINT64_C(1) << 41 | 0x20);
}
