/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is behind a unit, in device trees: host bridges, devices with iommus, reserved memory. */
#include "firmware_fdt.h"

#define MAP_CELLS 4u

bool uiommu_fdt_next_host(const struct uiommu_fdt *fdt, struct uiommu_fdt_walk *walk,
                          struct uiommu_fdt_host *out)
{
    struct uiommu_fdt_value v;
    uint32_t node;

    while (walk->count < UIOMMU_FDT_HOSTS && uiommu_fdt_next(fdt, walk)) {
        node = walk->path[walk->depth - 1u];
        /* A function below a host bridge may be a bridge with that type, too. */
        if (!uiommu_fdt_lists(fdt, node, "device_type", "pci") || !uiommu_fdt_okay(fdt, node) ||
            (walk->depth > 1 &&
             uiommu_fdt_lists(fdt, walk->path[walk->depth - 2u], "device_type", "pci")))
            continue;
        walk->count++;
        memset(out, 0, sizeof(*out));
        fw_place(&out->place, node, 0);
        out->has_domain = uiommu_fdt_get(fdt, node, "linux,pci-domain", &v) && v.length == 4;
        out->domain = uiommu_fdt_number(fdt, node, "linux,pci-domain", 0);
        out->ats = uiommu_fdt_get(fdt, node, "ats-supported", &v);
        out->mask = uiommu_fdt_number(fdt, node, "iommu-map-mask", UINT32_MAX);
        out->last_bus = 255;
        if (uiommu_fdt_get(fdt, node, "bus-range", &v)) {
            out->first_bus = uiommu_fdt_cell(fdt, &v, 0);
            out->last_bus = uiommu_fdt_cell(fdt, &v, 1);
            if (v.length != 8 || out->last_bus > 255 || out->first_bus > out->last_bus)
                fw_bad(&out->place, UIOMMU_FW_WRAPS, v.offset);
        }
        if (uiommu_fdt_reg(fdt, walk, 0, &out->first, &out->last) != UIOMMU_OK)
            fw_bad(&out->place, UIOMMU_FW_WRAPS,
                   uiommu_fdt_get(fdt, node, "reg", &v) ? v.offset : node);
        if (uiommu_fdt_get(fdt, node, "iommu-map", &out->map) &&
            (out->map.length & (MAP_CELLS * 4u - 1u)) != 0)
            fw_bad(&out->place, UIOMMU_FW_VALUE, out->map.offset);
        return true;
    }
    return false;
}

/* One entry by itself: first, the unit's phandle, stream, count. */
static void read_map(const struct uiommu_fdt *fdt, const struct uiommu_fdt_host *host,
                     uint32_t index, struct uiommu_fdt_map *m)
{
    uint32_t at = index * MAP_CELLS, more = uiommu_fdt_cell(fdt, &host->map, at + 3u) - 1u;

    memset(m, 0, sizeof(*m));
    fw_place(&m->place, host->map.offset + 4u * at, MAP_CELLS * 4u);
    m->first = uiommu_fdt_cell(fdt, &host->map, at);
    m->output = uiommu_fdt_cell(fdt, &host->map, at + 2u);
    m->last = m->first + more;
    if (more == UINT32_MAX || m->last < m->first || m->output + more < m->output)
        fw_bad(&m->place, UIOMMU_FW_WRAPS, m->place.offset + 12u);
}

