/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_vtd_internal.h"

#define F_BIT ((uint64_t)1 << 63)

struct row {
    uint8_t reason;
    bool always;      /* FPD does not matter. */
    bool translation; /* Has an answer of its own to translation requests. */
    enum model_translate_status answer;
};
#define UR  MODEL_TRANSLATE_UNSUPPORTED
#define CA  MODEL_TRANSLATE_ABORTED
#define OK0 MODEL_TRANSLATE_OK

static const struct row rows[] = {
    {0x30, true, true, CA},   {0x31, true, true, UR},   {0x32, true, true, UR},
    {0x33, true, true, UR},   {0x38, true, true, CA},   {0x39, true, true, UR},
    {0x3A, true, true, CA},   {0x40, true, true, CA},   {0x41, false, true, UR},
    {0x42, false, true, CA},  {0x43, false, true, CA},  {0x44, false, true, UR},
    {0x45, false, true, UR},  {0x46, false, true, UR},  {0x47, false, true, UR},
    {0x48, false, true, UR},  {0x49, false, true, UR},  {0x50, true, true, CA},
    {0x51, false, true, OK0}, {0x52, false, true, CA},  {0x58, true, true, CA},
    {0x59, false, true, OK0}, {0x5A, false, true, CA},  {0x5B, false, true, CA},
    {0x5C, false, true, OK0}, {0x5D, false, true, OK0}, {0x70, false, true, OK0},
    {0x71, false, true, OK0}, {0x72, false, true, OK0}, {0x73, false, true, OK0},
    {0x74, false, true, OK0}, {0x75, false, true, OK0}, {0x76, false, true, OK0},
    {0x77, false, true, OK0}, {0x78, false, true, CA},  {0x79, false, true, OK0},
    {0x7A, false, true, CA},  {0x7B, false, true, CA},  {0x7C, false, true, CA},
    {0x7D, false, true, CA},  {0x80, false, true, OK0}, {0x81, false, true, OK0},
    {0x83, false, true, OK0}, {0x84, false, true, OK0}, {0x85, false, true, OK0},
    {0x86, false, true, OK0}, {0x87, false, true, CA},  {0x89, false, true, UR},
    {0x90, false, true, OK0}, {0x91, false, true, OK0},
};

static const struct row *find(uint32_t reason)
{
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].reason == reason) {
            return &rows[i];
        }
    }
    return &rows[0];
}

bool vtd_fault_qualified(uint32_t reason)
{
    return !find(reason)->always;
}

enum model_translate_status vtd_fault_answer(uint32_t reason)
{
    return find(reason)->answer;
}

/* A status bit of FSTS that may raise the fault event. */
void vtd_fsts_set(struct model_vtd *m, uint32_t bit)
{
    bool idle = vtd_event_idle(m, MODEL_VTD_IRQ_FAULT);

    m->fsts |= bit;
    if (idle && bit != VTD_PFO) {
        vtd_event_raise(m, MODEL_VTD_IRQ_FAULT);
    }
}

static uint64_t record_high(const struct model_vtd *m, const struct vtd_access *want,
                            uint32_t reason)
{
    uint64_t word = want->id & 0xFFFFu;
    bool pasid = want->has_pasid && m->config.pasid && want->at != 2;
    bool write = (want->access & MODEL_WRITE) != 0 && want->at != 1;

    word |= (uint64_t)reason << 32;
    if (want->at == 3) {
        word |= (uint64_t)1 << 28;
    } else if (!write) {
        word |= (uint64_t)1 << 62;
    }
    if (pasid) {
        word |= (uint64_t)1 << 31 | (uint64_t)(want->pasid & 0xFFFFFu) << 40;
        if ((want->access & MODEL_PRIV) != 0) {
            word |= (uint64_t)1 << 29;
        }
        if ((want->access & MODEL_EXEC) != 0 && !write) {
            word |= (uint64_t)1 << 30;
        }
    }
    if (m->config.dt && want->at < 3) {
        word |= (uint64_t)want->at << 60;
    }
    return word;
}

static bool absorbed(const struct model_vtd *m, uint32_t id)
{
    uint32_t i;

    for (i = 0; m->knobs.compress_faults && i < m->config.records; i++) {
        if ((m->record[i][1] & F_BIT) != 0 && (m->record[i][1] & 0xFFFFu) == (id & 0xFFFFu)) {
            return true;
        }
    }
    return false;
}

