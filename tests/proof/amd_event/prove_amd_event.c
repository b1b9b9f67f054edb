/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The AMD event and PPR logs. Decoding: every entry, bits by number as in the specification's event
 * formats (48882, 2.5). Fetching: any tail and status, memory that changes with every look, any
 * room, from any state: nothing outside the ring, each entry counted once.
 */
#include "../prove.h"

#include <backends/amd/amd_internal.h>

#define LOG2 1u
#define SIZE (1u << LOG2)

static struct uiommu_amd hw;
static uint64_t ring[2][2 * SIZE];
static struct amd_stashed stash[SIZE];
static struct uiommu_request requests[SIZE];
static struct uiommu_event events[SIZE];
static struct amd_device device;

/* ---- what the logs stand on ---- */

uint32_t uiommu_amd_read(const struct uiommu_amd *of, uint32_t offset)
{
    (void)of;
    (void)offset;
    return nondet_u32();
}

void uiommu_amd_write(const struct uiommu_amd *of, uint32_t offset, uint32_t value)
{
    PROVE(offset != of->ppr.head_reg || value == of->ppr.head << 4);
    PROVE(offset != of->evt.head_reg || value == of->evt.head << 4);
}

void uiommu_amd_write64(const struct uiommu_amd *of, uint32_t offset, uint64_t value)
{
    (void)of;
    (void)offset;
    (void)value;
}

/* Hardware may have written since the last look. */
void prove_look(const volatile uint64_t *word)
{
    *(volatile uint64_t *)(uintptr_t)word = nondet_u64();
}

static void from_device(void *ctx, const void *cpu, uint64_t bytes)
{
    (void)ctx;
    (void)cpu;
    PROVE(bytes == sizeof(uint64_t));
}

static void to_device(void *ctx, const void *cpu, uint64_t bytes)
{
    (void)ctx;
    (void)cpu;
    PROVE(bytes == AMD_LOG_BYTES);
}

void uiommu_amd_control(struct uiommu_amd *of, uint64_t set, uint64_t clear)
{
    (void)of;
    PROVE((set & clear) == 0);
}

void uiommu_amd_await_run(const struct uiommu_amd *of, uint32_t run_bit)
{
    (void)of;
    (void)run_bit;
}

uint64_t uiommu_amd_timeout_ns(const struct uiommu_amd *of)
{
    (void)of;
    return nondet_u32();
}

uint64_t uiommu_amd_ring_base(uint64_t bus, uint32_t log2)
{
    return bus | log2;
}

void uiommu_amd_fail_unanswered(struct uiommu_amd *of)
{
    (void)of;
}

void uiommu_amd_fail_command(struct uiommu_amd *of, uint64_t bus)
{
    (void)of;
    PROVE((bus & 0xf) == 0);
}

const volatile uint64_t *uiommu_amd_command_at(const struct uiommu_amd *of, uint64_t bus)
{
    static uint64_t command[2];

    (void)of;
    (void)bus;
    command[0] = nondet_u64();
    return nondet_bool() ? command : NULL;
}

struct amd_device *uiommu_amd_device_of(const struct uiommu_amd *of, uint32_t id)
{
    (void)of;
    PROVE(id <= 0xffff);
    return nondet_bool() ? &device : NULL;
}

bool uiommu_amd_gcr3_quiet(const struct uiommu_amd *of, const struct amd_device *dev,
                           uint32_t pasid)
{
    (void)of;
    PROVE(dev == &device && (pasid == UIOMMU_PASID_NONE || pasid <= 0xfffff));
    return nondet_bool();
}

uintptr_t uiommu_unit_lock(struct uiommu_unit *unit)
{
    (void)unit;
    return 0;
}

void uiommu_unit_unlock(struct uiommu_unit *unit, uintptr_t state)
{
    (void)unit;
    (void)state;
}

static uint64_t any_time(void *ctx)
{
    (void)ctx;
    return nondet_u64() >> 1;
}

/* ---- decoding ---- */

static uint32_t pasid_in(const uint64_t entry[2])
{
    uint64_t code = sheet_bits(entry[0], 63, 60), pasid = 0;

    if ((code == 1 || code == 2 || code == 4 || code == 8) && sheet_bits(entry[0], 48, 48) != 0)
        pasid = sheet_bits(entry[0], 47, 32) | sheet_bits(entry[0], 19, 16) << 16;
    if (code == 9 && sheet_bits(entry[0], 57, 57) != 0)
        pasid = sheet_bits(entry[0], 31, 16) | sheet_bits(entry[0], 45, 42) << 16;
    return pasid != 0 ? (uint32_t)pasid : UIOMMU_PASID_NONE;
}

/* Only an error of a command has one beside it. */
static bool has_command(const struct amd_stashed *s)
{
    uint64_t code = sheet_bits(s->entry[0], 63, 60);

    return (code == 5 || code == 6) && s->command[0] != 0;
}

