/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fault handler. A source page comes from disk, a target page starts as zeroes; either way
 * the handler answers PENDING, and the answer goes out once every page of the group is mapped.
 */
#include <stdlib.h>
#include <string.h>

#include "sva.h"

/* A group that waits. */
struct sva_fill {
    struct sva_fill *next;
    struct sva *sva;
    struct sva_slot *slot;
    struct sva_unit *unit;
    struct uiommu_group_ref ref;
    enum sva_side side;
    bool orphaned;
    uint32_t runs;  /* Disk operations of its own under way. */
    uint32_t count; /* Of page. */
    uint32_t page[];
};

static bool page_get(struct sva *s, struct sva_page *page)
{
    page->cpu = model_ram_get(s->machine->world, SVA_PAGE, SVA_PAGE, UINT64_MAX, &page->bus);
    return page->cpu != NULL;
}

static void page_put(struct sva *s, struct sva_page *page)
{
    model_ram_put(s->machine->world, page->bus, SVA_PAGE);
    memset(page, 0, sizeof(*page));
}

/* ---- answers ---- */

static void fill_remove(struct sva *s, struct sva_fill *fill)
{
    struct sva_fill **at = &s->fills;

    while (*at != NULL && *at != fill)
        at = &(*at)->next;
    if (*at != NULL)
        *at = fill->next;
    fill->slot->fills--;
    free(fill);
}

static void answer(struct sva *s, struct sva_fill *fill, uiommu_code code)
{
    uiommu_err err = uiommu_group_respond(fill->unit->unit, fill->ref, code);

    s->stirred = true;
    if (err == UIOMMU_E_DEAD || err == UIOMMU_E_STALE) {
        fill->unit->counts.late_answers++;
        if (!s->dead && !fill->orphaned && fill->slot->engine->unbind == SVA_BOUND)
            sva_fail(s, "an answer was refused: %s", uiommu_err_str(err));
    } else if (err != UIOMMU_OK) {
        sva_fail(s, "an answer was refused: %s", uiommu_err_str(err));
    } else if (s->dead) {
        sva_fail(s, "an answer for a dead address space was taken");
    }
    fill_remove(s, fill);
}

/* TABLE_OK: all there. */
static bool all_mapped(const struct sva_fill *fill)
{
    uint32_t i;

    for (i = 0; i < fill->count; i++) {
        if (fill->slot->page[fill->side][fill->page[i]].state != SVA_PAGE_MAPPED)
            return false;
    }
    return true;
}

/* Pages have come: others may have waited for the same ones. */
static void answer_complete(struct sva *s)
{
    struct sva_fill *fill = s->fills;

    while (fill != NULL) {
        struct sva_fill *next = fill->next;

        if (s->dead || s->failures > 0) {
            /* Who does not know of the death yet says SUCCESS; uiommu knows, and sends INVALID. */
            if (fill->runs == 0)
                answer(s, fill, s->dead ? UIOMMU_CODE_SUCCESS : UIOMMU_CODE_INVALID);
        } else if (all_mapped(fill)) {
            answer(s, fill, UIOMMU_CODE_SUCCESS);
        }
        fill = next;
    }
}

/* ---- pages ---- */

bool sva_tables_map(struct sva *s, uint64_t va, uint64_t bus, uint32_t access)
{
    uint32_t i;

    for (i = 0; i < s->table_count; i++) {
        if (table_map(&s->tables[i], va, bus, access) != TABLE_OK)
            return false;
    }
    return true;
}

bool sva_tables_unmap(struct sva *s, uint64_t va)
{
    bool all = true;
    uint32_t i;

    for (i = 0; i < s->table_count; i++)
        all = table_unmap(&s->tables[i], va, NULL) == TABLE_OK && all;
    return all;
}

void sva_tables_fini(struct sva *s)
{
    while (s->table_count > 0)
        table_fini(&s->tables[--s->table_count]);
}

