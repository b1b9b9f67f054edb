/* SPDX-License-Identifier: BSD-2-Clause */
/* What is the host's beside the library, and a unit that somebody else had before. */
#include "amd_fake_core.h"

#include <criterion/criterion.h>

/* Control bits of interrupt remapping: GAEn, GAMEn, GALogEn, GAIntEn, NumIntRemapMode, XTEn,
 * IntCapXTEn, GAUpdateDis, GAPPIEn, IRTCacheDis. */
#define HOST_CONTROL UINT64_C(0x08cc18003a020000)

static struct uiommu *u;
static struct uiommu_unit *unit;

static void begin(void)
{
    u = fake_new();
}

static void end(void)
{
    unit->ops->stop(unit->hw);
    unit->ops->destroy(unit->hw);
    cr_assert(u->core.mem_bytes == 0 && u->core.unit.locked == 0);
    fake_free(u);
}

static uiommu_err start(uint32_t flags)
{
    struct uiommu_amd_config c = fake_config();

    c.flags = flags;
    cr_assert_eq(uiommu_amd_create(u, &c, &unit), UIOMMU_OK);
    return unit->ops->start(unit->hw);
}

static void set64(uint32_t offset, uint64_t value)
{
    *fake_reg(u, offset) = (uint32_t)value;
    *fake_reg(u, offset + 4) = (uint32_t)(value >> 32);
}

TestSuite(amd_host, .init = begin, .fini = end);

Test(amd_host, control_bits_stay)
{
    set64(0x18, HOST_CONTROL);
    cr_assert_eq(start(0), UIOMMU_OK);
    cr_assert_eq(fake_reg64(u, 0x18) & HOST_CONTROL, HOST_CONTROL);
    unit->ops->stop(unit->hw);
    cr_assert_eq(fake_reg64(u, 0x18) & HOST_CONTROL, HOST_CONTROL);
    cr_assert_eq(unit->ops->restart(unit->hw), UIOMMU_OK);
    cr_assert_eq(fake_reg64(u, 0x18) & HOST_CONTROL, HOST_CONTROL);
    set64(0x18, fake_reg64(u, 0x18) & ~HOST_CONTROL); /* Switched off by the host meanwhile. */
    cr_assert_eq(unit->ops->restart(unit->hw), UIOMMU_OK);
    cr_assert_eq(fake_reg64(u, 0x18) & HOST_CONTROL, 0);
}

/* IV, IntTabLen, IntTabRoot, IntCtl, pass bits; all of word 3; SysMgt. */
Test(amd_host, entry_words_stay)
{
    static const uint32_t id = 0x118;
    struct uiommu_device_desc desc = {
        &id, 1, UIOMMU_DEVICE_PASID | UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI, 16, 1, 0};
    const uint64_t host1 = UINT64_C(1) << 40, host2 = 0xe70000abcdefffd7, host3 = 0x123456789abcdef;
    volatile uint64_t *dte;
    struct uiommu_amd *hw;
    uint32_t step = 0, round;
    void *dev;

    cr_assert_eq(start(0), UIOMMU_OK);
    hw = unit->hw;
    dte = uiommu_amd_dte_at(hw, id);
    dte[1] |= le64(host1);
    dte[2] = le64(host2);
    dte[3] = le64(host3);
    cr_assert_eq(unit->ops->device_attach(hw, &desc, &dev), UIOMMU_OK);
    for (round = 0; round < 2; round++) {
        for (step = 0; unit->ops->device_set(hw, dev, 3, step) == UIOMMU_MORE; step++)
            cr_assert_eq(le64(dte[1]) & host1, host1);
        cr_assert_eq(le64(dte[0]) & 3, 3);
        cr_assert_eq(le64(dte[1]) & host1, host1);
        cr_assert_eq(le64(dte[2]), host2);
        cr_assert_eq(unit->ops->device_isolate(hw, dev), UIOMMU_OK);
        cr_assert_eq(le64(dte[1]) & host1, host1);
        cr_assert_eq(le64(dte[2]), host2);
    }
    unit->ops->device_detach(hw, dev);
    unit->ops->stop(hw);
    cr_assert_eq(unit->ops->start(hw), UIOMMU_OK);
    cr_assert_eq(le64(dte[0]), 1);
    cr_assert_eq(le64(dte[1]) & host1, host1);
    cr_assert_eq(le64(dte[2]), host2);
    cr_assert_eq(le64(dte[3]), host3);
}

