/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <uiommu/uiommu.h>

#define PRI_CTRL   4u
#define PRI_STATUS 6u
#define STOPPED    0x100u

/* A function's configuration space with the side effects that matter, and the rules it has. */
struct function {
    unsigned char space[4096];
    uint32_t ats, pri, pasid; /* where a well-formed one has them */
    bool absent;
    bool never_stops;
    bool never_resets;    /* a reset leaves it running, as far as its status says */
    bool never_enables;   /* the bit does not stick */
    bool goes;            /* with the enable */
    uint32_t absent_at;   /* a register that reads all ones */
    uint32_t stops_after; /* so many reads of the status */
    uint32_t reads, writes, resets, enables;
    uint32_t wrong; /* rules broken */
};

static uint32_t peek(const struct function *f, uint32_t at, uint32_t bytes)
{
    uint32_t value = 0, k;

    for (k = 0; k < bytes; k++)
        value |= (uint32_t)f->space[at + k] << 8 * k;
    return value;
}

static void poke(struct function *f, uint32_t at, uint32_t bytes, uint32_t value)
{
    uint32_t k;

    for (k = 0; k < bytes; k++)
        f->space[at + k] = (unsigned char)(value >> 8 * k);
}

static uint32_t config_read(void *ctx, uint32_t at, uint32_t bytes)
{
    struct function *f = ctx;

    f->reads++;
    if (at % bytes != 0 || at + bytes > 4096)
        f->wrong++;
    if (f->absent || at + bytes > 4096)
        return bytes == 4 ? UINT32_MAX : (1u << 8 * bytes) - 1;
    if (f->absent_at != 0 && f->absent_at == at)
        return bytes == 4 ? UINT32_MAX : 0xffffu;
    if (f->pri != 0 && at == f->pri + PRI_STATUS && f->stops_after != 0) {
        f->stops_after--;
        if (f->stops_after == 0)
            poke(f, at, 2, peek(f, at, 2) | STOPPED);
    }
    return peek(f, at, bytes);
}

static void write_pri(struct function *f, uint32_t at, uint32_t value)
{
    uint32_t now = peek(f, f->pri + PRI_CTRL, 2), status = peek(f, f->pri + PRI_STATUS, 2);

    if (at == f->pri + PRI_STATUS) {
        poke(f, at, 2, status & ~(value & 3u));
        return;
    }
    if (at == f->pri + 12) {
        f->wrong += (now & 1) != 0 || value > peek(f, f->pri + 8, 4) || value == 0;
        poke(f, at, 4, value);
        return;
    }
    if ((value & 2) != 0) {
        f->resets++;
        f->wrong += (now & 1) != 0 || (value & 1) != 0 || (status & STOPPED) == 0;
    }
    if ((value & 1) != 0 && (now & 1) == 0) {
        f->enables++;
        f->wrong += (status & (STOPPED | 3)) != STOPPED || peek(f, f->pri + 12, 4) == 0;
        status &= ~STOPPED;
    }
    if ((value & 1) == 0 && (now & 1) != 0 && !f->never_stops && f->stops_after == 0)
        status |= STOPPED;
    if ((value & 2) != 0 && f->never_resets)
        status &= ~STOPPED;
    f->absent |= (value & 1) != 0 && f->goes;
    poke(f, f->pri + PRI_CTRL, 2, f->never_enables ? 0 : value & 1);
    poke(f, f->pri + PRI_STATUS, 2, status);
}

static void config_write(void *ctx, uint32_t at, uint32_t bytes, uint32_t value)
{
    struct function *f = ctx;

    f->writes++;
    if (at % bytes != 0 || at + bytes > 4096) {
        f->wrong++;
        return;
    }
    if (f->absent)
        return;
    if (f->pri != 0 && at >= f->pri + 4 && at < f->pri + 16) {
        write_pri(f, at, value);
        return;
    }
    if (f->ats != 0 && at == f->ats + 6) {
        uint32_t now = peek(f, at, 2);

        f->wrong += (now & value & 0x8000u) != 0 && (now & 31) != (value & 31);
    }
    if (f->pasid != 0 && at == f->pasid + 6 && f->ats != 0)
        f->wrong += (peek(f, f->ats + 6, 2) & 0x8000u) != 0 && peek(f, at, 2) != value;
    poke(f, at, bytes, value);
}

