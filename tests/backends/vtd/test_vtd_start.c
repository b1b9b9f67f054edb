/* SPDX-License-Identifier: BSD-2-Clause */
/* On and off, register by register, in the order of the sheet (4, 5.3, 8.2); what another's queue
 * is waited for. */
#include "fake_vtd.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define GSTS 0x1cu
#define FSTS 0x34u
#define TE   0x80000000u
#define QIE  0x04000000u
#define PRS  0x20000000u /* Low half of ECAP. */
#define MS   UINT64_C(1000000)

static struct uiommu *u;
static struct uiommu_vtd *hw;
static struct uiommu_vtd_config config;
static const struct uiommu_backend_ops *ops;
static char text[2048];
static bool mute;

static void add(const char *word)
{
    size_t used = strlen(text);

    (void)snprintf(text + used, sizeof(text) - used, "%s ", word);
}

/* Addresses of memory are named by what they are of, the bits below them shown. */
static void wrote(struct uiommu *fake, uint32_t offset, uint32_t value)
{
    const struct {
        const char *name;
        uint64_t bus;
    } of[] = {{"root", hw->root.bus}, {"queue", hw->iq.mem.bus}, {"requests", hw->prq.mem.bus}};
    char word[64];
    size_t i;

    if (mute)
        return;
    cr_assert(fake->core.unit.locked != 0 || offset != 0x88 || value == 0, "without the lock");
    for (i = 0; i < 3 && (of[i].bus == 0 || (value ^ (uint32_t)of[i].bus) >> 12 != 0); i++)
        ;
    if (i < 3)
        (void)snprintf(word, sizeof(word), "%x=%s+%x", offset, of[i].name, value & 0xfff);
    else
        (void)snprintf(word, sizeof(word), "%x=%x", offset, value);
    add(word);
}

/* What is looked at until it is so, and what is read back. */
static void looked(struct uiommu *fake, uint32_t offset)
{
    size_t used = strlen(text);

    (void)fake;
    if (mute)
        return;
    if (offset == GSTS && (used < 2 || text[used - 2] != '?'))
        add("?");
    if (offset == 0x38 || offset == 0xa0 || offset == 0xe0)
        add(offset == 0x38 ? "r38" : offset == 0xa0 ? "ra0" : "re0");
}

static void begin(void)
{
    u = fake_new();
    config = fake_config();
    config.fault.address = 0x12300fee45000;
    config.fault.data = 0x41;
    config.requests.address = 0xfee46000;
    config.requests.data = 0x42;
    mute = false;
}

static void make(void)
{
    struct uiommu_unit *unit;

    cr_assert_eq(uiommu_vtd_create(u, &config, &unit), UIOMMU_OK);
    hw = unit->hw;
    ops = unit->ops;
    text[0] = '\0';
    u->on_write = wrote;
    u->on_read = looked;
}

static void is(const char *want)
{
    cr_assert_str_eq(text, want, "%s", text);
    text[0] = '\0';
}

static void end(void)
{
    mute = true;
    FAKE_END(u);
}

TestSuite(vtd_start, .init = begin, .fini = end);

#define MASKED "r38 38=80000000 r38 ra0 a0=80000000 ra0 "
#define NO_REQ "re0 e0=80000000 re0 "
#define QUEUE  "34=70 88=0 90=queue+801 ? "
#define ASKS   "c0=0 c8=0 d0=requests+2 dc=3 ? "
#define FAULTS "3c=41 40=fee45000 44=12300 r38 38=0 r38 "
#define SENT   FAULTS "e4=42 e8=fee46000 ec=0 re0 e0=0 re0 "

/* Nothing is sent; the queue, the root table, no cache of before; then page requests, translation,
 * and messages, each switched on behind where it goes to. */
