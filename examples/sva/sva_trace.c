/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose records they are, for the writer of spans. */
#include "sva.h"

static uint32_t unit_of(void *user, uint32_t number)
{
    struct sva *s = user;
    const struct sva_unit *v = sva_unit_by_number(s, number);

    return v == NULL ? SPANS_NONE : (uint32_t)(v - s->units);
}

static uint32_t device_of(void *user, uint32_t unit, uint32_t id)
{
    const struct sva *s = user;
    const struct sva_engine *e = sva_engine_by_id(&s->units[unit], id);

    return e == NULL ? SPANS_NONE : e->number;
}

static void unit_name(void *user, uint32_t unit, FILE *file)
{
    const struct sva *s = user;

    (void)fprintf(file, "unit %s", s->units[unit].iommu->backend->name);
}

static void device_name(void *user, uint32_t device, FILE *file)
{
    const struct sva *s = user;
    const struct sva_engine *e = &s->engines[device];

    (void)fprintf(file, "device %u (ID 0x%04x behind %s)", e->number, e->id,
                  e->unit->iommu->backend->name);
}

struct spans *sva_trace_open(FILE *file, struct sva *s)
{
    const struct spans_config config = {s,       s->unit_count, s->o.devices, SVA_OPEN_MAX,
                                        unit_of, device_of,     unit_name,    device_name};

    return spans_open(file, &config);
}