static struct uiommu_pcie_access access_to(struct function *f)
{
    struct uiommu_pcie_access access = {f, config_read, config_write};

    return access;
}

static void header(struct function *f, uint32_t at, uint32_t id, uint32_t next)
{
    poke(f, at, 4, id | 1u << 16 | next << 20);
}

/* A PF: something, ATS, PRI of 32 requests, PASID of 20 bits with exec and priv. */
static void make_pf(struct function *f)
{
    memset(f, 0, sizeof(*f));
    poke(f, 0, 4, 0x12341234);
    f->ats = 0x200;
    f->pri = 0x140;
    f->pasid = 0xff8;
    header(f, 0x100, 0x0001, f->ats);
    header(f, f->ats, 0x0F, f->pri);
    header(f, f->pri, 0x13, f->pasid);
    header(f, f->pasid, 0x1B, 0);
    poke(f, f->pri + PRI_STATUS, 2, STOPPED | 0x8000u);
    poke(f, f->pri + 8, 4, 32);
    poke(f, f->pasid + 4, 2, 20u << 8 | 6u);
}

static void make_vf(struct function *f)
{
    memset(f, 0, sizeof(*f));
    poke(f, 0, 4, UINT32_MAX); /* a VF's vendor and device are all ones */
    poke(f, 4, 4, 0x00100000);
    f->ats = 0x100;
    header(f, f->ats, 0x0F, 0);
}

static uiommu_err init(struct uiommu_pcie *fn, struct function *f, struct uiommu_pcie *pf)
{
    struct uiommu_pcie_access access = access_to(f);

    return uiommu_pcie_init(fn, &access, pf, NULL, NULL);
}

static uiommu_err set_pri(struct uiommu_pcie *fn, bool on, uint32_t credits)
{
    bool required = false;
    uiommu_err err = uiommu_pcie_ops()->set_pri(fn, on, credits, &required);

    cr_assert_eq(required, on && err == UIOMMU_OK, "status bit 15 is set in these functions");
    return err;
}

static uiommu_err set_ats(struct uiommu_pcie *fn, bool on, uint32_t stu)
{
    return uiommu_pcie_ops()->set_ats(fn, on, stu);
}

static uiommu_err set_pasid(struct uiommu_pcie *fn, bool on)
{
    return uiommu_pcie_ops()->set_pasid(fn, on);
}

static uiommu_err stopped(struct uiommu_pcie *fn)
{
    return uiommu_pcie_ops()->pri_stopped(fn);
}

Test(pcie, arguments)
{
    struct function f;
    struct uiommu_pcie fn, vf, other;
    struct uiommu_pcie_access access = access_to(&f);

    make_pf(&f);
    cr_assert_eq(uiommu_pcie_init(NULL, &access, NULL, NULL, NULL), UIOMMU_E_INVALID);
    cr_assert_eq(uiommu_pcie_init(&fn, NULL, NULL, NULL, NULL), UIOMMU_E_INVALID);
    access.read = NULL;
    cr_assert_eq(uiommu_pcie_init(&fn, &access, NULL, NULL, NULL), UIOMMU_E_INVALID);
    access = access_to(&f);
    access.write = NULL;
    cr_assert_eq(uiommu_pcie_init(&fn, &access, NULL, NULL, NULL), UIOMMU_E_INVALID);
    cr_assert_eq(init(&fn, &f, NULL), UIOMMU_OK);
    cr_assert_eq(init(&vf, &f, &fn), UIOMMU_OK);
    cr_assert_eq(init(&other, &f, &vf), UIOMMU_E_INVALID, "its PF is a VF");
    cr_assert_eq(init(&fn, &f, &fn), UIOMMU_E_INVALID);
    cr_assert_eq(uiommu_pcie_flags(NULL), 0);
    cr_assert_eq(uiommu_pcie_ops()->size, sizeof(struct uiommu_device_ops));
    f.absent = true;
    cr_assert_eq(init(&other, &f, NULL), UIOMMU_E_GONE);
}

