/* SPDX-License-Identifier: BSD-2-Clause */
#include "selftest_vtd_stages.h"

/* A guest's first stage over a second stage: its root and tables are the guest's addresses. */

extern const struct model_selftest model_selftests_vtd_nested[];
extern const unsigned model_selftest_count_vtd_nested;

static void guest_build(struct bench *b, uint64_t entry)
{
    unsigned i;

    for (i = 0; i < 3; i++) {
        put64(b, b->tables + 4096 * (uint64_t)i + 8 * (VA >> (39 - 9 * i) & 0x1FF),
              (GPA(b->tables) + 4096 * (uint64_t)(i + 1)) | 7);
    }
    put64(b, leaf_at(b, VA), entry);
}

static void guest_maps(struct bench *b)
{
    uint64_t i;

    for (i = 0; i < 4; i++) {
        second_map(b, GPA(b->tables) + 4096 * i, (b->tables + 4096 * i) | SS_ALL);
    }
    second_map(b, GPA(b->data), b->data | SS_ALL);
    guest_build(b, GPA(b->data) | 7);
}

static struct bench *nested(void *memory, size_t bytes, uint64_t q0)
{
    struct bench *b = stages(memory, bytes);

    guest_maps(b);
    set_pasid(b, PASID, q0 | SECOND(b), 0x800000 | DID2, GPA(b->tables));
    return b;
}

static const char *translates(void *memory, size_t bytes)
{
    struct bench *b = nested(memory, bytes, 0xC9);
    struct model_vtd_config config;

    put64(b, b->data, 21);
    EXPECT(b, reason(b, PASID, VA, READ) == 0 && b->buffer == 21);
    EXPECT(b, (get64(b, leaf_at(b, VA)) & 0x60) == 0x20);
    EXPECT(b, reason(b, PASID, VA, WRITE) == 0);
    EXPECT(b, (get64(b, leaf_at(b, VA)) & 0x60) == 0x60);
    EXPECT(b, reason(b, PASID, VA + 0x1000, READ) == 0x71);
    set_pasid(b, 5, 0xC9 | SECOND(b), 0x800043, UINT64_C(1) << 48); /* No guest's address */
    EXPECT(b, reason(b, 5, VA, READ) == 0x5B);
    put64(b, leaf_at(b, VA + 0x1000), UINT64_C(1) << 48 | 7);
    EXPECT(b, reason(b, PASID, VA + 0x1000, READ) == 0x74);
    EXPECT(b, reason(b, PASID, UINT64_C(0x800000000000), READ) == 0x80);
    model_vtd_defaults(&config);
    config.nest = false;
    b = stages_with(memory, bytes, &config);
    guest_maps(b);
    set_pasid(b, PASID, 0xC9 | SECOND(b), 0x800000 | DID2, GPA(b->tables));
    EXPECT(b, reason(b, PASID, VA, READ) == 0x5B); /* NEST=0 */
    return selftest_end(&b->room);
}

