/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_ASPACE_H
#define UIOMMU_ASPACE_H
/**
 * @file
 * Address space: one page-table root per format that its units walk, a fault handler, and the
 * bonds of all devices that share it.
 */
#include "group.h"
#include "owner.h"

#ifdef __cplusplus
extern "C" {
#endif

/** An address space. */
struct uiommu_aspace;

/** Formats of page tables, named after the processors that share them. The second stages serve
 * bonds without PASID only. */
enum uiommu_root_format {
    UIOMMU_ROOT_AARCH64 = 1,     /**< VMSAv8-64 stage 1. */
    UIOMMU_ROOT_X86_64,          /**< x86-64, 4 or 5 levels by va_bits 48 or 57. */
    UIOMMU_ROOT_RISCV64,         /**< Sv39, Sv48, Sv57 by va_bits. */
    UIOMMU_ROOT_AARCH64_STAGE2,  /**< VMSAv8-64 stage 2: as few levels as up to 16 root tables side
                                      by side allow. */
    UIOMMU_ROOT_X86_64_STAGE2,   /**< Second stage with read and write in bits 0 and 1: the layout
                                      of EPT; va_bits 39, 48 or 57. */
    UIOMMU_ROOT_X86_64_LEVELLED, /**< Host tables whose entries name the level they point to, as
                                      IOMMUs beside x86-64 walk them; va_bits 12 + 9 per level. */
    UIOMMU_ROOT_AARCH64_CONTEXT, /**< Nested only: the table is a context descriptor in guest
                                      memory, with the guest's own first stage. */
};
/** Hardware may set the accessed flag. */
#define UIOMMU_ROOT_ACCESSED 0x1u
/** Hardware may set the dirty state. */
#define UIOMMU_ROOT_DIRTY 0x2u

/** The host's second stage under a guest's first stage. */
struct uiommu_root_under {
    enum uiommu_root_format format; /**< Of the tables: a second stage. 0: not nested. */
    uint8_t granule_bits;           /**< Smallest page, log2. */
    uint8_t va_bits;                /**< Guest physical addresses are so wide. */
    uint8_t pa_bits;                /**< Output addresses are so wide. */
    uint8_t flags;                  /**< UIOMMU_ROOT_ACCESSED | UIOMMU_ROOT_DIRTY */
    uint64_t table;                 /**< Bus address of the root table. */
};

/** A root table. The tables belong to the embedder and stay until R12 allows to free them. */
struct uiommu_root {
    enum uiommu_root_format format; /**< Of the tables. */
    uint8_t granule_bits;           /**< Smallest page, log2: 12, 14 or 16. */
    uint8_t va_bits;                /**< Input addresses are so wide. */
    uint8_t pa_bits;                /**< Output addresses are so wide. */
    uint8_t flags;                  /**< UIOMMU_ROOT_ACCESSED | UIOMMU_ROOT_DIRTY */
    uint64_t table;                 /**< Bus address of the root table. */
    uint64_t attributes;            /**< AArch64: the MAIR_EL1 image; x86-64: the PAT. 0: all
                                         write-back. */
    struct uiommu_root_under
        under; /**< Nested: table and what it holds are guest physical
                    addresses of this second stage. Bonds without PASID only. */
};

/** Why a pending group was taken away from its handler. */
enum uiommu_orphan {
    UIOMMU_ORPHAN_EXPIRED, /**< Not answered in time; INVALID follows. */
    UIOMMU_ORPHAN_UNBOUND, /**< Its bond is being drained and the deadline passed; INVALID follows.
                            */
    UIOMMU_ORPHAN_RESET,   /**< Its device was reset or is gone; nothing is sent. */
};

/** What an address space does about faults. */
struct uiommu_aspace_ops {
    size_t size; /**< sizeof(struct uiommu_aspace_ops). */
    /**
     * [service] A complete group. Runs with no lock and no role held: it may take the host's
     * locks, and may run on several threads at once, also for one bond, where several threads
     * service the unit. May call uiommu_aspace_exit(), uiommu_unbind_begin() and
     * uiommu_group_respond(); not uiommu_unit_service() nor anything marked [task].
     * @return  UIOMMU_CODE_SUCCESS once the pages are mapped, UIOMMU_CODE_INVALID, or
     *          UIOMMU_CODE_PENDING. Any other value counts as INVALID.
     */
    uiommu_code (*fault)(void *user, const struct uiommu_group *group);
    /**
     * [service] Optional: a PENDING group was taken away; a later answer will get STALE.
     * Called before anything is sent for it. Same rules as @ref fault.
     */
    void (*orphaned)(void *user, struct uiommu_unit *unit, struct uiommu_group_ref ref,
                     enum uiommu_orphan why);
};

/** How to make one. */
struct uiommu_aspace_config {
    size_t size;                         /**< sizeof(struct uiommu_aspace_config). */
    struct uiommu_owner *owner;          /**< Whom it belongs to; NULL: nobody. */
    const struct uiommu_aspace_ops *ops; /**< Copied. NULL: every group is INVALID. */
    void *user;                          /**< First argument of the ops. */
    const struct uiommu_root *roots;     /**< Copied; one per format, at most 4. */
    uint32_t root_count;                 /**< At least 1. */
};

/**
 * Make an address space. [task]
 * @retval UIOMMU_E_INVALID  NULL, wrong size, two roots of one format, a granule or width no
 *         format has, nesting under what is no second stage.  @retval UIOMMU_E_DEAD  The owner has
 * died.  @retval UIOMMU_E_NOMEM  No memory.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_aspace_create(struct uiommu *u,
                                                  const struct uiommu_aspace_config *config,
                                                  struct uiommu_aspace **out);
/**
 * Give up an address space. [task]
 * @retval UIOMMU_E_BUSY  A bond (poisoned ones included), or a call of its handler, still exists:
 *         unbind, or exit and reap.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_aspace_destroy(struct uiommu_aspace *as);

/**
 * The address space dies: its page tables are about to go and nobody has stopped the devices.
 * [any]; waits for nobody, only (bounded) for the IOMMU's invalidations; idempotent; legal in
 * handlers. After it every answer of the space goes out INVALID.
 * @retval UIOMMU_OK  No hardware walks or caches the tables any more.
 * @retval UIOMMU_E_WITHHELD  That is not proved for some unit or device: the tables and pages
 *         must not be freed before uiommu_aspace_reap() returns OK.
 * @retval UIOMMU_E_HANDLE  Not an address space.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_aspace_exit(struct uiommu_aspace *as);

/**
 * After exit: call the drivers' stop callbacks, drain and end every bond. [task]; a step at a
 * time, never sleeps by itself; calls service on the units concerned.
 * @retval UIOMMU_OK  No bond names the space any more and no hardware reaches the tables. (Numbers
 *         may still rest.)
 * @retval UIOMMU_PENDING  Call again (after uiommu_unit_next_deadline() or an interrupt).
 * @retval UIOMMU_E_WITHHELD  All that can be done is done; some hardware cannot prove that it let
 * go.
 * @retval UIOMMU_E_POISONED  The tables may be freed, but a bond stays withheld with its PASID.
 * @retval UIOMMU_E_STATE  The space is alive.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_aspace_reap(struct uiommu_aspace *as);

/**
 * Translations of [@p first, @p last] changed or went: drop them from every unit and device. The
 * caller has changed the page tables before, and frees pages and tables after. [any]; waits
 * (bounded) for the invalidations.
 * Addresses are those that devices use; where a second stage under a guest's tables changed, no
 * such range is known: 0 to UINT64_MAX, with tables.
 * @param tables  Whole tables were freed, not only leaf entries changed.
 * @retval UIOMMU_OK  No hardware uses the old translations.
 * @retval UIOMMU_E_WITHHELD  That is not proved: what was unmapped must not be reused before the
 *         space was reaped or a later call returns OK. A device that did not answer is isolated.
 * @retval UIOMMU_E_INVALID  first > last.
 */
UIOMMU_MUST_CHECK uiommu_err uiommu_aspace_invalidate(struct uiommu_aspace *as, uint64_t first,
                                                      uint64_t last, bool tables);

/** Bonds that still name the space: not those that rest, nor poisoned ones that let go of it. [any]
 */
uint32_t uiommu_aspace_bonds(const struct uiommu_aspace *as);

#ifdef __cplusplus
}
#endif
#endif
