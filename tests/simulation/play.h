/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PLAY_H
#define PLAY_H
/*
 * The large random simulation: a machine of one or three units with devices, owners and address
 * spaces, virtual CPUs that do at random what embedders do, misfortune, and a shadow that knows
 * what should hold. The engine (sim.h) decides who runs next and makes every choice.
 *
 *   play_machine.c  the machine: units, devices and their drivers, spaces and their handlers
 *   play_life.c     CPUs that bind, work, unbind, exit and reap
 *   play_serve.c    CPUs that service units, answer later, and look at everything
 *   play_doctor.c   the CPU that does what a host does for sick devices and units
 *   play_fate.c     the CPU that causes misfortune
 *   play_trace.c    the shadow of bonds and groups, fed by trace records
 *   play_shadow.c   the rest of the shadow: pages, deadlines, ends
 *   play_states.c   how many distinct states were seen
 *
 * What is checked, where, and when. Nothing of it looks into the core's own structs, but
 * uiommu_unit_valid(), which is asked all the time whether they agree with each other.
 *
 *   I1  a handler gets only what its own life sent     play_fault(): each page's address names the
 *                                                      life and the device's generation
 *   I2  a number comes back only with all proofs       play_trace_bond() on QUARANTINE and FREE,
 *       (R4, R5, R6)                                   play_pasid_fresh() at each allocation
 *   I3  one answer a group, no more                    play_trace_group() at each; play_honest()
 *   I4  every Last is answered in time                 play_look() every PLAY_LOOK ns
 *   I6  a PASID in the answer iff it is wanted         play_honest(): answers a device ignored
 *   I7  FAILURE only as a decision                     play_honest()
 *   I9  grants fit the queue; no overflow from honest  play_port_made(); play_trace_overflow()
 *       devices
 *   I11 overflow kills open groups                     play_trace_overflow()
 *   I14 exit waits for nobody                          play_exit(): in bounded time
 *   I15 after exit OK no unit uses the tables          play_exit(), play_reap(), play_unbound();
 *       (R12)                                          freed pages are watched by the models
 *   I16 log lines are few                              play_look()
 *   I17 a number with references is not free           play_pasid_look()
 *   I18 teardown is legal everywhere, and repeats      play_life.c: every return is checked
 *   I19 nothing of before a reset is handled, answered play_fault(), play_trace_group(),
 *                                                      play_trace_refused()
 *   I20 order of invalidations                         the models' reports, at once
 *   I21 every call ends in bounded virtual time        play_call_begin(), play_call_end()
 *   I22 every stall ends once                          the models' reports; none owed at the end
 *   I23 caps                                           play_trace_group() on DISPATCHED
 *   I25 bounded work                                   play_service(): steps of one call
 *   I5, I8, I10, I12, I13, I24 show as breaches of the others, and by assertions of the core.
 */
#include "sim.h"

#define PLAY_UNITS   3u
#define PLAY_DEVICES 12u
#define PLAY_SPACES  6u
#define PLAY_OWNERS  2u
#define PLAY_NUMBERS 8u /* PASIDs 1 .. 8: soon used again. */
#define PLAY_LIVES   1024u
#define PLAY_BONDS   512u
#define PLAY_GROUPS  2048u /* Slots of one unit. */
#define PLAY_PAGES   4u    /* Of one life and generation. */
#define PLAY_JOBS    3u    /* Of one bond at once. */
#define PLAY_SHARES  3u    /* Bonds of one space at once. */
#define PLAY_LATER   64u
#define PLAY_CPUS    10u
#define PLAY_STATES  9u /* enum uiommu_bond_state */
#define PLAY_LOOK    (500 * BENCH_US)
/* An address: page, resets of the device (modulo 16), life. */
#define PLAY_RESET_SHIFT 15u
#define PLAY_LIFE_SHIFT  19u