static const char *faults_below(void *memory, size_t bytes)
{
    struct bench *b = nested(memory, bytes, 0xC9);
    uint64_t root = GPA(b->tables), last = root + 3 * 4096;

    second_map(b, root, b->tables | 2);
    EXPECT(b, reason(b, PASID, VA, READ) == 0x75);
    second_map(b, root, 0);
    EXPECT(b, reason(b, PASID, VA, READ) == 0x79);
    second_map(b, root, b->tables | SS_ALL);
    second_map(b, last, (b->tables + 3 * 4096) | 2);
    EXPECT(b, reason(b, PASID, VA, READ) == 0x76);
    second_map(b, last, (b->tables + 3 * 4096) | 1);
    purge(b);
    EXPECT(b, reason(b, PASID, VA, READ) == 0x77); /* Its flags cannot be set. */
    EXPECT(b, (get64(b, leaf_at(b, VA)) & 0x20) == 0);
    guest_build(b, GPA(b->data) | 0x27);
    EXPECT(b, reason(b, PASID, VA, READ) == 0);
    second_map(b, last, (b->tables + 3 * 4096) | SS_ALL);
    second_map(b, GPA(b->data), b->data | 1);
    run(b, IO_DOMAIN, 0);
    EXPECT(b, reason(b, PASID, VA, WRITE) == 0x85);
    second_map(b, GPA(b->data), b->data | 2);
    run(b, IO_DOMAIN, 0);
    EXPECT(b, reason(b, PASID, VA, READ) == 0x86);
    guest_build(b, GPA(b->data) | 3);
    EXPECT(b, reason(b, PASID, VA, READ) == 0x81);
    model_bus_inject_abort(b->room.world, b->tables, b->tables + 4095, 1);
    run(b, IO_DOMAIN, 0);
    EXPECT(b, reason(b, PASID, VA, READ) == 0x73);
    return selftest_end(&b->room);
}

/* With SSADE looking at the first stage's tables may mean to write them. */
static const char *flags_below(void *memory, size_t bytes)
{
    struct bench *b = nested(memory, bytes, 0x2C9);
    uint64_t last = GPA(b->tables) + 3 * 4096;

    EXPECT(b, reason(b, PASID, VA, READ) == 0);
    EXPECT(b, (get64(b, second_at(b, last, 1)) & 0x300) == 0x300);
    EXPECT(b, (get64(b, second_at(b, GPA(b->data), 1)) & 0x300) == 0x100);
    EXPECT(b, reason(b, PASID, VA, WRITE) == 0);
    EXPECT(b, (get64(b, second_at(b, GPA(b->data), 1)) & 0x300) == 0x300);
    second_map(b, last, (b->tables + 3 * 4096) | 1);
    run(b, IO_DOMAIN, 0);
    EXPECT(b, reason(b, PASID, VA, READ) == 0x76);
    return selftest_end(&b->room);
}

/* WPE and EAFE are the first stage's, whatever lies below it. */
static const char *first_stage_modes(void *memory, size_t bytes)
{
    struct bench *b = nested(memory, bytes, 0xC9);

    set_pasid(b, PASID, 0xC9 | SECOND(b), 0x800043, GPA(b->tables) | 0x81); /* SRE EAFE */
    guest_build(b, GPA(b->data) | 1);
    EXPECT(b, reason(b, PASID, VA, WRITE | MODEL_PRIV) == 0);
    EXPECT(b, (get64(b, leaf_at(b, VA)) & 0x460) == 0x460);
    set_pasid(b, PASID, 0xC8 | SECOND(b), 0x800043, GPA(b->tables) | 0x81);
    run(b, PC_NESTED, 0);
    run(b, IO_DOMAIN, 0);
    set_pasid(b, PASID, 0xC9 | SECOND(b), 0x800043, GPA(b->tables) | 0x91); /* WPE too */
    EXPECT(b, reason(b, PASID, VA, WRITE | MODEL_PRIV) == 0x85);
    EXPECT(b, reason(b, PASID, VA, READ | MODEL_PRIV) == 0);
    second_map(b, GPA(b->data), b->data | 2);
    run(b, IO_DOMAIN, 0);
    EXPECT(b, reason(b, PASID, VA, READ | MODEL_PRIV) == 0x86);
    return selftest_end(&b->room);
}

