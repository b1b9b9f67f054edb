/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MODEL_FABRIC_INTERNAL_H
#define MODEL_FABRIC_INTERNAL_H
/*
 * Messages travel in lanes. The ids of one endpoint share a lane, because they share a link:
 * posted messages never pass each other on it, whatever id they carry. A page request that is
 * late or held leaves that order and goes by the lane's bypass, where requests keep their order
 * among themselves; what is sent while the bypass is not empty and is a request joins it, so that
 * no request ever passes an earlier one of its id.
 */
#include "model_internal.h"
#include "model_link.h"

#define MODEL_SLOT_MAX    1024u
#define MODEL_MAP_SIZE    2048u /* Hash from id to slot: a power of two, never over half full. */
#define MODEL_MESSAGE_MAX 4096u
#define MODEL_BUFFER_MAX  64u

enum model_message_kind {
    MODEL_UP_REQUEST,
    MODEL_UP_INVALIDATED,
    MODEL_UP_WRITE,
    MODEL_DOWN_INVALIDATE,
    MODEL_DOWN_RESPONSE,
    MODEL_DOWN_ENDED,
};

struct model_ended {
    uint64_t name; /* An invalidation's tag, or the cookie of a DMA. */
    uint32_t result;
};

struct model_message {
    struct model_message *next;
    struct model_slot *slot;
    uint64_t due;
    uint64_t sent;
    enum model_message_kind kind;
    union {
        struct model_page_request request;
        struct model_dma dma; /* Its data is one of the fabric's buffers. */
        struct model_invalidate invalidate;
        struct model_page_response response;
        struct model_ended ended;
    } as;
};

struct model_queue {
    struct model_message *first, *last;
    uint64_t due; /* When the youngest message arrives: none behind it arrives before. */
};

struct model_lane {
    struct model_queue up;     /* Posted order. */
    struct model_queue bypass; /* Late and held page requests. */
    struct model_queue down;
    uint64_t request_due; /* As queue.due, of the youngest request in up. */
    uint32_t writes;      /* Posted writes in up. */
    uint32_t number;      /* Of the slot that it is part of. */
};

struct model_slot {
    struct model_lane own;
    struct model_lane *lane; /* Own, or that of another id of the same endpoint. */
    uint32_t id;
    uint32_t in_flight; /* Upstream. */
    bool held;
    const struct model_endpoint_ops *ops; /* NULL: nobody there. */
    void *endpoint;
    struct model_fabric *fabric;
};

struct model_fabric {
    struct model_world *world;
    struct model_fabric_config config;
    const struct model_iommu_ops *iommu_ops;
    void *iommu;
    struct model_slot *slots;
    uint32_t slot_count;
    uint16_t map[MODEL_MAP_SIZE]; /* Slot number + 1. */
    struct model_message *free_messages;
    uint8_t *free_buffers[MODEL_BUFFER_MAX];
    uint32_t free_buffer_count;
    uint32_t in_flight;
    bool hold_all;
};

void model_queue_append(struct model_queue *queue, struct model_message *message);
bool model_slot_held(const struct model_slot *slot);
void model_lane_deliver_first(struct model_fabric *fabric, struct model_lane *lane);
/* One message of a lane that is due upstream, the earlier one first. false: none is due. */
bool model_lane_deliver_due(struct model_fabric *fabric, struct model_lane *lane);
/* Deliver all that is due, both ways. token: the lane's number. */
void model_lane_pump(void *fabric, uint64_t token);
void model_lane_schedule(struct model_fabric *fabric, const struct model_message *message);
void model_lane_hold(struct model_lane *lane);

#endif
