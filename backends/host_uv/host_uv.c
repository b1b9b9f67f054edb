/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "host_uv_internal.h"

#define HEAP_ALIGN 64u
/* Nobody sleeps longer in one go: a clock of the program's may run faster than libuv's. */
#define SLEEP_MAX_NS UINT64_C(10000000)

static void *heap_get(void *ctx, size_t bytes)
{
    size_t rounded = (bytes + HEAP_ALIGN - 1) & ~(size_t)(HEAP_ALIGN - 1);
    void *ptr;

    (void)ctx;
    if (bytes == 0 || rounded < bytes)
        return NULL;
    ptr = aligned_alloc(HEAP_ALIGN, rounded);
    if (ptr != NULL)
        memset(ptr, 0, rounded);
    return ptr;
}

static void heap_put(void *ctx, void *ptr, size_t bytes)
{
    (void)ctx;
    (void)bytes;
    free(ptr);
}

static uiommu_err mem_get(void *ctx, uint64_t bytes, uint64_t align, uint64_t limit,
                          struct uiommu_mem *out)
{
    struct uiommu_uv *uv = ctx;

    return uv->config.mem_get(uv->config.ctx, bytes, align, limit, out);
}

static void mem_put(void *ctx, const struct uiommu_mem *mem)
{
    struct uiommu_uv *uv = ctx;

    uv->config.mem_put(uv->config.ctx, mem);
}

static void mem_to_device(void *ctx, const void *cpu, uint64_t bytes)
{
    struct uiommu_uv *uv = ctx;

    uv->config.mem_to_device(uv->config.ctx, cpu, bytes);
}

static void mem_from_device(void *ctx, const void *cpu, uint64_t bytes)
{
    struct uiommu_uv *uv = ctx;

    uv->config.mem_from_device(uv->config.ctx, cpu, bytes);
}

static uint32_t mmio_read32(void *ctx, uint64_t addr)
{
    struct uiommu_uv *uv = ctx;

    return uv->config.mmio_read32(uv->config.ctx, addr);
}

static uint64_t mmio_read64(void *ctx, uint64_t addr)
{
    struct uiommu_uv *uv = ctx;

    return uv->config.mmio_read64(uv->config.ctx, addr);
}

static void mmio_write32(void *ctx, uint64_t addr, uint32_t value)
{
    struct uiommu_uv *uv = ctx;

    uv->config.mmio_write32(uv->config.ctx, addr, value);
}

static void mmio_write64(void *ctx, uint64_t addr, uint64_t value)
{
    struct uiommu_uv *uv = ctx;

    uv->config.mmio_write64(uv->config.ctx, addr, value);
}

uint64_t uiommu_uv_now(void *ctx)
{
    struct uiommu_uv *uv = ctx;

    return uv->config.now_ns != NULL ? uv->config.now_ns(uv->config.ctx) : uv_hrtime();
}

/* A simulated clock stands still while its only thread sleeps: then return, and be asked again. */
static void wait_word(void *ctx, const struct uiommu_word *word, uint32_t seen, uint64_t deadline)
{
    struct uiommu_uv *uv = ctx;
    uint64_t now, left;

    if (uv->config.clock_is_simulated)
        return;
    uv_mutex_lock(&uv->lock);
    for (;;) {
        if (uiommu_word_load(word) != seen)
            break;
        now = uiommu_uv_now(uv);
        if (now >= deadline)
            break;
        left = deadline - now;
        (void)uv_cond_timedwait(&uv->changed, &uv->lock, left < SLEEP_MAX_NS ? left : SLEEP_MAX_NS);
    }
    uv_mutex_unlock(&uv->lock);
}

/* The word changed before: a waiter either sees that under the lock, or sleeps already. */
static void wake_word(void *ctx, const struct uiommu_word *word)
{
    struct uiommu_uv *uv = ctx;

    uv_mutex_lock(&uv->lock);
    uv_cond_broadcast(&uv->changed);
    uiommu_uv_wake_units(uv, word);
    uv_mutex_unlock(&uv->lock);
}

/* The address of something every thread has its own of is a number like any other. */
static uintptr_t self(void *ctx)
{
    uv_thread_t thread = uv_thread_self();
    uintptr_t number = 0;

    (void)ctx;
    memcpy(&number, &thread, sizeof(thread) < sizeof(number) ? sizeof(thread) : sizeof(number));
    return number != 0 ? number : 1;
}

static void log_line(void *ctx, enum uiommu_log_level level, const char *msg)
{
    struct uiommu_uv *uv = ctx;

    uv->config.log(uv->config.ctx, level, msg);
}

static void trace_record(void *ctx, const struct uiommu_trace *record)
{
    struct uiommu_uv *uv = ctx;

    uv->config.trace(uv->config.ctx, record);
}

static bool config_sound(const struct uiommu_uv_config *config)
{
    return config != NULL && config->size == sizeof(*config) && config->mem_get != NULL &&
           config->mem_put != NULL && config->mmio_read32 != NULL && config->mmio_read64 != NULL &&
           config->mmio_write32 != NULL && config->mmio_write64 != NULL &&
           (!config->clock_is_simulated || config->now_ns != NULL);
}

uiommu_err uiommu_uv_create(const struct uiommu_uv_config *config, struct uiommu_uv **out)
{
    struct uiommu_uv *uv;

    if (!config_sound(config) || out == NULL)
        return UIOMMU_E_INVALID;
    uv = calloc(1, sizeof(*uv));
    if (uv == NULL)
        return UIOMMU_E_NOMEM;
    uv->config = *config;
    if (uv_mutex_init(&uv->lock) != 0) {
        free(uv);
        return UIOMMU_E_NOMEM;
    }
    if (uv_cond_init(&uv->changed) != 0) {
        uv_mutex_destroy(&uv->lock);
        free(uv);
        return UIOMMU_E_NOMEM;
    }
    *out = uv;
    return UIOMMU_OK;
}

uiommu_err uiommu_uv_destroy(struct uiommu_uv *uv)
{
    uint32_t open;

    if (uv == NULL)
        return UIOMMU_E_INVALID;
    uv_mutex_lock(&uv->lock);
    open = uv->open;
    uv_mutex_unlock(&uv->lock);
    if (open != 0)
        return UIOMMU_E_BUSY;
    uv_cond_destroy(&uv->changed);
    uv_mutex_destroy(&uv->lock);
    free(uv);
    return UIOMMU_OK;
}

void uiommu_uv_fill(struct uiommu_uv *uv, struct uiommu_host_ops *ops)
{
    memset(ops, 0, sizeof(*ops));
    ops->size = sizeof(*ops);
    ops->ctx = uv;
    ops->mem_get = mem_get;
    ops->mem_put = mem_put;
    ops->heap_get = heap_get;
    ops->heap_put = heap_put;
    ops->mem_to_device = uv->config.mem_to_device != NULL ? mem_to_device : NULL;
    ops->mem_from_device = uv->config.mem_from_device != NULL ? mem_from_device : NULL;
    ops->mmio_read32 = mmio_read32;
    ops->mmio_read64 = mmio_read64;
    ops->mmio_write32 = mmio_write32;
    ops->mmio_write64 = mmio_write64;
    ops->now_ns = uiommu_uv_now;
    ops->wait = wait_word;
    ops->wake = wake_word;
    ops->self = self;
    ops->log = uv->config.log != NULL ? log_line : NULL;
    ops->trace = uv->config.trace != NULL ? trace_record : NULL;
}
