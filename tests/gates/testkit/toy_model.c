/* SPDX-License-Identifier: BSD-2-Clause */
#include "toy_model_internal.h"

/* Registers, and what is looked at from outside. */

#define MAGIC (UINT64_C(0x544F5931) << 32)

void toy_wrong(struct toy_model *m, const char *rule, const char *text, uint64_t a, uint64_t b)
{
    model_report(m->world, rule, text, a, b);
}

void toy_irq(struct toy_model *m)
{
    if ((m->ctrl & 2) != 0) {
        m->config.irq(m->config.ctx);
    }
}

struct toy_model *toy_model_create(struct model_world *world, struct model_fabric *fabric,
                                   const struct toy_model_config *config)
{
    static const struct model_iommu_ops ops = {toy_dma, toy_translate, toy_page_request,
                                               toy_device_answered};
    struct toy_model *m = model_alloc(world, sizeof(*m), 16);

    if (m == NULL) {
        return NULL;
    }
    m->world = world;
    m->fabric = fabric;
    m->config = *config;
    model_fabric_attach_iommu(fabric, &ops, m);
    return m;
}

struct toy_model_knobs *toy_model_knobs(struct toy_model *m)
{
    return &m->knobs;
}

/* ---- on and off ---- */

/* Off: rings, caches and everything under way are gone. */
static void forget(struct toy_model *m)
{
    m->life++;
    m->busy = false;
    m->status = 0;
    m->done = 0;
    m->error = 0;
    m->failed = 0;
    m->flip = 0;
    m->command.head = m->command.tail = 0;
    m->log.head = m->log.tail = 0;
    m->pending_count = 0;
    memset(m->device, 0, sizeof(m->device));
    memset(m->pasid, 0, sizeof(m->pasid));
    memset(m->tlb, 0, sizeof(m->tlb));
    memset(m->waiting, 0, sizeof(m->waiting));
}

static void control_work(void *arg, uint64_t value)
{
    struct toy_model *m = arg;

    if (!m->changing) { /* There was no power meanwhile. */
        return;
    }

    if ((value & 1) == 0 || !toy_on(m)) {
        forget(m);
    }
    m->ctrl = value;
    m->changing = false;
}

void toy_model_power_cycle(struct toy_model *m)
{
    forget(m);
    m->changing = false;
    m->ctrl = m->table = m->command.base = m->log.base = 0;
}

static void control(struct toy_model *m, uint64_t value)
{
    if ((value & ~UINT64_C(3)) != 0 || m->changing) {
        toy_wrong(m, "toy.reg.ctrl", "reserved bits, or a change while one is under way", value, 0);
    }
    m->changing = true;
    (void)model_schedule(m->world, 50 + model_choose(m->world, 500), control_work, m, value);
}

static void set_base(struct toy_model *m, struct ring *ring, uint64_t value)
{
    ring->base = value & ~UINT64_C(0xFFF);
    ring->log2 = value & 0xF;
    if (toy_on(m) || (value & 0xFF0) != 0 || ring->log2 == 0 || ring->log2 > 12) {
        toy_wrong(m, "toy.reg.base", "a base is set while on, or has no such size", value, 0);
        ring->log2 = 1;
    }
}

/* ---- indices ---- */

static void command_tail(struct toy_model *m, uint64_t value)
{
    struct ring to = m->command;

    to.tail = (uint32_t)value;
    if (!toy_on(m) || value >= UINT64_C(2) << to.log2 || toy_used(&to) > 1u << to.log2 ||
        toy_used(&to) < toy_used(&m->command)) {
        toy_wrong(m, "toy.command.tail",
                  "the tail goes back, overfills the ring, or the toy is off", value,
                  m->command.tail);
        return;
    }
    m->command.tail = to.tail;
    toy_command_run(m);
}

static void log_head(struct toy_model *m, uint64_t value)
{
    struct ring to = m->log;

    to.head = (uint32_t)value ^ m->flip;
    if (!toy_on(m) || value >= UINT64_C(2) << to.log2 || toy_used(&to) > toy_used(&m->log)) {
        toy_wrong(m, "toy.log.head", "the head goes back, passes the tail, or the toy is off",
                  value, m->log.head);
        return;
    }
    m->log.head = to.head;
}

