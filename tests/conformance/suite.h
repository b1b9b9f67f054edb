/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SUITE_H
#define SUITE_H
/*
 * The conformance suite: arrays of {name, function}. It uses no test framework and no libc, so
 * that it runs under any runner, on bare metal and in others' kernels. A name says which rule
 * (R, PROTOCOL.md), invariant (I) or lesson (L, by row) the test holds.
 */
#include "bench.h"

#define CONF_DEVICES 6u
#define CONF_SPACES  4u
#define CONF_SEEN    320u
#define CONF_PASIDS  16u

struct conf;
struct conf_space;
struct conf_device;

struct conf_test {
    const char *name;
    void (*run)(struct conf *c);
};
struct conf_theme {
    const char *name;
    const struct conf_test *tests;
    uint32_t count;
};
extern const struct conf_theme *const conf_themes[];
extern const uint32_t conf_theme_count;
extern const struct bench_skip conf_skips[]; /* Of every vendor. */
extern const uint32_t conf_skip_count;

enum conf_verdict {
    CONF_PASSED,
    CONF_FAILED,
    CONF_SKIPPED
};
struct conf_result {
    enum conf_verdict verdict;
    const char *file; /* Of the first check that failed. */
    const char *what; /* Its text, or why the test was skipped. */
    const char *rule; /* What the models complained about first, or NULL. */
    int line;
    uint64_t trace; /* Hash of the run. */
};

#define CONF_MEMORY (BENCH_MEMORY + ((size_t)1 << 20))
/* Run one test on a fresh bench in CONF_MEMORY bytes at memory. */
void conf_run_test(const struct conf_test *test, const struct bench_vendor *vendor,
                   const struct bench_variant *variant, uint64_t seed, void *memory,
                   struct conf_result *out);

/* What is run, and who hears of it. */
struct conf_plan {
    const struct bench_vendor *vendor;
    const char *test;    /* Only tests whose name contains it; NULL: all. */
    const char *variant; /* Only variants whose name contains it; NULL: all. */
    uint64_t seed;       /* Of every choice that models make. */
    void *memory;        /* CONF_MEMORY bytes. */
    void *ctx;
    /* After each run. Optional. */
    void (*report)(void *ctx, const struct conf_test *test, const struct bench_variant *variant,
                   const struct conf_result *result);
};
struct conf_totals {
    uint32_t passed, failed, skipped;
};
/* One test on the plan's variants; of so many. The first runs twice: the same seed, the same run.
 */
void conf_run_variants(const struct conf_plan *plan, const struct conf_test *test,
                       struct conf_totals *out);
/* Every test of the plan, and whether what is to be skipped exists. Totals are of tests: failed on
 * some variant, passed on some, skipped on all. true: some passed and none failed. */
bool conf_run_all(const struct conf_plan *plan, struct conf_totals *out);
/* The first of a list that names no test or no variant; NULL: none. */
const struct bench_skip *conf_skip_stale(const struct bench_skip *skips, uint32_t count);

/* Whether name contains pattern. */
bool conf_matches(const char *name, const char *pattern);
/* Listed for the vendor or for all; NULL: it is not to be skipped. */
const struct bench_skip *conf_skip(const struct conf_test *test, const struct bench_vendor *vendor,
                                   const struct bench_variant *variant);

/* ---- what tests are made of --------------------------------------------------------------- */

/* How a device's driver stops it. */
enum conf_stop {
    CONF_STOP_HONEST, /* Stops the endpoint and says so, at once or when it has stopped. */
    CONF_STOP_LATER,  /* Stops the endpoint; the test confirms. */
    CONF_STOP_NEVER,  /* Stops nothing and never confirms. */
    CONF_STOP_ERROR,  /* Stops nothing and reports an error. */
};

struct conf_how {
    uint32_t flags;      /* UIOMMU_DEVICE_*; 0: PASID, ATS and PRI. */
    uint32_t ids;        /* How many; 0: 1. */
    uint32_t want;       /* Credits; 0: 4. */
    uint32_t in_flight;  /* The device's cap. */
    uint32_t pasid_bits; /* 0: 16. */
    struct conf_device *pf;
    struct uiommu_owner *owner; /* Of its port. */
    struct bench *at;           /* Behind which unit; NULL: the first. */
    bool pasid_free;            /* Its responses need no PASID. */
    bool silent_stop;           /* It sends no Stop Markers. */
};

#define CONF_CONFIRMS 10u
struct conf_confirm {
    bool due;
    uint32_t pasid;
    struct uiommu_bond_ref bond;
};

struct conf_device {
    struct conf *c;
    struct bench *b; /* It is behind this one's unit. */
    struct model_endpoint *ep;
    struct uiommu_pcie fn;
    struct uiommu_port *port;
    struct uiommu_device *dev;
    uint32_t ids[4];
    uint32_t id; /* ids[0] */
    enum conf_stop stop;
    uint32_t stops; /* Calls of its driver's stop(). */
    void (*on_stop)(struct conf *c, struct conf_device *d);
    struct conf_confirm confirm[CONF_CONFIRMS]; /* Stops to be confirmed once it has stopped. */
    bool removed;
};

/* A group as a handler saw it. */
struct conf_seen {
    struct uiommu_group_ref ref;
    struct uiommu_bond_ref bond;
    uint32_t id, pasid, pages;
    uint64_t first, last;
    uint32_t access;
    bool stall;
};

struct conf_space {
    struct conf *c;
    struct uiommu_aspace *as;
    struct bench_tables *tables;
    uiommu_code answer; /* What the handler says; SUCCESS maps the pages before. */
    void (*on_fault)(struct conf *c, struct conf_space *s, const struct uiommu_group *group);
    uint32_t calls;
    uint32_t orphans[3]; /* By enum uiommu_orphan. */
    struct conf_seen seen[CONF_SEEN];
};

