/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SVA_H
#define SVA_H
/*
 * uiommu-sva: model DMA engines copy a file through shared virtual addressing.
 *
 *   sva_main.c      set-up, verdict
 *   sva_options.c   the command line
 *   sva_input.c     FILE and OUT: what is refused, how OUT is prepared and checked
 *   sva_bench.c     the machine: models wired up as hardware (a backend has one file of its own:
 *                   sva_smmuv3.c, sva_amd.c, sva_vtd.c)
 *   sva_embed.c     the embedder's side: the instance, units, devices and address space of uiommu
 *   sva_run.c       the loop: virtual time, and who gets his turn in which order
 *   sva_copy.c      blocks: source read, target written, OUT written, pages recycled
 *   sva_fault.c     the fault handler, and the pages that come from disk
 *   sva_disk.c      libuv's thread pool, seen as a disk with virtual latency
 *   sva_stop.c      how the end begins: done, killed, unbound
 *   sva_close.c     taking everything down
 *   sva_trace.c     whose the records in the trace are; ../common/spans.c writes it
 *   sva_progress.c  the progress bar
 *   sva_report.c    the table
 *
 * All of uiommu and of the models runs on the loop's thread; only disk I/O is in the pool. Time is
 * virtual, and nothing in a run depends on how fast the disk is: one seed, one run.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <uv.h>

#include "model_endpoint.h"
#include "spans.h"
#include "sva_machine.h"
#include "table.h"
#include "uiommu/host_uv.h"
#include "uiommu/uiommu.h"

#define SVA_PAGE        4096u
#define SVA_JOBS        4u /* Blocks an engine works on at once. */
#define SVA_GROUP_PAGES 4u /* Pages an engine asks for at once, where its credits allow it. */
#define SVA_NONE        UINT32_MAX
#define SVA_TABLES_MOST 2u /* Formats of page tables. */

/* Where the process would have mapped the file and the copy. */
#define SVA_SOURCE_BASE UINT64_C(0x0000100000000000)
#define SVA_TARGET_BASE UINT64_C(0x00007f0000000000)

struct sva;
struct sva_engine;
struct sva_slot;
struct sva_fill;

/* ---- options ---- */

enum sva_break {
    SVA_BREAK_NOTHING,
    SVA_BREAK_SUCCESS_WITHOUT_MAP,
    SVA_BREAK_WRONG_PAGE,
};

struct sva_options {
    const char *file;
    const char *out;
    const char *trace; /* NULL: none. */
    const struct sva_backend *backends[SVA_UNITS_MOST];
    uint32_t backend_count;
    uint64_t seed;
    uint32_t devices;
    uint32_t credits; /* Per device; 0: what the queue has room for, at most 16. */
    uint32_t queue_entries;
    uint32_t block_bytes;
    uint32_t kill_at;   /* Percent; 0: never. */
    uint32_t unbind_at; /* Percent; 0: never. */
    uint32_t unbind;    /* So many devices; 0: all. */
    enum sva_break broken;
    bool quiet;
};

/* 0: go on, else the exit code plus 1. */
int sva_options_parse(struct sva_options *o, int argc, char **argv);

/* ---- disk ---- */

enum sva_disk_kind {
    SVA_DISK_READ,
    SVA_DISK_WRITE,
    SVA_DISK_WAIT
};

/* One request to the disk. Filled by the caller up to the line. */
struct sva_disk_op {
    void (*deliver)(struct sva_disk_op *op); /* Owns it from then on. */
    void *user;
    uint32_t first; /* The caller's. */
    uint32_t count; /* Of bufs. */
    uv_file file;
    int64_t offset;
    enum sva_disk_kind kind;
    /* ------------ */
    struct sva *sva;
    struct sva_disk_op *next;
    uv_fs_t request;
    uint64_t due;   /* Virtual time of its delivery. */
    uint64_t moved; /* Bytes. */
    int error;      /* 0 or libuv's. */
    bool done;      /* The pool is through with it. */
    uv_buf_t bufs[];
};

struct sva_disk {
    struct sva_disk_op *first; /* By due. */
    uint32_t in_pool;
    bool blocked; /* Virtual time stands still until the pool is through with first. */
};

struct sva_disk_op *sva_disk_op_new(uint32_t bufs);
void sva_disk_submit(struct sva *s, struct sva_disk_op *op);
/* Deliver what is due. false: the pool is not through with it, time must stand still. */
bool sva_disk_run(struct sva *s);
/* Never deliver it, or in a while. */
void sva_disk_hold(struct sva *s, struct sva_disk_op *op);
void sva_disk_release(struct sva *s, struct sva_disk_op *op, uint64_t after_ns);

/* ---- copy ---- */