/* For tests: another page in the place of the one page that counts. */
static void swap_page(struct sva *s, struct sva_slot *slot, enum sva_side side, uint32_t number)
{
    struct sva_page *page = &slot->page[side][number];
    struct sva_page other = {NULL, 0, SVA_PAGE_FILLING};
    uint8_t *byte;

    if (s->o.broken != SVA_BREAK_WRONG_PAGE || side != SVA_SOURCE || number != 0 ||
        slot->block != s->blocks / 2 || !page_get(s, &other))
        return;
    byte = other.cpu;
    *byte = (uint8_t) ~*(uint8_t *)page->cpu;
    page_put(s, page);
    *page = other;
}

static void page_map(struct sva *s, struct sva_slot *slot, enum sva_side side, uint32_t number)
{
    struct sva_page *page = &slot->page[side][number];
    uint32_t access = side == SVA_SOURCE ? UIOMMU_READ : UIOMMU_READ | UIOMMU_WRITE;
    uint64_t va = sva_slot_va(slot, side) + (uint64_t)number * SVA_PAGE;

    swap_page(s, slot, side, number);
    if (!sva_tables_map(s, va, page->bus, access)) {
        sva_fail(s, "a page cannot be mapped");
        page_put(s, page);
        return;
    }
    page->state = SVA_PAGE_MAPPED;
    if (side == SVA_SOURCE)
        slot->engine->unit->counts.pages_in++;
    else
        slot->engine->unit->counts.pages_out++;
}

/* The disk is through with a run of pages. */
static void run_delivered(struct sva_disk_op *op)
{
    struct sva_fill *fill = op->user;
    struct sva *s = op->sva;
    struct sva_slot *slot = fill->slot;
    uint32_t i;

    if (op->error != 0 && !s->dead)
        sva_disk_fail(s, s->o.file,
                      op->error == UV_EOF ? "became shorter while it was copied"
                                          : uv_strerror(op->error));
    fill->runs--;
    for (i = op->first; i < op->first + op->count; i++) {
        if (s->dead || s->failures > 0)
            page_put(s, &slot->page[fill->side][i]);
        else
            page_map(s, slot, fill->side, i);
    }
    free(op);
    answer_complete(s);
}

/* Bytes of a source page that FILE has. */
static uint32_t page_bytes(const struct sva_slot *slot, uint32_t number)
{
    uint32_t left = slot->bytes - number * SVA_PAGE;

    return left < SVA_PAGE ? left : SVA_PAGE;
}

static void run_submit(struct sva *s, struct sva_fill *fill, uint32_t first, uint32_t count)
{
    struct sva_disk_op *op = sva_disk_op_new(count);
    struct sva_slot *slot = fill->slot;
    uint32_t i;

    op->deliver = run_delivered;
    op->user = fill;
    op->first = first;
    op->kind = fill->side == SVA_SOURCE ? SVA_DISK_READ : SVA_DISK_WAIT;
    op->file = s->file;
    op->offset = (int64_t)(slot->block * s->o.block_bytes + (uint64_t)first * SVA_PAGE);
    for (i = 0; i < count; i++) {
        struct sva_page *page = &slot->page[fill->side][first + i];

        op->bufs[i] = uv_buf_init(page->cpu, page_bytes(slot, first + i));
    }
    fill->runs++;
    sva_disk_submit(s, op);
}

/* Fetch what nobody has asked for yet, neighbours together. false: no memory. */
static bool fill_start(struct sva *s, struct sva_fill *fill)
{
    uint32_t i, first = 0, count = 0;

    for (i = 0; i < fill->count; i++) {
        struct sva_page *page = &fill->slot->page[fill->side][fill->page[i]];

        if (page->state != SVA_PAGE_ABSENT)
            continue;
        if (!page_get(s, page)) {
            sva_fail(s, "the machine's memory is used up");
            return false;
        }
        page->state = SVA_PAGE_FILLING;
        if (count > 0 && fill->page[i] == first + count) {
            count++;
            continue;
        }
        if (count > 0)
            run_submit(s, fill, first, count);
        first = fill->page[i];
        count = 1;
    }
    if (count > 0)
        run_submit(s, fill, first, count);
    return true;
}

/* ---- the handler ---- */

