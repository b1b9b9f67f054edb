/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

/*
 * The extended capabilities ATS, PRI and PASID of one function (PCIe Base, 10.5.1, 10.5.2, 7.8.9).
 * A VF has an ATS capability of its own and uses its PF's PRI and PASID, so those two are counted:
 * the first user switches on, the last one off. Control registers are written as words, since
 * status bits next to them are cleared by writing ones.
 */
#define CONFIG_END 0x1000u
#define CAP_FIRST  0x100u
#define CAP_STEPS  480u /* no more capabilities of two dwords fit */
#define CAP_ATS    0x0Fu
#define CAP_PRI    0x13u
#define CAP_PASID  0x1Bu

#define ATS_CTRL        6u
#define ATS_STU         0x1fu
#define ATS_ENABLE      0x8000u
#define PRI_CTRL        4u
#define PRI_ENABLE      0x1u
#define PRI_RESET       0x2u
#define PRI_STATUS      6u
#define PRI_RF_UPRGI    0x3u
#define PRI_STOPPED     0x100u
#define PRI_NEEDS_PASID 0x8000u
#define PRI_CAPACITY    8u
#define PRI_ALLOCATION  12u
#define PASID_CAP       4u
#define PASID_MODES     0x6u
#define PASID_CTRL      6u
#define PASID_ENABLE    0x1u

#define ABSENT16   0xffffu
#define STOP_READS 1000u
static uint32_t get16(const struct uiommu_pcie *fn, uint32_t at)
{
    return fn->access.read(fn->access.ctx, at, 2) & 0xffffu;
}

static uint32_t get32(const struct uiommu_pcie *fn, uint32_t at)
{
    return fn->access.read(fn->access.ctx, at, 4);
}

static void put16(const struct uiommu_pcie *fn, uint32_t at, uint32_t value)
{
    fn->access.write(fn->access.ctx, at, 2, value);
}

static struct uiommu_pcie *shared(struct uiommu_pcie *fn)
{
    return fn->pf == NULL ? fn : fn->pf;
}

/* Count a function in or out of the users of its PF's capability. */
static void use(bool *of, uint16_t *users, bool on)
{
    if (*of == on)
        return;
    *of = on;
    *users = (uint16_t)(on ? *users + 1u : *users - 1u);
}

/* A VF has all ones for a vendor (PCIe Base, 9.3.4), but never for command and status. */
static uiommu_err pcie_present(void *ctx)
{
    const struct uiommu_pcie *fn = ctx;

    if (fn->pf == NULL)
        return get16(fn, 0) == ABSENT16 ? UIOMMU_E_GONE : UIOMMU_OK;
    return get32(fn, 4) == UINT32_MAX ? UIOMMU_E_GONE : UIOMMU_OK;
}

static uiommu_err pcie_stop(void *ctx, struct uiommu_device *dev, struct uiommu_bond_ref bond,
                            uint32_t pasid)
{
    const struct uiommu_pcie *fn = ctx;

    if (fn->driver.stop == NULL)
        return UIOMMU_E_UNSUPPORTED;
    return fn->driver.stop(fn->driver_ctx, dev, bond, pasid);
}

static bool ats_is_on(const struct uiommu_pcie *fn)
{
    return fn->ats != 0 && (get16(fn, fn->ats + ATS_CTRL) & ATS_ENABLE) != 0;
}

/* The enables must not change under ATS. Left on for others it does no harm. */
static uiommu_err pcie_set_pasid(void *ctx, bool on)
{
    struct uiommu_pcie *fn = ctx, *pf = shared(fn);
    uint32_t want = 0, now;

    if (pf->pasid == 0 || pf->pasid_width == 0)
        return UIOMMU_E_UNSUPPORTED;
    now = get16(pf, pf->pasid + PASID_CTRL);
    if (now == ABSENT16 && on)
        return UIOMMU_E_GONE;
    if (!on)
        use(&fn->pasid_on, &pf->pasid_users, false);
    if (on || pf->pasid_users != 0)
        want = PASID_ENABLE | (get16(pf, pf->pasid + PASID_CAP) & PASID_MODES);
    if (now != ABSENT16 && (now & (PASID_ENABLE | PASID_MODES)) != want) {
        if (!ats_is_on(fn) && !ats_is_on(pf))
            put16(pf, pf->pasid + PASID_CTRL, want);
        else if (on)
            return UIOMMU_E_STATE;
    }
    if (on)
        use(&fn->pasid_on, &pf->pasid_users, true);
    return UIOMMU_OK;
}

