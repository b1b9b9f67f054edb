/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOY_MODEL_H
#define TOY_MODEL_H
/*
 * The toy as software and endpoints see it. Written from its sheet alone: nothing here is shared
 * with the backend. Wrong use is reported as "toy.<rule>".
 */
#include "model_link.h"

struct toy_model;

struct toy_model_config {
    bool swallow_markers;       /* Stop Markers do not reach the log. */
    uint64_t device_timeout_ns; /* How long a device may take to answer an invalidation. */
    void *ctx;
    void (*irq)(void *ctx);
};
/* What goes wrong, from now on. */
struct toy_model_knobs {
    bool hang;                 /* Commands are not consumed. */
    uint32_t lose_invalidates; /* So many never reach their devices. */
    bool all_ones;             /* Every register reads as all ones. */
    bool lie_index;            /* The log's tail has the wrong wrap bit, once there is an entry. */
    bool lie_noise;            /* Random bits in the newest request of the log. */
};

struct toy_model *toy_model_create(struct model_world *world, struct model_fabric *fabric,
                                   const struct toy_model_config *config);
struct toy_model_knobs *toy_model_knobs(struct toy_model *model);
void toy_model_go_on(struct toy_model *model); /* After a hang. */

uint64_t toy_model_read(struct toy_model *model, uint64_t offset);
void toy_model_write(struct toy_model *model, uint64_t offset, uint64_t value);

void toy_model_power_cycle(struct toy_model *model);
void toy_model_overflow(struct toy_model *model);
void toy_model_record(struct toy_model *model, uint64_t word0, uint64_t word1);

/* Inspection: changes nothing. */
uint32_t toy_model_log_used(const struct toy_model *model);
uint64_t toy_model_answers(const struct toy_model *model);
uint64_t toy_model_invalidations(const struct toy_model *model);
bool toy_model_reaches(const struct toy_model *model, uint32_t id, uint32_t pasid);
bool toy_model_uses(const struct toy_model *model, uint64_t first, uint64_t last);

#endif
