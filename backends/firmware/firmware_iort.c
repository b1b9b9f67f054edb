/* SPDX-License-Identifier: BSD-2-Clause */
/* ACPI IORT (Arm DEN 0049). */
#include <uiommu/iort.h>

#include "firmware_internal.h"

#define BEGIN   48u /* Of the nodes, at the earliest. */
#define HEADER  16u /* Of a node. */
#define MAPPING 20u
#define RANGE   20u

#define SMMU_COHERENT      0x1u
#define SMMU_PROXIMITY     0x8u
#define SMMU_MESSAGE_INDEX 0x10u
#define CN99XX             2u
#define PAGE               UINT64_C(0x10000)
#define SINGLE             0x1u

/* Bytes without mappings; 0: no use for that type here. */
static uint32_t head(uint32_t type)
{
    switch (type) {
    case UIOMMU_IORT_ITS:
        return 20;
    case UIOMMU_IORT_NAMED:
        return 30;
    case UIOMMU_IORT_ROOT:
        return 32;
    case UIOMMU_IORT_SMMU:
        return HEADER;
    case UIOMMU_IORT_SMMUV3:
        return 60;
    case UIOMMU_IORT_RMR:
        return 28;
    default:
        return 0;
    }
}

static void read_smmuv3(const struct uiommu_fw_table *t, struct uiommu_iort_node *n)
{
    uint32_t at = n->place.offset, flags = fw_get32(t, at + 24u);
    bool told;

    n->first = fw_get64(t, at + 16u);
    n->coherent = (flags & SMMU_COHERENT) != 0;
    n->httu = flags >> 1 & 3u;
    n->model = fw_get32(t, at + 40u);
    n->event = fw_get32(t, at + 44u);
    n->pri = fw_get32(t, at + 48u);
    n->gerror = fw_get32(t, at + 52u);
    n->sync = fw_get32(t, at + 56u);
    n->has_proximity = n->place.length >= 64 && (flags & SMMU_PROXIMITY) != 0;
    if (n->has_proximity)
        n->proximity = fw_get32(t, at + 60u);
    /* Of revisions 1 to 4 (before E.e) wherever an interrupt is not wired. */
    told = n->revision >= 5 ? (flags & SMMU_MESSAGE_INDEX) != 0
                            : n->event == 0 || n->pri == 0 || n->gerror == 0 || n->sync == 0;
    n->has_message_index = n->revision != 0 && n->place.length >= 68 && told;
    if (n->has_message_index)
        n->message_index = fw_get32(t, at + 64u);
    /* That model has all its registers on the first page. */
    uiommu_fw_window(&n->place, at + 16u, PAGE, n->model == CN99XX ? PAGE : 2 * PAGE, n->first,
                     &n->last);
}

/* ATS in every revision, PRI and PASID forwarding from 3 on (E.b), PASID width from 4 on (E.d); its
 * flags' bit 0 is PASID support, as E.f has it. */
static void read_root(const struct uiommu_fw_table *t, struct uiommu_iort_node *n)
{
    uint32_t at = n->place.offset, ats = fw_get32(t, at + 24u);

    n->segment = fw_get32(t, at + 28u);
    n->told = UIOMMU_FW_ATS;
    n->permitted = (ats & 1u) != 0 ? UIOMMU_FW_ATS : 0;
    if (n->revision >= 3) {
        n->told |= UIOMMU_FW_PRI | UIOMMU_FW_PASID;
        n->permitted |= (ats & 2u) != 0 ? UIOMMU_FW_PRI : 0;
        n->permitted |= (ats & 4u) != 0 ? UIOMMU_FW_PASID : 0;
    }
    if (n->revision >= 4 && n->place.length >= 40) {
        n->pasid_bits = fw_get16(t, at + 33u) & 31u;
        if ((fw_get32(t, at + 36u) & 1u) == 0)
            n->permitted &= ~UIOMMU_FW_PASID;
    }
}

static void read_named(const struct uiommu_fw_table *t, struct uiommu_iort_node *n)
{
    uint32_t at = n->place.offset, flags = fw_get32(t, at + 16u);

    n->stalls = (flags & 1u) != 0;
    n->pasid_bits = flags >> 1 & 31u;
    n->name = at + 29u;
    if (!uiommu_fw_string(t, n->name, at + n->place.length)) {
        fw_bad(&n->place, UIOMMU_FW_VALUE, n->name);
        n->name = 0;
    }
}

