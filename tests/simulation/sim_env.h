/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SIM_ENV_H
#define SIM_ENV_H
#define UIOMMU_ENV_H /* That header is not read any more. */
/*
 * What stands in for <uiommu/env.h> where core and backends are built for the simulation: given
 * to the compiler with -include, so that no source of the library changes. Every atomic operation,
 * fence and pause is a scheduling point first and plain memory after: one virtual CPU runs at a
 * time, and all of them see one order (weaker orders than that are not simulated).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim_op.h"

#define UIOMMU_MUST_CHECK __attribute__((warn_unused_result))

#ifdef __cplusplus
extern "C" {
#endif

void *memcpy(void *to, const void *from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int byte, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);

struct uiommu_word {
    uint32_t v;
};
struct uiommu_slot {
    void *v;
};

static inline uint32_t uiommu_word_peek(const struct uiommu_word *w)
{
    sim_point(SIM_OP_PEEK, w);
    return w->v;
}
static inline uint32_t uiommu_word_load(const struct uiommu_word *w)
{
    sim_point(SIM_OP_LOAD, w);
    return w->v;
}
static inline void uiommu_word_poke(struct uiommu_word *w, uint32_t v)
{
    sim_point(SIM_OP_STORE, w);
    w->v = v;
}
static inline void uiommu_word_store(struct uiommu_word *w, uint32_t v)
{
    sim_point(SIM_OP_STORE, w);
    w->v = v;
}
static inline uint32_t uiommu_word_swap(struct uiommu_word *w, uint32_t v)
{
    uint32_t was;

    sim_point(SIM_OP_RMW, w);
    was = w->v;
    w->v = v;
    return was;
}
static inline bool uiommu_word_cas(struct uiommu_word *w, uint32_t *seen, uint32_t v)
{
    sim_point(SIM_OP_RMW, w);
    if (w->v == *seen) {
        w->v = v;
        return true;
    }
    *seen = w->v;
    return false;
}
static inline uint32_t uiommu_word_add(struct uiommu_word *w, uint32_t v)
{
    uint32_t was;

    sim_point(SIM_OP_RMW, w);
    was = w->v;
    w->v = was + v;
    return was;
}
static inline uint32_t uiommu_word_sub(struct uiommu_word *w, uint32_t v)
{
    uint32_t was;

    sim_point(SIM_OP_RMW, w);
    was = w->v;
    w->v = was - v;
    return was;
}
static inline uint32_t uiommu_word_or(struct uiommu_word *w, uint32_t v)
{
    uint32_t was;

    sim_point(SIM_OP_RMW, w);
    was = w->v;
    w->v = was | v;
    return was;
}
static inline uint32_t uiommu_word_and(struct uiommu_word *w, uint32_t v)
{
    uint32_t was;

    sim_point(SIM_OP_RMW, w);
    was = w->v;
    w->v = was & v;
    return was;
}

static inline void *uiommu_slot_load(const struct uiommu_slot *s)
{
    sim_point(SIM_OP_LOAD, s);
    return s->v;
}
static inline void uiommu_slot_store(struct uiommu_slot *s, void *v)
{
    sim_point(SIM_OP_STORE, s);
    s->v = v;
}

static inline void uiommu_fence(void)
{
    sim_point(SIM_OP_ORDER, NULL);
}
static inline void uiommu_fence_dma_store(void)
{
    sim_point(SIM_OP_DMA, NULL);
}
static inline void uiommu_fence_dma_load(void)
{
    sim_point(SIM_OP_DMA, NULL);
}
static inline void uiommu_fence_dma(void)
{
    sim_point(SIM_OP_DMA, NULL);
}
static inline void uiommu_pause(void)
{
    sim_point(SIM_OP_PAUSE, NULL);
}

#ifdef __cplusplus
}
#endif
#endif
