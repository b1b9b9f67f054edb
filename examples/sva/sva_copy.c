/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "sva.h"

static const uint64_t side_base[SVA_SIDES] = {SVA_SOURCE_BASE, SVA_TARGET_BASE};

/* A page between the windows, which nothing may touch. */
static uint64_t window_bytes(const struct sva *s)
{
    return (uint64_t)s->o.block_bytes + SVA_PAGE;
}

uint64_t sva_slot_va(const struct sva_slot *slot, enum sva_side side)
{
    return side_base[side] + slot->number * window_bytes(slot->engine->sva);
}

struct sva_slot *sva_slot_find(struct sva *s, uint64_t va, enum sva_side *side, uint32_t *page)
{
    struct sva_slot *slot;
    uint64_t at, number;

    *side = va >= SVA_TARGET_BASE ? SVA_TARGET : SVA_SOURCE;
    if (va < side_base[*side])
        return NULL;
    at = va - side_base[*side];
    number = at / window_bytes(s);
    if (number >= (uint64_t)s->o.devices * SVA_JOBS)
        return NULL;
    slot = &s->engines[number / SVA_JOBS].slots[number % SVA_JOBS];
    *page = (uint32_t)(at % window_bytes(s) / SVA_PAGE);
    if (slot->state == SVA_SLOT_IDLE || slot->state == SVA_SLOT_OVER || *page >= slot->pages)
        return NULL;
    return slot;
}

/* ---- pages back ---- */

static bool side_unmap(struct sva *s, struct sva_slot *slot, enum sva_side side)
{
    uint64_t va = sva_slot_va(slot, side);
    uint32_t i, unmapped = 0;
    uiommu_err err;

    for (i = 0; i < slot->pages; i++) {
        if (slot->page[side][i].state == SVA_PAGE_MAPPED &&
            sva_tables_unmap(s, va + (uint64_t)i * SVA_PAGE))
            unmapped++;
    }
    if (unmapped == 0)
        return true;
    s->invalidations++;
    err = uiommu_aspace_invalidate(s->as, va, va + (uint64_t)slot->pages * SVA_PAGE - 1, false);
    if (err != UIOMMU_OK)
        sva_fail(s, "old translations may be in use: %s", uiommu_err_str(err));
    return err == UIOMMU_OK;
}

/* After a successful exit nothing walks the tables any more: the pages just go. */
static void side_recycle(struct sva *s, struct sva_slot *slot, enum sva_side side)
{
    uint32_t i;

    if (!s->dead && !side_unmap(s, slot, side))
        return;
    for (i = 0; i < slot->pages; i++) {
        struct sva_page *page = &slot->page[side][i];

        if (page->state == SVA_PAGE_MAPPED) {
            model_ram_put(s->machine->world, page->bus, SVA_PAGE);
            memset(page, 0, sizeof(*page));
        }
    }
}

bool sva_slot_recycle(struct sva *s, struct sva_slot *slot)
{
    if (slot->fills > 0 || slot->state == SVA_SLOT_FLUSH || s->withheld)
        return false;
    side_recycle(s, slot, SVA_SOURCE);
    side_recycle(s, slot, SVA_TARGET);
    slot->state = SVA_SLOT_IDLE;
    return true;
}

void sva_slot_give_up(struct sva *s, struct sva_slot *slot)
{
    if (slot->state != SVA_SLOT_READ && slot->state != SVA_SLOT_WRITE &&
        slot->state != SVA_SLOT_WRITTEN)
        return;
    if (slot->state != SVA_SLOT_WRITTEN)
        model_endpoint_job_forget(slot->engine->ep, slot->job);
    s->again[s->again_count++] = slot->block;
    slot->state = SVA_SLOT_OVER;
}

/* ---- the steps of a block ---- */

static bool job_start(struct sva *s, struct sva_slot *slot, enum sva_side side)
{
    struct sva_engine *e = slot->engine;
    struct model_job job;

    memset(&job, 0, sizeof(job));
    job.pasid = s->pasid;
    job.address = sva_slot_va(slot, side);
    job.access = side == SVA_SOURCE ? MODEL_READ : MODEL_WRITE;
    job.buffer = slot->buffer;
    job.bytes = slot->bytes;
    job.pages_per_group = e->group_pages;
    slot->job = model_endpoint_start(e->ep, &job);
    s->stirred = true;
    if (slot->job < 0)
        sva_fail(s, "device %u does not take a job", e->number);
    return slot->job >= 0;
}

