/* SPDX-License-Identifier: BSD-2-Clause */
/* SMMUv3 in device trees: registers, flags, interrupts. */
#include "firmware_fdt.h"

#define PAGE UINT64_C(0x10000)

/* What is known of an IOMMU. */
enum {
    NO_UNIT, /* Another kind, or switched off. */
    BAD,
    ALONE, /* Good by itself. */
    GOOD,  /* And no earlier one has its registers. */
};

/* Interrupt types of the GIC's first cell, and where their numbers begin. */
static const uint32_t gic_begin[] = {32, 16, 4096, 1056};

bool uiommu_fdt_okay(const struct uiommu_fdt *fdt, uint32_t node)
{
    struct uiommu_fdt_value v;

    return !uiommu_fdt_get(fdt, node, "status", &v) ||
           uiommu_fdt_lists(fdt, node, "status", "okay") ||
           uiommu_fdt_lists(fdt, node, "status", "ok");
}

/* The interrupt controller of a node: the nearest interrupt-parent above. */
static uint32_t controller(const struct uiommu_fdt *fdt, const struct uiommu_fdt_walk *walk)
{
    uint32_t level, phandle;

    for (level = walk->depth; level != 0; level--) {
        phandle = uiommu_fdt_number(fdt, walk->path[level - 1u], "interrupt-parent", 0);
        if (phandle != 0)
            return uiommu_fdt_phandle(fdt, phandle);
    }
    return 0;
}

static void one(const struct uiommu_fdt *fdt, const struct uiommu_fdt_value *v, uint32_t at,
                uint32_t cells, struct uiommu_fdt_interrupt *out)
{
    uint32_t kind = uiommu_fdt_cell(fdt, v, at);

    out->told = true;
    out->number = kind;
    if (cells == 2)
        out->flags = uiommu_fdt_cell(fdt, v, at + 1u);
    if (cells < 3)
        return;
    out->told = kind < sizeof(gic_begin) / sizeof(gic_begin[0]);
    out->number = uiommu_fdt_cell(fdt, v, at + 1u) + (out->told ? gic_begin[kind] : 0);
    out->flags = uiommu_fdt_cell(fdt, v, at + 2u);
}

/* The name that belongs to interrupt number 'index'; false: it has none like that. */
static bool named(const struct uiommu_fdt *fdt, uint32_t node, uint32_t index, const char *text)
{
    struct uiommu_fdt_value v;
    uint32_t i, k = 0;

    if (!uiommu_fdt_get(fdt, node, "interrupt-names", &v))
        return false;
    for (i = 0; i < v.length && index != 0; i++)
        index -= fw_get8(&fdt->table, v.offset + i) == 0;
    for (; i < v.length; i++, k++) {
        if (fw_get8(&fdt->table, v.offset + i) != (uint8_t)text[k])
            return false;
        if (text[k] == 0)
            return true;
    }
    return false;
}

static void assign(const struct uiommu_fdt *fdt, struct uiommu_fdt_unit *u, uint32_t index,
                   const struct uiommu_fdt_interrupt *found, uint32_t at)
{
    uint32_t node = u->place.offset;

    if (!found->told) {
        if (u->interrupts_at == 0)
            u->interrupts_at = at;
    } else if (named(fdt, node, index, "eventq")) {
        u->event = *found;
    } else if (named(fdt, node, index, "priq")) {
        u->pri = *found;
    } else if (named(fdt, node, index, "cmdq-sync")) {
        u->sync = *found;
    } else if (named(fdt, node, index, "gerror")) {
        u->gerror = *found;
    } else if (named(fdt, node, index, "combined")) {
        u->combined = *found;
    }
}

/* interrupts-extended names the controller each time, interrupts have one for all. */
static void interrupts(const struct uiommu_fdt *fdt, const struct uiommu_fdt_walk *walk,
                       struct uiommu_fdt_unit *u)
{
    uint32_t node = u->place.offset, at = 0, index = 0, parent = 0, cells;
    struct uiommu_fdt_interrupt found;
    struct uiommu_fdt_value v;
    bool extended = uiommu_fdt_get(fdt, node, "interrupts-extended", &v);

