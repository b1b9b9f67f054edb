/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_ENV_H
#define UIOMMU_ENV_H
/**
 * @file
 * The one header a port may replace: what of the compiler and the processor uiommu needs.
 *
 * Atomics of 32 bits and of pointer width, barriers towards other processors and towards
 * devices, a pause for spinning, and two attributes. Nothing wider than a pointer is atomic
 * anywhere in uiommu. A port that replaces this file keeps every name and meaning.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__) || defined(__clang__)
/** Marks functions whose status must not be ignored. */
#define UIOMMU_MUST_CHECK __attribute__((warn_unused_result))
#else
#define UIOMMU_MUST_CHECK
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The four functions any C environment provides; compilers call them by themselves. */
void *memcpy(void *to, const void *from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int byte, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);

/** A 32-bit word that several contexts touch. */
struct uiommu_word {
    uint32_t v; /**< Only through the functions below. */
};
/** A pointer that several contexts touch. */
struct uiommu_slot {
    void *v; /**< Only through the functions below. */
};

/** Load without ordering. */
static inline uint32_t uiommu_word_peek(const struct uiommu_word *w)
{
    return __atomic_load_n(&w->v, __ATOMIC_RELAXED);
}
/** Load; later accesses stay later. */
static inline uint32_t uiommu_word_load(const struct uiommu_word *w)
{
    return __atomic_load_n(&w->v, __ATOMIC_ACQUIRE);
}
/** Store without ordering. */
static inline void uiommu_word_poke(struct uiommu_word *w, uint32_t v)
{
    __atomic_store_n(&w->v, v, __ATOMIC_RELAXED);
}
/** Store; earlier accesses stay earlier. */
static inline void uiommu_word_store(struct uiommu_word *w, uint32_t v)
{
    __atomic_store_n(&w->v, v, __ATOMIC_RELEASE);
}
/** Exchange, fully ordered. Returns the old value. */
static inline uint32_t uiommu_word_swap(struct uiommu_word *w, uint32_t v)
{
    return __atomic_exchange_n(&w->v, v, __ATOMIC_SEQ_CST);
}
/** Compare and exchange, fully ordered. On failure *seen gets the present value. */
static inline bool uiommu_word_cas(struct uiommu_word *w, uint32_t *seen, uint32_t v)
{
    return __atomic_compare_exchange_n(&w->v, seen, v, false, __ATOMIC_SEQ_CST, __ATOMIC_ACQUIRE);
}
/** Add, fully ordered. Returns the old value. */
static inline uint32_t uiommu_word_add(struct uiommu_word *w, uint32_t v)
{
    return __atomic_fetch_add(&w->v, v, __ATOMIC_SEQ_CST);
}
/** Subtract, fully ordered. Returns the old value. */
static inline uint32_t uiommu_word_sub(struct uiommu_word *w, uint32_t v)
{
    return __atomic_fetch_sub(&w->v, v, __ATOMIC_SEQ_CST);
}
/** Or, fully ordered. Returns the old value. */
static inline uint32_t uiommu_word_or(struct uiommu_word *w, uint32_t v)
{
    return __atomic_fetch_or(&w->v, v, __ATOMIC_SEQ_CST);
}
/** And, fully ordered. Returns the old value. */
static inline uint32_t uiommu_word_and(struct uiommu_word *w, uint32_t v)
{
    return __atomic_fetch_and(&w->v, v, __ATOMIC_SEQ_CST);
}

/** Load a pointer; what it points to was written before it was published. */
static inline void *uiommu_slot_load(const struct uiommu_slot *s)
{
    return __atomic_load_n(&s->v, __ATOMIC_ACQUIRE);
}
/** Publish a pointer after everything written before. */
static inline void uiommu_slot_store(struct uiommu_slot *s, void *v)
{
    __atomic_store_n(&s->v, v, __ATOMIC_RELEASE);
}

/** Orders everything against everything, processors only. */
static inline void uiommu_fence(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/** Earlier stores to memory are visible to devices before later stores, MMIO included. */
static inline void uiommu_fence_dma_store(void)
{
#if defined(__aarch64__)
    __asm__ __volatile__("dsb st" ::: "memory");
#elif defined(__riscv)
    __asm__ __volatile__("fence ow, ow" ::: "memory");
#elif defined(__x86_64__) || defined(__i386__)
    __asm__ __volatile__("" ::: "memory");
    __atomic_thread_fence(__ATOMIC_RELEASE);
#else
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}
/** Earlier loads, MMIO included, are done before later loads from memory a device writes. */
static inline void uiommu_fence_dma_load(void)
{
#if defined(__aarch64__)
    __asm__ __volatile__("dsb ld" ::: "memory");
#elif defined(__riscv)
    __asm__ __volatile__("fence ir, ir" ::: "memory");
#elif defined(__x86_64__) || defined(__i386__)
    __asm__ __volatile__("" ::: "memory");
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
#else
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}
/** Orders all earlier accesses before all later ones as devices see them, MMIO included. */
static inline void uiommu_fence_dma(void)
{
#if defined(__aarch64__)
    __asm__ __volatile__("dsb sy" ::: "memory");
#elif defined(__riscv)
    __asm__ __volatile__("fence iorw, iorw" ::: "memory");
#else
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}
/** Called in every spin loop. */
static inline void uiommu_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __asm__ __volatile__("pause");
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#else
    __asm__ __volatile__("" ::: "memory");
#endif
}

#ifdef __cplusplus
}
#endif
#endif
