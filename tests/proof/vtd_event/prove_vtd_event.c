/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VT-d fault records and the page request queue. Decoding: every record, bits by number as in the
 * specification's fault recording register (11.4.7.6). Fetching: registers that say anything, each
 * time something else, a queue whose memory may be anything, any room: nothing outside.
 */
#include "../prove.h"

#include <backends/vtd/vtd_internal.h>

#define LOG2    2u
#define SIZE    (1u << LOG2)
#define RECORDS 2u
#define BASE    0x400u

static struct uiommu_vtd hw;
static uint64_t ring[4 * SIZE];
static struct uiommu_request requests[SIZE];
static struct uiommu_event events[SIZE];

static bool is_record(uint32_t offset)
{
    return offset >= BASE && offset < BASE + RECORDS * 16u;
}

uint32_t uiommu_vtd_read(const struct uiommu_vtd *of, uint32_t offset)
{
    (void)of;
    PROVE(offset == VTD_FSTS || offset == VTD_PRS || is_record(offset));
    PROVE(!is_record(offset) || offset % 16 == 12);
    return nondet_u32();
}

uint64_t uiommu_vtd_read64(const struct uiommu_vtd *of, uint32_t offset)
{
    (void)of;
    PROVE(offset == VTD_PQT || (is_record(offset) && offset % 8 == 0));
    return nondet_u64();
}

void uiommu_vtd_write(const struct uiommu_vtd *of, uint32_t offset, uint32_t value)
{
    (void)of;
    PROVE(offset == VTD_FSTS || offset == VTD_PRS || is_record(offset));
    PROVE(!is_record(offset) || (offset % 16 == 12 && value == UINT32_C(1) << 31));
    PROVE(offset != VTD_FSTS || value == 1); /* PFO; the queue's bits are check()'s */
}

void uiommu_vtd_write64(const struct uiommu_vtd *of, uint32_t offset, uint64_t value)
{
    PROVE(offset == VTD_PQH && value == (uint64_t)of->prq.cons << 5 && value < SIZE * 32u);
}

uint32_t uiommu_vtd_error_bits(const struct uiommu_vtd *of)
{
    (void)of;
    return VTD_FSTS_IQE;
}

static uint32_t access(uint64_t w)
{
    uint32_t way = sheet_bits(w, 62, 62) != 0 ? UIOMMU_READ : 0;
    bool t2 = sheet_bits(w, 28, 28) != 0, pp = sheet_bits(w, 31, 31) != 0;

    if (sheet_bits(w, 62, 62) == t2)
        way |= UIOMMU_WRITE;
    if (way == UIOMMU_READ && pp && sheet_bits(w, 30, 30) != 0)
        way = UIOMMU_EXEC;
    return way | (pp && sheet_bits(w, 29, 29) != 0 ? UIOMMU_PRIV : 0);
}

static void decoding(void)
{
    uint64_t record[2] = {nondet_u64(), nondet_u64()}, w = record[1];
    struct uiommu_event e;

    uiommu_vtd_fault_decode(record, &e);
    PROVE(e.id == sheet_bits(w, 15, 0) && e.hw_code == sheet_bits(w, 39, 32));
    PROVE(e.pasid == (sheet_bits(w, 31, 31) != 0 ? sheet_bits(w, 59, 40) : UIOMMU_PASID_NONE));
    PROVE(e.address == (record[0] >> 12 << 12));
    PROVE(e.raw[0] == record[0] && e.raw[1] == w && e.count == 1);
    PROVE(e.access == access(w));
}

static void fetching(uint32_t which)
{
    struct uiommu_fetch io = {requests, nondet_u32(), 0, events, nondet_u32(), 0, 0, 0};
    uint32_t i, cons, before;

    ASSUME(io.request_room >= 1 && io.request_room <= SIZE);
    ASSUME(io.event_room >= 1 && io.event_room <= SIZE);
    for (i = 0; i < 4 * SIZE; i++)
        ring[i] = nondet_u64();
    hw.f.pri = true;
    hw.f.five = nondet_bool();
    hw.f.fault_base = BASE;
    hw.f.faults = RECORDS;
    hw.iq.open = true;
    hw.config.quirks = nondet_u32();
    hw.prq.mem.cpu = ring;
    hw.prq.log2 = LOG2;
    hw.prq.cons = nondet_u32() % SIZE;
    hw.prq.discarded = nondet_u16();
    hw.prq.lost = nondet_bool();
    hw.prq.overflow = nondet_bool();
    hw.fault_next = nondet_u32() % RECORDS;
    cons = hw.prq.cons;
    before = hw.prq.discarded;
    PROVE(uiommu_vtd_fetch(&hw, which, &io) == UIOMMU_OK);
    PROVE(hw.prq.cons < SIZE && hw.fault_next < RECORDS);
    PROVE(io.request_count <= io.request_room && io.event_count <= io.event_room);
    if (which == 0)
        PROVE(io.entries == before + ((hw.prq.cons - cons) & (SIZE - 1)));
    else
        PROVE(io.entries <= RECORDS);
    i = nondet_u32();
    PROVE(i >= io.request_count || requests[i].at < io.entries);
}

void prove(void)
{
    uint32_t what = nondet_u32();

    if (what == 0)
        decoding();
    else if (what == 1)
        fetching(0);
    else if (what == 2)
        fetching(1);
    else
        uiommu_vtd_overflow_ack(&hw, 0);
}