enum sva_page_state {
    SVA_PAGE_ABSENT,
    SVA_PAGE_FILLING,
    SVA_PAGE_MAPPED
};

struct sva_page {
    void *cpu;
    uint64_t bus;
    enum sva_page_state state;
};

enum sva_slot_state {
    SVA_SLOT_IDLE,
    SVA_SLOT_READ,    /* The engine reads the source. */
    SVA_SLOT_WRITE,   /* The engine writes the target. */
    SVA_SLOT_WRITTEN, /* The target waits for OUT. */
    SVA_SLOT_FLUSH,   /* OUT is being written. */
    SVA_SLOT_OVER,    /* Given up; its pages are still to be recycled. */
};

enum sva_side {
    SVA_SOURCE,
    SVA_TARGET,
    SVA_SIDES
};

/* Where one block is copied: a window of virtual addresses on each side, used again and again. */
struct sva_slot {
    struct sva_engine *engine;
    uint32_t number;
    enum sva_slot_state state;
    uint64_t block; /* Which one of FILE. */
    uint32_t bytes;
    uint32_t pages;
    int job;
    uint32_t fills;  /* Groups about it that are not answered. */
    uint8_t *buffer; /* Inside the engine. */
    struct sva_page *page[SVA_SIDES];
};

enum sva_unbind {
    SVA_BOUND,
    SVA_UNBINDING,
    SVA_UNBOUND
};

struct sva_engine {
    struct sva *sva;
    struct sva_unit *unit;
    uint32_t number;
    uint32_t id;
    uint32_t credits;
    uint32_t group_pages;
    struct model_endpoint *ep;
    struct uiommu_pcie pcie;
    struct uiommu_port *port;
    struct uiommu_device *device;
    struct uiommu_bond_ref bond;
    enum sva_unbind unbind;
    bool stop_asked;   /* The driver was told to stop it ... */
    bool stop_waiting; /* ... and has not confirmed yet. */
    bool detached;
    uint32_t stop_pasid;
    struct sva_slot slots[SVA_JOBS];
};

/* What was seen behind one unit, beside what uiommu and the models count. */
struct sva_counts {
    uint64_t pages_in; /* Source pages mapped for its engines. */
    uint64_t pages_out;
    uint64_t pending;      /* Groups. */
    uint64_t late_answers; /* For the dead or the taken away. */
    uint64_t orphans;
    uint64_t blocks; /* Of OUT written. */
    uint64_t events;
    uint32_t open; /* Partial groups now. */
};

/* What was there the moment the address space died, or the devices were unbound. */
struct sva_moment {
    bool reached;
    bool over;
    uint64_t start_ns; /* Virtual. */
    uint64_t wall_start_ns;
};

/* The same of one unit. */
struct sva_found {
    uint32_t in_ring;
    uint32_t partial;
    uint32_t pending;
    uint64_t blocks;
    uint64_t end_ns; /* When its last bond was drained; 0: it had none to drain. */
    uint64_t wall_end_ns;
};

enum sva_phase {
    SVA_COPYING,
    SVA_ARM_HOLD,    /* A group is to stay PENDING ... */
    SVA_ARM_PARTIAL, /* ... one to stay partial ... */
    SVA_ARM_RING,    /* ... and one to lie in the ring. */
    SVA_DRAINING,
    SVA_RECYCLING, /* Pages, then devices, ... */
    SVA_DETACHING,
    SVA_CLOSING, /* ... the unit and what is left. */
    SVA_ENDED,
};

#define SVA_OPEN_MAX 66560u /* Groups a unit can have at once. */

/* One IOMMU, and what the end needs behind it. */
struct sva_unit {
    struct sva *sva;
    struct sva_iommu *iommu;
    struct uiommu_unit *unit;
    uint32_t number; /* uiommu's, in traces. */
    uint32_t devices;
    struct uiommu_uv_unit *serving;
    bool serving_closed;
    struct uiommu_unit_counters counters; /* At the end. */
    struct sva_counts counts;
    struct sva_found found;
    struct sva_disk_op *victim[2]; /* Groups that are to stay PENDING. */
    struct sva_engine *splitter;   /* Leaves groups partial. */
    uint64_t split_since;
    bool ready; /* For the next step; what is left to copy is for units that are not. */
    uint64_t open_since[SVA_OPEN_MAX]; /* Per group slot: since when partial, else 0. */
    uint32_t open_id[SVA_OPEN_MAX];
};

struct sva {
    struct sva_options o;
    uv_loop_t loop;
    uv_idle_t turn;
    struct sva_machine *machine;
    struct sva_disk disk;
    struct spans *trace;
    uint64_t random;

