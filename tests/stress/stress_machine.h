/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STRESS_MACHINE_H
#define STRESS_MACHINE_H
/*
 * One modelled machine that real threads share: a world with several IOMMUs of several vendors,
 * each with its fabric and devices, and one instance of the library on top. The seed picks them.
 * The models are single threaded, so everything that touches them holds the world's mutex.
 * Virtual time is real time: whoever holds the mutex first lets the world catch up with the clock.
 * ThreadSanitizer does not learn of that mutex (see st_lock()): it would order threads that the
 * library has to order by itself.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <uiommu/uiommu.h>

#include "bench.h"

#define ST_UNITS   4u /* At most. */
#define ST_PER     5u /* Devices of a unit. */
#define ST_DEVICES (ST_UNITS * ST_PER)
#define ST_FORMATS 2u /* Of page tables. */
#define ST_PASIDS  12u
#define ST_PAGES   16u
#define ST_LIMBO   64u
#define ST_THREADS 64u
#define ST_US      UINT64_C(1000)
#define ST_MS      UINT64_C(1000000)
#define ST_S       UINT64_C(1000000000)

/* What is checked; each is one line of the result. */
enum st_check {
    ST_OWNER_PAGE,   /* A handler is asked for pages of its own address space only. */
    ST_OWNER_BOND,   /* By a bond, PASID, unit and device of its own. */
    ST_OWNER_DATA,   /* A device reads what lies in its own address space only. */
    ST_HANDLER_LIFE, /* No handler runs after its address space was given up. */
    ST_ONCE,         /* A group is answered once. */
    ST_RETURNS,      /* Calls return what their headers allow. */
    ST_UNBIND,       /* Every unbind ends drained. */
    ST_EXIT,         /* Exit and reap end with nothing left. */
    ST_INVALIDATE,   /* Range invalidations are proved. */
    ST_RESET,        /* Resets end. */
    ST_HEAL,         /* What was withheld comes back with resets and restarts. */
    ST_TIME,         /* Calls end by their deadlines. */
    ST_WAKE,         /* Requests do not wait for a service that nobody calls. */
    ST_IRQ,          /* Interrupts are restored as saved; nothing long runs with them saved. */
    ST_EVENTS,       /* No event tells of broken hardware or a bond poisoned. */
    ST_ANSWERS,      /* Endpoints saw one answer for each group. */
    ST_MODEL,        /* The models found no wrong use. */
    ST_LEAK,         /* All memory came back. */
    ST_DOWN,         /* Everything could be taken down. */
    ST_ALIVE,        /* Every role did some work. */
    ST_CHECKS
};

/* How a machine is. */
struct st_variant {
    const char *name;
    bool coherent; /* Hardware snoops. */
    bool wait;     /* The host has wait and wake; else the library polls. */
    bool rough;    /* Hardware, devices and host have their bad moments. */
};

struct st_piece {
    void *cpu;
    uint64_t bus;
};

/*
 * Page tables of one window of ST_PAGES pages, whose address names their owner, in every format
 * that a unit may walk. Under the mutex.
 */
struct st_tables {
    uint64_t id;
    bool gone; /* Nothing may be mapped any more. */
    struct st_piece table[ST_FORMATS][4];
    struct st_piece page[ST_PAGES];
    uint32_t leaving[ST_PAGES];      /* So many invalidations of it are not proved yet. */
    struct st_piece limbo[ST_LIMBO]; /* Taken away, but hardware was not proved to know. */
    uint32_t limbo_count;
};

struct machine;

struct st_unit {
    struct machine *m;
    uint32_t number;
    const struct bench_vendor *vendor;
    struct bench_variant how;
    struct bench b; /* What the vendor's bench needs: world, fabric, model, config. */
    struct uiommu_unit *unit;
    _Atomic(const struct uiommu_word *) due;
    pthread_mutex_t bell;
    pthread_cond_t ring;
    bool rung;
};

struct st_shape {
    const char *name;
    uint32_t flags;
    bool vf;
    bool sends_markers;
    bool trusted;
    uint32_t in_flight;
    uint32_t ids;
};

struct st_device {
    struct machine *m;
    struct st_unit *unit;
    struct st_device *pf;
    const char *name;
    uint32_t id;
    uint32_t id_count;
    uint32_t flags;
    struct model_endpoint *ep;
    struct uiommu_pcie fn;
    struct uiommu_port *port;
    struct uiommu_device *dev;
    const struct st_shape *shape;
    pthread_mutex_t family; /* A PF's: it and its VFs are reset one at a time. */
    pthread_rwlock_t held;  /* dev is there meanwhile; whoever replugs it writes. Rough only. */
    uiommu_err refused;     /* Why it was not attached, under held. */
    _Atomic bool leaving;   /* Nobody shall bind to it. */
    _Atomic bool sick;      /* Needs a reset. */
    /* Under the mutex. */
    bool quiet;                      /* Being reset. */
    uint32_t resets;                 /* Jobs of before are forgotten. */
    uint64_t allowed[ST_PASIDS + 1]; /* Which address space may start jobs; 0: none. */
};

/* A thread: what it does, for the watchdog. */
struct st_thread {
    const char *role;
    uint32_t number;
    pthread_t id;
    _Atomic(const char *) doing;
    _Atomic uint64_t steps;
    uint64_t random; /* Its own. */
    uintptr_t irq_depth;
    uint32_t handlers; /* Nested handler calls. */
    uint64_t seen;     /* The watchdog's. */
    struct machine *m;
};