Test(vtd_start, everything)
{
    make();
    cr_assert_eq(ops->start(hw), UIOMMU_OK);
    is("? " MASKED NO_REQ "? " QUEUE "18=4000000 ? 20=root+400 ? 18=44000000 ? 88=80 ? " ASKS
       "18=84000000 ? 34=1 " SENT);
    ops->stop(hw);
    is(MASKED NO_REQ "? 88=a0 ? 18=80000000 ? ");
    ops->stop(hw);
    is("");
    cr_assert_eq(ops->restart(hw), UIOMMU_OK);
    is("? " MASKED NO_REQ "? " QUEUE
       "18=84000000 ? c0=0 20=root+400 ? 18=c4000000 ? 88=80 ? " SENT);
    ops->stop(hw);
    text[0] = '\0';
    ops->destroy(hw);
    is("? 18=0 ? d0=0 c0=0 c8=0 ");
    cr_assert(u->core.mem_bytes == 0 && u->core.heap_bytes == 0);
    fake_free(u);
    begin();
    make();
}

Test(vtd_start, polled)
{
    config.poll = true;
    make();
    cr_assert_eq(ops->start(hw), UIOMMU_OK);
    is("? " MASKED NO_REQ "? " QUEUE "18=4000000 ? 20=root+400 ? 18=44000000 ? 88=80 ? " ASKS
       "18=84000000 ? 34=1 ");
}

Test(vtd_start, without_requests)
{
    *fake_reg(u, 0x10) &= ~PRS;
    make();
    cr_assert_eq(ops->start(hw), UIOMMU_OK);
    is("? " MASKED "? " QUEUE
       "18=4000000 ? 20=root+400 ? 18=44000000 ? 88=80 ? 18=84000000 ? 34=1 " FAULTS);
    ops->stop(hw);
    is(MASKED "? 88=a0 ? 18=80000000 ? ");
}

/* Two error bits are reserved then. */
Test(vtd_start, without_device_tlbs)
{
    make();
    cr_assert_eq(ops->start(hw), UIOMMU_OK);
    ops->stop(hw);
    text[0] = '\0';
    hw->f.ats = false;
    cr_assert_eq(ops->restart(hw), UIOMMU_OK);
    cr_assert_not_null(strstr(text, " 34=10 88=0 "));
    cr_assert_eq(uiommu_vtd_error_bits(hw), 0x10);
}

/* Another's queue. */
static void found(uint32_t head, uint32_t tail)
{
    *fake_reg(u, GSTS) = TE | QIE;
    *fake_reg(u, 0x20) = 0x12345400; /* Scalable mode. */
    *fake_reg(u, 0x80) = head;
    *fake_reg(u, 0x88) = tail;
    *fake_reg(u, 0x90) = 0x5000;
    u->hold = true;
}

static uint32_t left; /* Looks until it is done. */

static void goes_on(struct uiommu *fake, uint32_t offset)
{
    looked(fake, offset);
    if (offset != 0x80 || left == 0)
        return;
    if (--left == 0) {
        *fake_reg(fake, 0x80) = *fake_reg(fake, 0x88);
        fake->hold = false;
    }
}

Test(vtd_start, found_busy)
{
    make();
    found(0x20, 0x60);
    u->on_read = goes_on;
    left = 4;
    *fake_reg(u, FSTS) = 0x40;
    cr_assert_eq(ops->start(hw), UIOMMU_OK);
    is("? " MASKED NO_REQ "? 34=40 ? 18=80000000 ? " QUEUE
       "18=84000000 ? 20=root+400 ? 18=c4000000 ? 88=80 ? " ASKS "34=1 " SENT);
    cr_assert_eq(left, 0);
}

static void goes_off(struct uiommu *fake, uint32_t offset, uint32_t value)
{
    wrote(fake, offset, value);
    fake->hold = fake->hold && offset != 0x18;
}

/* It has met an error of its own, and will not get on. */
Test(vtd_start, found_broken)
{
    uint64_t before = u->core.now;

    make();
    found(0x20, 0x60);
    u->on_write = goes_off;
    *fake_reg(u, FSTS) = 0x10;
    cr_assert_eq(ops->start(hw), UIOMMU_OK);
    cr_assert_lt(u->core.now - before, 200 * MS);
}