    /* FILE and OUT */
    uv_file file;
    uv_file out;
    uint64_t bytes;
    uint64_t blocks;
    uint64_t next_block;
    uint64_t *again; /* Blocks given up by devices that were unbound. */
    uint64_t again_count;
    uint8_t *written; /* One flag a block. */
    bool out_regular;
    bool out_made; /* There was none. */

    /* uiommu */
    struct uiommu_uv *uv;
    struct uiommu *u;
    struct sva_unit *units;
    uint32_t unit_count;
    struct uiommu_pasid_space *pasids;
    uint32_t pasid;
    struct uiommu_aspace *as;
    struct table tables[SVA_TABLES_MOST]; /* The same pages in each format that a unit walks. */
    uint32_t table_count;
    struct sva_engine *engines;

    /* the run */
    enum sva_phase phase;
    uint64_t phase_since;
    uint64_t step_ns;
    uint32_t idle_turns;
    bool stirred;
    bool held_for_disk;
    bool held_for_stop;
    bool no_flush; /* OUT is not written any more, or not now. */
    bool dead;     /* The address space is. */
    bool withheld; /* Its pages may not be freed yet. */
    bool stuck;
    uint32_t flushing;
    struct sva_fill *fills;
    uint64_t arm_since;
    struct sva_moment moment;
    uint64_t done; /* Blocks of OUT written. */
    uint64_t invalidations;
    uint32_t failures;
    bool disk_failed; /* FILE, OUT or the trace could not be read or written. */
    char verdict[200];
    uint64_t started_ns;
    bool show_progress;
    uint32_t progress_turns;
    uint64_t progress_ns;
};

/* ---- sva_main.c ---- */

/* The run is no good: say why, once, and go on to an orderly end. */
void sva_disk_fail(struct sva *s, const char *path, const char *why);
void sva_fail(struct sva *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The host's own choices, 0 .. n - 1. */
uint32_t sva_choose(struct sva *s, uint32_t n);

/* ---- sva_input.c: each returns 0, or 2 having said why ---- */
int sva_input_open(struct sva *s);
int sva_input_trace(struct sva *s, FILE **out);
int sva_input_prepare(struct sva *s);
void sva_input_verify(struct sva *s);
void sva_input_close(struct sva *s);
/* OUT as it was before the run, where nothing was written yet. */
void sva_input_undo(struct sva *s);

/* ---- sva_embed.c ---- */
int sva_embed_open(struct sva *s);
void sva_embed_serve(struct sva *s);
/* NULL: none has this number, or is there. */
struct sva_unit *sva_unit_by_number(struct sva *s, uint32_t number);
struct sva_engine *sva_engine_by_id(const struct sva_unit *v, uint32_t id);
/* Confirm the stops that came to their end. */
void sva_embed_stops(struct sva *s);

/* ---- sva_run.c ---- */
void sva_run(struct sva *s);
/* Service is put off while any reason is there. */
void sva_hold(struct sva *s, bool *reason, bool on);
/* The disk has something: the loop goes on. */
void sva_run_unblock(struct sva *s);

/* ---- sva_copy.c ---- */
void sva_copy_step(struct sva *s);
uint64_t sva_slot_va(const struct sva_slot *slot, enum sva_side side);
/* Which slot, side and page an address belongs to. */
struct sva_slot *sva_slot_find(struct sva *s, uint64_t va, enum sva_side *side, uint32_t *page);
/* Give back every page of a slot; false: some group about it is not answered. */
bool sva_slot_recycle(struct sva *s, struct sva_slot *slot);
void sva_slot_give_up(struct sva *s, struct sva_slot *slot);

/* ---- sva_fault.c ---- */
extern const struct uiommu_aspace_ops sva_aspace_ops;
/* A group behind the unit that waits for the disk, of another slot than that of not; NULL: none. */
struct sva_disk_op *sva_fault_pick(struct sva_unit *v, const struct sva_disk_op * not );
struct sva_slot *sva_fault_slot(const struct sva_disk_op *op);
uint32_t sva_fault_pending(const struct sva_unit *v);
/* The entries of a page in the tables of every format. */
bool sva_tables_map(struct sva *s, uint64_t va, uint64_t bus, uint32_t access);
bool sva_tables_unmap(struct sva *s, uint64_t va);
void sva_tables_fini(struct sva *s);

/* ---- sva_stop.c, sva_close.c ---- */
void sva_stop_step(struct sva *s);
void sva_phase(struct sva *s, enum sva_phase phase);
void sva_close_step(struct sva *s);
void sva_close_early(struct sva *s);

/* ---- sva_trace.c ---- */
struct spans *sva_trace_open(FILE *file, struct sva *s);

/* ---- sva_progress.c, sva_report.c ---- */
void sva_progress(struct sva *s, bool last);
void sva_report(struct sva *s);

#endif
