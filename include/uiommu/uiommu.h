/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_UIOMMU_H
#define UIOMMU_UIOMMU_H
/**
 * @file
 * Everything an embedder uses, except the constructors of the backends (one
 * header each) and the side a backend is written against (uiommu/backend.h).
 */
#include "aspace.h"
#include "bond.h"
#include "device.h"
#include "dump.h"
#include "err.h"
#include "event.h"
#include "group.h"
#include "host.h"
#include "owner.h"
#include "pasid.h"
#include "pcie.h"
#include "port.h"
#include "reserved.h"
#include "trace.h"
#include "unit.h"

/** Version of the library: major. */
#define UIOMMU_VERSION_MAJOR 0
/** Version of the library: minor. */
#define UIOMMU_VERSION_MINOR 1
/** Version of the library: patch. */
#define UIOMMU_VERSION_PATCH 0
#endif
