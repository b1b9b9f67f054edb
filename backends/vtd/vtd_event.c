/* SPDX-License-Identifier: BSD-2-Clause */
/* Fault recording registers as a ring of events (sheet 5.2, 10). */
#include "vtd_internal.h"

/* Legacy codes too: some emulators use them for root and context faults in scalable mode. */
static const struct {
    uint8_t code, kind;
} kinds[] = {
    {0x01, UIOMMU_EVENT_BAD_ID},
    {0x02, UIOMMU_EVENT_BAD_ID},
    {0x03, UIOMMU_EVENT_BAD_TABLE},
    {0x04, UIOMMU_EVENT_ADDRESS_SIZE},
    {0x05, UIOMMU_EVENT_PERMISSION},
    {0x06, UIOMMU_EVENT_PERMISSION},
    {0x07, UIOMMU_EVENT_FETCH_ABORT},
    {0x08, UIOMMU_EVENT_FETCH_ABORT},
    {0x09, UIOMMU_EVENT_FETCH_ABORT},
    {0x0a, UIOMMU_EVENT_BAD_TABLE},
    {0x0b, UIOMMU_EVENT_BAD_TABLE},
    {0x0d, UIOMMU_EVENT_ATS_REFUSED},
    {0x30, UIOMMU_EVENT_BAD_TABLE},
    {0x33, UIOMMU_EVENT_BAD_ID},
    {0x38, UIOMMU_EVENT_FETCH_ABORT},
    {0x39, UIOMMU_EVENT_BAD_ID},
    {0x3a, UIOMMU_EVENT_BAD_TABLE},
    {0x40, UIOMMU_EVENT_FETCH_ABORT},
    {0x41, UIOMMU_EVENT_BAD_ID},
    {0x42, UIOMMU_EVENT_BAD_TABLE},
    {0x43, UIOMMU_EVENT_BAD_TABLE},
    {0x44, UIOMMU_EVENT_ATS_REFUSED},
    {0x45, UIOMMU_EVENT_BAD_CONTEXT},
    {0x46, UIOMMU_EVENT_BAD_CONTEXT},
    {0x47, UIOMMU_EVENT_ATS_REFUSED},
    {0x48, UIOMMU_EVENT_BAD_CONTEXT},
    {0x49, UIOMMU_EVENT_TRANSLATED_REFUSED},
    {0x50, UIOMMU_EVENT_FETCH_ABORT},
    {0x51, UIOMMU_EVENT_BAD_CONTEXT},
    {0x52, UIOMMU_EVENT_BAD_CONTEXT},
    {0x58, UIOMMU_EVENT_FETCH_ABORT},
    {0x59, UIOMMU_EVENT_BAD_CONTEXT},
    {0x5a, UIOMMU_EVENT_BAD_CONTEXT},
    {0x5b, UIOMMU_EVENT_BAD_CONTEXT},
    {0x5d, UIOMMU_EVENT_PERMISSION},
    {0x70, UIOMMU_EVENT_FETCH_ABORT},
    {0x71, UIOMMU_EVENT_TRANSLATION},
    {0x79, UIOMMU_EVENT_TRANSLATION},
    {0x72, UIOMMU_EVENT_BAD_TABLE},
    {0x73, UIOMMU_EVENT_FETCH_ABORT},
    {0x74, UIOMMU_EVENT_ADDRESS_SIZE},
    {0x75, UIOMMU_EVENT_TRANSLATION},
    {0x76, UIOMMU_EVENT_TRANSLATION},
    {0x77, UIOMMU_EVENT_PERMISSION},
    {0x78, UIOMMU_EVENT_FETCH_ABORT},
    {0x7a, UIOMMU_EVENT_BAD_TABLE},
    {0x7b, UIOMMU_EVENT_FETCH_ABORT},
    {0x7c, UIOMMU_EVENT_ACCESS_FLAG},
    {0x7d, UIOMMU_EVENT_ACCESS_FLAG},
    {0x80, UIOMMU_EVENT_ADDRESS_SIZE},
    {0x81, UIOMMU_EVENT_PERMISSION},
    {0x83, UIOMMU_EVENT_ADDRESS_SIZE},
    {0x84, UIOMMU_EVENT_ADDRESS_SIZE},
    {0x85, UIOMMU_EVENT_PERMISSION},
    {0x86, UIOMMU_EVENT_PERMISSION},
    {0x87, UIOMMU_EVENT_ADDRESS_SIZE},
    {0x89, UIOMMU_EVENT_BAD_CONTEXT},
    {0x90, UIOMMU_EVENT_ACCESS_FLAG},
    {0x91, UIOMMU_EVENT_ACCESS_FLAG},
    {0, UIOMMU_EVENT_UNKNOWN}, /* The last, and of any other. */
};

