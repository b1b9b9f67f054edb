/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef HOSTCHECK_H
#define HOSTCHECK_H
/*
 * Looks at a host's own table (struct uiommu_host_ops), which the suite never calls: the benches
 * have a host of their own. No IOMMU is needed, and no register is touched. It sees what one caller
 * can see; a wait() that never returns hangs it. No libc, as the suite.
 */
#include "suite.h"

/* What is looked at, and who hears of it. */
struct conf_host_plan {
    const struct uiommu_host_ops *ops;
    void *ctx; /* First argument of the functions here. */
    /* Whether interrupts come on this CPU now, as they must when it begins. Optional: without,
     * irq_save() is not looked at. */
    bool (*irqs_on)(void *ctx);
    /* After each check. Optional. op: its name. what: what it has to hold to or, if it failed, what
     * is wrong. Skipped: the table leaves the op out, or it cannot be looked at. */
    void (*report)(void *ctx, const char *op, enum conf_verdict verdict, const char *what);
};

/* Every check. true: some passed and none failed. */
bool conf_host_run(const struct conf_host_plan *plan, struct conf_totals *out);

#endif
