/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_TESTS_UNIT_TOY_H
#define UIOMMU_TESTS_UNIT_TOY_H
/* A backend without hardware on a fake host: one op at a time can be told to fail. */
#include <criterion/criterion.h>

#include "../../core/core.h"
#include "../support/fake_host.h"

#define TOY_RING 256u

enum toy_op {
    TOY_NONE,
    TOY_PROBE,
    TOY_START,
    TOY_ATTACH,
    TOY_DEVICE_SET,
    TOY_PREPARE,
    TOY_PASID_SET,
    TOY_CONFIG,
    TOY_TLB,
    TOY_DTLB,
    TOY_TICKET,
    TOY_POLL,
    TOY_BARRIER,
    TOY_ISOLATE,
    TOY_FETCH
};

struct toy {
    struct uiommu_caps caps;
    enum toy_op failing;
    uiommu_err with;
    uint32_t times;    /* so often, then no more; 0: for ever */
    uint32_t strength; /* of barriers */
    uint32_t depth;    /* of device TLBs, of the last attached */
    uint32_t isolated; /* steps of that */
    uint64_t tickets;
    uint32_t attached; /* less what was detached */
    uint32_t set, cleared;
    uint32_t forgot; /* commands to empty a device TLB */
    uint32_t tag;    /* of the last set */
    uint32_t opened; /* steps */
    struct uiommu_request request[TOY_RING];
    uint32_t waiting, flags; /* requests in the ring; what the next fetch says */
    uint32_t room;           /* answers that still fit */
    uint32_t answers, code[4], from;
};

static struct fake_host host;
static struct toy toy;
static struct uiommu *u;
static struct uiommu_pasid_space *space;
static struct uiommu_unit *unit;
static const uint32_t toy_id = 8;

static uiommu_err toy_does(enum toy_op op)
{
    if (toy.failing != op)
        return UIOMMU_OK;
    if (toy.times != 0 && --toy.times == 0)
        toy.failing = TOY_NONE;
    return toy.with;
}
static uiommu_err toy_probe(void *hw, struct uiommu_caps *out)
{
    (void)hw;
    *out = toy.caps;
    return toy_does(TOY_PROBE);
}
static uiommu_err toy_start(void *hw)
{
    (void)hw;
    return toy_does(TOY_START);
}
static uiommu_err toy_root(void *hw, void *d, uint32_t pasid, const struct uiommu_root *root)
{
    (void)hw;
    (void)d;
    (void)pasid;
    (void)root;
    return UIOMMU_OK;
}
static uiommu_err toy_attach(void *hw, const struct uiommu_device_desc *desc, void **out)
{
    uiommu_err err = toy_does(TOY_ATTACH);

    toy.depth = desc->ats_depth;
    if (err == UIOMMU_OK) {
        *out = hw;
        toy.attached++;
    }
    return err;
}
static void toy_detach(void *hw, void *d)
{
    (void)hw;
    (void)d;
    toy.attached--;
}
/* Shutting a device never fails: else it could not be taken back. */
static uiommu_err toy_device_set(void *hw, void *d, uint32_t flags, uint32_t step)
{
    (void)hw;
    (void)d;
    (void)step;
    toy.opened += flags != 0;
    return flags == 0 ? UIOMMU_OK : toy_does(TOY_DEVICE_SET);
}
static uiommu_err toy_isolate(void *hw, void *d)
{
    (void)hw;
    (void)d;
    toy.isolated++;
    return toy_does(TOY_ISOLATE);
}
static uiommu_err toy_prepare(void *hw, void *d, uint32_t pasid)
{
    (void)hw;
    (void)d;
    (void)pasid;
    return toy_does(TOY_PREPARE);
}
static uiommu_err toy_set(void *hw, void *d, uint32_t pasid, const struct uiommu_root *root,
                          uint32_t tag, uint32_t step)
{
    (void)hw;
    (void)d;
    (void)pasid;
    (void)root;
    (void)step;
    toy.tag = tag;
    toy.set++;
    return toy_does(TOY_PASID_SET);
}
static void toy_block(void *hw, void *d, uint32_t pasid)
{
    (void)hw;
    (void)d;
    (void)pasid;
}
static void toy_clear(void *hw, void *d, uint32_t pasid)
{
    toy_block(hw, d, pasid);
    toy.cleared++;
}
static uiommu_err toy_config(void *hw, void *d, uint32_t pasid)
{
    toy_block(hw, d, pasid);
    return toy_does(TOY_CONFIG);
}
static uiommu_err toy_tlb(void *hw, void *d, uint32_t pasid, const struct uiommu_root *root,
                          uint32_t tag, const struct uiommu_range *r)
{
    (void)root;
    (void)tag;
    (void)r;
    toy_block(hw, d, pasid);
    return toy_does(TOY_TLB);
}
static uiommu_err toy_dtlb(void *hw, void *d, uint32_t pasid, const struct uiommu_range *r)
{
    (void)r;
    toy_block(hw, d, pasid);
    toy.forgot++;
    return toy_does(TOY_DTLB);
}
static uiommu_err toy_ticket(void *hw, uint64_t *out)
{
    (void)hw;
    *out = ++toy.tickets;
    return toy_does(TOY_TICKET);
}
static uiommu_err toy_poll(void *hw, uint64_t ticket)
{
    (void)hw;
    (void)ticket;
    return toy_does(TOY_POLL);
}
static uiommu_err toy_barrier(void *hw, void *d, uint32_t pasid, uint64_t *ticket,
                              uint32_t *strength)
{
    uiommu_err err = toy_does(TOY_BARRIER);

    toy_block(hw, d, pasid);
    *strength = toy.strength;
    return err == UIOMMU_OK ? toy_ticket(hw, ticket) : err;
}
static uint32_t toy_respond(void *hw, const struct uiommu_answer *answers, uint32_t count)
{
    uint32_t i;

    (void)hw;
    count = count < toy.room ? count : toy.room;
    toy.room -= count;
    toy.answers += count;
    for (i = 0; i < count; i++) {
        toy.code[answers[i].code & 3]++;
        toy.from = answers[i].id;
    }
    return count;
}
static uint32_t toy_pending(void *hw, uint32_t ring)
{
    (void)hw;
    (void)ring;
    return toy.waiting;
}
static uiommu_err toy_fetch(void *hw, uint32_t ring, struct uiommu_fetch *io)
{
    uint32_t i, n = toy.waiting < io->request_room ? toy.waiting : io->request_room;

    (void)hw;
    (void)ring;
    if (toy.failing == TOY_FETCH) {
        io->entries = 7; /* is not to be believed */
        return toy.with;
    }
    for (i = 0; i < n; i++) {
        io->requests[i] = toy.request[i];
        io->requests[i].at = i;
    }
    toy.waiting -= n;
    memmove(toy.request, &toy.request[n], toy.waiting * sizeof(toy.request[0]));
    io->request_count = io->entries = n;
    io->flags = toy.flags | (toy.waiting != 0 ? UIOMMU_FETCH_MORE : 0);
    toy.flags = 0;
    return UIOMMU_OK;
}