/* Misfortune, by kind; a bit each. */
enum play_fate {
    PLAY_FATE_MEMORY,     /* An allocation fails. */
    PLAY_FATE_IRQ,        /* Interrupts are lost. */
    PLAY_FATE_HANG,       /* Commands are not consumed for a while. */
    PLAY_FATE_OVERFLOW,   /* The request queue overflows. */
    PLAY_FATE_SLOW_RING,  /* Requests are in the ring long after their receipt. */
    PLAY_FATE_TLB,        /* Device TLB invalidations are lost. */
    PLAY_FATE_LIE,        /* Impossible registers, noise in rings. */
    PLAY_FATE_EVENTS,     /* A flood of events. */
    PLAY_FATE_RESET,      /* Devices are reset. */
    PLAY_FATE_REMOVE,     /* Devices are pulled and plugged. */
    PLAY_FATE_RESTART,    /* Units are restarted, suspended and resumed. */
    PLAY_FATE_OWNER,      /* Owners die. */
    PLAY_FATE_SWITCH_OFF, /* Page requests are switched off. */
    PLAY_FATE_DEVICE,     /* Devices misbehave. */
    PLAY_FATE_STOP,       /* Drivers that do not stop their device, or lie about it. */
    PLAY_FATE_HANDLER,    /* Handlers that answer late, never, or take long. */
    PLAY_FATES,
};
extern const char *const play_fate_names[PLAY_FATES];

struct play;
struct play_space;

/* A bond as the shadow knows it; its number is in every address that its device uses. */
struct play_life {
    uint32_t number; /* 0: unused */
    uint32_t serial; /* Of its space. */
    struct play_device *d;
    struct play_space *s;
    uint32_t pasid; /* or UIOMMU_PASID_NONE */
    uint32_t cap;
    struct uiommu_bond_ref ref;
    uint32_t state;      /* enum uiommu_bond_state, by trace */
    uint32_t resets;     /* Of its device when its end began. */
    uint32_t running;    /* Groups with handlers. */
    uint32_t barriers;   /* D3 begun since D2. */
    uint64_t rested;     /* In QUARANTINE since. */
    uint32_t step;       /* enum uiommu_step, the last. */
    uint64_t digest;     /* play_states.c */
    bool never;          /* Its bind failed before hardware knew it. */
    bool binding;        /* uiommu_bind() is under way. */
    uint8_t early[4][2]; /* Moves told before those that come before them: from, to; or equal. */
    uint64_t leaving;    /* The page that is being unmapped, and 1; 0: none. */
    uint32_t known;      /* Some record named it, as the so many-th: ref is known. 0: none yet. */
    bool live;           /* Its bind said OK. */
    bool over;           /* Its unbind said OK. */
    bool word;           /* Somebody said that its device has stopped it. */
    bool marker;         /* A Stop Marker counted. */
    bool ends;           /* Its end was asked for. */
    bool impure;         /* Its device sends what it should not. */
};

struct play_device {
    struct play *p;
    struct bench *b;
    uint32_t number;
    struct model_endpoint *ep;
    struct uiommu_pcie fn;
    struct uiommu_port *port;
    struct uiommu_device *dev; /* NULL: not attached. */
    struct play_device *pf;    /* NULL: it is one. */
    uint32_t flags, ids[4], id_count, want, cap;
    bool pasid_free, silent_stop;
    uint32_t resets;  /* Of it; in every address. */
    uint32_t users;   /* CPUs in calls that name it. */
    uint32_t running; /* Groups with handlers. */
    bool resetting;   /* From begin to end... */
    bool held;        /* ...and from when its reset is done, it sends nothing. */
    bool removed;
    bool begun;   /* reset_begin() has returned. */
    bool leaving; /* No more bonds, it will be detached. */
    bool ill;     /* To be reset before its answers can be expected. */
    bool bad;     /* Misbehaves, or has since its last reset. */
    bool spoiled; /* Did ever, or something else spoils its account of answers. */
    uint32_t life[PLAY_NUMBERS + 1];  /* Which it may use, by PASID; 0 is untagged. */
    uint32_t bound[PLAY_NUMBERS + 1]; /* Which was bound last. */
    uint64_t calm_since;              /* Neither ill nor in reset. */
};

struct play_space {
    struct play *p;
    bool used;
    uint32_t serial; /* Of this use; never 0. */
    struct uiommu_aspace *as;
    struct uiommu_owner *owner;
    struct bench_tables *tables;
    enum bench_stage stage;
    uint32_t calls; /* Handlers inside. */
    bool dead;      /* exit has begun. */
    bool exited;    /* exit has returned. */
    bool gone;      /* It was given up: no handler may be called. */
};

