/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_PROVE_ATOMIC_H
#define UIOMMU_PROVE_ATOMIC_H
/*
 * Atomics in which another context gets its chance: before each of them other() may take any number
 * of its own steps. Stands in for include/uiommu/env.h; one step at a time, so that memory is
 * sequentially consistent. What a harness leaves undone in other() is done by its caller.
 */
#define UIOMMU_ENV_H
#include "prove.h"

#define UIOMMU_MUST_CHECK

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

static void other(void);

static inline uint32_t uiommu_word_peek(const struct uiommu_word *w)
{
    other();
    return w->v;
}
static inline uint32_t uiommu_word_load(const struct uiommu_word *w)
{
    other();
    return w->v;
}
static inline void uiommu_word_poke(struct uiommu_word *w, uint32_t v)
{
    other();
    w->v = v;
}
static inline void uiommu_word_store(struct uiommu_word *w, uint32_t v)
{
    other();
    w->v = v;
}
static inline uint32_t uiommu_word_swap(struct uiommu_word *w, uint32_t v)
{
    uint32_t was;

    other();
    was = w->v;
    w->v = v;
    return was;
}
static inline bool uiommu_word_cas(struct uiommu_word *w, uint32_t *seen, uint32_t v)
{
    other();
    if (w->v != *seen) {
        *seen = w->v;
        return false;
    }
    w->v = v;
    return true;
}
static inline uint32_t uiommu_word_add(struct uiommu_word *w, uint32_t v)
{
    uint32_t was;

    other();
    was = w->v;
    w->v = (uint32_t)((uint64_t)was + v);
    return was;
}
static inline uint32_t uiommu_word_sub(struct uiommu_word *w, uint32_t v)
{
    uint32_t was;

    other();
    was = w->v;
    PROVE(was >= v); /* no count of the core goes below nothing */
    w->v = was - v;
    return was;
}
static inline uint32_t uiommu_word_or(struct uiommu_word *w, uint32_t v)
{
    uint32_t was;

    other();
    was = w->v;
    w->v = was | v;
    return was;
}
static inline uint32_t uiommu_word_and(struct uiommu_word *w, uint32_t v)
{
    uint32_t was;

    other();
    was = w->v;
    w->v = was & v;
    return was;
}
static inline void *uiommu_slot_load(const struct uiommu_slot *s)
{
    other();
    return s->v;
}
static inline void uiommu_slot_store(struct uiommu_slot *s, void *v)
{
    other();
    s->v = v;
}
static inline void uiommu_fence(void)
{
}
static inline void uiommu_fence_dma_store(void)
{
}
static inline void uiommu_fence_dma_load(void)
{
}
static inline void uiommu_fence_dma(void)
{
}
static inline void uiommu_pause(void)
{
}

#endif