Test(pcie, capabilities)
{
    struct function f, v;
    struct uiommu_pcie fn, vf;

    make_pf(&f);
    cr_assert_eq(init(&fn, &f, NULL), UIOMMU_OK);
    cr_assert(fn.ats == f.ats && fn.pri == f.pri && fn.pasid == f.pasid);
    cr_assert(fn.pasid_width == 20 && fn.pri_capacity == 32);
    cr_assert_eq(uiommu_pcie_flags(&fn),
                 UIOMMU_DEVICE_PASID | UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI);
    make_vf(&v);
    cr_assert_eq(init(&vf, &v, &fn), UIOMMU_OK, "all ones for a vendor are no absence");
    cr_assert(vf.ats == v.ats && vf.pri == 0 && vf.pasid == 0);
    cr_assert(vf.pasid_width == 20 && vf.pri_capacity == 32);
    cr_assert_eq(uiommu_pcie_flags(&vf),
                 UIOMMU_DEVICE_PASID | UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI);
    /* Without ATS there are no page requests; a width of 0 is no PASID. */
    header(&f, 0x100, 1, f.pri);
    poke(&f, f.pasid + 4, 2, 0);
    cr_assert_eq(init(&fn, &f, NULL), UIOMMU_OK);
    cr_assert_eq(uiommu_pcie_flags(&fn), 0);
    cr_assert_eq(set_ats(&fn, true, 12), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(set_pasid(&fn, true), UIOMMU_E_UNSUPPORTED);
    poke(&f, f.pasid + 4, 2, 31u << 8);
    cr_assert_eq(init(&fn, &f, NULL), UIOMMU_OK);
    cr_assert_eq(fn.pasid_width, 20, "no PASID is wider");
    header(&f, 0x100, 1, 0);
    cr_assert_eq(init(&fn, &f, NULL), UIOMMU_OK);
    cr_assert_eq(set_pri(&fn, true, 1), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(stopped(&fn), UIOMMU_OK);
    cr_assert_eq(f.wrong, 0);
}

/* Loops, ends outside, capabilities that stick out, all ones, noise. */
Test(pcie, hostile_space)
{
    struct function f;
    struct uiommu_pcie fn;
    uint32_t seed, k;

    make_pf(&f);
    header(&f, f.pasid, 0x1B, 0x100);
    f.reads = 0;
    cr_assert_eq(init(&fn, &f, NULL), UIOMMU_OK);
    cr_assert_lt(f.reads, 600);
    cr_assert_eq(fn.pasid, f.pasid);
    header(&f, 0x100, 1, 0x100);
    cr_assert_eq(init(&fn, &f, NULL), UIOMMU_OK);
    cr_assert_eq(uiommu_pcie_flags(&fn), 0);
    header(&f, 0x100, 1, 0x40);
    cr_assert_eq(init(&fn, &f, NULL), UIOMMU_OK);
    cr_assert_eq(uiommu_pcie_flags(&fn), 0);
    make_pf(&f);
    f.pri = 0;
    header(&f, f.ats, 0x0F, 0xff4);
    header(&f, 0xff4, 0x13, 0xffc);
    header(&f, 0xffc, 0x1B, 0);
    cr_assert_eq(init(&fn, &f, NULL), UIOMMU_OK);
    cr_assert_eq(uiommu_pcie_flags(&fn), UIOMMU_DEVICE_ATS);
    cr_assert_eq(f.wrong, 0);
    header(&f, 0x100, 1, 0x203); /* the low bits of a link are reserved */
    cr_assert_eq(init(&fn, &f, NULL), UIOMMU_OK);
    cr_assert_eq(fn.ats, 0x200);
    for (seed = 1; seed < 300; seed++) {
        uint32_t s = seed;

        for (k = 0; k < 4096; k++) {
            s = s * 1664525u + 1013904223u;
            f.space[k] = (unsigned char)(s >> 24);
            if (seed % 2 != 0 && k % 4 == 0) /* likely identifiers */
                f.space[k] = (unsigned char)(0x0f + (s >> 30) * 4);
            if (seed % 2 != 0 && k % 4 == 1)
                f.space[k] = 0;
        }
        f.reads = f.wrong = f.ats = f.pasid = 0;
        if (init(&fn, &f, NULL) != UIOMMU_OK)
            continue;
        (void)uiommu_pcie_flags(&fn);
        cr_assert(fn.ats <= 0xff8 && fn.pri <= 0xff0 && fn.pasid <= 0xff8 && fn.pasid_width <= 20);
        if (set_pasid(&fn, true) == UIOMMU_OK)
            cr_assert_neq(fn.pasid, 0);
        cr_assert(f.wrong == 0 && f.reads < 600);
    }
}

Test(pcie, pasid)
{
    struct function f, v;
    struct uiommu_pcie fn, vf;

    make_pf(&f);
    make_vf(&v);
    cr_assert_eq(init(&fn, &f, NULL), UIOMMU_OK);
    cr_assert_eq(init(&vf, &v, &fn), UIOMMU_OK);
    cr_assert_eq(set_pasid(&fn, true), UIOMMU_OK);
    cr_assert_eq(peek(&f, f.pasid + 6, 2), 7);
    cr_assert_eq(set_pasid(&vf, true), UIOMMU_OK);
    cr_assert_eq(set_pasid(&fn, true), UIOMMU_OK, "again, as after a reset");
    cr_assert_eq(set_pasid(&fn, false), UIOMMU_OK);
    cr_assert_eq(peek(&f, f.pasid + 6, 2), 7, "the VF still uses it");
    cr_assert_eq(set_pasid(&vf, false), UIOMMU_OK);
    cr_assert_eq(peek(&f, f.pasid + 6, 2), 0);
    cr_assert_eq(set_pasid(&vf, false), UIOMMU_OK);
    cr_assert(fn.pasid_users == 0 && vf.pasid_users == 0);
    /* Only what is supported. */
    poke(&f, f.pasid + 4, 2, 8u << 8 | 2u);
    cr_assert_eq(set_pasid(&fn, true), UIOMMU_OK);
    cr_assert_eq(peek(&f, f.pasid + 6, 2), 3);
    /* A reset clears it; it comes back. */
    poke(&f, f.pasid + 6, 2, 0);
    cr_assert_eq(set_pasid(&fn, true), UIOMMU_OK);
    cr_assert_eq(peek(&f, f.pasid + 6, 2), 3);
    cr_assert_eq(set_pasid(&fn, false), UIOMMU_OK);
    /* Never under ATS. */
    cr_assert_eq(set_ats(&fn, true, 12), UIOMMU_OK);
    cr_assert_eq(set_pasid(&fn, true), UIOMMU_E_STATE);
    cr_assert_eq(set_pasid(&vf, true), UIOMMU_E_STATE);
    cr_assert(fn.pasid_users == 0 && vf.pasid_users == 0);
    f.absent = true;
    cr_assert_eq(set_pasid(&fn, true), UIOMMU_E_GONE);
    cr_assert_eq(set_pasid(&fn, false), UIOMMU_OK);
    cr_assert_eq(f.wrong, 0);
}

Test(pcie, ats)
{
    struct function f, v;
    struct uiommu_pcie fn, vf;
    uint32_t stu;

    make_pf(&f);
    make_vf(&v);
    cr_assert_eq(init(&fn, &f, NULL), UIOMMU_OK);
    cr_assert_eq(init(&vf, &v, &fn), UIOMMU_OK);
    for (stu = 0; stu < 70; stu++) {
        bool good = stu >= 12 && stu <= 43;

        cr_assert_eq(set_ats(&fn, true, stu), good ? UIOMMU_OK : UIOMMU_E_RANGE);
        if (good)
            cr_assert_eq(peek(&f, f.ats + 6, 2), 0x8000u | (stu - 12));
    }
    cr_assert_eq(set_ats(&fn, false, 0), UIOMMU_OK);
    cr_assert_eq(peek(&f, f.ats + 6, 2), 31, "the STU stays");
    /* The VF's STU is its PF's. */
    cr_assert_eq(set_ats(&vf, true, 16), UIOMMU_OK);
    cr_assert_eq(peek(&f, f.ats + 6, 2), 4);
    cr_assert_eq(peek(&v, v.ats + 6, 2), 0x8000u);
    cr_assert_eq(set_ats(&fn, true, 16), UIOMMU_OK);
    cr_assert_eq(set_ats(&vf, true, 16), UIOMMU_OK);
    cr_assert_eq(set_ats(&vf, true, 12), UIOMMU_E_STATE);
    cr_assert_eq(set_ats(&vf, false, 12), UIOMMU_OK);
    cr_assert_eq(peek(&v, v.ats + 6, 2), 0);
    cr_assert_eq(f.wrong + v.wrong, 0);
    v.absent = true;
    cr_assert_eq(set_ats(&vf, true, 16), UIOMMU_E_GONE);
    cr_assert_eq(set_ats(&vf, false, 16), UIOMMU_OK);
    v.absent = false;
    f.absent = true;
    cr_assert_eq(set_ats(&vf, true, 16), UIOMMU_E_GONE);
    f.absent = false;
    fn.ats = 0;
    cr_assert_eq(set_ats(&vf, true, 16), UIOMMU_E_UNSUPPORTED);
    cr_assert_eq(uiommu_pcie_flags(&vf), UIOMMU_DEVICE_PASID);
}

Test(pcie, pri_in_order)
{
    struct function f;
    struct uiommu_pcie fn;
    uint32_t credits;

    make_pf(&f);
    cr_assert_eq(init(&fn, &f, NULL), UIOMMU_OK);
    cr_assert_eq(set_pri(&fn, true, 0), UIOMMU_E_INVALID);
    for (credits = 1; credits < 40; credits++) {
        /* Errors of an earlier life; the last one also left it running. */
        poke(&f, f.pri + PRI_STATUS, 2, STOPPED | 0x8003u);
        if (credits == 39)
            poke(&f, f.pri + PRI_CTRL, 4, 1u | 0x8003u << 16);
        cr_assert_eq(stopped(&fn), credits == 39 ? UIOMMU_PENDING : UIOMMU_OK);
        cr_assert_eq(set_pri(&fn, true, credits), UIOMMU_OK);
        cr_assert_eq(f.resets, credits);
        cr_assert_eq(peek(&f, f.pri + 12, 4), credits < 32 ? credits : 32);
        cr_assert_eq(peek(&f, f.pri + 4, 4), 1u | 0x8000u << 16);
        cr_assert_eq(stopped(&fn), UIOMMU_PENDING);
        poke(&f, f.pri + PRI_STATUS, 2, STOPPED | 0x8000u);
        cr_assert_eq(stopped(&fn), UIOMMU_PENDING, "the bit means nothing while enabled");
        poke(&f, f.pri + PRI_STATUS, 2, 0x8000u);
        f.never_stops = true;
        cr_assert_eq(set_pri(&fn, false, 0), UIOMMU_OK);
        cr_assert_eq(stopped(&fn), UIOMMU_PENDING);
        f.never_stops = false;
        poke(&f, f.pri + PRI_STATUS, 2, STOPPED | 0x8000u);
        cr_assert_eq(stopped(&fn), UIOMMU_OK);
    }
    cr_assert_eq(uiommu_pcie_ops()->set_pri(&fn, true, 1, NULL), UIOMMU_OK);
    cr_assert_eq(uiommu_pcie_ops()->set_pri(&fn, false, 0, NULL), UIOMMU_OK);
    poke(&f, f.pri + PRI_STATUS, 2, STOPPED);
    {
        bool required = true;

        cr_assert_eq(uiommu_pcie_ops()->set_pri(&fn, true, 1, &required), UIOMMU_OK);
        cr_assert_not(required);
    }
    cr_assert_eq(f.wrong, 0);
}

Test(pcie, pri_that_does_not_stop)
{
    struct function f;
    struct uiommu_pcie fn;

    make_pf(&f);
    cr_assert_eq(init(&fn, &f, NULL), UIOMMU_OK);
    poke(&f, f.pri + PRI_STATUS, 2, 0x8000u);
    f.reads = 0;
    cr_assert_eq(set_pri(&fn, true, 8), UIOMMU_E_TIMEOUT);
    cr_assert_leq(f.reads, 1010);
    cr_assert(f.resets == 0 && f.enables == 0 && fn.pri_users == 0);
    /* It does in the end. */
    f.stops_after = 900;
    cr_assert_eq(set_pri(&fn, true, 8), UIOMMU_OK);
    cr_assert_eq(f.enables, 1);
    cr_assert_eq(set_pri(&fn, false, 8), UIOMMU_OK);
    f.absent = true;
    cr_assert_eq(set_pri(&fn, true, 8), UIOMMU_E_GONE);
    cr_assert_eq(set_pri(&fn, false, 8), UIOMMU_OK);
    cr_assert_eq(stopped(&fn), UIOMMU_OK, "what is gone sends nothing");
    cr_assert_eq(f.wrong, 0);
}

Test(pcie, pri_of_pf_and_vfs)
{
    struct function f, v[2];
    struct uiommu_pcie fn, vf[2];
    uint32_t k;

    make_pf(&f);
    cr_assert_eq(init(&fn, &f, NULL), UIOMMU_OK);
    for (k = 0; k < 2; k++) {
        make_vf(&v[k]);
        cr_assert_eq(init(&vf[k], &v[k], &fn), UIOMMU_OK);
    }
    cr_assert_eq(set_pri(&vf[0], true, 8), UIOMMU_OK);
    cr_assert_eq(f.enables, 1);
    cr_assert_eq(set_pri(&fn, true, 8), UIOMMU_OK);
    cr_assert_eq(set_pri(&vf[1], true, 30), UIOMMU_OK);
    cr_assert_eq(f.enables, 1);
    cr_assert_eq(peek(&f, f.pri + 12, 4), 8, "a running interface keeps its allocation");
    cr_assert_eq(set_pri(&vf[0], false, 0), UIOMMU_OK);
    cr_assert_eq(set_pri(&vf[0], false, 0), UIOMMU_OK);
    cr_assert_eq(peek(&f, f.pri + PRI_CTRL, 2), 1);
    cr_assert_eq(stopped(&vf[0]), UIOMMU_OK, "it has no interface of its own");
    cr_assert_eq(stopped(&fn), UIOMMU_PENDING);
    cr_assert_eq(set_pri(&fn, false, 0), UIOMMU_OK);
    cr_assert_eq(peek(&f, f.pri + PRI_CTRL, 2), 1);
    /* The PF is reset under a VF: the next one to switch on programs it anew. */
    poke(&f, f.pri + PRI_CTRL, 4, (STOPPED | 0x8000u) << 16);
    cr_assert_eq(set_pri(&fn, true, 8), UIOMMU_OK);
    cr_assert_eq(f.enables, 2);
    cr_assert_eq(set_pri(&vf[1], true, 8), UIOMMU_OK, "again, as after a reset");
    cr_assert_eq(f.enables, 2);
    cr_assert_eq(set_pri(&vf[1], false, 0), UIOMMU_OK);
    cr_assert_eq(peek(&f, f.pri + PRI_CTRL, 2), 1);
    cr_assert_eq(set_pri(&fn, false, 0), UIOMMU_OK);
    cr_assert_eq(peek(&f, f.pri + PRI_CTRL, 2), 0);
    cr_assert(fn.pri_users == 0 && vf[0].pri_users == 0 && vf[1].pri_users == 0);
    cr_assert_eq(f.wrong + v[0].wrong + v[1].wrong, 0);
    cr_assert_eq(v[0].writes + v[1].writes, 0);
}

Test(pcie, present)
{
    struct function f, v;
    struct uiommu_pcie fn, vf;

    make_pf(&f);
    make_vf(&v);
    cr_assert_eq(init(&fn, &f, NULL), UIOMMU_OK);
    cr_assert_eq(init(&vf, &v, &fn), UIOMMU_OK);
    cr_assert_eq(uiommu_pcie_ops()->present(&fn), UIOMMU_OK);
    cr_assert_eq(uiommu_pcie_ops()->present(&vf), UIOMMU_OK);
    v.reads = 0;
    cr_assert_eq(uiommu_pcie_ops()->present(&vf), UIOMMU_OK);
    cr_assert_eq(v.reads, 1, "the read must go to the function itself: it pushes its requests");
    v.absent = true;
    cr_assert_eq(uiommu_pcie_ops()->present(&vf), UIOMMU_E_GONE);
    f.absent = true;
    cr_assert_eq(uiommu_pcie_ops()->present(&fn), UIOMMU_E_GONE);
}

static uiommu_err stop_it(void *ctx, struct uiommu_device *dev, struct uiommu_bond_ref bond,
                          uint32_t pasid)
{
    (void)dev;
    (void)bond;
    *(uint32_t *)ctx = pasid;
    return UIOMMU_PENDING;
}

Test(pcie, stop_is_the_drivers)
{
    struct uiommu_bond_ref bond;
    struct uiommu_pcie_access access;
    struct function f;
    struct uiommu_pcie fn;
    uint32_t pasid = 0;

    memset(&bond, 0, sizeof(bond));
    make_pf(&f);
    cr_assert_eq(init(&fn, &f, NULL), UIOMMU_OK);
    cr_assert_eq(uiommu_pcie_ops()->stop(&fn, NULL, bond, 7), UIOMMU_E_UNSUPPORTED);
    access = access_to(&f);
    cr_assert_eq(uiommu_pcie_init(&fn, &access, NULL, stop_it, &pasid), UIOMMU_OK);
    cr_assert_eq(uiommu_pcie_ops()->stop(&fn, NULL, bond, 7), UIOMMU_PENDING);
    cr_assert_eq(pasid, 7);
}

/* What goes wrong on the way to an interface that is on: its status, and nobody counts as user. */
Test(pcie, pri_that_fails)
{
    struct function f;
    struct uiommu_pcie fn;

    make_pf(&f);
    cr_assert_eq(init(&fn, &f, NULL), UIOMMU_OK);
    f.absent_at = f.pri + PRI_STATUS;
    cr_assert_eq(set_pri(&fn, true, 8), UIOMMU_E_GONE);
    cr_assert(f.resets == 0 && f.enables == 0 && fn.pri_users == 0);
    f.absent_at = 0;
    f.never_resets = true;
    cr_assert_eq(set_pri(&fn, true, 8), UIOMMU_E_TIMEOUT);
    cr_assert(f.resets == 1 && f.enables == 0 && fn.pri_users == 0);
    f.never_resets = false;
    poke(&f, f.pri + PRI_STATUS, 2, STOPPED | 0x8000u);
    f.never_enables = true;
    cr_assert_eq(set_pri(&fn, true, 8), UIOMMU_E_HW);
    cr_assert_eq(fn.pri_users, 0);
    f.never_enables = false;
    poke(&f, f.pri + PRI_STATUS, 2, STOPPED | 0x8000u);
    f.goes = true;
    cr_assert_eq(set_pri(&fn, true, 8), UIOMMU_E_GONE);
    cr_assert_eq(fn.pri_users, 0);
    f.goes = f.absent = false;
    poke(&f, f.pri + PRI_CTRL, 2, 0);
    poke(&f, f.pri + PRI_STATUS, 2, STOPPED | 0x8000u);
    cr_assert_eq(set_pri(&fn, true, 8), UIOMMU_OK);
    cr_assert_eq(fn.pri_users, 1);
    cr_assert_eq(f.wrong, 0);
}

/* An interface for no request at all is none; nor is one that does not lie in the space. */
Test(pcie, nothing_behind_a_capability)
{
    struct function f;
    struct uiommu_pcie fn;

    make_pf(&f);
    poke(&f, f.pri + 8, 4, 0);
    cr_assert_eq(init(&fn, &f, NULL), UIOMMU_OK);
    cr_assert_eq(uiommu_pcie_flags(&fn), UIOMMU_DEVICE_PASID | UIOMMU_DEVICE_ATS);
    cr_assert_eq(set_pri(&fn, true, 8), UIOMMU_E_UNSUPPORTED);
    make_pf(&f);
    f.ats = 0;
    header(&f, 0x100, 1, 0xffc);
    header(&f, 0xffc, 0x0F, 0);
    cr_assert_eq(init(&fn, &f, NULL), UIOMMU_OK);
    cr_assert_eq(fn.ats, 0);
    cr_assert_eq(uiommu_pcie_flags(&fn), 0);
    make_pf(&f);
    poke(&f, f.pri, 4, UINT32_MAX); /* the chain ends in nothing */
    cr_assert_eq(init(&fn, &f, NULL), UIOMMU_OK);
    cr_assert_eq(fn.pri, 0);
    cr_assert_eq(uiommu_pcie_flags(&fn), UIOMMU_DEVICE_ATS);
    cr_assert_eq(f.wrong, 0);
}

/* Off is off already; and PASID that others' ATS keeps on is left on. */
Test(pcie, off_again)
{
    struct function f;
    struct uiommu_pcie fn;
    uint32_t writes;

    make_pf(&f);
    cr_assert_eq(init(&fn, &f, NULL), UIOMMU_OK);
    cr_assert_eq(set_pasid(&fn, true), UIOMMU_OK);
    cr_assert_eq(set_ats(&fn, true, 12), UIOMMU_OK);
    cr_assert_eq(set_pasid(&fn, false), UIOMMU_OK);
    cr_assert_eq(peek(&f, f.pasid + 6, 2), 7, "not under ATS");
    cr_assert_eq(fn.pasid_users, 0);
    cr_assert_eq(set_ats(&fn, false, 12), UIOMMU_OK);
    writes = f.writes;
    cr_assert_eq(set_ats(&fn, false, 12), UIOMMU_OK);
    cr_assert_eq(f.writes, writes);
    cr_assert_eq(f.wrong, 0);
}