    if (!extended) {
        if (!uiommu_fdt_get(fdt, node, "interrupts", &v))
            return;
        parent = controller(fdt, walk);
    }
    while (at < v.length / 4u && index < UIOMMU_FDT_INTERRUPTS) {
        if (extended)
            parent = uiommu_fdt_phandle(fdt, uiommu_fdt_cell(fdt, &v, at++));
        cells = parent == 0 ? 0 : uiommu_fdt_number(fdt, parent, "#interrupt-cells", 0);
        if (cells == 0 || cells > v.length / 4u - at) {
            if (u->interrupts_at == 0)
                u->interrupts_at = v.offset;
            return;
        }
        memset(&found, 0, sizeof(found));
        one(fdt, &v, at, cells, &found);
        assign(fdt, u, index++, &found, v.offset + 4u * at);
        at += cells;
    }
}

static bool is_unit(const struct uiommu_fdt *fdt, uint32_t node)
{
    return uiommu_fdt_lists(fdt, node, "compatible", "arm,smmu-v3") && uiommu_fdt_okay(fdt, node);
}

/* Without its interrupts. */
bool uiommu_fdt_unit_at(const struct uiommu_fdt *fdt, const struct uiommu_fdt_walk *walk,
                        struct uiommu_fdt_unit *out)
{
    uint32_t node = walk->path[walk->depth - 1u];
    struct uiommu_fdt_value v;
    uint64_t need;

    memset(out, 0, sizeof(*out));
    if (!is_unit(fdt, node))
        return false;
    fw_place(&out->place, node, 0);
    out->phandle = uiommu_fdt_number(fdt, node, "phandle", 0);
    out->coherent = uiommu_fdt_get(fdt, node, "dma-coherent", &v);
    out->messages = uiommu_fdt_get(fdt, node, "msi-parent", &v);
    out->page0 = uiommu_fdt_get(fdt, node, "cavium,cn9900-broken-page1-regspace", &v);
    out->no_prefetch = uiommu_fdt_get(fdt, node, "hisilicon,broken-prefetch-cmd", &v);
    need = out->page0 ? PAGE : 2 * PAGE;
    if (uiommu_fdt_reg(fdt, walk, 0, &out->first, &out->last) != UIOMMU_OK) {
        fw_bad(&out->place, UIOMMU_FW_WRAPS,
               uiommu_fdt_get(fdt, node, "reg", &v) ? v.offset : node);
        return true;
    }
    if (!uiommu_fdt_get(fdt, node, "reg", &v))
        v.offset = node;
    if ((out->first & (PAGE - 1u)) != 0)
        fw_bad(&out->place, UIOMMU_FW_ALIGNMENT, v.offset);
    if (out->last - out->first < need - 1u)
        fw_bad(&out->place, UIOMMU_FW_SHORT, v.offset);
    if (uiommu_fdt_number(fdt, node, "#iommu-cells", UNIT_CELLS) != UNIT_CELLS)
        fw_bad(&out->place, UIOMMU_FW_VALUE,
               uiommu_fdt_get(fdt, node, "#iommu-cells", &v) ? v.offset : node);
    return true;
}

static struct uiommu_fdt_iommu *noted(struct uiommu_fdt *fdt, const struct uiommu_fdt_walk *walk)
{
    struct uiommu_fdt_iommu *i = &fdt->iommus[fdt->iommu_count];
    uint32_t node = walk->path[walk->depth - 1u];
    struct uiommu_fdt_value v;
    struct uiommu_fdt_unit u;
    bool unit = uiommu_fdt_unit_at(fdt, walk, &u);

    if (!unit && !uiommu_fdt_get(fdt, node, "#iommu-cells", &v))
        return NULL;
    i->node = node;
    i->phandle = uiommu_fdt_number(fdt, node, "phandle", 0);
    i->cells = uiommu_fdt_number(fdt, node, "#iommu-cells", UNIT_CELLS);
    i->state = unit ? BAD : NO_UNIT;
    if (unit && fw_good(&u.place)) {
        i->state = ALONE;
        i->first = u.first;
        i->last = u.last;
    }
    fdt->iommu_count++;
    return i;
}

