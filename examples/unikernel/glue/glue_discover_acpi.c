/* SPDX-License-Identifier: BSD-2-Clause */
/* x86-64: the table that is there, DMAR or IVRS, says whose unit it is. */
#include "glue.h"
#include "glue_tables.h"

#define CLASS_IOMMU 0x080600u

enum glue_end glue_discover(uint32_t function, struct glue_found *out, const char **why)
{
    uint32_t dmar_bytes = 0, ivrs_bytes = 0, other;
    const void *dmar = kernel_acpi_table("DMAR", &dmar_bytes);
    const void *ivrs = kernel_acpi_table("IVRS", &ivrs_bytes);
    const struct uiommu_fw_function fn = {kernel_pci_host()->segment, function, false};
    enum glue_end end;

    *out = (struct glue_found){0};
    if (dmar != NULL && ivrs != NULL) {
        *why = "there is a DMAR and an IVRS table: whose machine is this?";
        return GLUE_CONTRADICTION;
    }
    if (dmar == NULL && ivrs == NULL) {
        if (kernel_pci_find_class(CLASS_IOMMU, &other)) {
            *why = "there is an IOMMU on PCI, and firmware describes none";
            return GLUE_DISABLED;
        }
        *why = "there is neither a DMAR nor an IVRS table";
        return GLUE_NO_IOMMU;
    }
    end = dmar != NULL ? glue_dmar(dmar, dmar_bytes, &fn, out, why)
                       : glue_ivrs(ivrs, ivrs_bytes, &fn, out, why);
    return end != GLUE_GOOD ? end : out->vendor->check(out, why);
}
