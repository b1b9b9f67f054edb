/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "../../core/core.h"
#include "../support/fake_host.h"

#define PIECES 300u

static uint32_t seed = 7;

static uint32_t chance(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

static bool is_filled(const unsigned char *at, size_t bytes, unsigned char with)
{
    size_t k;

    for (k = 0; k < bytes; k++) {
        if (at[k] != with)
            return false;
    }
    return true;
}

/* Pieces of all sizes come and go; each is zeroed, aligned, and nobody else's. */
static void churn(struct uiommu *u, uint32_t turns, size_t most)
{
    static unsigned char *piece[PIECES];
    static size_t bytes[PIECES];
    uint32_t turn, k;

    memset(piece, 0, sizeof(piece));
    for (turn = 0; turn < turns; turn++) {
        k = chance(PIECES);
        if (piece[k] != NULL) {
            if (!is_filled(piece[k], bytes[k], (unsigned char)k))
                cr_assert_fail("piece %u was overwritten", k);
            uiommu_heap_put(u, piece[k], bytes[k]);
            piece[k] = NULL;
            continue;
        }
        bytes[k] = 1 + chance((uint32_t)(chance(4) == 0 ? most : 300));
        piece[k] = uiommu_heap_get(u, bytes[k]);
        cr_assert_not_null(piece[k]);
        cr_assert_eq((uintptr_t)piece[k] % 64, 0);
        if (!is_filled(piece[k], bytes[k], 0))
            cr_assert_fail("piece %u is not zeroed", k);
        memset(piece[k], (int)k, bytes[k]);
    }
    for (k = 0; k < PIECES; k++) {
        if (piece[k] != NULL)
            uiommu_heap_put(u, piece[k], bytes[k]);
    }
}

Test(heap, own)
{
    struct fake_host host;
    struct uiommu *u;
    uint64_t before, chunks;

    fake_host_init(&host);
    fake_host_no_heap(&host);
    u = fake_host_create(&host);
    cr_assert(u->own_heap);
    before = u->heap.outstanding;
    churn(u, 20000, 70000);
    cr_assert_eq(u->heap.outstanding, before);
    chunks = host.gets;
    churn(u, 20000, 300);
    cr_assert_eq(host.gets, chunks, "memory given back is used again");
    cr_assert(fake_host_destroy(&host, u));
}

Test(heap, of_the_host)
{
    struct fake_host host;
    struct uiommu *u;

    fake_host_init(&host);
    u = fake_host_create(&host);
    cr_assert_not(u->own_heap);
    churn(u, 5000, 70000);
    cr_assert_eq(host.live, 1, "the instance alone");
    cr_assert(fake_host_destroy(&host, u));
}

Test(heap, sizes)
{
    struct fake_host host;
    struct uiommu *u;
    uint32_t k, own;

    for (own = 0; own < 2; own++) {
        fake_host_init(&host);
        if (own != 0)
            fake_host_no_heap(&host);
        u = fake_host_create(&host);
        cr_assert_null(uiommu_heap_get(u, 0));
        uiommu_heap_put(u, NULL, 64);
        for (k = 0; k < 22; k++) {
            size_t bytes = (size_t)1 << k;
            unsigned char *a = uiommu_heap_get(u, bytes), *b = uiommu_heap_get(u, bytes + 1);

            cr_assert(a != NULL && b != NULL);
            memset(a, 0xa5, bytes);
            memset(b, 0x5a, bytes + 1);
            cr_assert(is_filled(a, bytes, 0xa5));
            uiommu_heap_put(u, b, bytes + 1);
            uiommu_heap_put(u, a, bytes);
        }
        if (own != 0) {
            cr_assert_null(uiommu_heap_get(u, ((size_t)64 << 19) + 1));
            cr_assert_null(uiommu_heap_get(u, SIZE_MAX));
        }
        cr_assert(fake_host_destroy(&host, u));
    }
}

/* Powers of two are not made larger by a header. */
Test(heap, large_is_exact)
{
    struct fake_host host;
    struct uiommu *u;
    uint64_t before;
    void *ptr;

    fake_host_init(&host);
    fake_host_no_heap(&host);
    u = fake_host_create(&host);
    uiommu_heap_put(u, uiommu_heap_get(u, 64), 64);
    before = host.live_bytes;
    ptr = uiommu_heap_get(u, 65536);
    cr_assert_eq(host.live_bytes, before + 65536);
    uiommu_heap_put(u, ptr, 65536);
    cr_assert_eq(uiommu_heap_get(u, 65000), ptr);
    uiommu_heap_put(u, ptr, 65000);
    cr_assert(fake_host_destroy(&host, u));
}

Test(heap, no_memory)
{
    struct fake_host host;
    struct uiommu *u;
    uint64_t before, n;

    fake_host_init(&host);
    fake_host_no_heap(&host);
    u = fake_host_create(&host);
    before = u->heap.outstanding;
    for (n = 1; n <= 3; n++) {
        host.fail_at = host.gets + 1;
        cr_assert_null(uiommu_heap_get(u, 100000));
        cr_assert_eq(u->heap.outstanding, before);
    }
    host.fail_at = 0;
    cr_assert_not_null(uiommu_heap_get(u, 100000));
    host.fail_at = host.gets + 1;
    host.fail_after = true;
    /* What is left of the first chunk serves small pieces until it is used up. */
    for (n = 0; uiommu_heap_get(u, 8000) != NULL; n++)
        cr_assert_lt(n, 2);
    for (n = 0; uiommu_heap_get(u, 64) != NULL; n++)
        cr_assert_lt(n, 256);
    cr_assert_gt(n, 50);
    cr_assert_null(uiommu_heap_get(u, 100000), "no room for its record");
    cr_assert(fake_host_destroy(&host, u), "also what was never given back goes to the host");
}

Test(heap, crooked_host)
{
    struct uiommu *u = NULL;
    struct fake_host host;
    uint32_t own;

    for (own = 0; own < 2; own++) {
        fake_host_init(&host);
        if (own != 0)
            fake_host_no_heap(&host);
        host.crooked = true;
        cr_assert_eq(uiommu_create(&host.ops, &u), UIOMMU_E_NOMEM);
        cr_assert_eq(host.logs, 1);
        cr_assert(fake_host_clean(&host));
    }
}

static uiommu_err nothing(void *ctx, uint64_t bytes, uint64_t align, uint64_t limit,
                          struct uiommu_mem *out)
{
    (void)ctx;
    (void)bytes;
    (void)align;
    (void)limit;
    memset(out, 0, sizeof(*out));
    return UIOMMU_OK;
}

/* OK, and no memory: it is none. */
Test(heap, empty_handed_host)
{
    struct uiommu *u = NULL;
    struct fake_host host;
    uiommu_err (*get)(void *, uint64_t, uint64_t, uint64_t, struct uiommu_mem *);

    fake_host_init(&host);
    fake_host_no_heap(&host);
    get = host.ops.mem_get;
    u = fake_host_create(&host);
    u->host.mem_get = nothing;
    cr_assert_null(uiommu_heap_get(u, 100000));
    cr_assert_eq(host.logs, 1);
    cr_assert_eq(host.bad_puts, 1, "it is given back all the same");
    host.bad_puts = 0;
    u->host.mem_get = get;
    cr_assert(fake_host_destroy(&host, u));
}

/* A list of chunks that goes in a circle is noticed, too. */
Test(heap, circle)
{
    struct uiommu *u = NULL;
    struct fake_host host;
    void **next, *was;

    fake_host_init(&host);
    fake_host_no_heap(&host);
    u = fake_host_create(&host);
    cr_assert(uiommu_heap_valid(&u->heap));
    next = (void **)(void *)((unsigned char *)u->heap.chunks + sizeof(struct uiommu_mem));
    was = *next;
    *next = u->heap.chunks;
    cr_assert_not(uiommu_heap_valid(&u->heap));
    *next = was;
    cr_assert(uiommu_heap_valid(&u->heap));
    cr_assert(fake_host_destroy(&host, u));
}