/* The first one before an offset that is good by itself and has registers in a range. */
static const struct uiommu_fdt_iommu *over(const struct uiommu_fdt *fdt, uint32_t before,
                                           uint64_t first, uint64_t last)
{
    const struct uiommu_fdt_iommu *i;

    for (i = fdt->iommus; i < fdt->iommus + fdt->iommu_count && i->node < before; i++) {
        if (i->state >= ALONE && fw_overlap(first, last, i->first, i->last))
            return i;
    }
    return NULL;
}

void uiommu_fdt_note(struct uiommu_fdt *fdt)
{
    struct uiommu_fdt_walk walk;
    struct uiommu_fdt_iommu *i;
    uint32_t node, phandle, k;

    memset(&walk, 0, sizeof(walk));
    while (fdt->iommu_count < UIOMMU_FDT_UNITS && uiommu_fdt_next(fdt, &walk)) {
        i = noted(fdt, &walk);
        if (i != NULL && i->state == ALONE && over(fdt, i->node, i->first, i->last) == NULL)
            i->state = GOOD;
    }
    /* Nobody else may have their phandles. */
    memset(&walk, 0, sizeof(walk));
    while (fdt->iommu_count != 0 && uiommu_fdt_next(fdt, &walk)) {
        node = walk.path[walk.depth - 1u];
        phandle = uiommu_fdt_number(fdt, node, "phandle", 0);
        for (k = 0; phandle != 0 && k < fdt->iommu_count; k++) {
            if (fdt->iommus[k].phandle == phandle && fdt->iommus[k].node != node)
                fdt->iommus[k].phandle = 0;
        }
    }
}

const struct uiommu_fdt_iommu *uiommu_fdt_iommu(const struct uiommu_fdt *fdt, uint32_t phandle)
{
    uint32_t k;

    for (k = 0; phandle != 0 && phandle != UINT32_MAX && k < fdt->iommu_count; k++) {
        if (fdt->iommus[k].phandle == phandle)
            return &fdt->iommus[k];
    }
    return NULL;
}

bool uiommu_fdt_is_good(const struct uiommu_fdt_iommu *iommu)
{
    return iommu != NULL && iommu->state == GOOD;
}

uint32_t uiommu_fdt_over_unit(const struct uiommu_fdt *fdt, uint64_t first, uint64_t last)
{
    const struct uiommu_fdt_iommu *i = over(fdt, UINT32_MAX, first, last);

    return i == NULL ? 0 : i->node;
}

/* The last one noted is the last one looked into. */
static bool beyond(const struct uiommu_fdt *fdt, uint32_t node)
{
    return fdt->iommu_count == UIOMMU_FDT_UNITS && node > fdt->iommus[UIOMMU_FDT_UNITS - 1u].node;
}

bool uiommu_fdt_next_unit(const struct uiommu_fdt *fdt, struct uiommu_fdt_walk *walk,
                          struct uiommu_fdt_unit *out)
{
    const struct uiommu_fdt_iommu *earlier;
    uint32_t node;

    while (uiommu_fdt_next(fdt, walk)) {
        node = walk->path[walk->depth - 1u];
        if (beyond(fdt, node)) {
            if (!is_unit(fdt, node))
                continue;
            memset(out, 0, sizeof(*out));
            fw_place(&out->place, node, 0);
            fw_bad(&out->place, UIOMMU_FW_SKIPPED, node);
            return true;
        }
        if (!uiommu_fdt_unit_at(fdt, walk, out))
            continue;
        interrupts(fdt, walk, out);
        earlier = over(fdt, node, out->first, out->last);
        if (earlier != NULL)
            fw_clash(&out->place, UIOMMU_FW_TWICE, node, earlier->node);
        return true;
    }
    return false;
}
