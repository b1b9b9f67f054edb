/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_HOST_UV_H
#define UIOMMU_HOST_UV_H
/**
 * @file
 * Host services for programs on libuv (library uiommu-uv): clock, heap, waiting, waking, and the
 * service of units by an event loop. Memory that the IOMMU reaches, and its registers, come from
 * the program, because hosted programs drive hardware through VFIO, or models.
 *
 * One struct uiommu_uv serves one instance of uiommu. A program fills a config, makes the
 * services, has them fill a table of host ops, makes its instance on that, and attaches each
 * unit to a loop:
 *
 *     uiommu_uv_create(&config, &uv);
 *     uiommu_uv_fill(uv, &ops);
 *     uiommu_create(&ops, &u);
 *     ...
 *     uiommu_uv_attach(uv, unit, &unit_config, &serving);
 *
 * Contexts, besides those of host.h: [loop] is the thread that runs the unit's loop.
 */
#include "host.h"

#ifdef __cplusplus
extern "C" {
#endif

struct uv_loop_s;
struct uiommu_unit;

/** Host services of one instance. */
struct uiommu_uv;
/** One unit, served by one loop. */
struct uiommu_uv_unit;

/** What the program supplies. All functions get @ref ctx first and follow the rules that
 * struct uiommu_host_ops gives for the op of the same name. */
struct uiommu_uv_config {
    size_t size; /**< sizeof(struct uiommu_uv_config). */
    void *ctx;   /**< First argument of the functions. */
    /** Memory for the IOMMU. */
    uiommu_err (*mem_get)(void *ctx, uint64_t bytes, uint64_t align, uint64_t limit,
                          struct uiommu_mem *out);
    /** Takes it back. */
    void (*mem_put)(void *ctx, const struct uiommu_mem *mem);
    /** Optional: for units that do not snoop. */
    void (*mem_to_device)(void *ctx, const void *cpu, uint64_t bytes);
    /** Optional: for units that do not snoop. */
    void (*mem_from_device)(void *ctx, const void *cpu, uint64_t bytes);
    /** Registers. */
    uint32_t (*mmio_read32)(void *ctx, uint64_t addr);
    /** Registers. */
    uint64_t (*mmio_read64)(void *ctx, uint64_t addr);
    /** Registers. */
    void (*mmio_write32)(void *ctx, uint64_t addr, uint32_t value);
    /** Registers. */
    void (*mmio_write64)(void *ctx, uint64_t addr, uint64_t value);
    /** Optional: nanoseconds that never go backwards. NULL: uv_hrtime(). */
    uint64_t (*now_ns)(void *ctx);
    /** Optional: a line of log. */
    void (*log)(void *ctx, enum uiommu_log_level level, const char *msg);
    /** Optional: a transition. */
    void (*trace)(void *ctx, const struct uiommu_trace *record);
    /**
     * The clock of @ref now_ns moves only when it is looked at or when the program moves it, as
     * that of a simulation does. Then nobody ever sleeps on it, no timer is armed, and the
     * program calls uiommu_uv_look() after it has moved the clock.
     */
    bool clock_is_simulated;
};

/**
 * Make the services. [task]
 * @param config  Copied.
 * @param out     Belongs to the caller until uiommu_uv_destroy().
 * @retval UIOMMU_E_INVALID  NULL, a wrong size, a missing function, or a simulated clock without
 *         @ref uiommu_uv_config.now_ns.
 * @retval UIOMMU_E_NOMEM  No memory, or libuv could not make a lock.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_uv_create(const struct uiommu_uv_config *config,
                                              struct uiommu_uv **out);
/**
 * Give up the services, after the instance on them was destroyed. [task]
 * @retval UIOMMU_E_BUSY  A unit is attached, or not yet closed; nothing done.
 * @retval UIOMMU_E_INVALID  NULL.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_uv_destroy(struct uiommu_uv *uv);
/**
 * Fill a table of host ops for uiommu_create(); @p uv must outlive the instance. [any]
 * Ops that libuv has nothing to offer for are left NULL.
 */
void uiommu_uv_fill(struct uiommu_uv *uv, struct uiommu_host_ops *ops);

/** How a unit is served. */
struct uiommu_uv_unit_config {
    size_t size;            /**< sizeof(struct uiommu_uv_unit_config). */
    struct uv_loop_s *loop; /**< The loop (a uv_loop_t); outlives the attachment. */
    uint32_t budget;        /**< Of one uiommu_unit_service() per loop turn. 0: 64. */
    void *user;             /**< First argument of @ref serviced. */
    /**
     * [loop] Optional: after each service, with its status. The place to take the unit's events.
     * May call uiommu, uiommu_uv_pause() and uiommu_uv_detach().
     */
    void (*serviced)(void *user, uiommu_err status);
};

/**
 * Have a loop serve a started unit: whenever the library wakes the unit's due word, whenever
 * uiommu_uv_kick() is called, and at the unit's deadlines. While entries remain, the loop's other
 * handles get their turn between two services. [loop], or before the loop runs.
 * The attachment keeps the loop alive until uiommu_uv_detach().
 * @retval UIOMMU_E_INVALID  NULL or a wrong size.
 * @retval UIOMMU_E_EXISTS  The unit is attached already.
 * @retval UIOMMU_E_NOMEM  No memory, or libuv could not make a handle.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_uv_attach(struct uiommu_uv *uv, struct uiommu_unit *unit,
                                              const struct uiommu_uv_unit_config *config,
                                              struct uiommu_uv_unit **out);
/**
 * End it, before the unit is stopped and destroyed: from here on nothing touches the unit. [loop]
 * The loop closes the handles in its own time, calls @p closed, and frees the attachment.
 * @param serving  NULL: nothing happens, @p closed is not called.
 * @param closed   Optional.
 */
void uiommu_uv_detach(struct uiommu_uv_unit *serving, void (*closed)(void *user), void *user);
/** The unit's interrupt came: have it serviced soon. [any], any thread. */
void uiommu_uv_kick(struct uiommu_uv_unit *serving);
/** The clock was moved: have the unit serviced if its deadline has passed. [loop] */
void uiommu_uv_look(struct uiommu_uv_unit *serving);
/** Keep the loop from servicing the unit until uiommu_uv_resume(); kicks are kept. [loop] */
void uiommu_uv_pause(struct uiommu_uv_unit *serving);
/** The opposite. [loop] */
void uiommu_uv_resume(struct uiommu_uv_unit *serving);

#ifdef __cplusplus
}
#endif
#endif
