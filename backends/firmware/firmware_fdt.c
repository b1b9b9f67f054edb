/* SPDX-License-Identifier: BSD-2-Clause */
/* Flattened device trees (Devicetree Specification 0.4, chapter 5): nodes, properties, regions. */
#include "firmware_fdt.h"

#define MAGIC      0xd00dfeedu
#define HEADER     40u
#define VERSION    17u
#define BEGIN_NODE 1u
#define END_NODE   2u
#define PROPERTY   3u
#define NOP        4u
#define END        9u

struct token {
    uint32_t kind;
    uint32_t next;   /* Where the next one is. */
    uint32_t name;   /* Property: offset of its name. */
    uint32_t value;  /* Property: offset of its value... */
    uint32_t length; /* ...and bytes. */
};

/* false: no whole token is there. */
static bool token(const struct uiommu_fdt *f, uint32_t at, struct token *t)
{
    const struct uiommu_fw_table *b = &f->table;
    uint32_t most;

    if (at >= f->end || f->end - at < 4)
        return false;
    t->kind = fw_cell(b, at);
    t->next = at + 4u;
    switch (t->kind) {
    case BEGIN_NODE:
        most = f->end - t->next;
        if (most > UIOMMU_FDT_PROPERTIES)
            most = UIOMMU_FDT_PROPERTIES;
        if (!uiommu_fw_string(b, t->next, t->next + most))
            return false;
        while (b->bytes[t->next] != 0)
            t->next++;
        t->next = (t->next + 4u) & ~3u; /* The 0, and up to the next cell. */
        return t->next <= f->end;
    case PROPERTY:
        if (f->end - at < 12)
            return false;
        t->length = fw_cell(b, at + 4u);
        t->value = at + 12u;
        t->name = fw_cell(b, at + 8u);
        if (t->length > f->end - t->value || t->name >= f->strings_end - f->strings)
            return false;
        t->name += f->strings;
        t->next = (t->value + t->length + 3u) & ~3u;
        return t->next <= f->end;
    default:
        return t->kind == END_NODE || t->kind == NOP || t->kind == END;
    }
}

/* One token of a well-formed tree, with 'depth' nodes open. */
static bool legal(const struct uiommu_fdt *f, uint32_t at, const struct token *t, uint32_t depth)
{
    switch (t->kind) {
    case BEGIN_NODE:
        return depth < UIOMMU_FDT_DEPTH && (depth != 0 || at == f->begin);
    case PROPERTY:
    case END_NODE:
        return depth != 0;
    case END:
        return depth == 0 && at != f->begin;
    default:
        return true;
    }
}

/* Where the tree ends, by its own word or because it goes on as none. */
static void check(struct uiommu_fdt *f)
{
    uint32_t at = f->begin, depth = 0;
    struct token t;

    while (token(f, at, &t) && legal(f, at, &t, depth)) {
        if (t.kind == END) {
            f->end = at;
            return;
        }
        if (t.kind == BEGIN_NODE)
            depth++;
        if (t.kind == END_NODE)
            depth--;
        at = t.next;
    }
    fw_bad(&f->place, UIOMMU_FW_CUT, at);
    f->end = at;
}

static uiommu_err read_header(struct uiommu_fdt *f, size_t size)
{
    const struct uiommu_fw_table *b = &f->table;
    uint32_t structure, structure_bytes, strings_bytes, total;

    if (b->length < HEADER || fw_cell(b, 0) != MAGIC)
        return UIOMMU_E_NOT_FOUND;
    total = fw_cell(b, 4);
    if (total < HEADER || total > UIOMMU_FDT_MAX || total > size)
        return UIOMMU_E_RANGE;
    f->table.length = total;
    if (fw_cell(b, 20) < VERSION || fw_cell(b, 24) > VERSION)
        return UIOMMU_E_UNSUPPORTED;
    structure = fw_cell(b, 8);
    structure_bytes = fw_cell(b, 36);
    f->strings = fw_cell(b, 12);
    strings_bytes = fw_cell(b, 32);
    if ((structure & 3u) != 0 || structure < HEADER || !fw_inside(b, structure, structure_bytes) ||
        !fw_inside(b, f->strings, strings_bytes))
        return UIOMMU_E_RANGE;
    f->strings_end = f->strings + strings_bytes;
    f->begin = structure;
    f->end = structure + (structure_bytes & ~3u);
    return UIOMMU_OK;
}