/* How many items of an array are inside the node; its offset is from the node. */
static uint32_t array(struct uiommu_iort_node *n, uint32_t offset, uint32_t count, uint32_t bytes,
                      uint32_t at)
{
    uint32_t fit;

    if (count == 0)
        return 0;
    if (offset < HEADER || offset > n->place.length) {
        fw_bad(&n->place, UIOMMU_FW_VALUE, at);
        return 0;
    }
    fit = (n->place.length - offset) / bytes;
    if (count <= fit)
        return count;
    fw_bad(&n->place, UIOMMU_FW_SHORT, at);
    return fit;
}

/* Revision 0 (E) had no flags, so all else is elsewhere; 2 (E.c) was withdrawn. */
static void read_rmr(const struct uiommu_fw_table *t, struct uiommu_iort_node *n)
{
    uint32_t at = n->place.offset;

    if (n->revision == 0 || n->revision == 2) {
        fw_bad(&n->place, UIOMMU_FW_VALUE, at + 3u);
        return;
    }
    n->flags = fw_get32(t, at + 16u);
    n->ranges = at + fw_get32(t, at + 24u);
    n->range_count = array(n, fw_get32(t, at + 24u), fw_get32(t, at + 20u), RANGE, at + 20u);
}

/* One node by itself. */
static void read_node(const struct uiommu_fw_table *t, struct uiommu_iort_node *n)
{
    uint32_t at = n->place.offset;

    if (head(n->type) == 0) {
        fw_bad(&n->place, UIOMMU_FW_SKIPPED, at);
        return;
    }
    if (n->place.length < head(n->type)) {
        fw_bad(&n->place, UIOMMU_FW_SHORT, at + 1u);
        return;
    }
    n->mappings = at + fw_get32(t, at + 12u);
    n->mapping_count = array(n, fw_get32(t, at + 12u), fw_get32(t, at + 8u), MAPPING, at + 8u);
    switch (n->type) {
    case UIOMMU_IORT_SMMUV3:
        read_smmuv3(t, n);
        break;
    case UIOMMU_IORT_ROOT:
        read_root(t, n);
        break;
    case UIOMMU_IORT_NAMED:
        read_named(t, n);
        break;
    case UIOMMU_IORT_RMR:
        read_rmr(t, n);
        break;
    default:
        break;
    }
}

static bool next_alone(const struct uiommu_iort *iort, uint32_t *cursor, struct uiommu_iort_node *n)
{
    const struct uiommu_fw_table *t = &iort->table;
    uint32_t at = *cursor < iort->begin ? iort->begin : *cursor, length;

    memset(n, 0, sizeof(*n));
    if (at >= iort->end)
        return false;
    n->type = fw_get8(t, at);
    length = fw_get16(t, at + 1u);
    n->revision = fw_get8(t, at + 3u);
    if (length >= HEADER && fw_inside(t, at, length)) {
        fw_place(&n->place, at, length);
        *cursor = at + length;
        read_node(t, n);
    } else {
        fw_place(&n->place, at, t->length - at);
        fw_bad(&n->place, UIOMMU_FW_CUT, at);
        *cursor = t->length;
    }
    return true;
}

uiommu_err uiommu_iort_open(struct uiommu_iort *out, const void *bytes, size_t size)
{
    struct uiommu_iort iort;
    struct uiommu_iort_node n;
    uint32_t at = 0;
    uiommu_err err;

    if (out == NULL)
        return UIOMMU_E_INVALID;
    err = uiommu_fw_open(&iort.table, bytes, size, "IORT");
    if (err != UIOMMU_OK)
        return err;
    iort.revision = fw_get8(&iort.table, 8);
    iort.nodes = fw_get32(&iort.table, 36);
    iort.begin = fw_get32(&iort.table, 40);
    if (iort.table.length < BEGIN || iort.begin < BEGIN || iort.begin > iort.table.length)
        return UIOMMU_E_RANGE;
    /* Bytes behind the last node are none. */
    iort.end = iort.table.length;
    for (iort.found = 0; iort.found < iort.nodes && next_alone(&iort, &at, &n); iort.found++)
        ;
    iort.end = at < iort.begin ? iort.begin : at;
    *out = iort;
    return UIOMMU_OK;
}