void vtd_fault_record(struct model_vtd *m, const struct vtd_access *want, uint32_t reason)
{
    uint32_t at = m->record_next;
    uint32_t widest = vtd_bit(m->config.sagaw, 3) ? 57 : vtd_bit(m->config.sagaw, 2) ? 48 : 39;

    if ((m->fsts & VTD_PFO) != 0 || absorbed(m, want->id)) {
        m->counts.faults_lost++;
        return;
    }
    if ((m->record[at][1] & F_BIT) != 0) {
        m->counts.faults_lost++;
        vtd_fsts_set(m, VTD_PFO);
        return;
    }
    m->counts.faults_logged++;
    m->record[at][0] = want->address & vtd_ones(widest) & ~vtd_ones(12);
    m->record[at][1] = record_high(m, want, reason) | F_BIT;
    m->record_next = (at + 1) % m->config.records;
    if ((m->fsts & VTD_PPF) == 0) {
        m->fsts = (m->fsts & ~0xFF00u) | at << 8;
        vtd_fsts_set(m, VTD_PPF);
    }
}

/* A request went wrong: logged, unless the tables ask for silence or the answer says it all. */
void vtd_fault(struct model_vtd *m, const struct vtd_access *want, const struct vtd_outcome *got)
{
    if (got->fault == 0 || want->quiet) {
        return;
    }
    m->counts.faults[got->fault]++;
    if (want->at == 1 && vtd_fault_answer(got->fault) == OK0 && got->fault != 0x91) {
        return;
    }
    if (got->fpd && vtd_fault_qualified(got->fault)) {
        m->counts.faults_silent++;
        return;
    }
    vtd_fault_record(m, want, got->fault);
}

void vtd_fsts_write(struct model_vtd *m, uint32_t value)
{
    uint32_t cleared = value & (VTD_PFO | VTD_IQE | VTD_ICE | VTD_ITE) & m->fsts;
    uint32_t i;

    if ((value & 0xFFFF008Cu) != 0 && (value & 0xFFFF008Cu) != 0x80u) {
        vtd_wrong(m, "vtd.reg.reserved", "reserved bits of FSTS are written 1", 0x34, value);
    }
    for (i = 0; (cleared & VTD_PFO) != 0 && i < m->config.records; i++) {
        if ((m->record[i][1] & F_BIT) != 0) {
            vtd_wrong(m, "vtd.fault.overflow-cleared-early",
                      "PFO is cleared while records are pending", i, m->fsts);
            break;
        }
    }
    m->fsts &= ~cleared;
    if ((cleared & VTD_IQE) != 0) {
        m->iqercd &= ~(uint64_t)0xF;
        vtd_iq_rehash(m, m->iqh, m->iqt);
    }
    if ((cleared & VTD_ITE) != 0) {
        m->iqercd &= ~((uint64_t)0xFFFF << 32);
        vtd_iq_rehash(m, m->iqh, m->iqt);
    }
    if ((cleared & VTD_ICE) != 0) {
        m->iqercd &= ~((uint64_t)0xFFFF << 48);
    }
    vtd_event_settle(m, MODEL_VTD_IRQ_FAULT);
    vtd_iq_kick(m);
}

uint32_t vtd_record_read(const struct model_vtd *m, uint32_t at)
{
    return (uint32_t)(m->record[at / 16][at / 8 % 2] >> (8 * (at & 4)));
}

void vtd_record_write(struct model_vtd *m, uint32_t at, uint32_t value)
{
    uint32_t i;

    if (at % 16 != 12 || (value & 0x7FFFFFFFu) != 0) {
        vtd_wrong(m, "vtd.fault.record-written", "only F of a fault record can be written", at,
                  value);
    }
    if (at % 16 != 12 || (value >> 31) == 0) {
        return;
    }
    m->record[at / 16][1] &= ~F_BIT;
    for (i = 0; i < m->config.records; i++) {
        if ((m->record[i][1] & F_BIT) != 0) {
            return;
        }
    }
    m->fsts &= ~VTD_PPF;
    vtd_event_settle(m, MODEL_VTD_IRQ_FAULT);
}

void model_vtd_inject_fault(struct model_vtd *m, uint32_t id, uint32_t pasid, uint64_t address,
                            uint32_t reason)
{
    struct vtd_access want = {.id = id,
                              .has_pasid = pasid != MODEL_VTD_NONE,
                              .pasid = pasid & 0xFFFFFu,
                              .address = address,
                              .access = MODEL_READ};

    vtd_fault_record(m, &want, reason & 0xFF);
}

void model_vtd_raise_status(struct model_vtd *m, uint32_t bits)
{
    vtd_fsts_set(m, bits & (VTD_IQE | VTD_ICE | VTD_ITE));
}