static const char *sizes(void *memory, size_t bytes)
{
    struct bench *b = nested(memory, bytes, 0xC9);
    uint64_t va = (VA & ~UINT64_C(0x1FFFFF)) + (b->data - SELFTEST_RAM_BASE);
    uint64_t other = bench_ram(b, 4096);
    struct model_translation got;

    put64(b, b->data, 1);
    put64(b, other, 2);
    second_map(b, GPA(b->data) + 4096, other | SS_ALL);
    put64(b, b->tables + 2 * 4096 + 8 * (VA >> 21 & 0x1FF), GUEST | 0x87); /* 2 MiB on pages */
    EXPECT(b, reason(b, PASID, va, READ) == 0 && b->buffer == 1);
    EXPECT(b, reason(b, PASID, va + 4096, READ) == 0 && b->buffer == 2);
    EXPECT(b, ats(b, PASID, va, READ).size_log2 == 12);
    guest_build(b, GPA(b->data) | 7);
    put64(b, second_at(b, GUEST, 2), SELFTEST_RAM_BASE | SS_ALL | 0x80); /* Pages on 2 MiB */
    run(b, IO_DOMAIN, 0);
    got = ats(b, PASID, VA, READ | WRITE);
    EXPECT(b, got.size_log2 == 12 && got.address == b->data && got.access == (READ | WRITE));
    return selftest_end(&b->room);
}

/* DID and PASID for what both stages made; the second stage's page commands take all of a DID. */
static const char *scopes(void *memory, size_t bytes)
{
    static const uint64_t good[] = {0xD2, IO_DOMAIN, IO_PAGE2, PIO_NESTED, PIO_PAGE};
    static const uint64_t useless[] = {UINT64_C(0x00000000004200E2), UINT64_C(0x0000000000420032),
                                       UINT64_C(0x0000000400430026), UINT64_C(0x0000000400430036),
                                       UINT64_C(0x0000000300420026)};
    const char *why = NULL;
    unsigned i;

    for (i = 0; i < 5 && why == NULL; i++) {
        struct bench *b = nested(memory, bytes, 0xC9);

        EXPECT(b, reason(b, PASID, VA, READ) == 0);
        put64(b, leaf_at(b, VA), 0);
        run(b, useless[i], (useless[i] & 0x30) == 0x30 ? VA : 0);
        EXPECT(b, reason(b, PASID, VA, READ) == 0);
        run(b, PIO_PAGE, VA + 0x1000);
        EXPECT(b, reason(b, PASID, VA, READ) == 0);
        run(b, good[i], (good[i] & 0x30) == 0x30 ? VA : 0);
        EXPECT(b, reason(b, PASID, VA, READ) == 0x71);
        why = selftest_end(&b->room);
    }
    return why;
}

/* What was kept on the way leads to the former place of a table. */
static const char *walk_cache(void *memory, size_t bytes)
{
    struct bench *b = nested(memory, bytes, 0xC9);
    struct model_vtd_knobs k = knobs(b);
    uint64_t last = GPA(b->tables) + 3 * 4096;
    uint64_t other = bench_ram(b, 4096);

    k.walk_cache = 1000;
    model_vtd_set_knobs(b->m, &k);
    EXPECT(b, reason(b, PASID, VA, READ) == 0);
    second_map(b, last, other | SS_ALL); /* Nothing is in the new one. */
    run(b, PIO_PAGE, VA | 0x40);
    EXPECT(b, reason(b, PASID, VA, READ) == 0);
    EXPECT(b, !model_vtd_check_tables_unused(b->m, b->tables + 3 * 4096, b->tables + 4 * 4096 - 1));
    run(b, PIO_PAGE, VA);
    EXPECT(b, reason(b, PASID, VA, READ) == 0x71);
    second_map(b, last, (b->tables + 3 * 4096) | SS_ALL);
    run(b, IO_PAGE2, last | 0x40); /* IH does not spare what both stages made. */
    EXPECT(b, reason(b, PASID, VA, READ) == 0);
    return selftest_end(&b->room);
}

