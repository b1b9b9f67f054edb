/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Extended capabilities of a function whose configuration space answers what it likes, and each
 * time something else. By induction: a turn of the walk from any place, and every switch from any
 * state; nothing outside of what was found is read or written, and users are counted right.
 */
#include "../prove.h"

static uint32_t any_place(void);

#include <core/pcie.c>

static struct uiommu_pcie fn, pf;
static bool walking;
static uint32_t reads;

/* A turn begins only at such a place. */
static uint32_t any_place(void)
{
    uint32_t at = nondet_u32();

    ASSUME(at == CAP_FIRST || (at >= CAP_FIRST && at <= 0xffcu && at % 4 == 0));
    return at;
}

static bool inside(uint32_t base, uint32_t offset, uint32_t end)
{
    return base != 0 && offset >= base && offset < base + end;
}

static uint32_t hostile_read(void *ctx, uint32_t offset, uint32_t bytes)
{
    const struct uiommu_pcie *of = ctx;

    PROVE(bytes == 2 || bytes == 4);
    PROVE(offset % bytes == 0 && offset <= CONFIG_END - bytes);
    PROVE(walking || offset < 8 || inside(of->ats, offset, 8) || inside(of->pri, offset, 16) ||
          inside(of->pasid, offset, 8));
    reads++;
    return nondet_u32();
}

static void hostile_write(void *ctx, uint32_t offset, uint32_t bytes, uint32_t value)
{
    const struct uiommu_pcie *of = ctx;

    PROVE(!walking); /* looking changes nothing */
    PROVE(bytes == 2 || (bytes == 4 && offset == of->pri + PRI_ALLOCATION));
    PROVE((of->ats != 0 && offset == of->ats + 6u) ||
          (of->pasid != 0 && offset == of->pasid + 6u) ||
          (of->pri != 0 &&
           (offset == of->pri + 4u || offset == of->pri + 6u || offset == of->pri + 12u)));
    PROVE(bytes == 4 || value <= 0xffffu);
}

static bool good(const struct uiommu_pcie *of)
{
    return (of->ats == 0 || (of->ats >= 0x100 && of->ats <= 0xff8 && of->ats % 4 == 0)) &&
           (of->pri == 0 || (of->pri >= 0x100 && of->pri <= 0xff0 && of->pri % 4 == 0)) &&
           (of->pasid == 0 || (of->pasid >= 0x100 && of->pasid <= 0xff8 && of->pasid % 4 == 0)) &&
           of->pasid_width <= UIOMMU_PASID_BITS;
}

static void any_function(struct uiommu_pcie *of)
{
    of->access.ctx = of;
    of->access.read = hostile_read;
    of->access.write = hostile_write;
    of->ats = nondet_u16();
    of->pri = nondet_u16();
    of->pasid = nondet_u16();
    of->pasid_width = nondet_u8();
    of->pri_capacity = nondet_u32();
    of->pri_on = nondet_bool();
    of->pasid_on = nondet_bool();
    ASSUME(good(of));
}

static void looking(void)
{
    uint16_t ats = fn.ats, pri = fn.pri, pasid = fn.pasid;

    walking = true;
    walk(&fn);
    PROVE(good(&fn) && reads <= 2 * CAP_STEPS);
    PROVE((ats == 0 || fn.ats == ats) && (pri == 0 || fn.pri == pri));
    PROVE(pasid == 0 || fn.pasid == pasid);
    walking = false;
}

/* Others may use the physical function as well; a user counts once. */
static void switching(struct uiommu_pcie *of)
{
    struct uiommu_pcie *who = of == NULL ? &fn : of;
    const struct uiommu_device_ops *ops = uiommu_pcie_ops();
    uint16_t pri_others = nondet_u8(), pasid_others = nondet_u8();
    bool on = nondet_bool(), needs;
    uint32_t what = nondet_u32() % 4, most = STOP_READS * 2 + 6;

    fn.pf = of;
    who->pri_users = (uint16_t)(pri_others + fn.pri_on);
    who->pasid_users = (uint16_t)(pasid_others + fn.pasid_on);
    if (what == 0)
        (void)ops->set_pasid(&fn, on);
    else if (what == 1)
        (void)ops->set_ats(&fn, on, nondet_u32());
    else if (what == 2)
        (void)ops->set_pri(&fn, on, nondet_u32(), nondet_bool() ? &needs : NULL);
    else
        (void)ops->pri_stopped(&fn);
    PROVE(reads <= most);
    PROVE(who->pri_users == pri_others + fn.pri_on);
    PROVE(who->pasid_users == pasid_others + fn.pasid_on);
    PROVE(good(&fn) && good(&pf));
}

void prove(void)
{
    any_function(&fn);
    any_function(&pf);
    if (nondet_bool())
        looking();
    else if (nondet_bool())
        switching(NULL);
    else
        switching(&pf);
}
