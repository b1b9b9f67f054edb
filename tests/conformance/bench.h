/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BENCH_H
#define BENCH_H
/*
 * What the conformance suite needs of a machine, in no vendor's words. A bench owns one modelled
 * world with a fabric and an IOMMU, and an instance of the library whose host is that world.
 * A vendor supplies one struct bench_vendor on top of its model; no test names a vendor.
 * A bench has one unit. A machine of several is several benches: the first, and beside it others
 * that share its world, its host, its instance and its PASIDs (bench_beside()).
 *
 * Single threaded and deterministic. An interrupt, or another thread, is a function that runs
 * inside a host op of the library at a chosen moment (bench_interrupt()).
 */
#include <uiommu/uiommu.h>

#include "model_endpoint.h"

#define BENCH_MEMORY   ((size_t)56 << 20) /* What bench_make() wants. */
#define BENCH_RAM      ((uint64_t)8 << 20)
#define BENCH_RAM_BASE UINT64_C(0x40000000)
#define BENCH_HEAP     ((size_t)8 << 20)
#define BENCH_CLASSES  24u
#define BENCH_TABLES   8u
#define BENCH_PIECES   64u
#define BENCH_RULES    8u

/* Deadlines of every bench: short, and far enough apart to be told from each other. */
#define BENCH_US      UINT64_C(1000)
#define BENCH_MS      UINT64_C(1000000)
#define BENCH_LATE    (150 * BENCH_US) /* How late a late request is at most. */
#define BENCH_FAR     (450 * BENCH_US) /* Beyond that, yet answers come within a millisecond. */
#define BENCH_SETTLE  (250 * BENCH_US)
#define BENCH_COMMAND (5 * BENCH_MS)
#define BENCH_HANDLER (4 * BENCH_MS)
#define BENCH_PARTIAL (8 * BENCH_MS)
#define BENCH_STOP    (12 * BENCH_MS)
#define BENCH_ANSWER  (20 * BENCH_MS)
#define BENCH_DRAIN   (40 * BENCH_MS)
#define BENCH_FOREVER (200 * BENCH_MS) /* Nothing may take longer. */

/* One way a machine can be. */
struct bench_variant {
    const char *name;
    bool markers;  /* Stop Markers reach software. */
    bool coherent; /* Hardware snoops. */
    bool large;    /* Queues. */
    bool irq;      /* Interrupts and wake-ups; else polled. */
    bool late;     /* Some requests arrive after a barrier, inside the settle time. */
};
extern const struct bench_variant bench_variants[];
extern const uint32_t bench_variant_count;

/* What this machine can do; a test that needs more is skipped. */
struct bench_features {
    bool pri;
    bool stalls;
    bool markers;        /* Reported in this variant. */
    bool isolate;        /* A device can be cut off at the IOMMU. */
    bool proved;         /* A request barrier proves that what was sent before is in the ring. */
    bool refuses;        /* Requests of a device that is shut are answered by hardware. */
    bool auto_answers;   /* Requests that find no room are answered by hardware. */
    bool unknown_ids;    /* Requests of IDs that nobody attached reach software... */
    bool unknown_pasids; /* ...and those of PASIDs that have no entry; else hardware answers. */
    bool response_pasid; /* Answers can be made to a device that wants no PASID back. */
    uint32_t first_id;   /* Of the devices; 0: it does not matter. */
    uint32_t request_entries; /* Of the page request queue... */
    uint32_t request_room;    /* ...of which so many can be in use at once. */
    uint32_t command_entries; /* Of the command queue. */
    uint32_t access;          /* UIOMMU_READ and so on that a device can be granted. */
    bool second;              /* Bonds without PASID can have second-stage tables... */
    uint8_t second_bits;      /* Their width; 0: 48. */
    bool nested;              /* ...and a guest's first stage above. */
    bool second_alone;        /* Not beside other bonds of the device. */
    bool aborts;              /* A write to a queue that fails is told, and ends the queue. */
    bool second_only;         /* There are no first stages that could be used. */
    bool untagged;            /* No device of this machine sends PASIDs. */
    bool events_vague;        /* Its events do not tell causes and addresses as they should. */
    bool dma_costs;           /* Milliseconds, each. */
    bool unseen;              /* Nobody can look into its caches: uses_tables() knows nothing. */
};

