/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PORT_HOST_H
#define PORT_HOST_H
/* A small port: a hosted program of one thread. docs/PORTING.md runs it outside of the tree. */
#include <uiommu/uiommu.h>

extern const struct uiommu_host_ops port_ops;

#endif