static const char *stale(void *memory, size_t bytes)
{
    struct bench *b = nested(memory, bytes, 0xC9);
    struct model_vtd_knobs k = knobs(b);
    uint64_t other = bench_ram(b, 4096);

    k.walk_cache = 0;
    model_vtd_set_knobs(b->m, &k);
    EXPECT(b, reason(b, PASID, VA, READ) == 0);
    second_map(b, GPA(b->data), other | SS_ALL);
    EXPECT(b, reason(b, PASID, VA, READ) == 0);
    REPORTED(b, "vtd.cache.stale-translation");
    run(b, IO_DOMAIN, 0);
    EXPECT(b, reason(b, PASID, VA, READ) == 0);
    guest_build(b, (GPA(b->data) + 4096) | 7);
    EXPECT(b, reason(b, PASID, VA, READ) == 0);
    REPORTED(b, "vtd.cache.stale-translation");
    run(b, PC_NESTED, 0); /* The same entry again. */
    EXPECT(b, reason(b, PASID, VA + 0x1000, READ) != 0 && b->room.reports == 0);
    set_pasid(b, PASID, 0xC8 | SECOND(b), 0x800043, GPA(b->tables));
    run(b, PC_NESTED, 0);
    set_pasid(b, PASID, 0xC9 | b->table, 0x800043, GPA(b->tables)); /* Another second stage */
    EXPECT(b, reason(b, PASID, VA + 0x1000, READ) != 0);
    reported_any(b, "vtd.cache.translations-left");
    run(b, PC_NESTED, 0);
    set_pasid(b, PASID, 0xC9 | SECOND(b), 0x800043, GPA(b->tables) + 4096);
    EXPECT(b, reason(b, PASID, VA + 0x1000, READ) != 0);
    reported_any(b, "vtd.cache.translations-left");
    return selftest_end(&b->room);
}

static const char *domain_ids(void *memory, size_t bytes)
{
    struct bench *b = nested(memory, bytes, 0xC9);

    model_vtd_prefetch(b->m, SID, PASID);
    set_pasid(b, 0, 0x89 | SECOND(b), 0x800043, 0);
    model_vtd_prefetch(b->m, SID, NONE); /* Its parent may have the same DID. */
    EXPECT(b, b->room.reports == 0);
    set_pasid(b, 6, 0x41, 0x800043, b->tables);
    model_vtd_prefetch(b->m, SID, 6);
    REPORTED(b, "vtd.did.stages-mixed");
    b = nested(memory, bytes, 0xC9);
    model_vtd_prefetch(b->m, SID, PASID);
    set_pasid(b, 5, 0xC9 | SECOND(b), 0x800043, GPA(b->tables) | 0x80); /* EAFE */
    model_vtd_prefetch(b->m, SID, 5);
    REPORTED(b, "vtd.did.flags-differ");
    return selftest_end(&b->room);
}

static const char *inspection(void *memory, size_t bytes)
{
    struct bench *b = nested(memory, bytes, 0xC9);
    uint64_t first = b->tables, second = SECOND(b);
    struct model_vtd_knobs k = knobs(b);

    k.walk_cache = 0;
    model_vtd_set_knobs(b->m, &k);
    model_vtd_prefetch(b->m, SID, PASID);
    EXPECT(b, !model_vtd_check_tables_unused(b->m, first, first + 4095)); /* By the entry */
    EXPECT(b, !model_vtd_check_tables_unused(b->m, second, second + 4095));
    EXPECT(b, reason(b, PASID, VA, READ) == 0);
    EXPECT(b, !model_vtd_check_unreachable(b->m, SID, PASID));
    set_pasid(b, PASID, 0xC8 | SECOND(b), 0x800043, GPA(b->tables));
    run(b, PC_NESTED, 0);
    EXPECT(b, !model_vtd_check_tables_unused(b->m, first, first + 4095));
    EXPECT(b, !model_vtd_check_tables_unused(b->m, first + 3 * 4096, first + 4 * 4096 - 1));
    EXPECT(b, !model_vtd_check_tables_unused(b->m, second, second + 4095));
    EXPECT(b, !model_vtd_check_tables_unused(b->m, second + 3 * 4096, second + 4 * 4096 - 1));
    EXPECT(b, !model_vtd_check_unreachable(b->m, SID, PASID));
    run(b, IO_DOMAIN, 0);
    EXPECT(b, model_vtd_check_tables_unused(b->m, first, first + 8 * 4096 - 1));
    EXPECT(b, model_vtd_check_unreachable(b->m, SID, PASID));
    return selftest_end(&b->room);
}

