/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOY_MODEL_INTERNAL_H
#define TOY_MODEL_INTERNAL_H
/* What the model's files share. */
#include <string.h>

#include "toy_model.h"

#define IDS         10u /* bits of device IDs */
#define PASIDS      16u
#define PASID_CACHE 64u
#define TLB         256u
#define PENDING     64u
#define WAITING     128u /* invalidations that devices have not answered */

#define STATUS_LOG    1u
#define STATUS_LOST   2u
#define STATUS_HALT   4u
#define STATUS_FAULTS 8u

#define FAULT_CONTEXT     1u
#define FAULT_ABORT       2u
#define FAULT_TRANSLATION 3u
#define FAULT_PERMISSION  4u

struct ring {
    uint64_t base;
    uint32_t log2;
    uint32_t head, tail; /* with a wrap bit */
};
struct pasid_entry {
    bool used;
    uint32_t id, pasid;
    uint64_t word;
};
struct translation {
    bool used;
    uint32_t tag;
    uint64_t page;
    uint64_t table[4]; /* the root first */
    uint64_t out;
    uint32_t access;
};
struct command {
    uint64_t word[2];
};
struct waiting {
    bool used;
    uint32_t id;
    uint64_t name;
};

struct toy_model {
    struct model_world *world;
    struct model_fabric *fabric;
    struct toy_model_config config;
    struct toy_model_knobs knobs;
    uint64_t ctrl, table, done, error;
    bool changing; /* CTRL */
    uint32_t status;
    struct ring command, log;
    uint32_t flip;              /* a lie about the log's indices */
    uint64_t life;              /* of what is scheduled: it ends when the toy goes off */
    bool busy;                  /* with a command */
    uint64_t device[1u << IDS]; /* cached entries; 0: not cached */
    struct pasid_entry pasid[PASID_CACHE];
    struct translation tlb[TLB];
    struct command pending[PENDING]; /* invalidations that have not taken effect */
    uint32_t pending_count;
    struct waiting waiting[WAITING];
    uint64_t names;
    uint64_t failed;          /* ERROR of the wait to come */
    uint64_t answers, others; /* commands that took effect, waits apart */
};

static inline uint64_t toy_bits(uint64_t word, uint32_t high, uint32_t low)
{
    return word >> low & (~(uint64_t)0 >> (63 - (high - low)));
}
static inline uint32_t toy_used(const struct ring *r)
{
    return (r->tail - r->head) & ((2u << r->log2) - 1);
}
static inline bool toy_on(const struct toy_model *m)
{
    return (m->ctrl & 1) != 0;
}

/* toy_model.c */
void toy_wrong(struct toy_model *m, const char *rule, const char *text, uint64_t a, uint64_t b);
void toy_irq(struct toy_model *m);
/* toy_model_commands.c */
void toy_command_run(struct toy_model *m);
void toy_device_answered(void *ctx, uint64_t name, enum model_invalidate_result result);
/* toy_model_walk.c */
uint64_t toy_device_entry(struct toy_model *m, uint32_t id);
void toy_drop(struct toy_model *m, const uint64_t word[2]);
enum model_dma_result toy_dma(void *ctx, const struct model_dma *dma);
void toy_translate(void *ctx, const struct model_translate *want, struct model_translation *got);
/* toy_model_log.c */
void toy_fault(struct toy_model *m, uint32_t code, const struct model_dma *what);
void toy_page_request(void *ctx, const struct model_page_request *request);

#endif