/* Every page must be of one block that is being copied, and the access one that fits. */
static struct sva_fill *fill_new(struct sva *s, const struct sva_engine *e,
                                 const struct uiommu_group *group)
{
    struct sva_fill *fill = calloc(1, sizeof(*fill) + group->pages * sizeof(fill->page[0]));
    const struct uiommu_page *page = NULL;

    if (fill == NULL)
        return NULL;
    while ((page = uiommu_group_next_page(group, page)) != NULL) {
        enum sva_side side;
        uint32_t number;
        struct sva_slot *slot = sva_slot_find(s, page->address, &side, &number);

        if (slot == NULL || slot->engine != e || fill->count == group->pages ||
            (fill->count > 0 && (slot != fill->slot || side != fill->side)) ||
            (side == SVA_SOURCE && (page->access & UIOMMU_WRITE) != 0)) {
            free(fill);
            return NULL;
        }
        fill->slot = slot;
        fill->side = side;
        fill->page[fill->count++] = number;
    }
    fill->sva = s;
    fill->unit = e->unit;
    fill->ref = group->ref;
    return fill;
}

static uiommu_code fault(void *user, const struct uiommu_group *group)
{
    struct sva *s = user;
    struct sva_engine *e = group->bond_user;
    struct sva_fill *fill;

    s->stirred = true;
    if (s->dead)
        sva_fail(s, "a handler was called after the address space had died");
    if (e->unbind == SVA_UNBOUND || group->unit != e->unit->unit || group->id != e->id ||
        group->pasid != s->pasid)
        sva_fail(s, "a handler was called for a device that has no part in it");
    fill = s->failures > 0 ? NULL : fill_new(s, e, group);
    if (fill == NULL)
        return UIOMMU_CODE_INVALID;
    if (all_mapped(fill)) {
        free(fill);
        return UIOMMU_CODE_SUCCESS;
    }
    if (s->o.broken == SVA_BREAK_SUCCESS_WITHOUT_MAP && fill->side == SVA_TARGET &&
        fill->slot->block == s->blocks / 2) {
        free(fill);
        return UIOMMU_CODE_SUCCESS;
    }
    fill->next = s->fills;
    s->fills = fill;
    fill->slot->fills++;
    if (!fill_start(s, fill)) {
        fill_remove(s, fill);
        return UIOMMU_CODE_INVALID;
    }
    e->unit->counts.pending++;
    return UIOMMU_CODE_PENDING;
}

/* A later answer is refused then. */
static void orphaned(void *user, struct uiommu_unit *unit, struct uiommu_group_ref ref,
                     enum uiommu_orphan why)
{
    struct sva *s = user;
    struct sva_fill *fill;
    uint32_t i;

    (void)why;
    for (i = 0; i < s->unit_count; i++)
        s->units[i].counts.orphans += s->units[i].unit == unit;
    for (fill = s->fills; fill != NULL; fill = fill->next) {
        if (fill->unit->unit == unit && fill->ref.index == ref.index &&
            fill->ref.generation == ref.generation)
            fill->orphaned = true;
    }
}

const struct uiommu_aspace_ops sva_aspace_ops = {
    .size = sizeof(sva_aspace_ops),
    .fault = fault,
    .orphaned = orphaned,
};

/* ---- for sva_stop.c ---- */

struct sva_slot *sva_fault_slot(const struct sva_disk_op *op)
{
    const struct sva_fill *fill = op->user;

    return fill->slot;
}

struct sva_disk_op *sva_fault_pick(struct sva_unit *v, const struct sva_disk_op * not )
{
    struct sva_disk_op *op;

    for (op = v->sva->disk.first; op != NULL; op = op->next) {
        if (op->deliver == run_delivered && sva_fault_slot(op)->engine->unit == v &&
            (not == NULL || sva_fault_slot(op) != sva_fault_slot(not )))
            return op;
    }
    return NULL;
}

uint32_t sva_fault_pending(const struct sva_unit *v)
{
    const struct sva_fill *fill;
    uint32_t n = 0;

    for (fill = v->sva->fills; fill != NULL; fill = fill->next)
        n += fill->unit == v;
    return n;
}
