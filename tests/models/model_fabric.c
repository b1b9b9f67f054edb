/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_fabric_internal.h"

#define ALL_IDS    UINT32_MAX
#define PASID_LAST 0xFFFFFu
#define INDEX_LAST 0x1FFu

/* ---- set-up ---- */

struct model_fabric *model_fabric_create(struct model_world *world,
                                         const struct model_fabric_config *config)
{
    struct model_fabric *fabric =
        model_alloc(world, sizeof(*fabric), _Alignof(struct model_fabric));
    struct model_message *messages =
        model_carve(world, MODEL_MESSAGE_MAX * sizeof(*messages), _Alignof(struct model_message));
    struct model_slot *slots =
        model_carve(world, MODEL_SLOT_MAX * sizeof(*slots), _Alignof(struct model_slot));
    uint8_t *buffers = model_carve(world, MODEL_BUFFER_MAX * MODEL_PAGE_BYTES, 16);
    uint32_t i;

    if (fabric == NULL || messages == NULL || slots == NULL || buffers == NULL) {
        return NULL;
    }
    fabric->world = world;
    fabric->slots = slots;
    for (i = MODEL_MESSAGE_MAX; i > 0; i--) {
        messages[i - 1].next = fabric->free_messages;
        fabric->free_messages = &messages[i - 1];
    }
    for (i = 0; i < MODEL_BUFFER_MAX; i++) {
        fabric->free_buffers[i] = buffers + (size_t)i * MODEL_PAGE_BYTES;
    }
    fabric->free_buffer_count = MODEL_BUFFER_MAX;
    model_fabric_set(fabric, config);
    return fabric;
}

void model_fabric_set(struct model_fabric *fabric, const struct model_fabric_config *config)
{
    fabric->config = *config;
    if (config->max_delay_ns < config->min_delay_ns) {
        model_report(fabric->world, "fabric.delay-range", "the longest delay is below the shortest",
                     config->min_delay_ns, config->max_delay_ns);
        fabric->config.max_delay_ns = config->min_delay_ns;
    }
}

void model_fabric_attach_iommu(struct model_fabric *fabric, const struct model_iommu_ops *ops,
                               void *iommu)
{
    fabric->iommu_ops = ops;
    fabric->iommu = iommu;
}

/* The place of id in the map: its own, or the empty one where it belongs. */
static uint32_t map_place(const struct model_fabric *fabric, uint32_t id)
{
    uint32_t place = (id * 0x9E3779B1u) >> 21;

    while (fabric->map[place] != 0 && fabric->slots[fabric->map[place] - 1].id != id) {
        place = (place + 1) & (MODEL_MAP_SIZE - 1);
    }
    return place;
}

static struct model_slot *find_slot(const struct model_fabric *fabric, uint32_t id)
{
    uint32_t number = fabric->map[map_place(fabric, id)];

    return number == 0 ? NULL : &fabric->slots[number - 1];
}

/* Slots are never given back: messages of an id outlive its endpoint. */
static struct model_slot *make_slot(struct model_fabric *fabric, uint32_t id)
{
    uint32_t place = map_place(fabric, id);
    struct model_slot *slot;

    if (fabric->map[place] != 0) {
        return &fabric->slots[fabric->map[place] - 1];
    }
    if (fabric->slot_count == MODEL_SLOT_MAX) {
        model_report(fabric->world, "fabric.ids-full", "too many different ids", id,
                     MODEL_SLOT_MAX);
        return NULL;
    }
    slot = &fabric->slots[fabric->slot_count++];
    memset(slot, 0, sizeof(*slot));
    slot->id = id;
    slot->fabric = fabric;
    slot->own.number = fabric->slot_count - 1;
    slot->lane = &slot->own;
    fabric->map[place] = (uint16_t)fabric->slot_count;
    return slot;
}

bool model_fabric_attach_endpoint(struct model_fabric *fabric, uint32_t id,
                                  const struct model_endpoint_ops *ops, void *endpoint)
{
    struct model_slot *slot = make_slot(fabric, id);
    uint32_t i;

    if (slot == NULL || slot->ops != NULL) {
        return false;
    }
    slot->ops = ops;
    slot->endpoint = endpoint;
    slot->lane = &slot->own;
    for (i = 0; i < fabric->slot_count; i++) {
        struct model_slot *other = &fabric->slots[i];

        if (other != slot && other->ops != NULL && other->endpoint == endpoint) {
            slot->lane = other->lane;
            break;
        }
    }
    return true;
}

void model_fabric_detach_endpoint(struct model_fabric *fabric, uint32_t id)
{
    struct model_slot *slot = find_slot(fabric, id);

    if (slot != NULL) {
        slot->ops = NULL;
        slot->endpoint = NULL;
    }
}

static struct model_message *message_get(struct model_fabric *fabric, uint32_t id,
                                         enum model_message_kind kind)
{
    struct model_slot *slot = make_slot(fabric, id);
    struct model_message *message = fabric->free_messages;