/* What page tables of a bench are. */
enum bench_stage {
    BENCH_FIRST,
    BENCH_SECOND,
    BENCH_NESTED, /* A guest's first stage, above a second stage of its own. */
};
/* Guest physical addresses are bus addresses, and this. */
#define BENCH_GUEST (UINT64_C(1) << 38)

/* A test that a machine cannot pass, with the reason in its sheet. */
struct bench_skip {
    const char *test;    /* Contained in its name. */
    const char *variant; /* Contained in the variant's; "": all. */
    const char *why;     /* What is lacking, and which section says so. */
};

struct bench;
struct bench_tables;

/* Lies a register or a ring tells once, at the library's next look. */
enum bench_lie {
    BENCH_LIE_NONE,
    BENCH_LIE_REQUEST_INDEX,  /* The request queue's producer is impossible. */
    BENCH_LIE_EVENT_INDEX,    /* The event queue's producer is impossible. */
    BENCH_LIE_ALL_ONES,       /* Every register reads as all ones: the unit fell off the bus. */
    BENCH_LIE_UNKNOWN_RECORD, /* An event record of unknown type arrives. */
    BENCH_LIE_REQUEST_NOISE,  /* Random bits in a request entry. */
    /* No lies: hardware could not write to a queue. What is in it was written before. */
    BENCH_LIE_REQUEST_ABORT,
    BENCH_LIE_EVENT_ABORT,
};

/* A raw command of the host's. */
enum bench_command {
    BENCH_COMMAND_LEGAL,      /* Harmless, as interrupt remapping sends. */
    BENCH_COMMAND_ILLEGAL,    /* The hardware refuses it. */
    BENCH_COMMAND_COMPLETION, /* The library's own... */
    BENCH_COMMAND_RESPONSE,   /* ...and this, too. */
};

/* The only thing a new vendor writes. */
struct bench_vendor {
    const char *name;
    const struct bench_skip *skips; /* Any other skip fails, and a listed one that passes... */
    const uint32_t *skip_count;     /* ...so many; NULL: none. */
    bool skips_unlisted;            /* What the features deny is skipped without a list. */
    /* Make the IOMMU model; fill b->features. */
    bool (*make)(struct bench *b);
    /* The vendor's constructor, from b->config. */
    uiommu_err (*create)(struct bench *b, struct uiommu *u, struct uiommu_unit **out);
    uint32_t (*read32)(struct bench *b, uint64_t addr);
    uint64_t (*read64)(struct bench *b, uint64_t addr);
    void (*write32)(struct bench *b, uint64_t addr, uint32_t value);
    void (*write64)(struct bench *b, uint64_t addr, uint64_t value);
    /* Page tables in a format that the unit walks. */
    enum uiommu_root_format format;
    uint64_t (*entry_table)(uint64_t bus);
    uint64_t (*entry_page)(uint64_t bus, uint32_t access);
    /* The same of a second stage, where there is one; level counts from 1, the last. */
    enum uiommu_root_format second;
    uint64_t (*second_table)(uint64_t bus, uint32_t level);
    uint64_t (*second_page)(uint64_t bus, uint32_t access);
    /* Optional: what a guest puts between its unit and its tables. Changes format and table. */
    bool (*guest_root)(struct bench *b, struct bench_tables *t, struct uiommu_root *root);
    /* Misfortune. */
    void (*overflow)(struct bench *b);      /* The request queue overflows now. */
    void (*hang)(struct bench *b, bool on); /* Commands are not consumed any more. */
    /* A page request is in the ring only so long after its receipt, at most. NULL: it is at once.
     */
    void (*slow_ring)(struct bench *b, uint32_t ns);
    void (*lose_invalidations)(struct bench *b, uint32_t count); /* Of device TLBs. */
    void (*lie)(struct bench *b, enum bench_lie lie);
    void (*event_flood)(struct bench *b, uint32_t count); /* Records nobody asked for. */
    /* The machine slept: registers, queues and caches are lost, memory is not. */
    void (*power_cycle)(struct bench *b);
    /* Before the unit is made: it is enabled, with tables of its own in which nobody passes. */
    void (*found_enabled)(struct bench *b);
    /* A command as it lies in the ring; how many words it has. */
    uint32_t (*host_command)(struct bench *b, enum bench_command kind, uint64_t words[4]);
    /* Optional: bench_lack() was called; need not return if the runner knows of it. */
    void (*lacking)(struct bench *b);
    /* A device was reset: what the model remembers of its requests is over. Optional. */
    void (*device_reset)(struct bench *b, uint32_t id);
    /* Inspection: changes nothing. */
    uint32_t (*requests_waiting)(struct bench *b); /* In the rings. */
    uint32_t (*stalls_owed)(struct bench *b);      /* Stalls without an answer. */
    uint64_t (*answers)(struct bench *b);          /* Page responses sent by software. */
    uint64_t (*host_commands)(struct bench *b);    /* Legal ones that took effect. */
    bool (*reaches)(struct bench *b, uint32_t id, uint32_t pasid);
    bool (*uses_tables)(struct bench *b, uint64_t first, uint64_t last);
};
/* Entries of x86-64 tables, for vendors whose units walk them. */
uint64_t bench_x86_table(uint64_t bus);
uint64_t bench_x86_page(uint64_t bus, uint32_t access);