Test(vtd_start, found_hung)
{
    uint64_t before = u->core.now;

    make();
    found(0x20, 0x60);
    cr_assert_eq(ops->start(hw), UIOMMU_E_TIMEOUT);
    is("? " MASKED NO_REQ "? 18=80000000 ? " QUEUE
       "18=84000000 ? 20=root+400 ? 18=c4000000 ? 88=80 " MASKED NO_REQ "? 88=a0 ? 18=80000000 ? ");
    cr_assert_gt(u->core.now - before, 1000 * MS);
    u->hold = false;
}

/* It is not there: nothing is written; nor is what was there held any more. */
Test(vtd_start, gone)
{
    uint32_t status;

    make();
    *fake_reg(u, GSTS) = UINT32_MAX;
    cr_assert_eq(ops->start(hw), UIOMMU_E_HW);
    is("? ");
    *fake_reg(u, GSTS) = 0;
    cr_assert_eq(ops->start(hw), UIOMMU_OK);
    text[0] = '\0';
    status = *fake_reg(u, GSTS);
    *fake_reg(u, GSTS) = UINT32_MAX;
    ops->stop(hw);
    is(MASKED NO_REQ "? ");
    cr_assert_not(hw->held || hw->iq.on);
    *fake_reg(u, GSTS) = status;
    cr_assert_eq(ops->restart(hw), UIOMMU_OK);
    u->stuck = true;
    ops->stop(hw);
    cr_assert(hw->held && !hw->iq.on);
    u->stuck = false;
    fake_late(u);
    cr_assert_eq(ops->restart(hw), UIOMMU_OK);
    cr_assert(!hw->held && hw->iq.on);
}

/* The mode must not change under way where hardware does not flush with it; off, or in scalable
 * mode already, it does not. */
Test(vtd_start, modes)
{
    *fake_reg(u, 0x0c) &= 0x7fffffff; /* ESRTPS */
    make();
    cr_assert_eq(ops->start(hw), UIOMMU_OK);
    mute = true;
    FAKE_END(u);
    begin();
    *fake_reg(u, 0x0c) &= 0x7fffffff;
    make();
    found(0x60, 0x60);
    u->hold = false;
    cr_assert_eq(ops->start(hw), UIOMMU_OK);
    cr_assert_null(strstr(text, "18=4000000 "), "translation stays on");
    mute = true;
    FAKE_END(u);
    begin();
    *fake_reg(u, 0x0c) &= 0x7fffffff;
    config.quirks = UIOMMU_VTD_QUIRK_TAKEOVER_WINDOW;
    make();
    found(0x60, 0x60);
    u->hold = false;
    *fake_reg(u, 0x20) = 0x12345000;
    u->slow = TE;
    cr_assert_eq(ops->start(hw), UIOMMU_E_TIMEOUT);
    is("? 18=4000000 ? ");
    fake_late(u);
    u->on_read = looked;
    cr_assert_eq(ops->start(hw), UIOMMU_OK);
}

static uint64_t head;

static void watch(struct uiommu_unit *unit, bool taken)
{
    (void)unit;
    if (taken)
        cr_assert_eq(hw->iq.head, head);
    head = hw->iq.head;
}

/* The queue is written, and dropped, under the lock. */
Test(vtd_start, under_the_lock)
{
    make();
    u->core.unit.watch = watch;
    cr_assert_eq(ops->start(hw), UIOMMU_OK);
    cr_assert_eq(ops->restart(hw), UIOMMU_OK);
    ops->stop(hw);
    cr_assert_eq(hw->iq.head, head);
    u->core.unit.watch = NULL;
}

/* A queue of nobody. */
Test(vtd_start, found_idle)
{
    uint64_t before = u->core.now;

    make();
    found(0x60, 0x60);
    u->hold = false;
    cr_assert_eq(ops->start(hw), UIOMMU_OK);
    is("? " MASKED NO_REQ "? 18=80000000 ? " QUEUE
       "18=84000000 ? 20=root+400 ? 18=c4000000 ? 88=80 ? " ASKS "34=1 " SENT);
    cr_assert_lt(u->core.now - before, 200 * MS);
}
