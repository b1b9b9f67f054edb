/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_ERR_H
#define UIOMMU_ERR_H
/**
 * @file
 * Status codes. Every fallible function returns a uiommu_err: 0 or one of the negative
 * numbers below. They are the library's own and never an operating system's errno.
 */

#ifdef __cplusplus
extern "C" {
#endif

/** 0 (UIOMMU_OK) or a negative status; see the constants in this header. */
typedef int uiommu_err;

/** Done. */
#define UIOMMU_OK 0
/** An argument is NULL, zero, unknown or contradicts another one. Nothing was changed. */
#define UIOMMU_E_INVALID (-1)
/** The handle is no object of this kind, or of another instance. Nothing was changed. */
#define UIOMMU_E_HANDLE (-2)
/** The host gave no memory. Everything begun was undone. */
#define UIOMMU_E_NOMEM (-3)
/** A value is wider than the hardware or the configuration allows. */
#define UIOMMU_E_RANGE (-4)
/** The hardware, the backend or the device lacks the feature. */
#define UIOMMU_E_UNSUPPORTED (-5)
/** In use: try again later, or, for a PASID, it belongs to another address space. */
#define UIOMMU_E_BUSY (-6)
/** There is one already. */
#define UIOMMU_E_EXISTS (-7)
/** No such thing. */
#define UIOMMU_E_NOT_FOUND (-8)
/** The owner's quota is used up. */
#define UIOMMU_E_QUOTA (-9)
/** No PASID, credit, cache tag or slot is left. */
#define UIOMMU_E_NOSPACE (-10)
/** The address space has died. */
#define UIOMMU_E_DEAD (-11)
/** The token is used up: answered before, orphaned, or from before a reset. Nothing was sent. */
#define UIOMMU_E_STALE (-12)
/** A deadline passed; what was waited for may still happen and is accounted for. */
#define UIOMMU_E_TIMEOUT (-13)
/** The IOMMU reported an error or answers nonsense. */
#define UIOMMU_E_HW (-14)
/** The device is absent, removed or being reset. */
#define UIOMMU_E_GONE (-15)
/** Not legal in the object's present state. */
#define UIOMMU_E_STATE (-16)
/** Hardware may still reach the page tables: they must not be freed yet (PROTOCOL R12). */
#define UIOMMU_E_WITHHELD (-17)
/** Ended without every proof: the PASID is withheld until the proof comes (PROTOCOL R9). */
#define UIOMMU_E_POISONED (-18)
/** A bug in uiommu itself was noticed; the object is left unusable. */
#define UIOMMU_E_INTERNAL (-19)
/** No error: begun, goes on as the unit is serviced; ask again. */
#define UIOMMU_PENDING (-32)
/** No error: this much was done, more is waiting; call again. */
#define UIOMMU_MORE (-33)

/**
 * The name and meaning of a status, in one line of English. Any context.
 * Lives in an optional file (core/text.c). Never NULL; the text is static.
 */
const char *uiommu_err_str(uiommu_err err);

#ifdef __cplusplus
}
#endif
#endif