    if (slot == NULL) {
        return NULL;
    }
    if (message == NULL) {
        model_report(fabric->world, "fabric.full", "too many messages under way; one is lost", id,
                     MODEL_MESSAGE_MAX);
        return NULL;
    }
    fabric->free_messages = message->next;
    message->slot = slot;
    message->kind = kind;
    message->sent = model_now(fabric->world);
    return message;
}

static uint64_t pick(struct model_world *world, uint64_t low, uint64_t high)
{
    uint64_t span = high - low;

    return low + model_choose(world, span < UINT32_MAX ? (uint32_t)span + 1 : UINT32_MAX);
}

static uint64_t arrival(struct model_fabric *fabric)
{
    return model_now(fabric->world) +
           pick(fabric->world, fabric->config.min_delay_ns, fabric->config.max_delay_ns);
}

/* ---- upstream ---- */

static void send_up(struct model_fabric *fabric, struct model_message *message)
{
    struct model_lane *lane = message->slot->lane;
    bool late = message->kind == MODEL_UP_REQUEST && fabric->config.late_per_mille > 0 &&
                model_chance(fabric->world, fabric->config.late_per_mille);
    bool bypass = late || (message->kind == MODEL_UP_REQUEST &&
                           (lane->bypass.first != NULL || model_slot_held(message->slot)));
    uint64_t least = bypass ? lane->bypass.due : lane->up.due;

    message->due = arrival(fabric);
    if (late) {
        uint64_t most = fabric->config.late_ns;

        message->due = message->sent + pick(fabric->world, most - most / 2, most);
    }
    if (bypass && least < lane->request_due) {
        least = lane->request_due;
    }
    if (message->due < least) {
        message->due = least;
    }
    if (!bypass && message->kind == MODEL_UP_REQUEST) {
        lane->request_due = message->due;
    }
    lane->writes += message->kind == MODEL_UP_WRITE;
    message->slot->in_flight++;
    fabric->in_flight++;
    model_queue_append(bypass ? &lane->bypass : &lane->up, message);
    model_lane_schedule(fabric, message);
}

static bool dma_sound(struct model_fabric *fabric, const struct model_dma *dma)
{
    uint32_t way = dma->access & (MODEL_READ | MODEL_WRITE);

    if (dma->bytes == 0 || dma->bytes > MODEL_PAGE_BYTES ||
        (dma->address & (MODEL_PAGE_BYTES - 1)) + dma->bytes > MODEL_PAGE_BYTES ||
        (way != MODEL_READ && way != MODEL_WRITE) || (dma->has_pasid && dma->pasid > PASID_LAST)) {
        model_report(fabric->world, "fabric.dma-malformed",
                     "an access crosses a page, or neither or both reads and writes", dma->address,
                     dma->bytes);
        return false;
    }
    return true;
}

enum model_dma_result model_fabric_dma(struct model_fabric *fabric, const struct model_dma *dma)
{
    struct model_slot *slot = find_slot(fabric, dma->id);

    if (!dma_sound(fabric, dma) || fabric->iommu_ops == NULL) {
        return MODEL_DMA_ABORTED;
    }
    /* An access does not pass the endpoint's own posted writes, else it could not read them. */
    while (slot != NULL && slot->lane->writes > 0) {
        model_lane_deliver_first(fabric, slot->lane);
    }
    return fabric->iommu_ops->dma(fabric->iommu, dma);
}

void model_fabric_translate(struct model_fabric *fabric, const struct model_translate *want,
                            struct model_translation *got)
{
    memset(got, 0, sizeof(*got));
    got->status = MODEL_TRANSLATE_UNSUPPORTED;
    if (fabric->iommu_ops != NULL) {
        fabric->iommu_ops->translate(fabric->iommu, want, got);
    }
}

void model_fabric_page_request(struct model_fabric *fabric,
                               const struct model_page_request *request)
{
    struct model_message *message;

    if (request->index > INDEX_LAST || (request->address & (MODEL_PAGE_BYTES - 1)) != 0 ||
        (request->has_pasid && request->pasid > PASID_LAST)) {
        model_report(fabric->world, "fabric.request-malformed",
                     "a page request has bits that no message can carry", request->address,
                     request->index);
        return;
    }
    message = message_get(fabric, request->id, MODEL_UP_REQUEST);
    if (message != NULL) {
        message->as.request = *request;
        send_up(fabric, message);
    }
}

void model_fabric_invalidate_done(struct model_fabric *fabric, uint32_t id, uint64_t tag,
                                  enum model_invalidate_result result)
{
    struct model_message *message = message_get(fabric, id, MODEL_UP_INVALIDATED);

    if (message != NULL) {
        message->as.ended.name = tag;
        message->as.ended.result = (uint32_t)result;
        send_up(fabric, message);
    }
}

