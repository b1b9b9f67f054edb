/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "speed_floor.h"

#define BATCH   64u /* entries between two doorbells, as in the library */
#define INDICES 512u

static uiommu_code fault(void *user, const struct speed_floor_group *group)
{
    struct speed_sums *seen = user;

    seen->count++;
    seen->id += group->id;
    seen->pasid += group->pasid;
    return UIOMMU_CODE_SUCCESS;
}

static inline __attribute__((always_inline)) struct speed_ask decode(enum speed_vendor vendor,
                                                                     const uint64_t *e)
{
    struct speed_ask a;

    a.address = e[1] & ~UINT64_C(0xfff);
    if (vendor == SPEED_AMD) {
        a.id = e[0] & 0xffff;
        a.pasid = (e[0] >> 16 & 0xffff) | (e[0] >> 26 & 0xf0000);
        a.index = e[0] >> 32 & 0x1ff;
        a.last = (e[0] >> 41 & 1) != 0;
    } else if (vendor == SPEED_VTD) {
        a.id = e[0] >> 16 & 0xffff;
        a.pasid = e[0] >> 32 & 0xfffff;
        a.index = e[1] >> 3 & 0x1ff;
        a.last = (e[1] >> 2 & 1) != 0;
    } else {
        a.id = (uint32_t)e[0];
        a.pasid = e[0] >> 32 & 0xfffff;
        a.index = e[1] & 0x1ff;
        a.last = (e[0] >> 62 & 1) != 0;
    }
    return a;
}

static inline __attribute__((always_inline)) void reply(enum speed_vendor vendor, uint64_t *c,
                                                        const struct speed_ask *a, uiommu_code code)
{
    uint64_t bad = code != UIOMMU_CODE_SUCCESS;

    if (vendor == SPEED_AMD) {
        c[0] = UINT64_C(7) << 60 | (uint64_t)a->pasid << 32 | a->id;
        c[1] = (uint64_t)a->index << 32 | bad << 44 | 4;
    } else if (vendor == SPEED_VTD) {
        c[0] = 9 | 1u << 4 | bad << 12 | (uint64_t)a->id << 16 | (uint64_t)a->pasid << 32;
        c[1] = (uint64_t)a->index << 3;
        c[2] = 0;
        c[3] = 0;
    } else {
        c[0] = 0x41 | 1u << 11 | (uint64_t)a->pasid << 12 | (uint64_t)a->id << 32;
        c[1] = a->index | (2 - bad) << 12;
    }
}

static inline __attribute__((always_inline)) void one(struct speed_floor *f,
                                                      enum speed_vendor vendor, const uint64_t *e)
{
    const uint32_t mask = (1u << f->config.queue_log2) - 1u, words = vendor == SPEED_VTD ? 4 : 2;
    struct speed_ask a = decode(vendor, e);
    const struct speed_floor_device *dev = &f->device[a.id & 0xffff];
    size_t slot = (size_t)a.index * f->config.devices + dev->number;
    struct speed_floor_group group = {a.id, a.pasid, 1, &a.address};
    const struct speed_floor_space *space;
    uint32_t at = a.pasid - dev->first;

    if (at >= dev->count)
        return;
    if (!a.last || f->open[slot] != 0) {
        f->address[slot][f->open[slot]++ & 7] = a.address;
        if (!a.last)
            return;
        group.pages = f->open[slot];
        group.address = f->address[slot];
        f->open[slot] = 0;
    }
    space = &f->space[dev->space[at]];
    reply(vendor, (uint64_t *)(void *)f->queue + (size_t)(f->filled++ & mask) * words, &a,
          space->fault(space->user, &group));
}

static inline __attribute__((always_inline)) void serve(struct speed_floor *f,
                                                        enum speed_vendor vendor)
{
    const uint32_t mask = (1u << f->config.ring_log2) - 1u, words = vendor == SPEED_VTD ? 4 : 2;
    uint32_t tail = __atomic_load_n(&f->tail, __ATOMIC_ACQUIRE), head = f->head, stop;

