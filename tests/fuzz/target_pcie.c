/* SPDX-License-Identifier: BSD-2-Clause */
/* Hostile configuration space of a PF and its VF: the walk, and what is written where. */
#include "fuzz.h"

#include <string.h>

#define SPACE 4096u

struct function {
    uint8_t bytes[SPACE];
    struct uiommu_pcie fn;
    uint32_t lie_in, lie_count, lie; /* Reads until one says something else, how many, what. */
    uint32_t reads;
    bool found; /* fn was filled. */
};

/* Writes go to control and status of a capability that was found, nowhere else. */
static bool may_write(const struct uiommu_pcie *fn, uint32_t at)
{
    return (fn->ats != 0 && at == fn->ats + 6u) || (fn->pasid != 0 && at == fn->pasid + 6u) ||
           (fn->pri != 0 && (at == fn->pri + 4u || at == fn->pri + 6u || at == fn->pri + 12u));
}

static uint32_t read(void *ctx, uint32_t offset, uint32_t bytes)
{
    struct function *f = ctx;
    uint32_t value = 0;

    FUZZ_CHECK(bytes == 1 || bytes == 2 || bytes == 4);
    FUZZ_CHECK(offset % bytes == 0 && offset <= SPACE - bytes);
    FUZZ_CHECK(++f->reads < 4000);
    memcpy(&value, f->bytes + offset, bytes);
    if (f->lie_in != 0) {
        f->lie_in--;
    } else if (f->lie_count != 0) {
        f->lie_count--;
        value = f->lie;
    }
    return value;
}

static void write(void *ctx, uint32_t offset, uint32_t bytes, uint32_t value)
{
    struct function *f = ctx;

    FUZZ_CHECK(bytes == 2 || bytes == 4);
    FUZZ_CHECK(offset % bytes == 0 && offset <= SPACE - bytes);
    FUZZ_CHECK(f->found && may_write(&f->fn, offset));
    memcpy(f->bytes + offset, &value, bytes);
}

/* Capabilities where the input says, so that chains are met soon; then any bytes. */
static void fill(struct function *f, struct fuzz_input *in)
{
    static const uint16_t ids[] = {0x0f, 0x13, 0x1b, 0x0f, 0x13, 0x1b, 0x01, 0};
    uint32_t n = fuzz_below(in, 8), at = 0x100, next, header;

    memset(f, 0, sizeof(*f));
    f->bytes[0] = 1;
    while (n-- != 0) {
        header = fuzz_u16(in);
        next = header >> 4 & 0xffcu;
        header = ids[header & 7u] | 1u << 16 | next << 20;
        memcpy(f->bytes + at, &header, sizeof(header));
        at = next <= SPACE - 4u ? next : 0x100;
    }
    n = fuzz_u8(in);
    while (n-- != 0 && in->left != 0) {
        at = fuzz_u16(in) % SPACE;
        f->bytes[at] = (uint8_t)fuzz_u8(in);
    }
}

static void look(const struct function *f)
{
    const struct uiommu_pcie *fn = &f->fn;

    FUZZ_CHECK(fn->ats <= SPACE - 8u && fn->pri <= SPACE - 16u && fn->pasid <= SPACE - 8u);
    FUZZ_CHECK(fn->pasid_width <= UIOMMU_PASID_BITS);
    FUZZ_CHECK(fn->pf != NULL || (fn->pri_users <= 2 && fn->pasid_users <= 2));
}

/* A VF's page request interface is its PF's. */
static void step(struct function *f, struct function *pf, struct fuzz_input *in)
{
    const struct uiommu_device_ops *ops = uiommu_pcie_ops();
    uint32_t what = fuzz_u8(in), value;
    struct uiommu_bond_ref none = {0, 0};
    uiommu_err err = UIOMMU_OK;
    bool needs;

    f->reads = pf->reads = 0;
    switch (what & 7u) {
    case 0:
        err = ops->set_pasid(&f->fn, (what & 8u) != 0);
        break;
    case 1:
        err = ops->set_ats(&f->fn, (what & 8u) != 0, 10u + (what >> 4) * 3u);
        break;
    case 2:
        err = ops->set_pri(&f->fn, (what & 8u) != 0, what >> 4, (what & 16u) != 0 ? &needs : NULL);
        break;
    case 3:
        err = ops->pri_stopped(&f->fn);
        break;
    case 4:
        err = ops->present(&f->fn);
        break;
    case 5:
        err = ops->stop(&f->fn, NULL, none, what);
        FUZZ_CHECK(err == UIOMMU_E_UNSUPPORTED);
        break;
    case 6:
        f->lie_in = what >> 3;
        f->lie_count = fuzz_u8(in);
        f->lie = (f->lie_count & 1u) != 0 ? UINT32_MAX : fuzz_u32(in);
        break;
    default:
        value = fuzz_u16(in);
        f->bytes[value % SPACE] = (uint8_t)fuzz_u8(in);
        break;
    }
    FUZZ_CHECK(err <= UIOMMU_OK);
    look(f);
    (void)uiommu_pcie_flags(&f->fn);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct function of[2];
    struct fuzz_input in = {data, size};
    struct uiommu_pcie_access access = {NULL, read, write};
    uint32_t i, n = 0;

    for (i = 0; i < 2; i++)
        fill(&of[i], &in);
    for (i = 0; i < 2; i++) {
        of[i].lie_in = fuzz_u8(&in);
        of[i].lie_count = of[i].lie_in >> 6;
        of[i].lie = (of[i].lie_in & 1u) != 0 ? UINT32_MAX : fuzz_u32(&in);
        access.ctx = &of[i];
        if (uiommu_pcie_init(&of[i].fn, &access, i == 1 ? &of[0].fn : NULL, NULL, NULL) !=
            UIOMMU_OK)
            return 0;
        of[i].found = true;
        look(&of[i]);
    }
    while (in.left != 0 && n++ < 200)
        step(&of[fuzz_below(&in, 2)], &of[0], &in);
    return 0;
}