void model_fabric_posted_write(struct model_fabric *fabric, const struct model_dma *dma)
{
    struct model_message *message;
    struct model_slot *slot = make_slot(fabric, dma->id);

    if (!dma_sound(fabric, dma) || slot == NULL) {
        return;
    }
    /* No buffer left: the oldest writes land now. They are due some time anyway. */
    while (fabric->free_buffer_count == 0 && slot->lane->writes > 0) {
        model_lane_deliver_first(fabric, slot->lane);
    }
    message = fabric->free_buffer_count == 0 ? NULL : message_get(fabric, dma->id, MODEL_UP_WRITE);
    if (message == NULL) {
        model_report(fabric->world, "fabric.full", "too many posted writes; one is lost", dma->id,
                     MODEL_BUFFER_MAX);
        return;
    }
    message->as.dma = *dma;
    message->as.dma.data = fabric->free_buffers[--fabric->free_buffer_count];
    memcpy(message->as.dma.data, dma->data, dma->bytes);
    send_up(fabric, message);
}

/* ---- downstream ---- */

static void send_down(struct model_fabric *fabric, struct model_message *message)
{
    struct model_lane *lane = message->slot->lane;

    message->due = arrival(fabric);
    if (message->due < lane->down.due) {
        message->due = lane->down.due;
    }
    model_queue_append(&lane->down, message);
    model_lane_schedule(fabric, message);
}

void model_fabric_invalidate(struct model_fabric *fabric, const struct model_invalidate *what)
{
    uint32_t size = what->size_log2;
    struct model_message *message;

    if (size < MODEL_PAGE_SHIFT || size > 64 ||
        (what->scope == MODEL_INVALIDATE_PASID && what->pasid > PASID_LAST) ||
        (size < 64 && (what->address & ((UINT64_C(1) << size) - 1)) != 0)) {
        model_report(fabric->world, "fabric.invalidate-malformed",
                     "an invalidation has a range that no message can carry", what->address, size);
        return;
    }
    message = message_get(fabric, what->id, MODEL_DOWN_INVALIDATE);
    if (message != NULL) {
        message->as.invalidate = *what;
        send_down(fabric, message);
    }
}

void model_fabric_page_response(struct model_fabric *fabric,
                                const struct model_page_response *response)
{
    struct model_message *message;

    if (response->index > INDEX_LAST || response->code > 0xF ||
        (response->has_pasid && response->pasid > PASID_LAST)) {
        model_report(fabric->world, "fabric.response-malformed",
                     "a page response has bits that no message can carry", response->index,
                     response->code);
        return;
    }
    message = message_get(fabric, response->id, MODEL_DOWN_RESPONSE);
    if (message != NULL) {
        message->as.response = *response;
        send_down(fabric, message);
    }
}

void model_fabric_dma_ended(struct model_fabric *fabric, uint32_t id, uint64_t cookie,
                            enum model_dma_result result)
{
    struct model_message *message = message_get(fabric, id, MODEL_DOWN_ENDED);

    if (message != NULL) {
        message->as.ended.name = cookie;
        message->as.ended.result = (uint32_t)result;
        send_down(fabric, message);
    }
}

/* ---- tests ---- */

static void flush_lane(struct model_fabric *fabric, struct model_lane *lane)
{
    /* Late requests whose time has come are not late any more. */
    while (model_lane_deliver_due(fabric, lane)) {
    }
    while (lane->up.first != NULL) {
        model_lane_deliver_first(fabric, lane);
    }
}

void model_fabric_flush(struct model_fabric *fabric, uint32_t id)
{
    struct model_slot *slot = id == ALL_IDS ? NULL : find_slot(fabric, id);
    uint32_t i;

    if (slot != NULL) {
        flush_lane(fabric, slot->lane);
    }
    for (i = 0; id == ALL_IDS && i < fabric->slot_count; i++) {
        flush_lane(fabric, &fabric->slots[i].own);
    }
}

static void set_hold(struct model_fabric *fabric, uint32_t id, bool hold)
{
    struct model_slot *slot = id == ALL_IDS ? NULL : make_slot(fabric, id);
    uint32_t i;

    if (id == ALL_IDS) {
        fabric->hold_all = hold;
    } else if (slot != NULL) {
        slot->held = hold;
    }
    for (i = 0; i < fabric->slot_count; i++) {
        if (id == ALL_IDS && !hold) {
            fabric->slots[i].held = false;
        }
        if (hold) {
            model_lane_hold(&fabric->slots[i].own);
        } else {
            model_lane_pump(fabric, i);
        }
    }
}

void model_fabric_hold(struct model_fabric *fabric, uint32_t id)
{
    set_hold(fabric, id, true);
}

void model_fabric_release(struct model_fabric *fabric, uint32_t id)
{
    set_hold(fabric, id, false);
}

uint32_t model_fabric_in_flight(const struct model_fabric *fabric, uint32_t id)
{
    const struct model_slot *slot;

    if (id == ALL_IDS) {
        return fabric->in_flight;
    }
    slot = find_slot(fabric, id);
    return slot == NULL ? 0 : slot->in_flight;
}