static enum uiommu_event_kind kind_of(uint32_t code)
{
    size_t i = 0;

    while (kinds[i].code != 0 && kinds[i].code != code)
        i++;
    return (enum uiommu_event_kind)kinds[i].kind;
}

/* Two type bits: write, page request, read, atomic. */
static uint32_t access_of(uint64_t word)
{
    bool t1 = uiommu_bits_get(word, VTD_FRCD1_T1) != 0;
    bool t2 = uiommu_bits_get(word, VTD_FRCD1_T2) != 0;
    bool pasid = uiommu_bits_get(word, VTD_FRCD1_PP) != 0;
    uint32_t access = 0;

    if (t1)
        access = t2 ? UIOMMU_READ | UIOMMU_WRITE : UIOMMU_READ;
    else if (!t2)
        access = UIOMMU_WRITE;
    if (pasid && access == UIOMMU_READ && uiommu_bits_get(word, VTD_FRCD1_EXE) != 0)
        access = UIOMMU_EXEC;
    if (pasid && uiommu_bits_get(word, VTD_FRCD1_PRIV) != 0)
        access |= UIOMMU_PRIV;
    return access;
}

void uiommu_vtd_fault_decode(const uint64_t record[2], struct uiommu_event *out)
{
    uint32_t code = (uint32_t)uiommu_bits_get(record[1], VTD_FRCD1_FR);

    uiommu_event_init(out, kind_of(code));
    if (out->kind == UIOMMU_EVENT_ATS_REFUSED &&
        uiommu_bits_get(record[1], VTD_FRCD1_AT) == VTD_AT_TRANSLATED)
        out->kind = UIOMMU_EVENT_TRANSLATED_REFUSED;
    out->id = (uint32_t)uiommu_bits_get(record[1], VTD_FRCD1_SID);
    if (uiommu_bits_get(record[1], VTD_FRCD1_PP) != 0)
        out->pasid = (uint32_t)uiommu_bits_get(record[1], VTD_FRCD1_PASID);
    out->access = access_of(record[1]);
    out->address = record[0] & uiommu_bits_mask(VTD_FRCD_FI);
    out->hw_code = code;
    out->raw[0] = record[0];
    out->raw[1] = record[1];
}

static uint32_t record_at(const struct uiommu_vtd *hw, uint32_t i)
{
    return hw->f.fault_base + i * VTD_FRCD_BYTES;
}

/* F is written last: before it is seen the rest may be half old. */
static bool pending_at(const struct uiommu_vtd *hw, uint32_t i)
{
    return (uiommu_vtd_read(hw, record_at(hw, i) + VTD_FRCD_TOP) & VTD_FRCD_F_TOP) != 0;
}

static void clear_at(const struct uiommu_vtd *hw, uint32_t i)
{
    uiommu_vtd_write(hw, record_at(hw, i) + VTD_FRCD_TOP, VTD_FRCD_F_TOP);
}

/* Any bit that is left set suppresses every later message (5.3), and PFO alone sends none: with
 * one of them set there is something to come back for, even without a record. A dead queue is
 * reported as such, and its bits stay. */