static void block_take(struct sva *s, struct sva_slot *slot)
{
    uint64_t left;

    if (s->again_count > 0)
        slot->block = s->again[--s->again_count];
    else if (s->next_block < s->blocks)
        slot->block = s->next_block++;
    else
        return;
    left = s->bytes - slot->block * s->o.block_bytes;
    slot->bytes = left < s->o.block_bytes ? (uint32_t)left : s->o.block_bytes;
    slot->pages = (slot->bytes + SVA_PAGE - 1) / SVA_PAGE;
    slot->state = SVA_SLOT_READ;
    /* What an engine would copy without having read it is not in FILE. */
    memset(slot->buffer, 0x5a, slot->bytes);
    if (!job_start(s, slot, SVA_SOURCE)) {
        s->again[s->again_count++] = slot->block;
        slot->state = SVA_SLOT_IDLE;
    }
}

static void flush_delivered(struct sva_disk_op *op)
{
    struct sva_slot *slot = op->user;
    struct sva *s = op->sva;

    s->flushing--;
    if (op->error != 0) {
        sva_disk_fail(s, s->o.out, uv_strerror(op->error));
        slot->state = SVA_SLOT_OVER;
    } else {
        s->written[slot->block] = 1;
        s->done++;
        slot->engine->unit->counts.blocks++;
        slot->state = SVA_SLOT_OVER;
    }
    free(op);
    (void)sva_slot_recycle(s, slot);
}

/* OUT gets what the engine's writes left in the target pages, nothing else. */
static void flush(struct sva *s, struct sva_slot *slot)
{
    struct sva_disk_op *op;
    uint32_t i;

    for (i = 0; i < slot->pages; i++) {
        if (slot->page[SVA_TARGET][i].state != SVA_PAGE_MAPPED) {
            sva_fail(s, "device %u says it wrote a page that is not mapped", slot->engine->number);
            slot->state = SVA_SLOT_OVER;
            return;
        }
    }
    op = sva_disk_op_new(slot->pages);
    op->deliver = flush_delivered;
    op->user = slot;
    op->kind = SVA_DISK_WRITE;
    op->file = s->out;
    op->offset = (int64_t)(slot->block * s->o.block_bytes);
    for (i = 0; i < slot->pages; i++) {
        uint32_t left = slot->bytes - i * SVA_PAGE;

        op->bufs[i] = uv_buf_init(slot->page[SVA_TARGET][i].cpu, left < SVA_PAGE ? left : SVA_PAGE);
    }
    slot->state = SVA_SLOT_FLUSH;
    s->flushing++;
    sva_disk_submit(s, op);
}

/* The engine is through with its part. */
static void job_over(struct sva *s, struct sva_slot *slot)
{
    struct model_job_status status;

    model_endpoint_job(slot->engine->ep, slot->job, &status);
    if (status.state == MODEL_JOB_RUNNING || slot->fills > 0)
        return;
    s->stirred = true;
    if (status.state != MODEL_JOB_DONE) {
        if (slot->engine->unbind == SVA_BOUND)
            sva_fail(s, "device %u: %s of block %llu ended at byte %llu", slot->engine->number,
                     slot->state == SVA_SLOT_READ ? "reading" : "writing",
                     (unsigned long long)slot->block, (unsigned long long)status.done_bytes);
        sva_slot_give_up(s, slot);
        return;
    }
    model_endpoint_job_forget(slot->engine->ep, slot->job);
    if (slot->state == SVA_SLOT_WRITE) {
        slot->state = SVA_SLOT_WRITTEN;
        return;
    }
    side_recycle(s, slot, SVA_SOURCE);
    slot->state = SVA_SLOT_WRITE;
    if (slot->engine->unbind != SVA_BOUND || !job_start(s, slot, SVA_TARGET)) {
        slot->state = SVA_SLOT_WRITTEN; /* There is no job to forget. */
        sva_slot_give_up(s, slot);
    }
}

static void slot_step(struct sva *s, struct sva_slot *slot)
{
    switch (slot->state) {
    case SVA_SLOT_IDLE:
        if (slot->engine->unbind == SVA_BOUND && !slot->engine->unit->ready &&
            s->phase <= SVA_ARM_RING && s->failures == 0)
            block_take(s, slot);
        break;
    case SVA_SLOT_READ:
    case SVA_SLOT_WRITE:
        job_over(s, slot);
        break;
    case SVA_SLOT_WRITTEN:
        if (s->failures > 0)
            sva_slot_give_up(s, slot);
        else if (!s->no_flush)
            flush(s, slot);
        break;
    case SVA_SLOT_OVER:
        (void)sva_slot_recycle(s, slot);
        break;
    case SVA_SLOT_FLUSH:
        break;
    }
}

void sva_copy_step(struct sva *s)
{
    uint32_t i;

    for (i = 0; i < s->o.devices * SVA_JOBS && !s->dead; i++)
        slot_step(s, &s->engines[i / SVA_JOBS].slots[i % SVA_JOBS]);
}
