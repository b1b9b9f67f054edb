/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MODEL_INTERNAL_H
#define MODEL_INTERNAL_H
/*
 * What the models share among themselves and tests must not see: the world's insides, and the
 * four memory functions that every C compiler may emit calls to anyway. There is no other libc.
 */
#include "model_world.h"

#ifdef __cplusplus
extern "C" {
#endif

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int byte, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);

#define MODEL_PAGE_SHIFT 12
#define MODEL_PAGE_BYTES 4096u
#define MODEL_WORK_MAX   16384u
#define MODEL_ABORT_MAX  16u

struct model_work {
    uint64_t when;
    uint64_t order; /* Breaks ties: equal times run in the order of the calls. */
    model_work_fn *fn;
    void *arg;
    uint64_t token;
};

/* One page of RAM. Pieces are whole pages, so that a page has one owner. */
struct model_ram_page {
    uint64_t piece_bytes; /* In a piece's first page: its size as asked for. */
    uint32_t piece_first; /* Index of the first page of the piece that it is or was part of. */
    uint8_t state;        /* MODEL_RAM_* */
};
#define MODEL_RAM_ZEROED 1u /* The bytes are defined; before, they are garbage. */
#define MODEL_RAM_GIVEN  2u /* Part of a live piece. */
#define MODEL_RAM_FREED  4u /* Was part of a piece. */
#define MODEL_RAM_TAKEN  8u /* Never given, but a test asked for it and uses it. */

struct model_abort {
    uint64_t first, last;
    uint32_t count;
};

struct model_ram {
    uint64_t base;
    uint64_t bytes;
    uint8_t *cpu; /* What the CPU sees. */
    uint8_t *hw;  /* What hardware sees; the same bytes in a coherent world. */
    struct model_ram_page *pages;
    uint32_t page_count;
    uint32_t next; /* Where the search for a piece goes on, so that freed pages rest longest. */
    uint32_t live_count;
    uint64_t live_bytes;
    struct model_abort aborts[MODEL_ABORT_MAX];
    bool abort_armed; /* Some entry of aborts has a count. */
};

struct model_world {
    uint8_t *arena;
    size_t arena_bytes;
    size_t arena_used;
    uint64_t now;
    uint64_t tick_ns;
    uint64_t random;
    struct model_work *work; /* Binary heap, earliest first. */
    uint32_t work_count;
    uint64_t work_order;
    bool running;
    void *report_ctx;
    void (*report)(void *ctx, const struct model_report *report);
    uint32_t report_count;
    struct model_ram ram;
};

/* As model_alloc(), but not zeroed: for what is big and written before it is read. */
void *model_carve(struct model_world *world, size_t bytes, size_t align);
/* false: memory does not suffice. */
bool model_ram_init(struct model_world *world, uint64_t base, uint64_t bytes, bool coherent);

#ifdef __cplusplus
}
#endif
#endif