uint32_t uiommu_vtd_faults_pending(const struct uiommu_vtd *hw)
{
    uint32_t fsts = uiommu_vtd_read(hw, VTD_FSTS), n = 0, i;
    uint32_t bits = uiommu_vtd_error_bits(hw) | VTD_FSTS_PFO;

    if (fsts == UINT32_MAX)
        return 0;
    for (i = 0; (fsts & VTD_FSTS_PPF) != 0 && i < hw->f.faults; i++)
        n += pending_at(hw, i) ? 1u : 0u;
    if (n == 0 && (fsts & bits) != 0 && !hw->seen_dead)
        n = 1;
    return n;
}

/* Everything of before, sticky as it is. */
void uiommu_vtd_faults_clear(struct uiommu_vtd *hw)
{
    uint32_t i;

    for (i = 0; i < hw->f.faults; i++) {
        if (pending_at(hw, i))
            clear_at(hw, i);
    }
    uiommu_vtd_write(hw, VTD_FSTS, VTD_FSTS_PFO);
    hw->fault_next = 0;
}

/* Where the oldest is: FRI names it only while none has been taken since PPF was set. After a start
 * hardware may be elsewhere in the ring: then the first reports come in another order, none is
 * left.
 */
static uint32_t first_of(struct uiommu_vtd *hw, uint32_t fsts)
{
    uint32_t fri = (uint32_t)uiommu_bits_get(fsts, VTD_FSTS_FRI);

    if (fri >= hw->f.faults)
        hw->note_bad_record = true;
    if (fri >= hw->f.faults || pending_at(hw, hw->fault_next))
        return hw->fault_next;
    return pending_at(hw, fri) ? fri : hw->fault_next;
}

/* Records are lost, not requests: reported, and acknowledged once all records are free. */
static void overflow(struct uiommu_vtd *hw, uint32_t fsts, struct uiommu_fetch *io)
{
    if ((fsts & VTD_FSTS_PFO) == 0 || io->event_count == io->event_room)
        return;
    uiommu_event_init(&io->events[io->event_count], UIOMMU_EVENT_EVENTS_LOST);
    io->event_count++;
    uiommu_vtd_write(hw, VTD_FSTS, VTD_FSTS_PFO);
}

static uint32_t after(const struct uiommu_vtd *hw, uint32_t at)
{
    return at + 1u == hw->f.faults ? 0 : at + 1u;
}

static void take(struct uiommu_vtd *hw, uint32_t at, struct uiommu_fetch *io)
{
    uint64_t record[] = {uiommu_vtd_read64(hw, record_at(hw, at)),
                         uiommu_vtd_read64(hw, record_at(hw, at) + 8u)};

    uiommu_vtd_fault_decode(record, &io->events[io->event_count]);
    io->event_count++;
    clear_at(hw, at);
    io->entries++;
    hw->fault_next = after(hw, at);
}

/* All that there is room for. */
static void take_all(struct uiommu_vtd *hw, uint32_t fsts, struct uiommu_fetch *io)
{
    uint32_t at = first_of(hw, fsts), i;

    for (i = 0; i < hw->f.faults && io->event_count != io->event_room; i++) {
        if (pending_at(hw, at))
            take(hw, at, io);
        at = after(hw, at);
    }
}

void uiommu_vtd_faults_fetch(struct uiommu_vtd *hw, struct uiommu_fetch *io)
{
    uint32_t fsts = uiommu_vtd_read(hw, VTD_FSTS);

    if (fsts == UINT32_MAX)
        return;
    if ((fsts & VTD_FSTS_PPF) != 0)
        take_all(hw, fsts, io);
    overflow(hw, fsts, io);
    if (io->entries == 0 && io->event_count != io->event_room)
        return; /* What is set without a record is no reason to look again. */
    /* A record made meanwhile may have met PPF set and sent no message; others found no room. */
    if ((uiommu_vtd_read(hw, VTD_FSTS) & (VTD_FSTS_PPF | VTD_FSTS_PFO)) != 0)
        io->flags |= UIOMMU_FETCH_MORE;
}