struct conf {
    struct bench b;
    const struct conf_test *test;
    struct conf_result *result;
    struct conf_device dev[CONF_DEVICES];
    struct conf_space space[CONF_SPACES];
    uint32_t devices, spaces;
    uint32_t pasid[CONF_PASIDS];
    uint32_t pasids;
    struct uiommu_owner *owner;    /* Of all that is made after it is set. */
    uint64_t unanswered;           /* Lasts that rightly got no answer. */
    uint64_t unexpected;           /* Answers to nothing that the test provoked. */
    uint64_t ignored;              /* Answers that an endpoint took for another's. */
    uint32_t unit;                 /* The tests' own. */
    uint32_t reports;              /* Complaints of models that the test provoked. */
    bool no_balance;               /* The test counts answers by itself. */
    uint32_t counter;              /* The tests' own. */
    uint64_t sample;               /* The tests' own. */
    struct conf_space *at_space;   /* The tests' own, for hooks and interrupts. */
    struct conf_device *at_device; /* The same. */
    struct uiommu_bond_ref at_bond;
    struct uiommu_group_ref at_group;
    uiommu_err err; /* The same. */
};

/* One device, two address spaces, one PASID bound to the first. */
struct conf_flow {
    struct conf_device *d;
    struct conf_space *a, *b;
    uint32_t pasid;
    struct uiommu_bond_ref bond;
};

#define CHECK(c, cond) conf_check((c), (cond), #cond, __FILE__, __LINE__)
bool conf_check(struct conf *c, bool ok, const char *what, const char *file, int line);
bool conf_failed(const struct conf *c);
/* Every unit's own records are valid. conf_run() ends with it. */
void conf_look(struct conf *c);
/* false, and the test is skipped: return then. */
bool conf_needs(struct conf *c, bool has, const char *why);
bool conf_needs_markers(struct conf *c);

bool conf_up(struct conf *c);
struct conf_device *conf_device_make(struct conf *c, const struct conf_how *how);
/* The endpoint, its functions and port only: what uiommu_device_attach() needs. */
struct conf_device *conf_device_plan(struct conf *c, const struct conf_how *how,
                                     struct uiommu_device_config *out);
struct conf_space *conf_space_make(struct conf *c);
struct conf_space *conf_space_make_of(struct conf *c, enum bench_stage stage);
uint32_t conf_pasid(struct conf *c);
bool conf_bind(struct conf *c, struct conf_device *d, struct conf_space *s, uint32_t pasid,
               struct uiommu_bond_ref *out);
uiommu_err conf_try_bind(struct conf *c, struct conf_device *d, struct conf_space *s,
                         uint32_t pasid, struct uiommu_bond_ref *out);
/* Bind as soon as the number has rested. */
bool conf_rebind(struct conf *c, struct conf_device *d, struct conf_space *s, uint32_t pasid,
                 struct uiommu_bond_ref *out);
bool conf_flow_up(struct conf *c, struct conf_flow *f);

/* Time passes; the unit is serviced when its host would. */
void conf_run(struct conf *c, uint64_t ns);
/* A moment between two polls of a teardown: until the host would look again. */
void conf_idle(struct conf *c);
uiommu_err conf_unbind(struct conf *c, struct uiommu_bond_ref bond, uint32_t flags);
uiommu_err conf_poll(struct conf *c, struct uiommu_bond_ref bond); /* An unbind was begun. */
uiommu_err conf_reap(struct conf *c, struct conf_space *s);
/* Reset of the endpoint between begin and end. */
uiommu_err conf_reset(struct conf *c, struct conf_device *d);
uiommu_err conf_reset_ends(struct conf *c, struct conf_device *d); /* It was begun. */
/* Wait for a state of a bond, at most BENCH_FOREVER. */
bool conf_wait_state(struct conf *c, struct uiommu_bond_ref bond, enum uiommu_bond_state state);
struct uiommu_bond_info conf_bond(struct conf *c, struct uiommu_bond_ref bond);
enum uiommu_bond_state conf_state(struct conf *c, struct uiommu_bond_ref bond);

/* One request message, a whole group of one page, a Stop Marker; placed exactly. */
void conf_send(struct conf_device *d, uint32_t pasid, uint64_t va, uint32_t index, bool last);
void conf_ask(struct conf_device *d, uint32_t pasid, uint64_t va, uint32_t index);
void conf_marker(struct conf_device *d, uint32_t pasid);
struct model_endpoint_counts conf_counts(const struct conf_device *d);
/* The code of the answer to the group that used index last; UIOMMU_CODE_NONE: none. */
uiommu_code conf_answer(const struct conf_device *d, uint32_t index);
/* A device access now, through its translation cache. */
bool conf_access(struct conf_device *d, uint32_t pasid, uint64_t va, uint32_t access);
void conf_knobs(struct conf_device *d, const struct model_endpoint_knobs *knobs);
struct uiommu_unit_counters conf_unit(struct conf *c);
struct uiommu_device_counters conf_device_counters(struct conf_device *d);
struct uiommu_port_info conf_port(struct conf_device *d);
/* Take events until one of this kind came; how many of it. */
uint32_t conf_events(struct conf *c, enum uiommu_event_kind kind);
uiommu_err conf_respond(struct conf *c, struct uiommu_group_ref ref, uiommu_code code);

/* Everything is taken down and looked at once more; called by the runner. */
void conf_end(struct conf *c);

#define CONF_VA    UINT64_C(0x7000001000)
#define CONF_NEVER UINT32_MAX

#endif
