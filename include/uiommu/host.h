/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_HOST_H
#define UIOMMU_HOST_H
/**
 * @file
 * What the embedder supplies, and the instance that lives on it.
 *
 * Contexts, named per function throughout the headers:
 * - [any]: any context the host calls uiommu from, interrupt handlers included where the host
 *   supplies @ref uiommu_host_ops.irq_save; never waits for another context.
 * - [task]: may take long and may wait; not from a fault handler or callback of uiommu.
 * - [service]: whoever calls uiommu_unit_service(); never sleeps.
 */
#include "env.h"
#include "err.h"
#include "trace.h"

#ifdef __cplusplus
extern "C" {
#endif

/** One piece of memory that an IOMMU reads or writes by itself. */
struct uiommu_mem {
    void *cpu;      /**< Where the CPU sees it. */
    uint64_t bus;   /**< Where the IOMMU sees it. */
    uint64_t bytes; /**< As asked for, not as rounded. */
};

/** How important a line of log is. */
enum uiommu_log_level {
    UIOMMU_LOG_ERROR, /**< Something is lost or withheld. */
    UIOMMU_LOG_WARN,  /**< A device or the hardware misbehaves; handled. */
    UIOMMU_LOG_INFO,  /**< Start, stop, features. */
};

/**
 * What the embedding host does for one instance of uiommu.
 *
 * The host fills a table, usually `static const`, and hands it to uiommu_create(), which copies
 * it: the table may go, @ref ctx and the functions must stay until uiommu_destroy() returns.
 * No op may call uiommu. Ops marked [locked] may be called with one of uiommu's spin locks held
 * and interrupts saved: they must be short and must not wait.
 */
struct uiommu_host_ops {
    size_t size; /**< sizeof(struct uiommu_host_ops), as the host saw it. */
    void *ctx;   /**< First argument of every op; uiommu never reads it. */
    /**
     * [task] Get zeroed memory that stays where it is and is visible to the IOMMU.
     * @param bytes  At least 1.
     * @param align  Power of two; the bus address must be a multiple of it, the CPU's of 64.
     * @param limit  Highest bus address the IOMMU reaches, inclusive.
     * @retval UIOMMU_E_NOMEM  No such memory; uiommu undoes its own work.
     */
    uiommu_err (*mem_get)(void *ctx, uint64_t bytes, uint64_t align, uint64_t limit,
                          struct uiommu_mem *out);
    /** [task] Take back what mem_get() gave; the IOMMU is done with it. */
    void (*mem_put)(void *ctx, const struct uiommu_mem *mem);
    /** [task] Optional, with heap_put(): plain zeroed memory aligned for any object and to 64
     * bytes; NULL if none. Without the pair uiommu carves from mem_get(), which then has to be
     * cached like any other memory: locks and counters lie in it. */
    void *(*heap_get)(void *ctx, size_t bytes);
    /** [task] Optional: take back what heap_get() gave. */
    void (*heap_put)(void *ctx, void *ptr, size_t bytes);
    /** [locked] Optional: make CPU stores in [@p cpu, @p cpu + @p bytes) visible to a unit that
     * does not snoop. Called after the stores, before the unit is told. */
    void (*mem_to_device)(void *ctx, const void *cpu, uint64_t bytes);
    /** [locked] Optional: make what a unit that does not snoop stored visible to CPU loads.
     * Called before the loads. */
    void (*mem_from_device)(void *ctx, const void *cpu, uint64_t bytes);
    /** [locked] Read a 32-bit register at @p addr, which is the base from the unit's config plus
     * an offset. Ordered against other accesses to the same unit. */
    uint32_t (*mmio_read32)(void *ctx, uint64_t addr);
    /** [locked] Read a 64-bit register; may be two 32-bit reads, low half first. */
    uint64_t (*mmio_read64)(void *ctx, uint64_t addr);
    /** [locked] Write a 32-bit register. */
    void (*mmio_write32)(void *ctx, uint64_t addr, uint32_t value);
    /** [locked] Write a 64-bit register; may be two 32-bit writes, low half first. */
    void (*mmio_write64)(void *ctx, uint64_t addr, uint64_t value);
    /** [locked] Nanoseconds from a clock that never runs backwards, and that goes on while it is
     * looked at, interrupts off or not: nothing else bounds a wait. */
    uint64_t (*now_ns)(void *ctx);
    /**
     * [task] Optional, with wake(): return once *@p word differs from @p seen, or at
     * @p deadline_ns, or earlier for no reason. Without it uiommu polls where it must wait.
     */
    void (*wait)(void *ctx, const struct uiommu_word *word, uint32_t seen, uint64_t deadline_ns);
    /** [locked] Optional: *@p word has changed; wake every waiter on it. Also called with the
     * word of uiommu_unit_due_word() when service has become due. May come without wait(). */
    void (*wake)(void *ctx, const struct uiommu_word *word);
    /** [any] Optional, with irq_restore(): keep interrupts away from this CPU; nests. Needed
     * where an interrupt handler calls uiommu. */
    uintptr_t (*irq_save)(void *ctx);
    /** [locked] Optional: undo the irq_save() that returned @p state. */
    void (*irq_restore)(void *ctx, uintptr_t state);
    /**
     * [any] Optional: a number other than 0 that names the calling thread. Lets uiommu tell a
     * call from inside a handler from one beside it; without it every call made while a handler
     * runs counts as made inside (PROTOCOL R14).
     */
    uintptr_t (*self)(void *ctx);
    /** [locked] Optional: @p msg is one line without a newline. Rate limited by uiommu. */
    void (*log)(void *ctx, enum uiommu_log_level level, const char *msg);
    /** [locked] Optional: a transition; see trace.h. The record is gone after the call. */
    void (*trace)(void *ctx, const struct uiommu_trace *record);
};

/** One instance of the library; any number may live side by side. */
struct uiommu;

/**
 * Make an instance. [task]
 * @param ops  Copied. A smaller size than this header's is an older host: missing ops are absent.
 * @param out  The instance; belongs to the caller until uiommu_destroy().
 * @retval UIOMMU_E_INVALID  NULL, a size that cannot be, or a required op or half a pair missing.
 * @retval UIOMMU_E_NOMEM  No memory.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_create(const struct uiommu_host_ops *ops, struct uiommu **out);

/**
 * End an instance. [task]
 * @retval UIOMMU_E_BUSY  A unit, PASID space, owner or address space still exists; nothing done.
 * @retval UIOMMU_E_HANDLE  Not an instance.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_destroy(struct uiommu *u);

#ifdef __cplusplus
}
#endif
#endif