bool uiommu_fdt_next_map(const struct uiommu_fdt *fdt, const struct uiommu_fdt_host *host,
                         uint32_t *cursor, struct uiommu_fdt_map *out)
{
    const struct uiommu_fdt_iommu *iommu;
    struct uiommu_fdt_map o;
    uint32_t i;

    memset(out, 0, sizeof(*out));
    if (*cursor >= UIOMMU_FDT_MAPS || *cursor >= host->map.length / (MAP_CELLS * 4u))
        return false;
    read_map(fdt, host, *cursor, out);
    iommu = uiommu_fdt_iommu(fdt, uiommu_fdt_cell(fdt, &host->map, *cursor * MAP_CELLS + 1u));
    out->unit = iommu == NULL ? 0 : iommu->node;
    if (!uiommu_fdt_is_good(iommu))
        fw_bad(&out->place, UIOMMU_FW_REFERENCE, out->place.offset + 4u);
    for (i = 0; i < *cursor && fw_good(&out->place); i++) {
        read_map(fdt, host, i, &o);
        if (fw_good(&o.place) && fw_overlap(out->first, out->last, o.first, o.last))
            fw_clash(&out->place, UIOMMU_FW_TWICE, out->place.offset, o.place.offset);
    }
    ++*cursor;
    return true;
}

uiommu_err uiommu_fdt_find(const struct uiommu_fdt *fdt, const struct uiommu_fdt_host *host,
                           uint32_t id, struct uiommu_fw_match *out)
{
    struct uiommu_fdt_map map;
    uint32_t cursor = 0, masked;

    if (fdt == NULL || host == NULL || out == NULL || id >> 8 < host->first_bus ||
        id >> 8 > host->last_bus)
        return UIOMMU_E_INVALID;
    masked = id & host->mask;
    uiommu_fw_match_begin(out, id);
    while (fw_good(&host->place) && uiommu_fdt_next_map(fdt, host, &cursor, &map)) {
        if ((!fw_good(&map.place) && map.place.verdict != UIOMMU_FW_TWICE) || masked < map.first ||
            masked > map.last)
            continue;
        if (out->unit == 0) {
            out->unit = map.unit;
            out->entry = map.place.offset;
            out->id = out->alias = map.output + (masked - map.first);
        } else if (out->other == 0) {
            out->verdict = UIOMMU_FW_TWICE;
            out->other = map.place.offset;
        }
    }
    if (out->unit == 0)
        return UIOMMU_E_NOT_FOUND;
    out->told = UIOMMU_FW_ATS;
    if (!host->ats)
        out->permitted &= ~UIOMMU_FW_ATS;
    return UIOMMU_OK;
}

/* The entry of iommus at cell *at, whose length its unit's cells give; false: no more. */
static bool read_stream(const struct uiommu_fdt *fdt, uint32_t node, uint32_t *at,
                        struct uiommu_fdt_device *d)
{
    const struct uiommu_fdt_iommu *unit;
    struct uiommu_fdt_value v;
    uint32_t rest, here = *at;

    if (!uiommu_fdt_get(fdt, node, "iommus", &v) || here >= v.length / 4u)
        return false;
    unit = uiommu_fdt_iommu(fdt, uiommu_fdt_cell(fdt, &v, here));
    rest = v.length / 4u - here;
    fw_place(&d->place, node, 0);
    d->unit = unit == NULL ? 0 : unit->node;
    d->stream = uiommu_fdt_cell(fdt, &v, here + 1u);
    if (!uiommu_fdt_is_good(unit) || unit->cells != UNIT_CELLS)
        fw_bad(&d->place, UIOMMU_FW_REFERENCE, v.offset + 4u * here);
    else if (rest < 2)
        fw_bad(&d->place, UIOMMU_FW_SHORT, v.offset + 4u * here);
    /* What is behind one that cannot be measured cannot be found. */
    *at = unit == NULL || unit->cells >= rest ? UINT32_MAX : here + 1u + unit->cells;
    return true;
}

bool uiommu_fdt_next_device(const struct uiommu_fdt *fdt, struct uiommu_fdt_walk *walk,
                            struct uiommu_fdt_device *out)
{
    struct uiommu_fdt_value v;
    uint32_t node;

    do {
        memset(out, 0, sizeof(*out));
        if (walk->depth == 0 || walk->depth > UIOMMU_FDT_DEPTH)
            continue;
        node = walk->path[walk->depth - 1u];
        if (uiommu_fdt_okay(fdt, node) && read_stream(fdt, node, &walk->index, out)) {
            out->pasid_bits = uiommu_fdt_number(fdt, node, "pasid-num-bits", 0);
            out->stalls = uiommu_fdt_get(fdt, node, "dma-can-stall", &v);
            return true;
        }
        walk->index = 0;
    } while (uiommu_fdt_next(fdt, walk));
    return false;
}

