/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SIM_INTERNAL_H
#define SIM_INTERNAL_H
/* What the files of the engine share. */
#include "sim.h"

#define SIM_EXTRA    ((size_t)8 << 20)
#define SIM_NONE     UINT32_MAX
#define SIM_TIME     (SIM_CPUS + 0u) /* As an actor among CPUs: time moves. */
#define SIM_ACTORS   (SIM_CPUS + 1u)
#define SIM_IRQS     8u
#define SIM_TICK     40u            /* Where no CPU runs, a look at the clock takes so long. */
#define SIM_POLL_MIN UINT64_C(1000) /* How far time moves where everybody polls. */
#define SIM_POLL_MAX UINT64_C(64000)

/* ---- sim_fiber.c: stacks of their own ---- */

struct sim_fiber;
/* The one that main() runs on. */
struct sim_fiber *sim_fiber_main(void);
/* Number i of SIM_CPUS, ready to begin fn(arg) when it is switched to; after it main() goes on. */
struct sim_fiber *sim_fiber_make(uint32_t i, void (*fn)(void *arg), void *arg);
void sim_fiber_switch(struct sim_fiber *from, struct sim_fiber *to);
/* The same, and nobody comes back to from. */
_Noreturn void sim_fiber_leave(struct sim_fiber *from, struct sim_fiber *to);
bool sim_fiber_begun(const struct sim_fiber *f);
/* On f: its calls are left as they are, and main() goes on. */
_Noreturn void sim_fiber_die(struct sim_fiber *f);

/* ---- a virtual CPU ---- */

enum cpu_state {
    CPU_FREE,
    CPU_READY,
    CPU_WORD,  /* host op wait() */
    CPU_UNTIL, /* sim_until(), sim_sleep() */
    CPU_DONE,
};

struct sim_cpu {
    enum cpu_state state;
    bool daemon;
    bool paused; /* It waits in a loop: not before somebody else has done something. */
    bool dying;  /* Unwinds when it runs next. */
    uint32_t number;
    const char *name;
    sim_fn *fn;
    void *arg;
    struct sim_fiber *fiber;
    uint32_t irq_depth; /* Interrupts are kept away so deep. */
    uint32_t irq_level; /* Interrupts that run on top. */
    enum sim_op op;     /* Its last point. */
    const void *op_word;
    const struct uiommu_word *word; /* CPU_WORD */
    uint32_t seen;
    bool woken;
    bool (*is)(void *arg); /* CPU_UNTIL */
    void *is_arg;
    uint64_t deadline_ns;
    uint64_t ready_ns; /* Random: since when it could go on; 0: it does, or cannot. */
};

struct sim_irq {
    sim_fn *fn;
    void *arg;
};

struct sim {
    struct sim_config config;
    struct bench *bench;
    struct conf *conf;
    struct conf_result *result;
    sim_build *build, *after;
    void *arg;
    struct uiommu_host_ops host; /* The bench's own. */
    uint8_t *extra;              /* Of sim_alloc(). */
    size_t extra_used;
    struct sim_cpu cpu[SIM_CPUS];
    uint32_t cpus;
    uint32_t alive; /* Not daemons, not done. */
    uint32_t cur;   /* SIM_NONE: main(). */
    uint32_t last;  /* The CPU that ran last. */
    struct sim_irq irq[SIM_IRQS];
    uint32_t irqs;
    uint64_t steps;
    uint64_t quiet_until; /* No choice before this step, as long as the CPU can go on. */
    uint64_t poll_ns;
    uint64_t creep_ns; /* A step takes so long. */
    bool running;
    bool in_step; /* The hook, or a model, runs. */
    bool pruned;
    bool after_time;  /* Time has moved since the last point. */
    uint32_t paused;  /* CPUs. */
    uint32_t polls;   /* Times everybody waited in loops, with nothing between. */
    uint32_t pauses;  /* In a row, with no time between. */
    uint32_t reports; /* Of models, as far as looked at. */
    struct sim_failure failure;
    uint64_t number[SIM_KINDS]; /* Choices so far. */
};

enum sim_end sim_run(struct sim *s);

extern struct sim the_sim;
extern struct sim *sim_now_running; /* NULL: no virtual CPU runs. */

/* ---- sim_host.c ---- */
void sim_host_ops(struct sim *s);
/* A host op wait() on this CPU; sim_sched.c. */
void sim_wait_word(struct sim *s, const struct uiommu_word *word, uint32_t seen,
                   uint64_t deadline_ns);
void sim_wake_word(struct sim *s, const struct uiommu_word *word);

/* ---- sim_sched.c ---- */
void sim_fail_text(struct sim *s, const char *rule); /* failure.text is written. */
_Noreturn void sim_prune(struct sim *s);

/* ---- sim_choice.c: what answers a choice ---- */
void sim_choice_begin(struct sim *s);
/* Who goes on: one of count actors, [0] the quiet choice. */
uint32_t sim_pick_actor(struct sim *s, const uint32_t *actor, uint32_t count, bool stays);

/* ---- exploration: told of every step; sim_explore.c ---- */
struct sim_explorer {
    void (*note)(struct sim *s, struct sim_cpu *c, enum sim_op op, const void *word);
    void (*note_time)(struct sim *s, bool worked); /* A piece of work, or a deadline. */
    uint32_t (*pick)(struct sim *s, const uint32_t *actor, uint32_t count, bool stays);
    uint32_t (*choose)(struct sim *s, enum sim_kind kind, uint32_t n);
};
extern const struct sim_explorer *sim_explorer; /* NULL: none. */

#endif
