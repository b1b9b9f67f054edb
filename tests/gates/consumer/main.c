/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>

#include <uiommu/uiommu.h>

/* Compiles, links and runs against the library as an embedder gets it. */
int main(void)
{
    struct uiommu *u = NULL;
    uiommu_err err = uiommu_create(NULL, &u);

    printf("uiommu %d.%d.%d: %s\n", UIOMMU_VERSION_MAJOR, UIOMMU_VERSION_MINOR,
           UIOMMU_VERSION_PATCH, uiommu_err_str(err));
    return err == UIOMMU_E_INVALID && u == NULL ? 0 : 1;
}