static void decoding(void)
{
    struct amd_stashed s = {{nondet_u64(), nondet_u64()}, {nondet_u64(), nondet_u64()}};
    uint64_t code = sheet_bits(s.entry[0], 63, 60);
    bool rw = sheet_bits(s.entry[0], 53, 53) != 0, i = sheet_bits(s.entry[0], 51, 51) != 0;
    bool command = has_command(&s);
    struct uiommu_request r;
    struct uiommu_event e;

    ASSUME(command || s.command[0] == 0);
    uiommu_amd_event_decode(&s, &e);
    PROVE(e.id == (code == 5 || code == 6 || code == 10 ? UINT32_MAX : (s.entry[0] & 0xffff)));
    PROVE(e.pasid == pasid_in(s.entry) && e.hw_code == code && e.address == s.entry[1]);
    PROVE((e.access & (UIOMMU_READ | UIOMMU_WRITE)) == (code < 1 || code > 4 || i ? 0u
                                                        : rw                      ? UIOMMU_WRITE
                                                                                  : UIOMMU_READ));
    PROVE(((e.access & UIOMMU_PRIV) != 0) ==
          (code == 2 && !i && sheet_bits(s.entry[0], 48, 48) == 1 &&
           sheet_bits(s.entry[0], 50, 50) == 0));
    PROVE(e.raw[command ? 2 : 0] == s.entry[0] && e.raw[command ? 3 : 1] == s.entry[1]);
    PROVE(uiommu_amd_event_asks(s.entry) == (code == 9 && sheet_bits(s.entry[0], 48, 48) == 0));
    uiommu_amd_event_request(s.entry, &r);
    PROVE(r.id == (s.entry[0] & 0xffff) && r.index == sheet_bits(s.entry[0], 40, 32));
    PROVE(code != 9 || r.pasid == pasid_in(s.entry));
    PROVE((r.flags & UIOMMU_REQUEST_PRESET) != 0 && r.address == (s.entry[1] >> 12 << 12));
    PROVE(((r.flags & UIOMMU_REQUEST_LAST) != 0) == (sheet_bits(s.entry[0], 41, 41) != 0));
}

/* ---- fetching ---- */

static void any_log(struct amd_log *log, void *memory)
{
    log->mem.cpu = memory;
    log->log2 = LOG2;
    log->head = nondet_u32() % SIZE;
    log->on = nondet_bool();
    log->waiting = nondet_bool();
    log->late_ns = nondet_u64();
    log->discarded = nondet_u16();
    log->lost = nondet_bool();
    log->skipped = nondet_bool();
    log->bad = nondet_bool();
    log->reported = nondet_bool();
    log->stopping = nondet_bool();
    log->stop_ns = nondet_u64();
}

static void fetching(uint32_t which)
{
    static struct uiommu_host_ops host;
    struct uiommu_fetch io = {requests, nondet_u32(), 0, events, nondet_u32(), 0, 0, 0};
    struct amd_log *log;
    uint32_t head, before, i;

    ASSUME(io.request_room >= 1 && io.request_room <= SIZE);
    ASSUME(io.event_room >= 1 && io.event_room <= SIZE);
    host.now_ns = any_time;
    host.mem_from_device = from_device;
    host.mem_to_device = to_device;
    hw.host = &host;
    hw.f.ppr = nondet_bool() || which == 0;
    uiommu_amd_logs_init(&hw);
    any_log(&hw.ppr, ring[0]);
    any_log(&hw.evt, ring[1]);
    hw.stash = stash;
    hw.stash_first = nondet_u32() % SIZE;
    hw.stash_count = nondet_u32();
    hw.events_lost = nondet_u16();
    hw.config.flags = nondet_u32();
    hw.cmdq.open = true;
    device.set = nondet_u32();
    device.isolated = nondet_bool();
    device.quiet = nondet_bool();
    ASSUME(hw.stash_count <= SIZE);
    log = which == 0 ? &hw.ppr : &hw.evt;
    head = log->head;
    before = log->discarded + (which == 0 ? 0 : hw.stash_count);
    PROVE(uiommu_amd_fetch(&hw, hw.ppr.present ? which : 0, &io) == UIOMMU_OK);
    PROVE(log->head < SIZE && hw.stash_first < SIZE && hw.stash_count <= SIZE);
    PROVE(io.request_count <= io.request_room && io.event_count <= io.event_room);
    PROVE(io.entries + (which == 0 ? 0 : hw.stash_count) + log->discarded ==
          before + ((log->head - head) & (SIZE - 1)));
    i = nondet_u32();
    PROVE(i >= io.request_count || requests[i].at < io.entries);
    PROVE(i >= SIZE || has_command(&stash[i]) || stash[i].command[0] == 0);
}

void prove(void)
{
    uint32_t what = nondet_u32();

    if (what == 0)
        decoding();
    else if (what == 1)
        fetching(0);
    else
        fetching(1);
}