struct st_tally {
    _Atomic uint64_t binds, bind_busy, bind_refused, unbinds, exits, invalidations, resets;
    _Atomic uint64_t faults, pending, never, answered, stale, orphans, jobs, jobs_done;
    _Atomic uint64_t jobs_failed, bytes, stops, late_stops, lives, events, reads, services;
    _Atomic uint64_t confined; /* Foreign binds refused. */
    _Atomic uint64_t no_memory, withheld, owner_exits;
    _Atomic uint64_t overflows, hangs, restarts, sleeps, floods, lost_invalidations, lags;
    _Atomic uint64_t switch_offs, oddities, removals, replugs, success, invalid, failure, poisoned;
};

#define ST_COUNT(m, what) ST_COUNT_N(m, what, 1)
/* Counting orders nobody. */
#define ST_COUNT_N(m, what, n)                                                                     \
    ((void)atomic_fetch_add_explicit(&(m)->tally.what, n, memory_order_relaxed))

struct machine {
    const struct st_variant *variant;
    uint64_t seed;
    pthread_mutex_t world_lock;
    struct model_world *world;
    void *memory;
    struct uiommu_host_ops ops;
    struct uiommu *u;
    struct uiommu_pasid_space *pasids;
    uint32_t units, devices; /* Of this machine. */
    const struct bench_vendor *format[ST_FORMATS];
    uint32_t formats;
    struct st_unit unit[ST_UNITS];
    struct st_device dev[ST_DEVICES];
    struct uiommu_owner *owner;
    /* host */
    uint64_t began_ns;
    pthread_mutex_t mem_lock;
    pthread_mutex_t wait_lock;
    pthread_cond_t wait_cond;
    _Atomic int64_t heap_live, mem_live;
    _Atomic uint32_t fail_per_mille; /* So often there is no memory. */
    _Atomic uint64_t next_space;
    /* results */
    _Atomic uint64_t passed[ST_CHECKS], failed[ST_CHECKS];
    struct st_tally tally;
    _Atomic uint64_t kind[32];
    /* threads */
    struct st_thread thread[ST_THREADS];
    _Atomic uint32_t threads;
    _Atomic bool stop_lives; /* No new lives. */
    _Atomic bool stop_all;
};

extern _Thread_local struct st_thread *st_me;

/* Count a check; a failure is printed, the first few of each kind. */
bool st_expect(struct machine *m, enum st_check check, bool ok, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
const char *st_check_name(enum st_check check);

/* stress_host.c */
void st_host_ops(struct machine *m);
void st_machine_clocks(struct machine *m); /* And locks. */
uint64_t st_now(const struct machine *m);
void st_lock(struct machine *m); /* And catch up with the clock. */
void st_unlock(struct machine *m);
void st_sleep(uint64_t ns);
void st_bell(struct st_unit *unit);
/* Sleep until the unit's bell rings or the time has come; false: it has. */
bool st_bell_wait(struct st_unit *unit, uint64_t until_ns);
uint64_t st_random(void);
uint32_t st_choose(uint32_t n);
bool st_chance(uint32_t per_mille);
/* What this thread does now, and that it got there. */
void st_step(const char *doing);

/* stress_machine.c */
/* vendors: bits, as in bench_vendors. */
bool st_machine_up(struct machine *m, const struct st_variant *variant, uint64_t seed,
                   uint32_t vendors);
void st_machine_down(struct machine *m);
/* fresh: another piece of hardware in the same place. */
bool st_device_make(struct st_device *d, bool fresh);
/* Uses of a device that may be replugged; false: it is not there. */
bool st_device_hold(struct st_device *d);
void st_device_drop(struct st_device *d);

/* stress_woes.c */
void st_heal(struct machine *m, struct st_unit *unit); /* By a restart, if it hangs. */

/* stress_tables.c, all under the mutex */
#define ST_WINDOW_SHIFT 21u
static inline uint64_t st_address(uint64_t id, uint32_t page)
{
    return id << ST_WINDOW_SHIFT | (uint64_t)page << 12;
}
bool st_tables_make(struct machine *m, struct st_tables *t, uint64_t id);
void st_tables_free(struct machine *m, struct st_tables *t);
/* Hardware still walks, caches or holds something of them. */
bool st_tables_used(struct machine *m, const struct st_tables *t);
bool st_map(struct machine *m, struct st_tables *t, uint32_t page);
/* false: there was none. The page stays the caller's until hardware has forgotten it, and no other
 * comes in its place before: st_forgot(). */
bool st_unmap(struct machine *m, struct st_tables *t, uint32_t page, struct st_piece *out);
void st_forgot(struct st_tables *t, uint32_t page);
void st_piece_put(struct machine *m, const struct st_piece *piece);
/* Whoever asked for more than one can have in a rough machine must bear it. */
static inline bool st_luck(const struct machine *m, uiommu_err err)
{
    return m->variant->rough &&
           (err == UIOMMU_E_TIMEOUT || err == UIOMMU_E_HW || err == UIOMMU_E_STATE ||
            err == UIOMMU_E_NOMEM || err == UIOMMU_E_WITHHELD || err == UIOMMU_E_POISONED);
}
/* A call that began then is over in time. */
void st_in_time(struct machine *m, uint64_t began, const char *what);
bool st_all_words(const void *bytes, size_t count, uint64_t id);
void st_fill(void *bytes, size_t count, uint64_t id);

#endif