bool uiommu_iort_next(const struct uiommu_iort *iort, uint32_t *cursor,
                      struct uiommu_iort_node *out)
{
    struct uiommu_iort_node o;
    uint32_t at = 0;

    if (!next_alone(iort, cursor, out))
        return false;
    while (out->type == UIOMMU_IORT_SMMUV3 && fw_good(&out->place) && next_alone(iort, &at, &o) &&
           o.place.offset < out->place.offset) {
        if (o.type == UIOMMU_IORT_SMMUV3 && fw_good(&o.place) &&
            fw_overlap(out->first, out->last, o.first, o.last))
            fw_clash(&out->place, UIOMMU_FW_TWICE, out->place.offset + 16u, o.place.offset);
    }
    return true;
}

/* The node that begins there, by itself. */
static bool node_at(const struct uiommu_iort *iort, uint32_t offset, struct uiommu_iort_node *n)
{
    uint32_t cursor = 0;

    while (next_alone(iort, &cursor, n)) {
        if (n->place.offset == offset)
            return n->place.verdict != UIOMMU_FW_CUT;
        if (n->place.offset > offset)
            break;
    }
    return false;
}

static void read_mapping(const struct uiommu_fw_table *t, uint32_t at,
                         struct uiommu_iort_mapping *m)
{
    uint32_t more = fw_get32(t, at + 4u);

    fw_place(&m->place, at, MAPPING);
    m->first = fw_get32(t, at);
    m->output = fw_get32(t, at + 8u);
    m->target = fw_get32(t, at + 12u);
    m->single = (fw_get32(t, at + 16u) & SINGLE) != 0;
    if (m->single)
        more = 0;
    m->last = m->first + more;
    if (m->last < m->first)
        fw_bad(&m->place, UIOMMU_FW_WRAPS, at + 4u);
    else if (m->output + more < m->output)
        fw_bad(&m->place, UIOMMU_FW_WRAPS, at + 8u);
}

bool uiommu_iort_next_mapping(const struct uiommu_iort *iort, const struct uiommu_iort_node *node,
                              uint32_t *cursor, struct uiommu_iort_mapping *out)
{
    struct uiommu_iort_mapping o;
    struct uiommu_iort_node n;
    uint32_t i;

    memset(out, 0, sizeof(*out));
    if (*cursor >= node->mapping_count)
        return false;
    read_mapping(&iort->table, node->mappings + *cursor * MAPPING, out);
    if (out->target == node->place.offset || !node_at(iort, out->target, &n))
        fw_bad(&out->place, UIOMMU_FW_REFERENCE, out->place.offset + 12u);
    /* Reserved memory lists streams, and single mappings have no input. */
    for (i = 0; i < *cursor && node->type != UIOMMU_IORT_RMR && !out->single; i++) {
        read_mapping(&iort->table, node->mappings + i * MAPPING, &o);
        if (!o.single && fw_overlap(out->first, out->last, o.first, o.last))
            fw_clash(&out->place, UIOMMU_FW_TWICE, out->place.offset, o.place.offset);
    }
    ++*cursor;
    return true;
}

bool uiommu_iort_next_range(const struct uiommu_iort *iort, const struct uiommu_iort_node *node,
                            uint32_t *cursor, struct uiommu_iort_range *out)
{
    const struct uiommu_fw_table *t = &iort->table;
    struct uiommu_iort_node o;
    uint32_t at, next = 0;
    uint64_t bytes;

    memset(out, 0, sizeof(*out));
    if (node->type != UIOMMU_IORT_RMR || *cursor >= node->range_count)
        return false;
    at = node->ranges + *cursor * RANGE;
    ++*cursor;
    fw_place(&out->place, at, RANGE);
    bytes = fw_get64(t, at + 8u);
    out->first = fw_get64(t, at);
    out->last = out->first + (bytes - 1u);
    if (bytes == 0 || out->last < out->first)
        fw_bad(&out->place, UIOMMU_FW_WRAPS, at + 8u);
    if ((out->first & (PAGE - 1u)) != 0)
        fw_bad(&out->place, UIOMMU_FW_ALIGNMENT, at);
    if ((bytes & (PAGE - 1u)) != 0)
        fw_bad(&out->place, UIOMMU_FW_ALIGNMENT, at + 8u);
    while (fw_good(&out->place) && next_alone(iort, &next, &o)) {
        if (o.type == UIOMMU_IORT_SMMUV3 && fw_good(&o.place) &&
            fw_overlap(out->first, out->last, o.first, o.last))
            fw_clash(&out->place, UIOMMU_FW_OVERLAPS, at, o.place.offset);
    }
    return true;
}