/* Found on: IommuEn never goes off, its table is replaced, GCR3TRPMode and segments are gone. */
Test(amd_host, found_on)
{
    set64(0x00, 0x12345000 | 0x1ff);
    set64(0x18, UINT64_C(0x0400000400010401));
    set64(0x20, 0x7001);
    *fake_reg(u, 0x34) |= 1u << 8;
    *fake_reg(u, 0x2088) = 0xc0000010;
    cr_assert_eq(start(0), UIOMMU_OK);
    cr_assert_eq(*fake_reg(u, 0x2088) >> 30, 3); /* Ours, at three quarters of the log. */
    cr_assert_eq((*fake_reg(u, 0x2088) & 0x7fff) * 4,
                 UINT32_C(3) << ((struct uiommu_amd *)unit->hw)->ppr.log2);
    cr_assert_eq(fake_reg64(u, 0), ((struct uiommu_amd *)unit->hw)->devtab.bus | 0x1ff);
    cr_assert_eq(fake_reg64(u, 0x18) & UINT64_C(0x0400001c00000001), 1);
    cr_assert_eq(fake_reg64(u, 0x20), 0);
}

Test(amd_host, found_on_and_stays)
{
    set64(0x00, 0x12345000 | 0x1ff);
    set64(0x18, 0x401);
    u->keep_base = true;
    cr_assert_eq(start(0), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(*fake_reg(u, 0x18) & 1, 1);
    cr_assert_eq(*fake_reg(u, 0), 0x123451ff);
    unit->ops->destroy(unit->hw);
    cr_assert_eq(*fake_reg(u, 0x18) & 1, 1); /* Not ours. */
    cr_assert_eq(start(UIOMMU_AMD_FOUND_QUIET), UIOMMU_OK);
    cr_assert_eq(*fake_reg(u, 0x18) & 1, 1);
    cr_assert_neq(*fake_reg(u, 0), 0x123451ff);
}

/* Firmware came back with a table of its own and without GTEn: open entries would let untagged
 * traffic pass until that is set. */
Test(amd_host, resumes_over_another_table)
{
    static const uint32_t id = 0x118;
    struct uiommu_device_desc desc = {&id, 1, UIOMMU_DEVICE_PASID, 16, 1, 0};
    volatile uint64_t *dte;
    uint32_t step = 0;
    uint64_t was;
    void *dev;

    cr_assert_eq(start(0), UIOMMU_OK);
    cr_assert_eq(unit->ops->device_attach(unit->hw, &desc, &dev), UIOMMU_OK);
    while (unit->ops->device_set(unit->hw, dev, UIOMMU_DEVICE_SET_OPEN, step) == UIOMMU_MORE)
        step++;
    dte = uiommu_amd_dte_at(unit->hw, id);
    was = le64(dte[0]);
    cr_assert_eq(was & 3, 3);
    unit->ops->stop(unit->hw);
    memset(fake_reg(u, 0x2000), 0, 0x40);
    set64(0x00, 0x12345000 | 0x1ff);
    set64(0x18, 1);
    u->watch = dte;
    u->logged = 0;
    cr_assert_eq(unit->ops->restart(unit->hw), UIOMMU_OK);
    cr_assert_eq(u->watched, 1);
    cr_assert_eq(le64(dte[0]), was);
    cr_assert_eq(u->log[u->logged - 2].d[0] >> 60, 8);
    cr_assert_eq(u->logged, 6); /* All caches: the old table's, the bits', the entries'. */
    unit->ops->device_detach(unit->hw, dev);
}

static struct amd_device *attach(const uint32_t *ids, uint32_t count, uint32_t flags)
{
    struct uiommu_device_desc desc = {
        ids, count, UIOMMU_DEVICE_PASID | UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI, 9, 1, 0};
    uint32_t step = 0;
    void *dev;

    cr_assert_eq(unit->ops->device_attach(unit->hw, &desc, &dev), UIOMMU_OK);
    while (unit->ops->device_set(unit->hw, dev, flags, step) == UIOMMU_MORE)
        step++;
    return dev;
}

static uint64_t entry(uint32_t id)
{
    return le64(uiommu_amd_dte_at(unit->hw, id)[0]);
}

static void foreign_table(void)
{
    unit->ops->stop(unit->hw);
    memset(fake_reg(u, 0x2000), 0, 0x40);
    set64(0x00, 0x12345000 | 0x1ff);
    set64(0x18, 1);
    u->logged = 0;
}

/* Of several devices those open again that were open, each by its own entry; once. */
Test(amd_host, resumes_with_many)
{
    static const uint32_t of[] = {0x300, 0, 0x118, 0x119, 0x200, 0x201};
    struct amd_device *dev[4];
    uint64_t was[6];
    uint32_t i;

    cr_assert_eq(start(0), UIOMMU_OK);
    dev[0] = attach(&of[0], 1, 0);
    dev[1] = attach(&of[2], 2, UIOMMU_DEVICE_SET_OPEN);
    dev[2] = attach(&of[1], 1, UIOMMU_DEVICE_SET_OPEN | UIOMMU_DEVICE_SET_ATS);
    dev[3] = attach(&of[4], 2, 0);
    for (i = 0; i < 6; i++)
        was[i] = entry(of[i]);
    cr_assert(was[1] != was[2] && was[0] == 1 && was[4] == 1);
    foreign_table();
    cr_assert_eq(unit->ops->restart(unit->hw), UIOMMU_OK);
    for (i = 0; i < 6; i++)
        cr_assert_eq(entry(of[i]), was[i], "%u", i);
    cr_assert_eq(u->logged, 6);
    u->logged = 0;
    cr_assert_eq(unit->ops->restart(unit->hw), UIOMMU_OK);
    cr_assert_eq(u->logged, 2);
    for (i = 0; i < 4; i++)
        unit->ops->device_detach(unit->hw, dev[i]);
}

/* The unit hangs meanwhile. Who was shut since stays so, who is being opened goes on from there. */
Test(amd_host, resumes_at_the_second_try)
{
    static const uint32_t of[] = {0x300, 0x301, 0x302};
    struct amd_device *dev[3];
    uint64_t was;
    uint32_t i;

    cr_assert_eq(start(0), UIOMMU_OK);
    for (i = 0; i < 3; i++)
        dev[i] = attach(&of[i], 1, UIOMMU_DEVICE_SET_OPEN);
    was = entry(0x300);
    foreign_table();
    u->hold = true;
    cr_assert_eq(unit->ops->restart(unit->hw), UIOMMU_E_TIMEOUT);
    cr_assert(entry(0x300) == 1 && entry(0x301) == 1 && entry(0x302) == 1);
    cr_assert_eq(unit->ops->device_set(unit->hw, dev[1], 0, 0), UIOMMU_OK);
    cr_assert_eq(unit->ops->device_set(unit->hw, dev[2], UIOMMU_DEVICE_SET_OPEN, 0), UIOMMU_MORE);
    u->hold = false;
    cr_assert_eq(unit->ops->restart(unit->hw), UIOMMU_OK);
    cr_assert(entry(0x300) == was && entry(0x301) == 1 && entry(0x302) == 1);
    for (i = 0; i < 3; i++)
        unit->ops->device_detach(unit->hw, dev[i]);
}

/* So for bonds with a host table that begin, or end, meanwhile. */
Test(amd_host, resumes_with_host_tables)
{
    static const struct uiommu_root host = {
        UIOMMU_ROOT_X86_64_LEVELLED, 12, 48, 48, 0, 0xabcdef000, 0, {0}};
    static const uint32_t of[] = {0x300, 0x301};
    struct amd_device *dev[2];
    uint32_t step = 0, i;

    cr_assert_eq(start(0), UIOMMU_OK);
    for (i = 0; i < 2; i++)
        dev[i] = attach(&of[i], 1, UIOMMU_DEVICE_SET_OPEN);
    while (unit->ops->pasid_set(unit->hw, dev[1], UIOMMU_PASID_NONE, &host, 1, step) == UIOMMU_MORE)
        step++;
    foreign_table();
    u->hold = true;
    cr_assert_eq(unit->ops->restart(unit->hw), UIOMMU_E_TIMEOUT);
    cr_assert(entry(0x300) == 1 && entry(0x301) == 1);
    cr_assert_eq(unit->ops->pasid_set(unit->hw, dev[0], UIOMMU_PASID_NONE, &host, 1, 0),
                 UIOMMU_MORE);
    unit->ops->pasid_clear(unit->hw, dev[1], UIOMMU_PASID_NONE);
    u->hold = false;
    cr_assert_eq(unit->ops->restart(unit->hw), UIOMMU_OK);
    cr_assert(entry(0x300) == 1 && entry(0x301) == 1);
    for (i = 0; i < 2; i++)
        unit->ops->device_detach(unit->hw, dev[i]);
}

/* It uses what it kept of our base: the memory is in use until it is off. */
Test(amd_host, found_on_and_keeps_a_part)
{
    set64(0x00, 0x12345000 | 0xff);
    set64(0x18, 0x401);
    u->keep_size = true;
    cr_assert_eq(start(0), UIOMMU_E_HW);
    unit->ops->destroy(unit->hw);
    cr_assert_eq(*fake_reg(u, 0x18) & 1, 0);
    u->keep_size = false;
    cr_assert_eq(start(0), UIOMMU_OK);
}

/* What hardware still translates by is not given back. */
Test(amd_off, memory_stays)
{
    struct uiommu_amd copy;

    begin();
    cr_assert_eq(start(0), UIOMMU_OK);
    u->stay_on = true;
    unit->ops->stop(unit->hw);
    copy = *(struct uiommu_amd *)unit->hw;
    unit->ops->destroy(unit->hw);
    cr_assert_neq(u->core.mem_bytes, 0);
    uiommu_amd_memory_put(&copy);
    cr_assert_eq(u->core.mem_bytes, 0);
    fake_free(u);
}

/* The registers are as after power-on. */
Test(amd_host, resumes)
{
    uint64_t base, control;

    cr_assert_eq(start(0), UIOMMU_OK);
    base = fake_reg64(u, 0);
    control = fake_reg64(u, 0x18);
    unit->ops->stop(unit->hw);
    memset(fake_reg(u, 0), 0, 0x30);
    memset(fake_reg(u, 0x38), 0, 8);
    memset(fake_reg(u, 0x2000), 0, 0x40);
    cr_assert_eq(unit->ops->restart(unit->hw), UIOMMU_OK);
    cr_assert_eq(fake_reg64(u, 0), base);
    cr_assert_eq(fake_reg64(u, 0x18), control);
    cr_assert_eq(*fake_reg(u, 0x2020), 0x98);
}

Test(amd_host, raw_commands)
{
    uint64_t good[2] = {UINT64_C(0x5000000000000118), 0}, ticket;
    uint64_t wait[2] = {UINT64_C(1) << 60, 0}, answer[2] = {UINT64_C(7) << 60, 0};
    uint32_t at;

    cr_assert_eq(start(0), UIOMMU_OK);
    at = u->logged;
    cr_assert_eq(unit->ops->command(unit->hw, good, 2), UIOMMU_OK);
    cr_assert_eq(unit->ops->command(unit->hw, good, 1), UIOMMU_E_INVALID);
    cr_assert_eq(unit->ops->command(unit->hw, good, 4), UIOMMU_E_INVALID);
    cr_assert_eq(unit->ops->command(unit->hw, wait, 2), UIOMMU_E_INVALID);
    cr_assert_eq(unit->ops->command(unit->hw, answer, 2), UIOMMU_E_INVALID);
    cr_assert_eq(unit->ops->ticket(unit->hw, &ticket), UIOMMU_OK);
    cr_assert_eq(unit->ops->ticket_poll(unit->hw, ticket), UIOMMU_OK);
    cr_assert_eq(u->logged, at + 2);
    cr_assert_eq(u->log[at].d[0], good[0]);
    u->refuse = 5;
    u->refusals = 1;
    cr_assert_eq(unit->ops->command(unit->hw, good, 2), UIOMMU_OK);
    cr_assert_eq(unit->ops->ticket(unit->hw, &ticket), UIOMMU_OK);
    cr_assert_eq(unit->ops->ticket_poll(unit->hw, ticket), UIOMMU_E_HW);
    cr_assert_eq(unit->ops->ticket(unit->hw, &ticket), UIOMMU_OK);
    cr_assert_eq(unit->ops->ticket_poll(unit->hw, ticket), UIOMMU_OK);
}

/* NpCache: a SUCCESS goes out behind a fence behind an invalidation of its PASID. */
Test(amd_host, np_cache)
{
    static const uint32_t id = 0x118;
    struct uiommu_device_desc desc = {&id, 1, UIOMMU_DEVICE_PASID, 16, 1, 0};
    struct uiommu_answer a = {{1, 5}, id, 5, 1, UIOMMU_REQUEST_PASID, UIOMMU_CODE_SUCCESS, false};
    uint32_t at;
    void *dev;

    cr_assert_eq(start(UIOMMU_AMD_NP_CACHE), UIOMMU_OK);
    cr_assert_eq(unit->ops->device_attach(unit->hw, &desc, &dev), UIOMMU_OK);
    at = u->logged;
    cr_assert_eq(unit->ops->respond(unit->hw, &a, 1), 1);
    cr_assert_eq(u->log[at].d[0] & UINT64_C(0xf0000000000fffff), UINT64_C(0x3000000000000005));
    cr_assert_eq(u->log[at].d[1], UINT64_C(0x7ffffffffffff007));
    cr_assert_eq(u->log[at + 1].d[0], UINT64_C(0x1000000000000004));
    cr_assert_eq(u->log[at + 2].d[0] >> 60, 7);
    a.code = UIOMMU_CODE_INVALID;
    at = u->logged;
    cr_assert_eq(unit->ops->respond(unit->hw, &a, 1), 1);
    cr_assert_eq(u->log[at].d[0] >> 60, 7);
    unit->ops->device_detach(unit->hw, dev);
}