/* Bench's misfortune: told at the next look at the tail, if there is something to lie about. */
static uint64_t log_tail(struct toy_model *m)
{
    uint64_t slot = (m->log.tail - 1) & ((1u << m->log.log2) - 1);
    uint64_t word = 0;

    if (toy_used(&m->log) > 0 && m->knobs.lie_index) {
        m->knobs.lie_index = false;
        m->flip ^= 1u << m->log.log2;
    }
    (void)model_bus_read64(m->world, m->log.base + 16 * slot, &word);
    if (toy_used(&m->log) > 0 && m->knobs.lie_noise && (word & 0xF) == 1) {
        m->knobs.lie_noise = false;
        word = (model_random(m->world) & ~UINT64_C(0xF)) | 1;
        (void)model_bus_write64(m->world, m->log.base + 16 * slot, word);
        (void)model_bus_write64(m->world, m->log.base + 16 * slot + 8, model_random(m->world));
    }
    return m->log.tail ^ m->flip;
}

/* ---- registers ---- */

uint64_t toy_model_read(struct toy_model *m, uint64_t offset)
{
    model_tick(m->world);
    if (m->knobs.all_ones) {
        return UINT64_MAX;
    }
    switch (offset) {
    case 0x00:
        return MAGIC | PASIDS << 8 | IDS;
    case 0x08:
        return m->ctrl;
    case 0x10:
        return m->status;
    case 0x18:
        return m->table;
    case 0x20:
        return m->command.base | m->command.log2;
    case 0x28:
        return m->command.tail;
    case 0x30:
        return m->command.head;
    case 0x38:
        return m->done;
    case 0x40:
        return m->error;
    case 0x48:
        return m->log.base | m->log.log2;
    case 0x50:
        return log_tail(m);
    case 0x58:
        return m->log.head ^ m->flip;
    default:
        toy_wrong(m, "toy.reg.absent", "no such register", offset, 0);
        return 0;
    }
}

static void status(struct toy_model *m, uint64_t clear)
{
    bool halted = (m->status & STATUS_HALT) != 0;

    m->status &= ~(uint32_t)clear;
    if (halted && (m->status & STATUS_HALT) == 0) {
        toy_command_run(m);
    }
}

void toy_model_write(struct toy_model *m, uint64_t offset, uint64_t value)
{
    model_tick(m->world);
    switch (offset) {
    case 0x08:
        control(m, value);
        return;
    case 0x10:
        status(m, value);
        return;
    case 0x18:
        m->table = value;
        if (toy_on(m) || (value & 0xFFF) != 0) {
            toy_wrong(m, "toy.reg.base", "the table is set while on, or not aligned", value, 0);
        }
        return;
    case 0x20:
        set_base(m, &m->command, value);
        return;
    case 0x28:
        command_tail(m, value);
        return;
    case 0x48:
        set_base(m, &m->log, value);
        return;
    case 0x58:
        log_head(m, value);
        return;
    default:
        toy_wrong(m, "toy.reg.read-only", "no register that can be written", offset, value);
        return;
    }
}

/* ---- inspection ---- */

uint32_t toy_model_log_used(const struct toy_model *m)
{
    return toy_used(&m->log);
}

uint64_t toy_model_answers(const struct toy_model *m)
{
    return m->answers;
}

uint64_t toy_model_invalidations(const struct toy_model *m)
{
    return m->others;
}

/* A cached entry would still translate. */
bool toy_model_reaches(const struct toy_model *m, uint32_t id, uint32_t pasid)
{
    uint32_t i;

    for (i = 0; i < PASID_CACHE; i++) {
        const struct pasid_entry *e = &m->pasid[i];

        if (e->used && e->id == id && e->pasid == pasid && (e->word & 2) == 0) {
            return true;
        }
    }
    return false;
}

bool toy_model_uses(const struct toy_model *m, uint64_t first, uint64_t last)
{
    uint32_t i, k;

    for (i = 0; i < PASID_CACHE; i++) {
        uint64_t root = m->pasid[i].word & UINT64_C(0x000FFFFFFFFFF000);

        if (m->pasid[i].used && (m->pasid[i].word & 2) == 0 && root >= first && root <= last) {
            return true;
        }
    }
    for (i = 0; i < TLB; i++) {
        for (k = 0; m->tlb[i].used && k < 4; k++) {
            if (m->tlb[i].table[k] >= first && m->tlb[i].table[k] <= last) {
                return true;
            }
        }
        if (m->tlb[i].used && m->tlb[i].out >= first && m->tlb[i].out <= last) {
            return true;
        }
    }
    return false;
}