static const char *ats_answers(void *memory, size_t bytes)
{
    struct bench *b = nested(memory, bytes, 0xC9);
    struct model_translation got = ats(b, PASID, VA, READ | WRITE);

    EXPECT(b, got.status == MODEL_TRANSLATE_OK && got.address == b->data);
    EXPECT(b, got.access == (READ | WRITE));
    second_map(b, GPA(b->data), b->data | 1);
    run(b, IO_DOMAIN, 0);
    EXPECT(b, ats(b, PASID, VA, READ | WRITE).access == READ);
    second_map(b, GPA(b->tables), b->tables | 2);
    run(b, IO_DOMAIN, 0);
    got = ats(b, PASID, VA, READ);
    EXPECT(b, got.status == MODEL_TRANSLATE_OK && got.access == 0 && fault(b) == 0);
    second_map(b, GPA(b->tables), b->tables | SS_ALL | UINT64_C(1) << 62);
    EXPECT(b, ats(b, PASID, VA, READ).status == MODEL_TRANSLATE_ABORTED && fault(b) == 0x7A);
    return selftest_end(&b->room);
}

/* Whoever invalidates what he has to is never reported, and reaches what he should. */
static const char *right_use(void *memory, size_t bytes)
{
    struct bench *b = nested(memory, bytes, 0x2C9);
    uint64_t page[2] = {b->data, bench_ram(b, 4096)};
    struct model_vtd_knobs k = knobs(b);
    unsigned i;

    k.evict = 300;
    k.prefetch = 300;
    model_vtd_set_knobs(b->m, &k);
    put64(b, page[1], 1);
    for (i = 0; i < 200; i++) {
        EXPECT(b, reason(b, PASID, VA, READ) == 0 && b->buffer == (i & 1));
        if (i % 4 < 2) { /* The host gives another page. */
            second_map(b, GPA(b->data), 0);
            run(b, IO_PAGE2, GPA(b->data) | 0x40);
            EXPECT(b, reason(b, PASID, VA, READ) == 0x79);
            second_map(b, GPA(b->data), page[(i + 1) & 1] | SS_ALL);
        } else { /* The guest's table goes, and comes back; so does the entry. */
            put64(b, b->tables + 2 * 4096 + 8 * (VA >> 21 & 0x1FF), 0);
            run(b, PIO_PAGE, VA);
            EXPECT(b, reason(b, PASID, VA, READ) == 0x71);
            set_pasid(b, PASID, 0x2C8 | SECOND(b), 0x800043, GPA(b->tables));
            run(b, PC_NESTED, 0);
            run(b, IO_DOMAIN, 0);
            EXPECT(b, model_vtd_check_unreachable(b->m, SID, PASID));
            guest_build(b, GPA(b->data) | 7);
            second_map(b, GPA(b->data), page[(i + 1) & 1] | SS_ALL);
            set_pasid(b, PASID, 0x2C9 | SECOND(b), 0x800043, GPA(b->tables));
        }
    }
    return selftest_end(&b->room);
}

#define T(name)                                                                                    \
    {                                                                                              \
#name, name                                                                                \
    }
const struct model_selftest model_selftests_vtd_nested[] = {
    T(translates), T(faults_below), T(flags_below), T(first_stage_modes),
    T(sizes),      T(scopes),       T(walk_cache),  T(stale),
    T(domain_ids), T(inspection),   T(ats_answers), T(right_use),
};
const unsigned model_selftest_count_vtd_nested =
    sizeof(model_selftests_vtd_nested) / sizeof(model_selftests_vtd_nested[0]);
