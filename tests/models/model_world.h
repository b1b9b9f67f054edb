/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MODEL_WORLD_H
#define MODEL_WORLD_H
/*
 * One world is one modelled machine: a clock, a seeded source of choices, the memory that
 * hardware reads and writes, and one place where wrong use is reported. Everything in it is
 * single threaded and deterministic: same seed, same calls, same run.
 *
 * The models share no line with the library: nothing here includes a header of uiommu.
 * They use no libc: memory comes from the caller, once.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct model_world;

/* A wrong use of the hardware, or a broken guarantee. Every report is a test failure. */
struct model_report {
    const char *rule; /* Stable short name, e.g. "smmuv3.cmdq.prod-backward". */
    const char *text; /* One line for people. */
    uint64_t a, b;    /* Rule-specific values (address, index, ...). */
};

struct model_world_config {
    uint64_t seed;       /* Of every choice the models make. */
    void *memory;        /* The models' own state is carved from here; stays until the end. */
    size_t memory_bytes; /* 64 MiB is plenty for every test. */
    uint64_t ram_base;   /* Bus address of modelled RAM. */
    uint64_t ram_bytes;  /* Its size; the bytes themselves are carved from memory as well. */
    bool coherent;       /* false: hardware sees RAM only through model_ram_clean/invalidate. */
    /* How much virtual time one look at the clock or one register access takes. */
    uint64_t tick_ns;
    void *report_ctx;
    void (*report)(void *ctx, const struct model_report *report);
};

/* NULL when memory does not suffice. The world lives in config->memory. */
struct model_world *model_world_create(const struct model_world_config *config);

/* ---- private memory of the models: zeroed, never given back ---- */
void *model_alloc(struct model_world *world, size_t bytes, size_t align);

/* ---- clock and scheduled work ---- */
uint64_t model_now(const struct model_world *world);
/*
 * Let time pass, running what falls due in time order. Re-entry (a scheduled function that
 * advances time) is a no-op beyond moving the clock.
 */
void model_advance(struct model_world *world, uint64_t ns);
/* What the host's now_ns() and every register access do: advance by tick_ns. */
void model_tick(struct model_world *world);
/* Run until nothing is scheduled or max_ns of virtual time passed; false if work remained. */
bool model_settle(struct model_world *world, uint64_t max_ns);
/* For schedulers that decide themselves when time moves. When the next work is due, UINT64_MAX:
 * none is scheduled; run that one piece, with the clock moved to it; how long a look or an access
 * takes from now on. */
uint64_t model_next_work(const struct model_world *world);
bool model_work_step(struct model_world *world);
void model_set_tick(struct model_world *world, uint64_t tick_ns);
typedef void model_work_fn(void *arg, uint64_t token);
/* Run fn(arg, token) delay_ns from now; equal times run in the order of the calls. false: table
 * full. */
bool model_schedule(struct model_world *world, uint64_t delay_ns, model_work_fn *fn, void *arg,
                    uint64_t token);

/* ---- choices ---- */
uint64_t model_random(struct model_world *world);                 /* any 64 bits */
uint32_t model_choose(struct model_world *world, uint32_t n);     /* 0 .. n-1; n >= 1 */
bool model_chance(struct model_world *world, uint32_t per_mille); /* true per_mille/1000 */

/* ---- reports ---- */
void model_report(struct model_world *world, const char *rule, const char *text, uint64_t a,
                  uint64_t b);
uint32_t model_report_count(const struct model_world *world);

/* ---- RAM: the host's side ---- */
/* Zeroed, aligned, last byte <= limit; NULL if none. Freed memory is kept apart and watched. */
void *model_ram_get(struct model_world *world, uint64_t bytes, uint64_t align, uint64_t limit,
                    uint64_t *bus);
void model_ram_put(struct model_world *world, uint64_t bus, uint64_t bytes);
/* Host cache maintenance (non-coherent worlds; no-ops in coherent ones). */
void model_ram_clean(struct model_world *world, const void *cpu, uint64_t bytes);
void model_ram_invalidate(struct model_world *world, const void *cpu, uint64_t bytes);
void *model_ram_cpu(struct model_world *world, uint64_t bus, uint64_t bytes); /* NULL: not RAM */
/* All pieces handed out and not put back: count and bytes (leak checks). */
uint32_t model_ram_live(const struct model_world *world, uint64_t *bytes);

/* ---- RAM: hardware's side. false = external abort (no such memory, or injected) ---- */
/* Reads and writes of freed RAM succeed (hardware cannot know) and are reported:
 * "ram.use-after-free". */
bool model_bus_read(struct model_world *world, uint64_t bus, void *to, uint32_t bytes);
bool model_bus_write(struct model_world *world, uint64_t bus, const void *from, uint32_t bytes);
/* Little-endian words, as hardware structures are made of; single-copy atomic. */
bool model_bus_read64(struct model_world *world, uint64_t bus, uint64_t *word);
bool model_bus_write64(struct model_world *world, uint64_t bus, uint64_t word);
bool model_bus_read32(struct model_world *world, uint64_t bus, uint32_t *word);
bool model_bus_write32(struct model_world *world, uint64_t bus, uint32_t word);
/* The next count accesses by hardware touching [first, last] abort. */
void model_bus_inject_abort(struct model_world *world, uint64_t first, uint64_t last,
                            uint32_t count);

#ifdef __cplusplus
}
#endif
#endif