static inline uint32_t play_place(uint32_t pasid)
{
    return pasid <= PLAY_NUMBERS ? pasid : 0;
}

/* A group by its slot. */
struct play_group {
    uint32_t generation;
    uint32_t life;   /* By its handler; 0: not called yet. */
    uint32_t resets; /* Of its device when it opened. */
    struct play_device *d;
    uint32_t state; /* UIOMMU_TRACE_GROUP_* of the last record, 0: none */
    uint32_t index; /* PRG index. */
    uint64_t digest;
    bool stall;
};

struct play_unit {
    struct bench *b;
    uint32_t number; /* In records. */
    struct play_group group[PLAY_GROUPS];
    uint64_t last_va; /* Of the last request taken, with its flags. */
    uint32_t last_index;
    bool sick;           /* Hung, to be restarted. */
    bool hanging;        /* It consumes no commands. */
    bool lying;          /* Its rings say what nobody sent, until it is restarted. */
    bool asleep;         /* Suspended. */
    bool busy;           /* The doctor is at it. */
    uint32_t shaken;     /* It was restarted: rings of which no overflow was told since. */
    uint64_t deaf_until; /* No interrupt is heard before. */
};

/* What somebody will do later: answer a group, or say that a device has stopped. */
struct play_later {
    bool used;
    uint64_t due;
    struct uiommu_unit *unit;
    struct uiommu_group_ref group;
    struct play_device *d;
    struct uiommu_bond_ref bond;
    uint32_t pasid, life;
};

struct play_owner {
    struct uiommu_owner *owner; /* NULL: none at the moment. */
    bool dead;
};

struct play_counts {
    uint64_t moves[PLAY_STATES][PLAY_STATES]; /* Bonds, from and to. */
    uint64_t fates[PLAY_FATES];
    uint64_t lives, groups, answered, dropped, stale, dead, resets, removals, exits, unbinds;
    uint64_t poisoned, withheld, overflows, allocations, looks, late, jobs, jobs_done, inside;
};

/* What a run is made of; all of it follows from the seed. */
struct play_plan {
    uint64_t seed;
    const struct bench_vendor *vendor[PLAY_UNITS];
    uint32_t units;
    uint32_t fates; /* Bits of those allowed. */
    bool harsh;
};

struct play {
    struct play_plan plan;
    const struct bench_variant *variant;
    struct bench *bench; /* plan.units of them */
    struct play_unit unit[PLAY_UNITS];
    struct play_device dev[PLAY_DEVICES];
    uint32_t devices;
    struct play_space space[PLAY_SPACES];
    struct play_owner owner[PLAY_OWNERS];
    struct play_life life[PLAY_LIVES];
    uint32_t lives, serials, known;
    uint32_t bond[PLAY_BONDS];  /* Which life a bond's slot is. */
    uint32_t binding[SIM_CPUS]; /* Which life each CPU is about to begin. */
    uint64_t steps[SIM_CPUS];   /* Of each CPU. */
    uint64_t serves[SIM_CPUS];  /* Its steps when its service began; 0: it does not serve. */
    uint64_t steps_all;
    uint64_t digest; /* Of all bonds and groups; play_states.c */
    uint64_t next_look;
    uint64_t held_until; /* A handler keeps who serves from going on. */
    struct play_later later[PLAY_LATER];
    struct play_counts *counts;
    uint32_t fates;   /* Of this run. */
    uint32_t level;   /* How often misfortune comes: 0 never .. 3. */
    bool ending;      /* No new work. */
    bool done;        /* Helpers may go... */
    bool over;        /* ...and those who serve. */
    uint32_t working; /* CPUs that have lives. */
    uint32_t helping; /* The doctor and fate. */
    uint32_t serving; /* Those who serve and answer. */
    uint64_t log_limit;
    uint64_t memory_failed; /* An allocation failed at. */
};