uiommu_err uiommu_fdt_open(struct uiommu_fdt *out, const void *bytes, size_t size)
{
    struct uiommu_fdt *f = out;
    struct token t;
    uiommu_err err;

    if (out == NULL || bytes == NULL)
        return UIOMMU_E_INVALID;
    memset(f, 0, sizeof(*f));
    f->table.bytes = bytes;
    f->table.length = size < UIOMMU_FDT_MAX ? (uint32_t)size : UIOMMU_FDT_MAX;
    err = read_header(f, size);
    if (err != UIOMMU_OK)
        return err;
    while (token(f, f->begin, &t) && t.kind == NOP)
        f->begin = t.next;
    if (!token(f, f->begin, &t) || t.kind != BEGIN_NODE)
        return UIOMMU_E_RANGE;
    fw_place(&f->place, f->begin, f->end - f->begin);
    check(f);
    uiommu_fdt_note(f);
    return UIOMMU_OK;
}

bool uiommu_fdt_next(const struct uiommu_fdt *fdt, struct uiommu_fdt_walk *walk)
{
    uint32_t at = walk->next < fdt->begin ? fdt->begin : walk->next, here;
    struct token t;

    while (token(fdt, at, &t)) {
        here = at;
        at = t.next;
        if (t.kind == BEGIN_NODE && walk->depth < UIOMMU_FDT_DEPTH) {
            walk->path[walk->depth++] = here;
            walk->next = at;
            return true;
        }
        if (t.kind == END_NODE && walk->depth != 0)
            walk->depth--;
    }
    walk->next = fdt->end;
    return false;
}

/* Does the string at 'at' equal the text? */
static bool same(const struct uiommu_fw_table *b, uint32_t at, uint32_t end, const char *text)
{
    uint32_t i;

    for (i = 0; at < end && end - at > i && fw_inside(b, at + i, 1); i++) {
        if (b->bytes[at + i] != (uint8_t)text[i])
            return false;
        if (text[i] == 0)
            return true;
    }
    return false;
}

bool uiommu_fdt_get(const struct uiommu_fdt *fdt, uint32_t node, const char *name,
                    struct uiommu_fdt_value *out)
{
    uint32_t at = node, count;
    struct token t;

    if (node < fdt->begin || !token(fdt, at, &t) || t.kind != BEGIN_NODE)
        return false;
    at = t.next;
    for (count = 0; count < UIOMMU_FDT_PROPERTIES && token(fdt, at, &t); at = t.next, count++) {
        if (t.kind == NOP)
            continue;
        if (t.kind != PROPERTY)
            return false;
        if (same(&fdt->table, t.name, fdt->strings_end, name)) {
            out->offset = t.value;
            out->length = t.length;
            return true;
        }
    }
    return false;
}

uint32_t uiommu_fdt_cell(const struct uiommu_fdt *fdt, const struct uiommu_fdt_value *value,
                         uint32_t index)
{
    if (index >= value->length / 4u)
        return 0;
    return fw_cell(&fdt->table, value->offset + 4u * index);
}

bool uiommu_fdt_lists(const struct uiommu_fdt *fdt, uint32_t node, const char *name,
                      const char *text)
{
    struct uiommu_fdt_value v;
    uint32_t at, end;

    if (!uiommu_fdt_get(fdt, node, name, &v))
        return false;
    end = v.offset + (v.length < UIOMMU_FDT_PROPERTIES ? v.length : UIOMMU_FDT_PROPERTIES);
    for (at = v.offset; at < end; at++) {
        if ((at == v.offset || fw_get8(&fdt->table, at - 1u) == 0) &&
            same(&fdt->table, at, end, text))
            return true;
    }
    return false;
}

const char *uiommu_fdt_name(const struct uiommu_fdt *fdt, uint32_t node)
{
    struct token t;

    if (node < fdt->begin || !token(fdt, node, &t) || t.kind != BEGIN_NODE)
        return NULL;
    return (const char *)fdt->table.bytes + node + 4u;
}

uint32_t uiommu_fdt_number(const struct uiommu_fdt *fdt, uint32_t node, const char *name,
                           uint32_t otherwise)
{
    struct uiommu_fdt_value v;

    if (!uiommu_fdt_get(fdt, node, name, &v) || v.length != 4)
        return otherwise;
    return uiommu_fdt_cell(fdt, &v, 0);
}

/* In one pass over the tree: properties of a node are before those inside it. */
uint32_t uiommu_fdt_find_phandle(const struct uiommu_fdt *fdt, uint32_t phandle, uint32_t *parent)
{
    uint32_t path[UIOMMU_FDT_DEPTH + 1u], at = fdt->begin, depth = 0, found = 0;
    bool own = false;
    struct token t;

    path[0] = 0;
    *parent = 0;
    for (; phandle != 0 && phandle != UINT32_MAX && token(fdt, at, &t); at = t.next) {
        if (t.kind == BEGIN_NODE && depth < UIOMMU_FDT_DEPTH) {
            path[++depth] = at;
            own = true;
        } else if (t.kind == END_NODE && depth != 0) {
            depth--;
            own = false;
        } else if (t.kind == PROPERTY && own && t.length == 4 &&
                   fw_cell(&fdt->table, t.value) == phandle &&
                   same(&fdt->table, t.name, fdt->strings_end, "phandle")) {
            if (found != 0 && found != path[depth])
                return 0;
            found = path[depth];
            *parent = path[depth - 1u];
        }
    }
    return found;
}