bool uiommu_iort_covers(const struct uiommu_iort *iort, const struct uiommu_iort_node *node,
                        uint32_t unit, uint32_t stream)
{
    struct uiommu_iort_mapping m;
    uint32_t cursor = 0;

    if (node->type != UIOMMU_IORT_RMR)
        return false;
    while (uiommu_iort_next_mapping(iort, node, &cursor, &m)) {
        if (fw_good(&m.place) && m.target == unit && stream >= m.output &&
            stream - m.output <= m.last - m.first)
            return true;
    }
    return false;
}

/* Through one node's mappings; *old: there is an SMMU that is no unit. */
static void follow(const struct uiommu_iort *iort, const struct uiommu_iort_node *node,
                   uint32_t input, struct uiommu_fw_match *m, bool *old)
{
    struct uiommu_iort_mapping map;
    struct uiommu_iort_node n;
    uint32_t cursor = 0, next;
    bool used = false;

    while (uiommu_iort_next_mapping(iort, node, &cursor, &map)) {
        if (!fw_good(&map.place) && map.place.verdict != UIOMMU_FW_TWICE)
            continue;
        if (!map.single && (input < map.first || input > map.last))
            continue;
        if (!node_at(iort, map.target, &n))
            continue;
        *old |= n.type == UIOMMU_IORT_SMMU;
        next = map.target;
        if (n.type != UIOMMU_IORT_SMMUV3 || !uiommu_iort_next(iort, &next, &n) ||
            !fw_good(&n.place))
            continue;
        used = true;
        if (m->unit == 0) {
            m->unit = map.target;
            m->entry = map.place.offset;
            m->id = m->alias = map.single ? map.output : map.output + (input - map.first);
        } else if (m->other == 0) {
            m->verdict = UIOMMU_FW_TWICE;
            m->other = map.place.offset;
        }
    }
    if (used && node->type == UIOMMU_IORT_ROOT) {
        m->told |= node->told;
        m->permitted &= node->permitted | ~node->told;
    }
    if (used && m->pasid_bits == 0)
        m->pasid_bits = node->pasid_bits;
}

uiommu_err uiommu_iort_find(const struct uiommu_iort *iort, const struct uiommu_fw_function *fn,
                            struct uiommu_fw_match *out)
{
    struct uiommu_iort_node n;
    uint32_t cursor = 0;
    bool old = false;

    if (iort == NULL || fn == NULL || out == NULL)
        return UIOMMU_E_INVALID;
    uiommu_fw_match_begin(out, fn->id);
    while (next_alone(iort, &cursor, &n)) {
        if (n.type == UIOMMU_IORT_ROOT && fw_good(&n.place) && n.segment == fn->segment)
            follow(iort, &n, fn->id, out, &old);
    }
    if (out->unit != 0)
        return UIOMMU_OK;
    return old ? UIOMMU_E_UNSUPPORTED : UIOMMU_E_NOT_FOUND;
}

uiommu_err uiommu_iort_find_named(const struct uiommu_iort *iort,
                                  const struct uiommu_iort_node *node, uint32_t input,
                                  struct uiommu_fw_match *out)
{
    bool old = false;

    if (iort == NULL || node == NULL || out == NULL || node->type != UIOMMU_IORT_NAMED)
        return UIOMMU_E_INVALID;
    uiommu_fw_match_begin(out, input);
    if (fw_good(&node->place))
        follow(iort, node, input, out, &old);
    if (out->unit != 0)
        return UIOMMU_OK;
    return old ? UIOMMU_E_UNSUPPORTED : UIOMMU_E_NOT_FOUND;
}