/* ---- play_machine.c ---- */
bool play_machine(struct play *p);
/* Which misfortunes a seed has, of those allowed, and how often they strike. */
uint32_t play_fates_of(uint64_t seed, uint32_t allowed, uint32_t *level);
uiommu_err play_attach(struct play_device *d);
bool play_endpoint(struct play_device *d); /* Make it; false: no memory. */
extern struct sim *play_sim;               /* The one that runs. */
uint32_t play_pick(uint32_t n);            /* What somebody does next: 0 to n - 1... */
bool play_chance(uint32_t per_mille);      /* ...or whether. */
/* Does misfortune strike? More often at higher levels; counted. */
bool play_strikes(struct play *p, enum play_fate fate, uint32_t per_mille);
struct play_space *play_space_make(struct play *p, enum bench_stage stage);
void play_space_free(struct play_space *s);
/* The driver of d makes it stop using a PASID; true: it has. */
bool play_stop(struct play_device *d, uint32_t pasid);
void play_sleep(uint64_t ns);
/* Something may fail that never fails where all is well: CPUs so slow that deadlines pass, too. */
static inline bool play_rough(const struct play *p)
{
    return p->fates != 0 || p->plan.harsh;
}
static inline uint64_t play_now(const struct play *p)
{
    return bench_now(p->bench);
}
struct play_unit *play_unit_of(struct play *p, const struct bench *b);

/* ---- CPUs; their argument is the play ---- */
sim_fn play_cpu_life;   /* play_life.c */
sim_fn play_cpu_serve;  /* play_serve.c */
sim_fn play_cpu_answer; /* play_serve.c */
sim_fn play_cpu_doctor; /* play_doctor.c */
sim_fn play_cpu_fate;   /* play_fate.c */
sim_fn play_cpu_end;    /* play_down.c: when it has returned, all is over. */
/* Nothing may take longer than that: every step of a teardown has a deadline. */
#define PLAY_FOREVER (3000 * BENCH_MS)
bool play_later(struct play *p, const struct play_later *what);
/* Everybody is honest from here on. */
void play_calm(struct play *p);
/* Reset a device until that is done; it may not be there. false: it is not possible now. */
bool play_reset(struct play *p, struct play_device *d);
/* Ask for help for all devices behind a unit. */
void play_ill(struct play *p, const struct bench *b);
/* Wake a unit that hangs. */
void play_heal(struct play *p, struct play_unit *u);

/* ---- the shadow ---- */
#define PLAY_NEED(rule, cond, ...) ((cond) ? (void)0 : sim_fail(play_sim, (rule), __VA_ARGS__))
uint64_t play_address(const struct play_life *life, uint32_t page);
struct play_life *play_life_of(struct play *p, uint32_t number);
struct play_life *play_life_new(struct play *p, struct play_device *d, struct play_space *s,
                                uint32_t pasid);
uiommu_code play_fault(void *user, const struct uiommu_group *group);
void play_orphaned(void *user, struct uiommu_unit *unit, struct uiommu_group_ref ref,
                   enum uiommu_orphan why);
bool play_legal(uint32_t from, uint32_t to);
void play_trace(struct sim *s, void *ctx, const struct uiommu_trace *record);
/* Its end is asked for: a reset of its device from here on proves that it has stopped. */
void play_ends(struct play_life *l);
/* ---- play_states.c: distinct states ---- */
void play_state_life(struct play *p, struct play_life *l);
void play_state_group(struct play *p, struct play_group *g);
void play_state_seen(struct play *p);
uint64_t play_states(void);
/* After every step. */
void play_step(struct sim *s, void *ctx);
/* At the end. */
void play_honest(struct play *p);
/* A complaint about a queue that goes off with work in it, where a unit that is hung is restarted:
 * nobody can empty it. A complaint about answers, where a device asks twice with one index or
 * forges markers: the model of the IOMMU cannot tell which of them was answered. */
bool play_excused(struct sim *s, void *ctx, const char *rule);
/* A number was allocated: nothing of its past may be left. Whoever was known after `known` lives
 * may have come since, by a number that is not his (R6). */
void play_fresh(struct play *p, uint32_t pasid, uint32_t known);
/* R5: its number has rested long enough. */
void play_rested(const struct play_life *l, uint64_t now);
/* Can a device reach tables under that PASID? A unit that is off for a moment hides nothing: as to
 * those that restart or sleep just now nothing is said. */
bool play_reaches(const struct play_device *d, uint32_t id, uint32_t pasid);
/* Drop what a space has under an address, and check that it is gone. */
void play_unmap(struct play_life *l, uint32_t page, bool free);

#endif
