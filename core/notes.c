/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

/* Events that a backend keeps until its check(). */

void uiommu_event_init(struct uiommu_event *event, enum uiommu_event_kind kind)
{
    memset(event, 0, sizeof(*event));
    event->kind = kind;
    event->id = UINT32_MAX;
    event->pasid = UIOMMU_PASID_NONE;
    event->count = 1;
}

void uiommu_notes_add(struct uiommu_notes *notes, const struct uiommu_event *event)
{
    if (notes->count < sizeof(notes->event) / sizeof(notes->event[0]))
        notes->event[notes->count++] = *event;
}

void uiommu_notes_unit(struct uiommu_notes *notes, enum uiommu_event_kind kind, uint64_t raw)
{
    struct uiommu_event event;

    uiommu_event_init(&event, kind);
    event.raw[0] = raw;
    uiommu_notes_add(notes, &event);
}

void uiommu_notes_take(struct uiommu_notes *notes, struct uiommu_check *out)
{
    const uint32_t room = (uint32_t)(sizeof(out->event) / sizeof(out->event[0]));
    uint32_t n = notes->count < room ? notes->count : room;

    out->event_count = n;
    if (n == 0)
        return;
    memcpy(out->event, notes->event, n * sizeof(out->event[0]));
    memmove(notes->event, notes->event + n, (notes->count - n) * sizeof(notes->event[0]));
    notes->count -= n;
    if (notes->count != 0)
        out->flags |= UIOMMU_CHECK_MORE;
}

bool uiommu_notes_valid(const struct uiommu_notes *notes)
{
    return notes->count <= sizeof(notes->event) / sizeof(notes->event[0]);
}
