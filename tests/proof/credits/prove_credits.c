/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The credit ledger (I9), for every queue, reserve, number of stall slots and grants so far: what
 * is granted in all stays below the entries that are not kept for markers, and has its slots.
 */
#include "../prove.h"

#include <core/port.c>

void prove(void)
{
    static struct uiommu_unit unit;
    struct uiommu_port_config config;
    uint32_t entries = nondet_u32(), reserve = nondet_u32(), before = nondet_u32(), got, ledger;

    ASSUME(entries <= UINT32_C(1) << 30);
    unit.caps.request_entries = entries;
    unit.config.marker_reserve = reserve;
    unit.stall_slots = nondet_u16();
    /* unit_memory() */
    unit.pool.max = (entries + unit.stall_slots + UIOMMU_SLOT_CHUNK) / UIOMMU_SLOT_CHUNK + 2;
    ledger = uiommu_port_ledger(&unit);
    PROVE(entries == 0 || (uint64_t)ledger + 1 + reserve <= entries || ledger == 0);
    PROVE(entries == 0 || ledger != 0 || (uint64_t)entries <= (uint64_t)reserve + 1);
    ASSUME(before <= ledger);
    unit.granted.v = before;
    config.want = nondet_u32();
    config.least = nondet_u32();
    ASSUME(config.want != 0 && config.least <= config.want); /* uiommu_port_create() */
    got = grant(&unit, &config);
    PROVE((uint64_t)before + got <= ledger);
    PROVE(got <= config.want);
    PROVE(got == 0 || got >= config.least);
    PROVE((uint64_t)unit.stall_slots + before + got <= (uint64_t)unit.pool.max * UIOMMU_SLOT_CHUNK);
    /* A host that asks for little gets it while there is some. */
    PROVE(got != 0 || ledger - before < (config.least == 0 ? 1 : config.least));
}
