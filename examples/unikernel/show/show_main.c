/* SPDX-License-Identifier: BSD-2-Clause */
/* The image: finds a device and its unit, shows one thing after the other, ends with a status. */
#include "show.h"

static struct show show;

static const struct show_row *const parts[] = {
    show_unit, show_copy, show_fault, show_stale, show_nvme, show_recover, show_end,
};

static _Noreturn void give_up(enum glue_end end, const char *why)
{
    kernel_print("\nuiommu: %s\nstatus %u\n", why, (unsigned)end);
    kernel_exit(end);
}

static void rows(struct show *s, const struct show_row *row)
{
    static const char *const words[] = {"good", "FAILED", "skipped"};
    enum show_verdict verdict;

    for (; row->run != NULL; row++) {
        s->seen[0] = '\0';
        verdict = row->run(s);
        s->good += verdict == SHOW_GOOD;
        s->failed += verdict == SHOW_FAILED;
        s->skipped += verdict == SHOW_SKIPPED;
        kernel_print("  %-38s %-7s  %s\n", row->what, words[verdict], s->seen);
    }
}

_Noreturn void kernel_main(void)
{
    struct show *s = &show;
    struct glue_found found;
    const char *why = "";
    enum glue_end end;
    uint32_t function, i;

    kernel_print("\nuiommu on bare metal\n");
    if (!kernel_pci_find(GLUE_EDU_VENDOR, GLUE_EDU_DEVICE, 0, &function))
        give_up(GLUE_NO_DEVICE, "there is no edu device to show anything with");
    end = glue_discover(function, &found, &why);
    if (end != GLUE_GOOD)
        give_up(end, why);
    s->g.found = found;
    show_witness_begin(&found);
    if (glue_host_create(show_witness, &s->u) != UIOMMU_OK)
        give_up(GLUE_FAILED, "no instance of the library");
    if (!glue_edu_init(&s->edu, &s->g, function))
        give_up(GLUE_NO_DEVICE, "the edu device has no registers");
    if (kernel_pci_find(GLUE_EDU_VENDOR, GLUE_EDU_DEVICE, 1, &function) &&
        !glue_edu_init(&s->other, &s->g, function))
        s->other.registers = 0;
    kernel_print("  %-38s %-7s  %s\n", "what is shown", "is", "as seen");
    for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        rows(s, parts[i]);
        if (i == 0 && s->failed != 0)
            give_up(GLUE_UNUSABLE, "the unit cannot be used");
    }
    kernel_print("\n%u passed, %u failed, %u skipped\n", (unsigned)s->good, (unsigned)s->failed,
                 (unsigned)s->skipped);
    kernel_exit(s->failed == 0 ? GLUE_GOOD : GLUE_FAILED);
}
