/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The default heap. Classes: for every size the smallest that holds it. Pieces: three of every
 * small size in every order, the first given back or not, memory ending at any of them; each
 * aligned to its class, none in another.
 */
#include "../prove.h"

#include "../prove_core.h"

#include <core/heap.c>

#define CHUNKS 3u
#ifndef FEWEST
#define FEWEST 0u
#endif

static struct uiommu instance;
static void *one[CHUNK_BYTES / 8], *two[CHUNK_BYTES / 8], *three[CHUNK_BYTES / 8];
static uint32_t chunks, most; /* got, and how many there are */

static uiommu_err some_mem(void *ctx, uint64_t bytes, uint64_t align, uint64_t limit,
                           struct uiommu_mem *mem)
{
    (void)ctx;
    (void)limit;
    PROVE(bytes == CHUNK_BYTES && align == PIECE_BYTES);
    if (chunks == most)
        return UIOMMU_E_NOMEM;
    mem->cpu = chunks == 0 ? one : chunks == 1 ? two : three;
    mem->bytes = bytes;
    chunks++;
    return UIOMMU_OK;
}

static void classes(void)
{
    size_t bytes = nondet_u64();
    uint32_t class = class_of(bytes);

    ASSUME(bytes != 0);
    PROVE(class >= UIOMMU_HEAP_CLASSES || class_bytes(class) >= bytes);
    PROVE(class == 0 || class >= UIOMMU_HEAP_CLASSES || class_bytes(class) / 2 < bytes);
    PROVE(class < UIOMMU_HEAP_CLASSES || bytes > class_bytes(UIOMMU_HEAP_CLASSES - 1));
}

static bool apart(const unsigned char *a, uint32_t of_a, const unsigned char *b, uint32_t of_b)
{
    if (a == NULL || b == NULL || __CPROVER_POINTER_OBJECT(a) != __CPROVER_POINTER_OBJECT(b))
        return true;
    return a + class_bytes(of_a) <= b || b + class_bytes(of_b) <= a;
}

static unsigned char *get(uint32_t class)
{
    unsigned char *ptr = take_locked(&instance, class);

    if (ptr == NULL && grow_small(&instance))
        ptr = take_locked(&instance, class);
    PROVE(ptr == NULL || __CPROVER_POINTER_OFFSET(ptr) % class_bytes(class) == 0);
    PROVE(ptr == NULL || __CPROVER_POINTER_OFFSET(ptr) >= PIECE_BYTES);
    PROVE(ptr == NULL || __CPROVER_POINTER_OFFSET(ptr) + class_bytes(class) <= CHUNK_BYTES);
    return ptr;
}

static void pieces(uint32_t a, uint32_t b, uint32_t c, bool returned)
{
    unsigned char *p, *q, *r;

    memset(&instance.heap, 0, sizeof(instance.heap));
    chunks = 0;
    p = get(a);
    q = get(b);
    PROVE(apart(p, a, q, b));
    if (returned) {
        uiommu_heap_put(&instance, p, class_bytes(a));
        p = NULL;
    }
    r = get(c);
    PROVE(apart(p, a, r, c) && apart(q, b, r, c));
    PROVE(instance.heap.outstanding == (p != NULL) * class_bytes(a) + (q != NULL) * class_bytes(b) +
                                           (r != NULL) * class_bytes(c));
    PROVE(uiommu_heap_valid(&instance.heap));
}

/* One by one: pieces at places that are not known would be too much. */
void prove(void)
{
    uint32_t n, last;

    classes();
    instance.own_heap = true;
    instance.host.mem_get = some_mem;
    for (last = FEWEST; last <= CHUNKS; last++) {
        most = last;
        for (n = 0; n < 2 * SMALL_CLASSES * SMALL_CLASSES * SMALL_CLASSES; n++)
            pieces(n % SMALL_CLASSES, n / SMALL_CLASSES % SMALL_CLASSES,
                   n / SMALL_CLASSES / SMALL_CLASSES % SMALL_CLASSES,
                   n >= SMALL_CLASSES * SMALL_CLASSES * SMALL_CLASSES);
    }
}