extern const struct bench_vendor bench_smmuv3;
extern const struct bench_vendor bench_amd;
extern const struct bench_vendor bench_vtd;
/* Those that were built. */
extern const struct bench_vendor *const bench_vendors[];
extern const uint32_t bench_vendor_count;
/* In skips.c. */
extern const struct bench_skip bench_skips_amd[];
extern const uint32_t bench_skip_count_amd;
extern const struct bench_skip bench_skips_vtd[];
extern const uint32_t bench_skip_count_vtd;

struct bench_piece {
    struct bench_piece *next; /* Free ones of a class. */
    size_t bytes;             /* As asked for; 0: free. */
    uint8_t pad[64 - 2 * sizeof(void *)];
};

struct bench_heap {
    uint8_t *at;
    size_t left;
    struct bench_piece *free[BENCH_CLASSES];
    uint32_t live;
    uint64_t live_bytes;
    uint32_t faults; /* Wrong sizes, freed twice. */
};

/* Trace: what it told of all units, counts by id, a hash over everything, and one hook. */
struct bench_trace {
    struct uiommu_unit_counters told; /* Since bench_create(); answers of groups only... */
    uintptr_t refused;                /* ...and those to Lasts without one. */
    uint64_t hash;
    uint64_t count[UIOMMU_TRACE_END];
    uint32_t unknown;
    void (*hook)(struct bench *b, const struct uiommu_trace *record, void *arg);
    void *arg;
};

struct bench_tables {
    bool used;
    enum bench_stage stage;
    struct bench_tables *under;            /* BENCH_NESTED: its second stage. */
    struct bench_tables *twin;             /* The same pages in another format, or NULL... */
    struct bench *twin_of;                 /* ...which that bench's unit walks. */
    uint64_t root;                         /* Bus address. */
    struct uiommu_mem piece[BENCH_PIECES]; /* Tables and pages. */
    uint32_t pieces;
};