static const struct uiommu_backend_ops toy_ops = {
    .size = sizeof(toy_ops),
    .name = "toy",
    .probe = toy_probe,
    .start = toy_start,
    .root_check = toy_root,
    .device_attach = toy_attach,
    .device_detach = toy_detach,
    .device_set = toy_device_set,
    .device_isolate = toy_isolate,
    .pasid_prepare = toy_prepare,
    .pasid_set = toy_set,
    .pasid_block = toy_block,
    .pasid_clear = toy_clear,
    .config_invalidate = toy_config,
    .tlb_invalidate = toy_tlb,
    .dtlb_invalidate = toy_dtlb,
    .ticket = toy_ticket,
    .ticket_poll = toy_poll,
    .barrier = toy_barrier,
    .respond = toy_respond,
    .ring_pending = toy_pending,
    .fetch = toy_fetch,
};

/* An instance and a space of PASIDs; capabilities of a complete unit. */
static inline void toy_begin(void)
{
    static const struct uiommu_caps caps = {
        .flags = UIOMMU_CAP_ATS | UIOMMU_CAP_MARKERS | UIOMMU_CAP_RESPONSE_PASID,
        .id_bits = 16,
        .pasid_bits = 20,
        .pasid_first = 1,
        .request_entries = 64,
        .stall_max = 8,
        .tag_first = 1,
        .tag_last = 15,
        .stu_bits = 12,
        .rings = 1,
        .ring = {{UIOMMU_RING_REQUESTS | UIOMMU_RING_LOSES, 64}}};
    struct uiommu_pasid_space_config numbers = {.size = sizeof(numbers), .first = 1, .last = 1023};

    fake_host_init(&host);
    host.tick_ns = 1000;
    memset(&toy, 0, sizeof(toy));
    toy.caps = caps;
    toy.room = UINT32_MAX;
    toy.strength = UIOMMU_BARRIER_PROVED;
    u = fake_host_create(&host);
    cr_assert_eq(uiommu_pasid_space_create(u, &numbers, &space), UIOMMU_OK);
    unit = NULL;
}

static inline void toy_end(void)
{
    if (unit != NULL) {
        cr_assert_eq(uiommu_unit_stop(unit), UIOMMU_OK);
        cr_assert_eq(uiommu_unit_destroy(unit), UIOMMU_OK);
    }
    cr_assert_eq(toy.attached, 0);
    cr_assert_eq(uiommu_pasid_space_destroy(space), UIOMMU_OK);
    cr_assert(fake_host_destroy(&host, u));
}

static inline uiommu_err toy_create(const struct uiommu_backend_ops *ops)
{
    struct uiommu_unit_config config = {.size = sizeof(config), .pasids = space};

    return uiommu_unit_create(u, ops, &toy, &config, &unit);
}

/* And a started unit. */
static inline void toy_up(void)
{
    toy_begin();
    cr_assert_eq(toy_create(&toy_ops), UIOMMU_OK);
    cr_assert_eq(uiommu_unit_start(unit), UIOMMU_OK);
}

#endif
