/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "../../core/core.h"
#include "../support/fake_host.h"

#define CLEAR(op)                                                                                  \
    do {                                                                                           \
        fake_host_init(&host);                                                                     \
        host.ops.op = NULL;                                                                        \
        err = uiommu_create(&host.ops, &u);                                                        \
    } while (0)
#define REFUSED(op)                                                                                \
    do {                                                                                           \
        CLEAR(op);                                                                                 \
        cr_assert_eq(err, UIOMMU_E_INVALID, "without " #op);                                       \
        cr_assert(fake_host_clean(&host));                                                         \
    } while (0)
#define ACCEPTED(op)                                                                               \
    do {                                                                                           \
        CLEAR(op);                                                                                 \
        cr_assert_eq(err, UIOMMU_OK, "without " #op);                                              \
        cr_assert(fake_host_destroy(&host, u));                                                    \
    } while (0)

Test(instance, ops_required_and_pairs)
{
    struct fake_host host;
    struct uiommu *u = NULL;
    uiommu_err err;

    REFUSED(mem_get);
    REFUSED(mem_put);
    REFUSED(heap_get);
    REFUSED(heap_put);
    REFUSED(mmio_read32);
    REFUSED(mmio_read64);
    REFUSED(mmio_write32);
    REFUSED(mmio_write64);
    REFUSED(now_ns);
    REFUSED(wake);
    REFUSED(irq_save);
    REFUSED(irq_restore);
    ACCEPTED(mem_to_device);
    ACCEPTED(mem_from_device);
    ACCEPTED(wait);
    ACCEPTED(self);
    ACCEPTED(log);
    ACCEPTED(trace);
    cr_assert_eq(uiommu_create(NULL, &u), UIOMMU_E_INVALID);
    fake_host_init(&host);
    cr_assert_eq(uiommu_create(&host.ops, NULL), UIOMMU_E_INVALID);
}

Test(instance, sizes_of_hosts)
{
    size_t least = offsetof(struct uiommu_host_ops, now_ns) + sizeof(void *), size;
    struct fake_host host;
    struct uiommu *u;

    for (size = 0; size <= sizeof(host.ops) + 64; size++) {
        bool half = size == offsetof(struct uiommu_host_ops, wake) ||
                    size == offsetof(struct uiommu_host_ops, irq_restore);
        bool good = size >= least && size <= sizeof(host.ops) && size % sizeof(void *) == 0;
        uiommu_err err;

        fake_host_init(&host);
        host.ops.size = size;
        u = NULL;
        err = uiommu_create(&host.ops, &u);
        cr_assert_eq(err, good && !half ? UIOMMU_OK : UIOMMU_E_INVALID, "size %zu", size);
        if (err == UIOMMU_OK) {
            cr_assert_eq(uiommu_host(u)->size, sizeof(host.ops));
            cr_assert_eq(uiommu_host(u)->trace == host.ops.trace, size == sizeof(host.ops));
            cr_assert(fake_host_destroy(&host, u));
        }
        cr_assert(fake_host_clean(&host));
    }
}

Test(instance, optional_ops_are_filled)
{
    const struct uiommu_host_ops *ops;
    struct fake_host host;
    struct uiommu_trace record = {0};
    struct uiommu *u;

    fake_host_init(&host);
    fake_host_bare(&host);
    u = fake_host_create(&host);
    ops = uiommu_host(u);
    ops->mem_to_device(ops->ctx, &host, 1);
    ops->mem_from_device(ops->ctx, &host, 1);
    ops->irq_restore(ops->ctx, ops->irq_save(ops->ctx));
    ops->log(ops->ctx, UIOMMU_LOG_INFO, "nothing");
    ops->trace(ops->ctx, &record);
    cr_assert_null(ops->heap_get(ops->ctx, 64));
    ops->heap_put(ops->ctx, NULL, 64);
    cr_assert_null((void *)(uintptr_t)ops->wait);
    cr_assert_null((void *)(uintptr_t)ops->wake);
    cr_assert_null((void *)(uintptr_t)ops->self);
    host.tick_ns = 1;
    uiommu_trace(u, 1, UIOMMU_TRACE_TICKET, 2, 3, 4, 5);
    cr_assert_eq(host.now_ns, 0, "nobody listens: no look at the clock");
    cr_assert(fake_host_destroy(&host, u));
}

Test(instance, trace)
{
    struct fake_host host;
    struct uiommu *u;

    fake_host_init(&host);
    u = fake_host_create(&host);
    host.now_ns = 77;
    uiommu_trace(u, 1, UIOMMU_TRACE_TICKET, 2, 3, 4, 5);
    cr_assert_eq(host.traces, 1);
    cr_assert_eq(host.trace.unit, 1);
    cr_assert_eq(host.trace.id, UIOMMU_TRACE_TICKET);
    cr_assert_eq(host.trace.now_ns, 77);
    cr_assert(host.trace.a == 2 && host.trace.b == 3 && host.trace.c == 4 && host.trace.d == 5);
    cr_assert(fake_host_destroy(&host, u));
}

Test(instance, objects_and_handles)
{
    struct fake_host host;
    struct uiommu *u;
    uint64_t no_instance[64] = {0};
    uint32_t a, b;

    fake_host_init(&host);
    u = fake_host_create(&host);
    cr_assert(uiommu_is_instance(u));
    cr_assert_not(uiommu_is_instance(NULL));
    cr_assert_not(uiommu_is_instance((struct uiommu *)(void *)no_instance));
    cr_assert_eq(uiommu_destroy(NULL), UIOMMU_E_HANDLE);
    cr_assert_eq(uiommu_destroy((struct uiommu *)(void *)no_instance), UIOMMU_E_HANDLE);
    a = uiommu_object_add(u);
    b = uiommu_object_add(u);
    cr_assert(a != 0 && b != 0 && a != b);
    uiommu_object_remove(u);
    cr_assert_eq(uiommu_destroy(u), UIOMMU_E_BUSY);
    cr_assert(uiommu_is_instance(u));
    uiommu_object_remove(u);
    u->next_number = UINT32_MAX;
    cr_assert_eq(uiommu_object_add(u), 1, "0 is no number");
    uiommu_object_remove(u);
    cr_assert(fake_host_destroy(&host, u));
}

Test(instance, every_memory_failure)
{
    struct fake_host host;
    struct uiommu *u;
    uint32_t own;
    uint64_t n;

    for (own = 0; own < 2; own++) {
        for (n = 1; n <= 3; n++) {
            uiommu_err err;

            fake_host_init(&host);
            if (own != 0)
                fake_host_no_heap(&host);
            host.fail_at = n;
            u = NULL;
            err = uiommu_create(&host.ops, &u);
            if (host.gets < n) {
                cr_assert_eq(err, UIOMMU_OK);
                cr_assert(fake_host_destroy(&host, u));
            } else {
                cr_assert_eq(err, UIOMMU_E_NOMEM);
                cr_assert_null(u);
                cr_assert(fake_host_clean(&host));
            }
        }
    }
}

/* Two instances share nothing. */
Test(instance, side_by_side)
{
    struct fake_host host[2];
    struct uiommu *u[2];
    uint32_t k;

    for (k = 0; k < 2; k++) {
        fake_host_init(&host[k]);
        fake_host_no_heap(&host[k]);
        u[k] = fake_host_create(&host[k]);
    }
    cr_assert_eq(uiommu_object_add(u[0]), uiommu_object_add(u[1]));
    uiommu_object_remove(u[0]);
    cr_assert(fake_host_destroy(&host[0], u[0]));
    cr_assert_eq(uiommu_destroy(u[1]), UIOMMU_E_BUSY);
    uiommu_object_remove(u[1]);
    cr_assert(fake_host_destroy(&host[1], u[1]));
}

Test(instance, config_copy)
{
    uint32_t from[4] = {1, 2, 3, 4}, to[4];

    cr_assert(uiommu_config_copy(to, 16, from, 16, 8));
    cr_assert_arr_eq(to, from, 16);
    cr_assert(uiommu_config_copy(to, 16, from, 8, 8));
    cr_assert(to[0] == 1 && to[1] == 2 && to[2] == 0 && to[3] == 0);
    cr_assert_not(uiommu_config_copy(to, 16, from, 7, 8));
    cr_assert_not(uiommu_config_copy(to, 16, from, 17, 8));
    cr_assert_not(uiommu_config_copy(to, 16, NULL, 16, 8));
}
