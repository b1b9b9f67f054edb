/* SPDX-License-Identifier: BSD-2-Clause */
/* The image: finds a device and its unit, shows one thing after the other, ends with a status. */
#include "show.h"

static struct show show;

static const struct show_row *const parts[] = {
    show_unit,  show_request, show_copy,    show_reserved, show_fault,
    show_stale, show_nvme,    show_recover, show_ask,      show_end,
};

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
        kernel_print("  %-38s  %-7s  %s\n", row->what, words[verdict], s->seen);
    }
}

_Noreturn void kernel_main(void)
{
    struct show *s = &show;
    const char *why = "";
    enum glue_end end;
    uint32_t function, other, i;

    kernel_print("\nuiommu on bare metal: %s\n", kernel_machine());
    kernel_pci_quiet();
    if (!kernel_pci_find(GLUE_EDU_VENDOR, GLUE_EDU_DEVICE, 0, &function) ||
        !glue_edu_init(&s->edu, function))
        show_refuse(s, GLUE_NO_DEVICE, "no edu device to show anything with (-device edu)");
    if (kernel_pci_find(GLUE_EDU_VENDOR, GLUE_EDU_DEVICE, 1, &other))
        (void)glue_edu_init(&s->other, other);
    end = glue_discover(function, &s->g.found, &why);
    if (end != GLUE_GOOD)
        show_refuse(s, end, why);
    show_witness_begin(&s->g.found);
    s->g.seen = show_witness_event;
    if (glue_host_create(show_witness, &s->u) != UIOMMU_OK)
        show_refuse(s, GLUE_FAILED, "no instance of the library");
    kernel_print("  %-38s  %-7s  %s\n", "what is shown", "is", "as seen");
    for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        rows(s, parts[i]);
        if (i == 0 && s->failed != 0) {
            if (glue_reserved_wordless(&s->g.found) != 0)
                SHOW_SEEN(s,
                          "firmware wants memory kept that cannot be mapped; the unit stays off");
            else
                SHOW_SEEN(s, "the unit cannot be used; uiommu needs %s", s->g.found.vendor->needs);
            show_refuse(s, GLUE_UNUSABLE, s->seen);
        }
    }
    kernel_print("\n%u passed, %u failed, %u skipped\n", (unsigned)s->good, (unsigned)s->failed,
                 (unsigned)s->skipped);
    kernel_exit(s->failed == 0 ? GLUE_GOOD : GLUE_FAILED);
}