    while (head != tail) {
        stop = tail - head > BATCH ? head + BATCH : tail;
        for (; head != stop; head++)
            one(f, vendor, (const uint64_t *)(const void *)f->ring + (size_t)(head & mask) * words);
        __atomic_store_n(&f->head, head, __ATOMIC_RELEASE);
        __atomic_store_n(&f->doorbell, f->filled, __ATOMIC_RELEASE);
        tail = __atomic_load_n(&f->tail, __ATOMIC_ACQUIRE);
    }
}

void speed_floor_serve(struct speed_floor *f)
{
    if (f->config.vendor == SPEED_AMD)
        serve(f, SPEED_AMD);
    else if (f->config.vendor == SPEED_VTD)
        serve(f, SPEED_VTD);
    else
        serve(f, SPEED_SMMUV3);
}

static void *room_for(size_t count, size_t bytes)
{
    size_t all = (count * bytes + 4095) / 4096 * 4096;
    void *p = aligned_alloc(4096, all);

    if (p == NULL)
        abort();
    memset(p, 0, all);
    return p;
}

struct speed_floor *speed_floor_open(const struct speed_floor_config *config)
{
    struct speed_floor *f = room_for(1, sizeof(*f));
    uint32_t d, b, of = config->devices * config->bonds;

    f->config = *config;
    f->vendor = speed_vendor_of(config->vendor);
    f->ring = room_for((size_t)1 << config->ring_log2, f->vendor->ask_bytes);
    f->queue = room_for((size_t)1 << config->queue_log2, f->vendor->command_bytes);
    f->device = room_for(65536, sizeof(*f->device));
    f->space = room_for(config->spaces, sizeof(*f->space));
    f->spaces = room_for(of, sizeof(*f->spaces));
    f->open = room_for((size_t)config->devices * INDICES, sizeof(*f->open));
    f->address = room_for((size_t)config->devices * INDICES, sizeof(*f->address));
    for (b = 0; b < config->spaces; b++)
        f->space[b] = (struct speed_floor_space){fault, &f->seen};
    for (b = 0; b < of; b++)
        f->spaces[b] = b % config->spaces;
    for (d = 0; d < config->devices; d++)
        f->device[config->id_first + d] = (struct speed_floor_device){
            f->spaces + (size_t)d * config->bonds, 1 + d * config->bonds, config->bonds, d};
    return f;
}

void speed_floor_close(struct speed_floor *f)
{
    free(f->ring);
    free(f->queue);
    free(f->device);
    free(f->space);
    free(f->spaces);
    free(f->open);
    free(f->address);
    free(f);
}

void speed_floor_ask(struct speed_floor *f, const struct speed_ask *ask)
{
    uint32_t slot = f->put++ & ((1u << f->config.ring_log2) - 1u);

    f->vendor->ask(f->ring + (size_t)slot * f->vendor->ask_bytes, ask);
    if (ask->last)
        speed_sums_add(&f->asked, ask->id, ask->pasid, ask->index, UIOMMU_CODE_SUCCESS);
}

void speed_floor_show(struct speed_floor *f)
{
    __atomic_store_n(&f->tail, f->put, __ATOMIC_RELEASE);
}

uint32_t speed_floor_room(const struct speed_floor *f)
{
    return (1u << f->config.ring_log2) - 1u -
           (f->put - __atomic_load_n(&f->head, __ATOMIC_ACQUIRE));
}

bool speed_floor_check(struct speed_floor *f)
{
    const uint32_t mask = (1u << f->config.queue_log2) - 1u;
    struct speed_sums got;
    bool right;

    memset(&got, 0, sizeof(got));
    for (; f->checked != f->doorbell; f->checked++)
        f->vendor->answer(f->queue + (size_t)(f->checked & mask) * f->vendor->command_bytes, &got);
    right = speed_sums_same(&f->asked, &got) && f->seen.count == f->asked.count &&
            f->seen.id == f->asked.id && f->seen.pasid == f->asked.pasid;
    memset(&f->asked, 0, sizeof(f->asked));
    memset(&f->seen, 0, sizeof(f->seen));
    return right;
}