/* The entry of iommu-addresses at cell *at: device, address, length by the cells of the node above
 * the device; false: no more. */
static bool read_addresses(const struct uiommu_fdt *fdt, uint32_t node, uint32_t *at,
                           struct uiommu_fdt_region *r)
{
    struct uiommu_fdt_value v;
    uint32_t here = *at, above, address, bytes, rest;
    uint64_t size;

    if (!uiommu_fdt_get(fdt, node, "iommu-addresses", &v) || here >= v.length / 4u)
        return false;
    fw_place(&r->place, node, 0);
    *at = UINT32_MAX; /* What is behind one that cannot be measured cannot be found. */
    r->device = uiommu_fdt_find_phandle(fdt, uiommu_fdt_cell(fdt, &v, here), &above);
    address = uiommu_fdt_number(fdt, above, "#address-cells", 2);
    bytes = uiommu_fdt_number(fdt, above, "#size-cells", 1);
    if (r->device == 0 || above == 0 || address == 0 || address > 2 || bytes == 0 || bytes > 2) {
        fw_bad(&r->place, UIOMMU_FW_REFERENCE, v.offset + 4u * here);
        return true;
    }
    rest = v.length / 4u - here;
    if (address + bytes >= rest)
        fw_bad(&r->place, UIOMMU_FW_SHORT, v.offset + 4u * here);
    else
        *at = here + 1u + address + bytes;
    r->first = uiommu_fdt_wide(fdt, &v, here + 1u, address);
    size = uiommu_fdt_wide(fdt, &v, here + 1u + address, bytes);
    r->last = r->first + (size - 1u);
    if (size == 0 || r->last < r->first)
        fw_bad(&r->place, UIOMMU_FW_WRAPS, v.offset + 4u * (here + 1u));
    return true;
}

static bool is_reserved(const struct uiommu_fdt *fdt, uint32_t node)
{
    static const char text[] = "reserved-memory";
    const char *name = uiommu_fdt_name(fdt, node);
    uint32_t i;

    for (i = 0; name != NULL && name[i] == text[i]; i++) {
        if (text[i] == 0)
            return true;
    }
    return false;
}

/* What is behind the addresses; reserved memory without reg is not to be mapped at all. */
static void read_backing(const struct uiommu_fdt *fdt, const struct uiommu_fdt_walk *walk,
                         struct uiommu_fdt_region *r)
{
    struct uiommu_fdt_value v;
    uint32_t over;

    if (!uiommu_fdt_get(fdt, r->place.offset, "reg", &v))
        return;
    if (uiommu_fdt_reg(fdt, walk, 0, &r->first_physical, &r->last_physical) != UIOMMU_OK) {
        fw_bad(&r->place, UIOMMU_FW_WRAPS, v.offset);
        return;
    }
    r->backed = true;
    over = uiommu_fdt_over_unit(fdt, r->first_physical, r->last_physical);
    if (over != 0)
        fw_clash(&r->place, UIOMMU_FW_OVERLAPS, v.offset, over);
}

bool uiommu_fdt_next_region(const struct uiommu_fdt *fdt, struct uiommu_fdt_walk *walk,
                            struct uiommu_fdt_region *out)
{
    do {
        memset(out, 0, sizeof(*out));
        if (walk->depth != 3)
            continue;
        if (!is_reserved(fdt, walk->path[1]))
            continue;
        if (walk->count < UIOMMU_FDT_REGIONS && uiommu_fdt_okay(fdt, walk->path[2]) &&
            read_addresses(fdt, walk->path[2], &walk->index, out)) {
            walk->count++;
            read_backing(fdt, walk, out);
            return true;
        }
        walk->index = 0;
    } while (uiommu_fdt_next(fdt, walk));
    return false;
}
