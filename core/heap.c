/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

/*
 * Plain memory: the host's heap, or pieces of 64 << k bytes cut from mem_get(). A piece has no
 * header, so powers of two stay powers of two; its size comes back with uiommu_heap_put().
 *
 * Small pieces are cut from chunks: the record of a chunk is its first 64 bytes, and behind it lie
 * one piece of every small class, each aligned to its own size. Large pieces are memory of their
 * own, their record is a small piece. Freed pieces wait for the next of their class; small ones
 * are halved on demand and never joined again.
 */
#define PIECE_BYTES   64u
#define SMALL_CLASSES 8u
#define CHUNK_BYTES   (PIECE_BYTES << SMALL_CLASSES)

struct chunk {
    struct uiommu_mem mem;
    struct chunk *next;
};
struct piece {
    struct piece *next;
};

_Static_assert(sizeof(struct chunk) <= PIECE_BYTES, "a record is a small piece");

static uint32_t class_of(size_t bytes)
{
    return bytes <= PIECE_BYTES ? 0 : uiommu_bits_length((uint64_t)(bytes - 1) >> 6);
}

static size_t class_bytes(uint32_t class)
{
    return (size_t)PIECE_BYTES << class;
}

static void push(struct uiommu_heap *heap, uint32_t class, void *ptr)
{
    struct piece *piece = ptr;

    piece->next = heap->free[class];
    heap->free[class] = piece;
}

static void *pop(struct uiommu_heap *heap, uint32_t class)
{
    struct piece *piece = heap->free[class];

    if (piece != NULL)
        heap->free[class] = piece->next;
    return piece;
}

/* A piece of the class, if need be half of a half of a larger small one. Lock held. */
static void *take(struct uiommu_heap *heap, uint32_t class)
{
    uint32_t at = class;
    void *ptr;

    while (at + 1 < SMALL_CLASSES && heap->free[at] == NULL)
        at++;
    ptr = pop(heap, at);
    if (ptr == NULL)
        return NULL;
    while (at > class) {
        at--;
        push(heap, at, (unsigned char *)ptr + class_bytes(at));
    }
    heap->outstanding += class_bytes(class);
    return ptr;
}

static void *take_locked(struct uiommu *u, uint32_t class)
{
    uintptr_t state = uiommu_lock_take(u, &u->heap.lock);
    void *ptr = take(&u->heap, class);

    uiommu_lock_give(u, &u->heap.lock, state);
    return ptr;
}

static bool get_mem(struct uiommu *u, size_t bytes, struct uiommu_mem *mem)
{
    if (u->host.mem_get(u->host.ctx, bytes, PIECE_BYTES, UINT64_MAX, mem) != UIOMMU_OK)
        return false;
    if (mem->cpu != NULL && ((uintptr_t)mem->cpu & (PIECE_BYTES - 1u)) == 0)
        return true;
    u->host.log(u->host.ctx, UIOMMU_LOG_ERROR, "mem_get() gave memory not aligned to 64 bytes");
    u->host.mem_put(u->host.ctx, mem);
    return false;
}

static bool grow_small(struct uiommu *u)
{
    struct uiommu_mem mem = {NULL, 0, 0};
    struct chunk *chunk;
    uintptr_t state;
    uint32_t k;

    if (!get_mem(u, CHUNK_BYTES, &mem))
        return false;
    chunk = mem.cpu;
    chunk->mem = mem;
    state = uiommu_lock_take(u, &u->heap.lock);
    chunk->next = u->heap.chunks;
    u->heap.chunks = chunk;
    for (k = 0; k < SMALL_CLASSES; k++)
        push(&u->heap, k, (unsigned char *)mem.cpu + class_bytes(k));
    uiommu_lock_give(u, &u->heap.lock, state);
    return true;
}

/* Others may take what a chunk brings before we come, hence the loop; each turn brings more. */
static void *get_small(struct uiommu *u, uint32_t class)
{
    void *ptr = take_locked(u, class);

    while (ptr == NULL) {
        if (!grow_small(u))
            return NULL;
        ptr = take_locked(u, class);
    }
    return ptr;
}

