/* SPDX-License-Identifier: BSD-2-Clause */
#include "play.h"

#include <string.h>

/* The end of a run: no new work, everybody honest, everything down, and a last look. */

#define RUN_LEAST (5 * BENCH_MS)

void play_calm(struct play *p)
{
    struct bench *b;

    p->bench->fail_at = 0;
    for (b = p->bench; b != NULL; b = b->beside) {
        b->vendor->hang(b, false);
        b->vendor->lose_invalidations(b, 0);
        b->vendor->lie(b, BENCH_LIE_NONE);
        if (b->vendor->slow_ring != NULL) {
            b->vendor->slow_ring(b, 0);
        }
        bench_fabric(b, 100, BENCH_US, 0, 0);
        model_fabric_release(b->fabric, UINT32_MAX);
    }
}

static void wait_for(struct play *p, const uint32_t *word, const char *whom)
{
    uint64_t began = play_now(p);

    while (*word != 0) {
        PLAY_NEED("I21", play_now(p) - began < 2 * PLAY_FOREVER, "%s do not end", whom);
        play_sleep(100 * BENCH_US);
    }
}

/* What poisoned bonds and resting numbers wait for, and then the device goes. */
static void device_down(struct play *p, struct play_device *d)
{
    uint64_t began = play_now(p);
    uiommu_err err = UIOMMU_PENDING;

    while (d->dev != NULL && err != UIOMMU_OK) {
        err = uiommu_device_detach(d->dev);
        PLAY_NEED("I21", err == UIOMMU_OK || play_now(p) - began < PLAY_FOREVER,
                  "device %u is never detached: %d", d->number, err);
        if (err != UIOMMU_OK) {
            play_sleep(100 * BENCH_US);
        }
    }
    d->dev = NULL;
}

static void devices_down(struct play *p)
{
    uiommu_err err;
    uint32_t i;

    for (i = 0; i < p->devices; i++) {
        if (play_rough(p) && p->dev[i].pf == NULL && !p->dev[i].removed) {
            (void)play_reset(p, &p->dev[i]);
        }
    }
    for (i = p->devices; i > 0; i--) { /* VFs come after their PF. */
        device_down(p, &p->dev[i - 1]);
    }
    for (i = 0; i < p->devices; i++) {
        if (p->dev[i].port != NULL) {
            err = uiommu_port_destroy(p->dev[i].port);
            PLAY_NEED("I18", err == UIOMMU_OK, "port_destroy: %d", err);
        }
    }
}

static void owners_down(struct play *p)
{
    uiommu_err err;
    uint32_t i;

    for (i = 0; i < PLAY_OWNERS; i++) {
        err = uiommu_owner_destroy(p->owner[i].owner);
        PLAY_NEED("I18", err == UIOMMU_OK, "owner_destroy: %d", err);
    }
}

static void last_look(struct play *p)
{
    struct bench *b = p->bench;
    uint64_t bytes = 0;
    uint32_t i, owed = 0;

    for (i = 0; i < PLAY_LIVES; i++) {
        PLAY_NEED("I18",
                  p->life[i].number == 0 || p->life[i].state == UIOMMU_BOND_FREE ||
                      p->life[i].known == 0,
                  "life %u ends in state %u", p->life[i].number, p->life[i].state);
    }
    for (; b != NULL; b = b->beside) {
        owed += b->vendor->stalls_owed(b);
    }
    b = p->bench;
    PLAY_NEED("I22", owed == 0, "%u stalls were never ended", owed);
    bench_heap_look(b);
    PLAY_NEED("memory", b->heap.live == 0 && b->mem_live == 0,
              "%u pieces of the heap and %u of DMA memory are left", b->heap.live, b->mem_live);
    PLAY_NEED("memory", b->heap.faults == 0, "memory was used wrongly %u times", b->heap.faults);
    PLAY_NEED("memory", model_ram_live(b->world, &bytes) == 0, "%llu bytes of RAM are left",
              (unsigned long long)bytes);
    play_honest(p);
}

void play_cpu_end(struct sim *s, void *arg)
{
    struct play *p = arg;
    uiommu_err err;
    uint32_t i;

    (void)s;
    play_sleep(RUN_LEAST + play_pick(25) * BENCH_MS);
    p->ending = true;
    wait_for(p, &p->working, "lives");
    play_calm(p);
    play_sleep(BENCH_MS);
    p->done = true;
    wait_for(p, &p->helping, "helpers");
    for (i = 0; i < p->plan.units; i++) {
        if (p->unit[i].sick) {
            play_heal(p, &p->unit[i]);
        }
    }
    devices_down(p);
    owners_down(p);
    p->over = true;
    wait_for(p, &p->serving, "those who serve");
    err = bench_down(p->bench);
    PLAY_NEED("I18", err == UIOMMU_OK, "the machine does not come down: %d", err);
    last_look(p);
}