/* A VF's own STU is reserved, the PF's counts; it changes only while the PF's ATS is off. */
static uiommu_err vf_stu(const struct uiommu_pcie *pf, uint32_t stu)
{
    uint32_t now;

    if (pf->ats == 0)
        return UIOMMU_E_UNSUPPORTED;
    now = get16(pf, pf->ats + ATS_CTRL);
    if (now == ABSENT16)
        return UIOMMU_E_GONE;
    if ((now & ATS_STU) == stu)
        return UIOMMU_OK;
    if ((now & ATS_ENABLE) != 0)
        return UIOMMU_E_STATE;
    put16(pf, pf->ats + ATS_CTRL, (now & ~ATS_STU) | stu);
    return UIOMMU_OK;
}

static uiommu_err pcie_set_ats(void *ctx, bool on, uint32_t stu)
{
    struct uiommu_pcie *fn = ctx;
    uint32_t now, want;
    uiommu_err err;

    if (fn->ats == 0)
        return UIOMMU_E_UNSUPPORTED;
    if (on && (stu < 12 || stu - 12 > ATS_STU))
        return UIOMMU_E_RANGE;
    now = get16(fn, fn->ats + ATS_CTRL);
    if (now == ABSENT16)
        return on ? UIOMMU_E_GONE : UIOMMU_OK;
    if (!on) {
        if ((now & ATS_ENABLE) != 0)
            put16(fn, fn->ats + ATS_CTRL, now & ~ATS_ENABLE);
        return UIOMMU_OK;
    }
    want = ATS_ENABLE;
    if (fn->pf == NULL) {
        want |= stu - 12;
    } else {
        err = vf_stu(fn->pf, stu - 12);
        if (err != UIOMMU_OK)
            return err;
        now &= ~ATS_STU;
    }
    if (now == want)
        return UIOMMU_OK;
    /* Somebody before us left it on: the STU must not change under ATS. */
    if ((now & ATS_ENABLE) != 0)
        put16(fn, fn->ats + ATS_CTRL, now & ~ATS_ENABLE);
    put16(fn, fn->ats + ATS_CTRL, want);
    return UIOMMU_OK;
}

/* There is no clock here: so many reads, each of them slow. */
static uiommu_err pri_wait(const struct uiommu_pcie *pf)
{
    uint32_t n, status;

    for (n = 0; n < STOP_READS; n++) {
        status = get16(pf, pf->pri + PRI_STATUS);
        if (status == ABSENT16)
            return UIOMMU_E_GONE;
        if ((status & PRI_STOPPED) != 0)
            return UIOMMU_OK;
        uiommu_pause();
    }
    return UIOMMU_E_TIMEOUT;
}

/* Disabled and stopped, reset, stopped again, errors cleared, allocation, enabled: in this order.
 */
static uiommu_err pri_start(const struct uiommu_pcie *pf, uint32_t credits)
{
    uint32_t now;
    uiommu_err err;

    put16(pf, pf->pri + PRI_CTRL, 0);
    err = pri_wait(pf);
    if (err != UIOMMU_OK)
        return err;
    put16(pf, pf->pri + PRI_CTRL, PRI_RESET);
    err = pri_wait(pf);
    if (err != UIOMMU_OK)
        return err;
    put16(pf, pf->pri + PRI_STATUS, PRI_RF_UPRGI);
    pf->access.write(pf->access.ctx, pf->pri + PRI_ALLOCATION, 4,
                     credits < pf->pri_capacity ? credits : pf->pri_capacity);
    put16(pf, pf->pri + PRI_CTRL, PRI_ENABLE);
    now = get16(pf, pf->pri + PRI_CTRL);
    if (now == ABSENT16)
        return UIOMMU_E_GONE;
    return (now & PRI_ENABLE) != 0 ? UIOMMU_OK : UIOMMU_E_HW;
}

static uiommu_err pri_on(struct uiommu_pcie *fn, uint32_t credits, bool *pasid_required)
{
    struct uiommu_pcie *pf = shared(fn);
    uint32_t now = get16(pf, pf->pri + PRI_CTRL);
    uint32_t others = pf->pri_users - (fn->pri_on ? 1u : 0u);
    uiommu_err err = UIOMMU_OK;

    if (now == ABSENT16)
        return UIOMMU_E_GONE;
    /* A reset switches off without asking, so the register knows better than the count. */
    if (others == 0 || (now & PRI_ENABLE) == 0)
        err = pri_start(pf, credits);
    if (err != UIOMMU_OK)
        return err;
    use(&fn->pri_on, &pf->pri_users, true);
    if (pasid_required != NULL)
        *pasid_required = (get16(pf, pf->pri + PRI_STATUS) & PRI_NEEDS_PASID) != 0;
    return UIOMMU_OK;
}

static uiommu_err pcie_set_pri(void *ctx, bool on, uint32_t credits, bool *pasid_required)
{
    struct uiommu_pcie *fn = ctx, *pf = shared(fn);

    if (pf->pri == 0 || pf->pri_capacity == 0)
        return UIOMMU_E_UNSUPPORTED;
    if (on && credits == 0)
        return UIOMMU_E_INVALID;
    if (on)
        return pri_on(fn, credits, pasid_required);
    use(&fn->pri_on, &pf->pri_users, false);
    if (pf->pri_users == 0)
        put16(pf, pf->pri + PRI_CTRL, 0);
    return UIOMMU_OK;
}

