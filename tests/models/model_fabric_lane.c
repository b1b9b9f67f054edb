/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_fabric_internal.h"

/* ---- queues ---- */

void model_queue_append(struct model_queue *queue, struct model_message *message)
{
    message->next = NULL;
    if (queue->first == NULL) {
        queue->first = message;
    } else {
        queue->last->next = message;
    }
    queue->last = message;
    if (queue->due < message->due) {
        queue->due = message->due;
    }
}

/* before: the message ahead of it, or NULL when it is the first. */
static struct model_message *queue_take(struct model_queue *queue, struct model_message *before)
{
    struct model_message *message = before == NULL ? queue->first : before->next;

    if (before == NULL) {
        queue->first = message->next;
    } else {
        before->next = message->next;
    }
    if (queue->last == message) {
        queue->last = before;
    }
    if (queue->first == NULL) {
        queue->due = 0;
    }
    return message;
}

bool model_slot_held(const struct model_slot *slot)
{
    return slot->held || slot->fabric->hold_all;
}

/* ---- arrival ---- */

static void deliver_up(struct model_fabric *fabric, struct model_message *message)
{
    struct model_message kept = *message;
    struct model_slot *slot = kept.slot;
    const struct model_iommu_ops *ops = fabric->iommu_ops;
    enum model_dma_result result = MODEL_DMA_ABORTED;

    message->next = fabric->free_messages;
    fabric->free_messages = message;
    slot->in_flight--;
    fabric->in_flight--;
    if (kept.kind == MODEL_UP_REQUEST && ops != NULL) {
        ops->page_request(fabric->iommu, &kept.as.request);
    }
    if (kept.kind == MODEL_UP_INVALIDATED && ops != NULL) {
        ops->invalidate_done(fabric->iommu, kept.as.ended.name,
                             (enum model_invalidate_result)kept.as.ended.result);
    }
    if (kept.kind != MODEL_UP_WRITE) {
        return;
    }
    if (ops != NULL) {
        result = ops->dma(fabric->iommu, &kept.as.dma);
    }
    fabric->free_buffers[fabric->free_buffer_count++] = kept.as.dma.data;
    if (result == MODEL_DMA_STALLED) {
        model_report(fabric->world, "fabric.translated-stalled",
                     "the IOMMU held a translated write, which nobody can resume", kept.as.dma.id,
                     kept.as.dma.address);
    }
    if (slot->ops != NULL && slot->ops->posted_ended != NULL) {
        slot->ops->posted_ended(slot->endpoint, kept.as.dma.cookie, result);
    }
}

void model_lane_deliver_first(struct model_fabric *fabric, struct model_lane *lane)
{
    struct model_message *message = queue_take(&lane->up, NULL);

    if (message->kind == MODEL_UP_WRITE) {
        lane->writes--;
    }
    deliver_up(fabric, message);
}

bool model_lane_deliver_due(struct model_fabric *fabric, struct model_lane *lane)
{
    uint64_t now = model_now(fabric->world);
    struct model_message *before = NULL;
    struct model_message *late = lane->bypass.first;

    while (late != NULL && model_slot_held(late->slot)) {
        before = late;
        late = late->next;
    }
    if (late != NULL && late->due > now) {
        late = NULL;
    }
    if (lane->up.first != NULL && lane->up.first->due <= now &&
        (late == NULL || lane->up.first->due <= late->due)) {
        model_lane_deliver_first(fabric, lane);
        return true;
    }
    if (late != NULL) {
        deliver_up(fabric, queue_take(&lane->bypass, before));
        return true;
    }
    return false;
}

static void deliver_first_down(struct model_fabric *fabric, struct model_lane *lane)
{
    struct model_message *message = queue_take(&lane->down, NULL);
    struct model_message kept = *message;
    const struct model_endpoint_ops *ops = kept.slot->ops;

    message->next = fabric->free_messages;
    fabric->free_messages = message;
    if (ops == NULL) {
        return;
    }
    if (kept.kind == MODEL_DOWN_INVALIDATE) {
        ops->invalidate(kept.slot->endpoint, &kept.as.invalidate);
    } else if (kept.kind == MODEL_DOWN_RESPONSE) {
        ops->page_response(kept.slot->endpoint, &kept.as.response);
    } else {
        ops->dma_ended(kept.slot->endpoint, kept.as.ended.name,
                       (enum model_dma_result)kept.as.ended.result);
    }
}

void model_lane_pump(void *arg, uint64_t token)
{
    struct model_fabric *fabric = arg;
    struct model_lane *lane = &fabric->slots[token].own;

    while (model_lane_deliver_due(fabric, lane)) {
    }
    while (lane->down.first != NULL && lane->down.first->due <= model_now(fabric->world)) {
        deliver_first_down(fabric, lane);
    }
}

void model_lane_schedule(struct model_fabric *fabric, const struct model_message *message)
{
    uint64_t now = model_now(fabric->world);

    if (!model_schedule(fabric->world, message->due > now ? message->due - now : 0, model_lane_pump,
                        fabric, message->slot->lane->number)) {
        model_report(fabric->world, "fabric.full", "no room for scheduled work; a message waits",
                     message->slot->id, 0);
    }
}

/* Requests that are already on the bus are held as well: out of the posted order, to the bypass. */
void model_lane_hold(struct model_lane *lane)
{
    struct model_message *before = NULL;
    struct model_message *at = lane->up.first;
    struct model_message *held_last = NULL;

    while (at != NULL) {
        struct model_message *next = at->next;

        if (at->kind == MODEL_UP_REQUEST && model_slot_held(at->slot)) {
            queue_take(&lane->up, before);
            /* It is older than all that bypasses: whoever found that not empty joined it. */
            at->next = held_last == NULL ? lane->bypass.first : held_last->next;
            if (held_last == NULL) {
                lane->bypass.first = at;
            } else {
                held_last->next = at;
            }
            if (at->next == NULL) {
                lane->bypass.last = at;
            }
            if (lane->bypass.due < at->due) {
                lane->bypass.due = at->due;
            }
            held_last = at;
        } else {
            before = at;
        }
        at = next;
    }
}