static void *get_large(struct uiommu *u, uint32_t class)
{
    struct uiommu_mem mem = {NULL, 0, 0};
    void *ptr = take_locked(u, class);
    struct chunk *chunk;
    uintptr_t state;

    if (ptr != NULL)
        return ptr;
    chunk = get_small(u, 0);
    if (chunk == NULL)
        return NULL;
    if (!get_mem(u, class_bytes(class), &mem)) {
        uiommu_heap_put(u, chunk, sizeof(*chunk));
        return NULL;
    }
    chunk->mem = mem;
    state = uiommu_lock_take(u, &u->heap.lock);
    chunk->next = u->heap.chunks;
    u->heap.chunks = chunk;
    /* The record is no piece handed out; the large one is. */
    u->heap.outstanding += class_bytes(class) - PIECE_BYTES;
    uiommu_lock_give(u, &u->heap.lock, state);
    return mem.cpu;
}

void *uiommu_heap_get(struct uiommu *u, size_t bytes)
{
    uint32_t class;
    void *ptr;

    if (bytes == 0)
        return NULL;
    if (!u->own_heap) {
        ptr = u->host.heap_get(u->host.ctx, bytes);
        if (((uintptr_t)ptr & (PIECE_BYTES - 1u)) == 0)
            return ptr;
        u->host.log(u->host.ctx, UIOMMU_LOG_ERROR,
                    "heap_get() gave memory not aligned to 64 bytes");
        u->host.heap_put(u->host.ctx, ptr, bytes);
        return NULL;
    }
    class = class_of(bytes);
    if (class >= UIOMMU_HEAP_CLASSES)
        return NULL;
    ptr = class < SMALL_CLASSES ? get_small(u, class) : get_large(u, class);
    if (ptr != NULL)
        memset(ptr, 0, class_bytes(class));
    return ptr;
}

void uiommu_heap_put(struct uiommu *u, void *ptr, size_t bytes)
{
    uintptr_t state;

    if (ptr == NULL)
        return;
    if (!u->own_heap) {
        u->host.heap_put(u->host.ctx, ptr, bytes);
        return;
    }
    state = uiommu_lock_take(u, &u->heap.lock);
    u->heap.outstanding -= class_bytes(class_of(bytes));
    push(&u->heap, class_of(bytes), ptr);
    uiommu_lock_give(u, &u->heap.lock, state);
}

/* Large memory goes first, since its records lie in chunks. */
void uiommu_heap_fini(struct uiommu *u)
{
    struct chunk *at = u->heap.chunks, *chunks = NULL, *next;
    struct uiommu_mem mem;

    for (; at != NULL; at = next) {
        next = at->next;
        if (at->mem.cpu == (void *)at) {
            at->next = chunks;
            chunks = at;
        } else {
            mem = at->mem;
            u->host.mem_put(u->host.ctx, &mem);
        }
    }
    for (at = chunks; at != NULL; at = next) {
        next = at->next;
        mem = at->mem;
        u->host.mem_put(u->host.ctx, &mem);
    }
    u->heap.chunks = NULL;
    memset(u->heap.free, 0, sizeof(u->heap.free));
}

/* More pieces than that, and a list goes in a circle. */
#define PIECES 0x1000000u

/* Bytes in the list of a class; *ok falls where the list does not end or a piece lies askew. */
static uint64_t free_bytes(const struct uiommu_heap *heap, uint32_t class, uint64_t most, bool *ok)
{
    const struct piece *piece = heap->free[class];
    uint64_t n;

    for (n = 0; piece != NULL && n <= most; n += class_bytes(class)) {
        if (((uintptr_t)piece & (PIECE_BYTES - 1u)) != 0) {
            *ok = false;
            return 0;
        }
        piece = piece->next;
    }
    return n;
}

/* Every byte that was got is a record, free or handed out. */
bool uiommu_heap_valid(const struct uiommu_heap *heap)
{
    uint64_t total = 0, sum = heap->outstanding;
    const struct chunk *at;
    uint32_t n = 0, k;
    bool ok = true;

    for (at = heap->chunks; at != NULL; at = at->next) {
        if (n++ == PIECES)
            return false;
        if (at->mem.cpu == (const void *)at)
            total += CHUNK_BYTES - PIECE_BYTES;
        else /* its record is a small piece that is neither free nor handed out */
            total += class_bytes(class_of((size_t)at->mem.bytes)) - PIECE_BYTES;
    }
    for (k = 0; k < UIOMMU_HEAP_CLASSES; k++)
        sum += free_bytes(heap, k, total, &ok);
    return ok & (sum == total);
}