/*
 * Stopped means nothing while enabled. A function that is no user any more while others are has
 * no interface of its own that could stop. All ones say stopped, and an absent function has.
 */
static uiommu_err pcie_pri_stopped(void *ctx)
{
    struct uiommu_pcie *fn = ctx, *pf = shared(fn);
    uint32_t now, status;

    if (pf->pri == 0)
        return UIOMMU_OK;
    if (pf->pri_users != 0 && !fn->pri_on)
        return UIOMMU_OK;
    now = get16(pf, pf->pri + PRI_CTRL);
    status = get16(pf, pf->pri + PRI_STATUS);
    if (now != ABSENT16 && (now & PRI_ENABLE) != 0)
        return UIOMMU_PENDING;
    return (status & PRI_STOPPED) != 0 ? UIOMMU_OK : UIOMMU_PENDING;
}

/* The first of each kind counts, if it lies wholly in the space. */
static void found(struct uiommu_pcie *fn, uint32_t id, uint32_t at)
{
    uint32_t cap;

    if (id == CAP_ATS && fn->ats == 0 && at + 8 <= CONFIG_END) {
        fn->ats = (uint16_t)at;
    } else if (id == CAP_PRI && fn->pri == 0 && at + 16 <= CONFIG_END) {
        fn->pri = (uint16_t)at;
        fn->pri_capacity = get32(fn, at + PRI_CAPACITY);
    } else if (id == CAP_PASID && fn->pasid == 0 && at + 8 <= CONFIG_END) {
        fn->pasid = (uint16_t)at;
        cap = get16(fn, at + PASID_CAP) >> 8 & 0x1fu;
        fn->pasid_width = (uint8_t)(cap > UIOMMU_PASID_BITS ? UIOMMU_PASID_BITS : cap);
    }
}

/* Configuration space may say anything; the walk ends after as many steps as could make sense. */
static void walk(struct uiommu_pcie *fn)
{
    uint32_t at = CAP_FIRST, steps, header;

    for (steps = 0; steps < CAP_STEPS && at >= CAP_FIRST; steps++) {
        header = get32(fn, at);
        if (header == 0 || header == UINT32_MAX)
            return;
        found(fn, header & 0xffffu, at);
        at = header >> 20 & 0xffcu;
    }
}

uiommu_err uiommu_pcie_init(struct uiommu_pcie *fn, const struct uiommu_pcie_access *access,
                            struct uiommu_pcie *pf,
                            uiommu_err (*stop)(void *ctx, struct uiommu_device *dev,
                                               struct uiommu_bond_ref bond, uint32_t pasid),
                            void *stop_ctx)
{
    struct uiommu_pcie found_fn;

    if (fn == NULL || access == NULL || access->read == NULL || access->write == NULL)
        return UIOMMU_E_INVALID;
    if (pf == fn || (pf != NULL && pf->pf != NULL))
        return UIOMMU_E_INVALID;
    memset(&found_fn, 0, sizeof(found_fn));
    found_fn.access = *access;
    found_fn.pf = pf;
    found_fn.driver.size = sizeof(found_fn.driver);
    found_fn.driver.stop = stop;
    found_fn.driver_ctx = stop_ctx;
    if (pcie_present(&found_fn) != UIOMMU_OK)
        return UIOMMU_E_GONE;
    walk(&found_fn);
    if (pf != NULL) {
        found_fn.pri = 0;
        found_fn.pasid = 0;
        found_fn.pri_capacity = pf->pri_capacity;
        found_fn.pasid_width = pf->pasid_width;
    }
    *fn = found_fn;
    return UIOMMU_OK;
}

const struct uiommu_device_ops *uiommu_pcie_ops(void)
{
    static const struct uiommu_device_ops ops = {
        sizeof(struct uiommu_device_ops),
        pcie_stop,
        pcie_set_pasid,
        pcie_set_ats,
        pcie_set_pri,
        pcie_pri_stopped,
        pcie_present,
    };

    return &ops;
}

uint32_t uiommu_pcie_flags(const struct uiommu_pcie *fn)
{
    const struct uiommu_pcie *pf;
    uint32_t flags = 0;

    if (fn == NULL)
        return 0;
    pf = fn->pf == NULL ? fn : fn->pf;
    if (pf->pasid != 0 && pf->pasid_width != 0)
        flags |= UIOMMU_DEVICE_PASID;
    if (fn->ats != 0 && pf->ats != 0)
        flags |= UIOMMU_DEVICE_ATS;
    if (fn->ats != 0 && pf->ats != 0 && pf->pri != 0 && pf->pri_capacity != 0)
        flags |= UIOMMU_DEVICE_PRI;
    return flags;
}
