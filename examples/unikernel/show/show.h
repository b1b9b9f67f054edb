/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SHOW_H
#define SHOW_H
/*
 * What the image shows: one file a thing, each one or a few rows of the table on the console. A row
 * is good only if what the device and the unit did was looked at, not only what uiommu returned.
 */
#include "glue.h"

enum show_verdict {
    SHOW_GOOD,
    SHOW_FAILED,
    SHOW_SKIPPED, /* This machine cannot show it; the row says why. */
};

/* Where devices find what is mapped for them: below 256 MiB, which is what edu can reach. */
#define SHOW_FROM  UINT64_C(0x100000)
#define SHOW_TO    UINT64_C(0x201000)
#define SHOW_HOLE  UINT64_C(0x555000)
#define SHOW_BYTES 256u
#define SHOW_NS    UINT64_C(500000000) /* So long an event may take. */

struct show {
    struct uiommu *u;
    struct glue_unit g;
    struct glue_edu edu;
    struct glue_edu other; /* A second one that nobody attaches; registers 0: there is none. */
    struct glue_space space;
    unsigned char *from; /* Two pages, mapped at SHOW_FROM and SHOW_TO. */
    unsigned char *to;
    char seen[120]; /* What a row tells. */
    uint32_t good;
    uint32_t failed;
    uint32_t skipped;
};

struct show_row {
    const char *what;
    enum show_verdict (*run)(struct show *s);
};

/* Each ends with a row whose run is NULL. In the order they are shown. */
extern const struct show_row show_unit[];
extern const struct show_row show_request[];
extern const struct show_row show_copy[];
extern const struct show_row show_reserved[];
extern const struct show_row show_fault[];
extern const struct show_row show_stale[];
extern const struct show_row show_nvme[];
extern const struct show_row show_recover[];
extern const struct show_row show_ask[];
extern const struct show_row show_end[];

/* Sets what the row tells. */
#define SHOW_SEEN(s, ...) kernel_format((s)->seen, sizeof((s)->seen), __VA_ARGS__)

/* Fills the first page with bytes that depend on seed, the second with others. */
void show_fill(struct show *s, uint32_t seed);
/* Lets edu copy so many bytes from the first page to the second. */
bool show_move(struct show *s, uint32_t bytes);
/* Are so many bytes of the pages the same? */
bool show_same(const struct show *s, uint32_t bytes);
/* Is each of so many bytes of the second page as show_fill() left it? */
bool show_differ(const struct show *s, uint32_t bytes);
/* Is it this kind of fault, as far as the unit's tables can tell? */
bool show_is(const struct show *s, const struct uiommu_event *event, enum uiommu_event_kind kind);
/* Waits for an event by interrupt; says it in seen. Is it this kind of fault, of edu, with this
 * address and access? */
bool show_event(struct show *s, enum uiommu_event_kind kind, uint64_t address, uint32_t access);

/* show_refuse.c: says why, and that DMA stays blocked; ends the machine. */
_Noreturn void show_refuse(struct show *s, enum glue_end end, const char *why);

/* show_witness.c: a log of every command that reaches the unit, and of every event it told. */
void show_witness(uint64_t addr, uint64_t value);
void show_witness_begin(const struct glue_found *found);
void show_witness_event(const struct uiommu_event *event);
/* What the image is about to do on purpose. */
void show_witness_illegal(void);
/* From here on, or no more, the device is bound to nothing. */
void show_witness_shut(const struct glue_edu *edu, bool shut);

#endif