uint32_t uiommu_fdt_phandle(const struct uiommu_fdt *fdt, uint32_t phandle)
{
    uint32_t parent;

    return uiommu_fdt_find_phandle(fdt, phandle, &parent);
}

/* A number of 'cells' cells from the one at 'index' on; the low 64 bits of three (PCI). */
uint64_t uiommu_fdt_wide(const struct uiommu_fdt *fdt, const struct uiommu_fdt_value *v,
                         uint32_t index, uint32_t cells)
{
    uint64_t number = 0;

    while (cells-- != 0)
        number = number << 32 | uiommu_fdt_cell(fdt, v, index++);
    return number;
}

/* One step up: from the addresses of the bus at path[level] to those of the one above. */
static uiommu_err lift(const struct uiommu_fdt *fdt, const struct uiommu_fdt_walk *walk,
                       uint32_t level, uint64_t *first, uint64_t *last)
{
    uint32_t bus = walk->path[level], i, count, cells;
    uint32_t child = uiommu_fdt_number(fdt, bus, "#address-cells", 2);
    uint32_t bytes = uiommu_fdt_number(fdt, bus, "#size-cells", 1);
    uint32_t parent = uiommu_fdt_number(fdt, walk->path[level - 1u], "#address-cells", 2);
    struct uiommu_fdt_value v;
    uint64_t from, to, size;

    if (!uiommu_fdt_get(fdt, bus, "ranges", &v))
        return UIOMMU_E_RANGE;
    if (v.length == 0)
        return UIOMMU_OK;
    if (child == 0 || child > 2 || bytes == 0 || bytes > 2 || parent == 0 || parent > 2)
        return UIOMMU_E_UNSUPPORTED;
    cells = child + parent + bytes;
    /* No division: counted up, to a bound. */
    for (i = 0, count = 0; v.length - i >= cells * 4u; i += cells * 4u, count++) {
        if (count >= UIOMMU_FDT_ENTRIES)
            return UIOMMU_E_UNSUPPORTED;
        from = uiommu_fdt_wide(fdt, &v, i / 4u, child);
        to = uiommu_fdt_wide(fdt, &v, i / 4u + child, parent);
        size = uiommu_fdt_wide(fdt, &v, i / 4u + child + parent, bytes);
        if (size == 0 || *first < from || *last - from > size - 1u)
            continue;
        if (to + (*last - from) < to)
            return UIOMMU_E_RANGE;
        *last = to + (*last - from);
        *first = to + (*first - from);
        return UIOMMU_OK;
    }
    return UIOMMU_E_RANGE;
}

uiommu_err uiommu_fdt_reg(const struct uiommu_fdt *fdt, const struct uiommu_fdt_walk *walk,
                          uint32_t index, uint64_t *first, uint64_t *last)
{
    struct uiommu_fdt_value v;
    uint32_t address, bytes, level, at;
    uint64_t size;
    uiommu_err err;

    if (walk->depth < 2 || walk->depth > UIOMMU_FDT_DEPTH ||
        !uiommu_fdt_get(fdt, walk->path[walk->depth - 1u], "reg", &v))
        return UIOMMU_E_NOT_FOUND;
    level = walk->depth - 2u;
    address = uiommu_fdt_number(fdt, walk->path[level], "#address-cells", 2);
    bytes = uiommu_fdt_number(fdt, walk->path[level], "#size-cells", 1);
    if (address == 0 || address > 2 || bytes == 0 || bytes > 2)
        return UIOMMU_E_UNSUPPORTED;
    if (index >= UIOMMU_FDT_MAX || (index + 1u) * (address + bytes) > v.length / 4u)
        return UIOMMU_E_NOT_FOUND;
    at = index * (address + bytes);
    *first = uiommu_fdt_wide(fdt, &v, at, address);
    size = uiommu_fdt_wide(fdt, &v, at + address, bytes);
    *last = *first + (size - 1u);
    if (size == 0 || *last < *first)
        return UIOMMU_E_RANGE;
    for (; level != 0; level--) {
        err = lift(fdt, walk, level, first, last);
        if (err != UIOMMU_OK)
            return err;
    }
    return UIOMMU_OK;
}