struct bench {
    const struct bench_vendor *vendor;
    const struct bench_variant *variant;
    struct bench_features features;
    struct model_world *world;
    struct model_fabric *fabric;
    void *model; /* The vendor's. */
    void *vendor_state;
    struct uiommu_host_ops ops;
    struct uiommu_unit_config config; /* Tests may change it before bench_up(). */
    struct uiommu_pasid_space_config numbers;
    struct uiommu *u;
    struct uiommu_pasid_space *pasids;
    struct uiommu_unit *unit;
    bool started;
    struct bench *first;  /* NULL: this one is; the others have no host of their own. */
    struct bench *beside; /* The next unit of the machine, or NULL. */
    uint64_t shift;       /* Its registers are so far from where the vendor's are else. */
    /* host */
    struct bench_heap heap;
    uint32_t allocations; /* Made so far. */
    uint32_t fail_at;     /* This one fails; 0: none. */
    uint32_t mem_live;
    uint32_t irq_depth;
    uint32_t irq_faults; /* Restored in the wrong order, or never. */
    uintptr_t context;   /* What self() says. */
    bool irq;            /* An interrupt came. */
    bool due;            /* The library woke the word. */
    uint64_t wakes;
    uint64_t log_lines;
    uint64_t mmio; /* Accesses to registers. */
    /* Tables of whoever had the unit before. */
    uint64_t found, found_bytes;
    /* an interrupt to come */
    void (*interrupt)(struct bench *b, void *arg);
    void *interrupt_arg;
    uint32_t interrupt_after;
    uint32_t chances; /* Moments at which one could have come. */
    /* What a test turned out to need and this machine has not: from then on nothing counts. */
    const char *lacks;
    /* what went wrong */
    uint32_t reports;
    const char *rule[BENCH_RULES];
    struct bench_trace trace;
    struct bench_tables tables[BENCH_TABLES];
};

/* Fills b->ops; bench_make() does. */
void bench_host_ops(struct bench *b);
/* memory: BENCH_MEMORY bytes that stay until the end. */
bool bench_make(struct bench *b, const struct bench_vendor *vendor,
                const struct bench_variant *variant, uint64_t seed, void *memory);
/* Before bench_up(): one more unit, behind the last, in the machine of first. */
bool bench_beside(struct bench *first, struct bench *b, const struct bench_vendor *vendor);
/* Whose registers they are; *addr becomes what the vendor takes. */
struct bench *bench_at(struct bench *first, uint64_t *addr);
/* Instance, PASID space and units, started. */
uiommu_err bench_up(struct bench *b);
uiommu_err bench_create(struct bench *b); /* The same without the start. */
/* Everything bench_up() made; devices and address spaces must be gone. */
uiommu_err bench_down(struct bench *b);

/* Run fn as an interrupt, or another thread, at the chance number after (from 0). */
void bench_interrupt(struct bench *b, uint32_t after, void (*fn)(struct bench *b, void *arg),
                     void *arg);

/* Count memory that was written after it was given back as faults of the heap. */
void bench_heap_look(struct bench *b);

/* The test needs what is not there: it is skipped, for this reason. */
void bench_lack(struct bench *b, const char *why);

uint64_t bench_now(const struct bench *b);
/* Let time pass without service. */
void bench_advance(struct bench *b, uint64_t ns);
/* Service the units whenever the host would: interrupt, wake-up, deadline, MORE; or polling. */
void bench_run(struct bench *b, uint64_t ns);
/* One look: service if it is due, then a moment passes. Used by every wait. */
void bench_step(struct bench *b, uint64_t ns);
/* Whether an event-driven host would call service now, of one of the units. */
bool bench_is_due(struct bench *b);

/* Everything on the bus that is not held is in the rings afterwards; nothing is serviced. */
void bench_arrive(struct bench *b);
void bench_fabric(struct bench *b, uint64_t min_ns, uint64_t max_ns, uint32_t late_per_mille,
                  uint64_t late_ns);

struct bench_tables *bench_tables_make(struct bench *b, enum bench_stage stage);
/* A zeroed page more, known to them; a guest sees it at bus + BENCH_GUEST. 0: no memory. */
uint64_t bench_piece(struct bench *b, struct bench_tables *t, void **cpu);
void bench_tables_free(struct bench *b, struct bench_tables *t);
bool bench_tables_root(struct bench *b, struct bench_tables *t, struct uiommu_root *out);
/* The roots of all formats of them; how many. */
#define BENCH_ROOTS 2u
uint32_t bench_tables_roots(struct bench *b, struct bench_tables *t,
                            struct uiommu_root out[BENCH_ROOTS]);
/* Map a new zeroed page; what it holds. NULL: no memory. */
void *bench_map(struct bench *b, struct bench_tables *t, uint64_t va, uint32_t access);
void bench_unmap(struct bench *b, struct bench_tables *t, uint64_t va);
/* Hardware still walks, caches or holds something of these tables. */
bool bench_uses_tables(struct bench *b, const struct bench_tables *t);

#endif
