/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SELFTEST_SUPPORT_H
#define SELFTEST_SUPPORT_H
/* What the models' self-tests share: a world whose reports are remembered, and expectations. */
#include "model_internal.h"
#include "model_selftest.h"

#define SELFTEST_RAM_BASE  UINT64_C(0x80000000)
#define SELFTEST_RAM_BYTES UINT64_C(0x100000)

struct selftest_room {
    struct model_world *world;
    const char *why;  /* The first expectation that was not met. */
    const char *rule; /* Of the last report. */
    uint32_t reports; /* Not yet expected. */
};

/* A test may begin several worlds, one after the other; what one of them showed is kept here. */
static struct {
    const char *why;
    const char *rule;
    uint32_t reports;
} selftest_kept;

static inline void selftest_expect(struct selftest_room *room, bool met, const char *why)
{
    if (!met && room->why == NULL) {
        room->why = why;
    }
    if (!met && selftest_kept.why == NULL) {
        selftest_kept.why = why;
    }
}

/* What devices read and write is little-endian; between that and a word of ours, both ways. */
static inline void selftest_little(uint64_t *word)
{
    uint8_t *at = (uint8_t *)word;
    uint64_t value = *word;
    uint32_t i;

    for (i = 0; i < 8; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

static inline bool selftest_same(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

static inline void selftest_report(void *ctx, const struct model_report *report)
{
    struct selftest_room *room = ctx;

    room->rule = report->rule;
    room->reports++;
    selftest_kept.rule = report->rule;
    selftest_kept.reports++;
}

/* Exactly one report since the last look, of this rule. */
static inline void selftest_expect_report(struct selftest_room *room, const char *rule)
{
    selftest_expect(room, room->reports == 1 && selftest_same(room->rule, rule), rule);
    room->reports = 0;
    selftest_kept.reports = 0;
}

/* The end of a test: what went wrong first in any of its worlds, or a report nobody expected. */
static inline const char *selftest_end(struct selftest_room *room)
{
    const char *why;

    selftest_expect(room, selftest_kept.reports == 0, selftest_kept.rule);
    why = selftest_kept.why;
    memset(&selftest_kept, 0, sizeof(selftest_kept));
    return why;
}

static inline bool selftest_begin(struct selftest_room *room, void *memory, size_t bytes,
                                  uint64_t seed, bool coherent)
{
    struct model_world_config config;

    memset(room, 0, sizeof(*room));
    memset(&config, 0, sizeof(config));
    config.seed = seed;
    config.memory = memory;
    config.memory_bytes = bytes;
    config.ram_base = SELFTEST_RAM_BASE;
    config.ram_bytes = SELFTEST_RAM_BYTES;
    config.coherent = coherent;
    config.tick_ns = 10;
    config.report_ctx = room;
    config.report = selftest_report;
    room->world = model_world_create(&config);
    if (room->world == NULL) {
        room->why = "no world could be created";
    }
    return room->world != NULL;
}

#endif
