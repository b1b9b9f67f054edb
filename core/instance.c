/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

#define BOND_RADIX_BITS 8u

/* What stands in for the ops that a host leaves out. */
static void *no_heap_get(void *ctx, size_t bytes)
{
    (void)ctx;
    (void)bytes;
    return NULL;
}

static void no_heap_put(void *ctx, void *ptr, size_t bytes)
{
    (void)ctx;
    (void)ptr;
    (void)bytes;
}

static void no_sync(void *ctx, const void *cpu, uint64_t bytes)
{
    (void)ctx;
    (void)cpu;
    (void)bytes;
}

static uintptr_t no_irq_save(void *ctx)
{
    (void)ctx;
    return 0;
}

static void no_irq_restore(void *ctx, uintptr_t state)
{
    (void)ctx;
    (void)state;
}

static void no_log(void *ctx, enum uiommu_log_level level, const char *msg)
{
    (void)ctx;
    (void)level;
    (void)msg;
}

static void no_trace(void *ctx, const struct uiommu_trace *record)
{
    (void)ctx;
    (void)record;
}

static bool host_is_complete(const struct uiommu_host_ops *host)
{
    if (host->mem_get == NULL || host->mem_put == NULL || host->now_ns == NULL)
        return false;
    if (host->mmio_read32 == NULL || host->mmio_read64 == NULL || host->mmio_write32 == NULL ||
        host->mmio_write64 == NULL)
        return false;
    if ((host->heap_get == NULL) != (host->heap_put == NULL))
        return false;
    if ((host->irq_save == NULL) != (host->irq_restore == NULL))
        return false;
    /* wake alone makes sense: it says when service is due. */
    return host->wait == NULL || host->wake != NULL;
}

/* wait, wake and self stay NULL: the core does otherwise without them. */
static void host_fill(struct uiommu_host_ops *host)
{
    host->size = sizeof(*host);
    if (host->heap_get == NULL) {
        host->heap_get = no_heap_get;
        host->heap_put = no_heap_put;
    }
    if (host->mem_to_device == NULL)
        host->mem_to_device = no_sync;
    if (host->mem_from_device == NULL)
        host->mem_from_device = no_sync;
    if (host->irq_save == NULL) {
        host->irq_save = no_irq_save;
        host->irq_restore = no_irq_restore;
    }
    if (host->log == NULL)
        host->log = no_log;
    if (host->trace == NULL)
        host->trace = no_trace;
}

bool uiommu_config_copy(void *to, size_t own, const void *from, size_t theirs, size_t least)
{
    if (from == NULL || theirs < least || theirs > own)
        return false;
    memset(to, 0, own);
    memcpy(to, from, theirs);
    return true;
}

/* Bonds are given back here and nowhere else: names of ended bonds stay good until now. */
static void bonds_fini(struct uiommu *u)
{
    uint32_t i;

    for (i = 0; i <= u->next_bond; i++)
        uiommu_heap_put(u, uiommu_radix_get(&u->bonds, i), sizeof(struct uiommu_bond));
    uiommu_radix_fini(u, &u->bonds);
}

/* The instance lies in its own heap, so it begins and ends as a copy on the stack. */
uiommu_err uiommu_create(const struct uiommu_host_ops *ops, struct uiommu **out)
{
    size_t least = offsetof(struct uiommu_host_ops, now_ns) + sizeof(ops->now_ns);
    struct uiommu first, *u;

    if (ops == NULL || out == NULL)
        return UIOMMU_E_INVALID;
    memset(&first, 0, sizeof(first));
    if (!uiommu_config_copy(&first.host, sizeof(first.host), ops, ops->size, least) ||
        (ops->size - least) % sizeof(ops->now_ns) != 0 || !host_is_complete(&first.host))
        return UIOMMU_E_INVALID;
    first.own_heap = first.host.heap_get == NULL;
    first.traced = first.host.trace != NULL;
    first.irqs = first.host.irq_save != NULL;
    host_fill(&first.host);
    uiommu_radix_init(&first.bonds, BOND_RADIX_BITS);
    u = uiommu_heap_get(&first, sizeof(*u));
    if (u == NULL)
        return UIOMMU_E_NOMEM;
    *u = first;
    u->magic = UIOMMU_MAGIC_INSTANCE;
    *out = u;
    return UIOMMU_OK;
}

uiommu_err uiommu_destroy(struct uiommu *u)
{
    struct uiommu last;
    uint32_t objects;
    uintptr_t state;

    if (!uiommu_is_instance(u))
        return UIOMMU_E_HANDLE;
    state = uiommu_lock_take(u, &u->lock);
    objects = u->objects;
    if (objects == 0)
        u->magic = 0;
    uiommu_lock_give(u, &u->lock, state);
    if (objects != 0)
        return UIOMMU_E_BUSY;
    bonds_fini(u);
    last = *u;
    uiommu_heap_put(&last, u, sizeof(*u));
    uiommu_heap_fini(&last);
    return UIOMMU_OK;
}

bool uiommu_is_instance(const struct uiommu *u)
{
    return u != NULL && u->magic == UIOMMU_MAGIC_INSTANCE;
}

const struct uiommu_host_ops *uiommu_host(const struct uiommu *u)
{
    return &u->host;
}

uint32_t uiommu_object_add(struct uiommu *u)
{
    uintptr_t state = uiommu_lock_take(u, &u->lock);
    uint32_t number;

    u->objects++;
    u->next_number++;
    if (u->next_number == 0)
        u->next_number = 1;
    number = u->next_number;
    uiommu_lock_give(u, &u->lock, state);
    return number;
}

void uiommu_object_remove(struct uiommu *u)
{
    uintptr_t state = uiommu_lock_take(u, &u->lock);

    UIOMMU_ASSERT("an object removed was added", u->objects != 0);
    u->objects--;
    uiommu_lock_give(u, &u->lock, state);
}

void uiommu_trace_tell(struct uiommu *u, uint32_t unit, uint32_t id, uint64_t a, uint64_t b,
                       uint64_t c, uint64_t d)
{
    struct uiommu_trace record;

    record.id = id;
    record.unit = unit;
    record.now_ns = uiommu_now(u);
    record.a = a;
    record.b = b;
    record.c = c;
    record.d = d;
    u->host.trace(u->host.ctx, &record);
}
