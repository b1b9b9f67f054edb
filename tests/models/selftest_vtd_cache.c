/* SPDX-License-Identifier: BSD-2-Clause */
#include "selftest_vtd_bench.h"

extern const struct model_selftest model_selftests_vtd_cache[];
extern const unsigned model_selftest_count_vtd_cache;

#define PC_PASID UINT64_C(0x0000000300010017)
#define IO_PASID UINT64_C(0x0000000300010026)
#define IO_PAGE  UINT64_C(0x0000000300010036)

static const char *stale_translation(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    EXPECT(b, reads(b, PASID, VA));
    put64(b, leaf_at(b, VA), 0);
    EXPECT(b, reads(b, PASID, VA));
    run(b, IO_PAGE, (VA + 0x1000));
    EXPECT(b, reads(b, PASID, VA));
    put64(b, leaf_at(b, VA), b->status | 7);
    EXPECT(b, reads(b, PASID, VA));
    REPORTED(b, "vtd.cache.stale-translation");
    put64(b, leaf_at(b, VA), 0);
    run(b, IO_PAGE, VA);
    EXPECT(b, !reads(b, PASID, VA));
    return selftest_end(&b->room);
}

static const char *stale_entry(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    struct model_vtd_knobs k = knobs(b);

    k.strict_order = true;
    model_vtd_set_knobs(b->m, &k);
    EXPECT(b, reads(b, PASID, VA));
    set_pasid(b, PASID, 0x40, 0x800001, b->tables);
    run(b, IO_PASID, 0);
    REPORTED(b, "vtd.order.iotlb-before-pasid");
    EXPECT(b, reads(b, PASID, VA) && !model_vtd_check_unreachable(b->m, SID, PASID));
    run(b, PC_PASID, 0);
    EXPECT(b, reads(b, PASID, VA) && !model_vtd_check_unreachable(b->m, SID, PASID));
    run(b, IO_PASID, 0);
    EXPECT(b, model_vtd_check_unreachable(b->m, SID, PASID));
    EXPECT(b, !reads(b, PASID, VA) && fault(b) == 0x59);
    return selftest_end(&b->room);
}

static const char *entry_replaced(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    EXPECT(b, reads(b, PASID, VA));
    set_pasid(b, PASID, 0x41, 0x800001, b->tables + 4096);
    EXPECT(b, !reads(b, PASID, VA + 0x1000));
    reported_any(b, "vtd.cache.stale-pasid");
    run(b, PC_PASID, 0);
    EXPECT(b, !reads(b, PASID, VA + 0x1000));
    reported_any(b, "vtd.cache.translations-left");
    return selftest_end(&b->room);
}

static const char *context_stays(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    EXPECT(b, reads(b, PASID, VA));
    put64(b, b->contexts + 32 * (SID & 0x7F), 0);
    run(b, 0x37, 0);
    run(b, 0xD2, 0);
    EXPECT(b, reads(b, PASID, VA));
    run(b, UINT64_C(0x0000020900000031), 0);
    EXPECT(b, model_vtd_context_cached(b->m, SID));
    run(b, UINT64_C(0x0000020800000031), 0);
    EXPECT(b, !model_vtd_context_cached(b->m, SID));
    run(b, 0x37, 0);
    run(b, 0xD2, 0);
    EXPECT(b, !reads(b, PASID, VA) && fault(b) == 0x41);
    return selftest_end(&b->room);
}

static const char *exact_scopes(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    EXPECT(b, reads(b, PASID, VA) && model_vtd_did_cached(b->m, DID));
    run(b, UINT64_C(0x0000000300020017), 0);
    run(b, UINT64_C(0x0000000400010017), 0);
    EXPECT(b, model_vtd_pasid_cached(b->m, SID, PASID));
    run(b, UINT64_C(0x0000000000010007), 0);
    EXPECT(b, !model_vtd_pasid_cached(b->m, SID, PASID) && model_vtd_did_cached(b->m, DID));
    run(b, UINT64_C(0x0000000400010026), 0);
    run(b, 0x200E2, 0);
    EXPECT(b, model_vtd_did_cached(b->m, DID));
    run(b, 0x100E2, 0);
    EXPECT(b, !model_vtd_did_cached(b->m, DID));
    EXPECT(b, reads(b, PASID, VA));
    put64(b, leaf_at(b, VA), 0);
    run(b, 0x10032, VA + 0x100000);
    EXPECT(b, !reads(b, PASID, VA));
    return selftest_end(&b->room);
}

/* A non-leaf entry stays with IH=1 although its leaf goes. */
static const char *hint(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    struct model_vtd_knobs k = knobs(b);

    k.walk_cache = 1000;
    model_vtd_set_knobs(b->m, &k);
    EXPECT(b, reads(b, PASID, VA));
    put64(b, b->tables, get64(b, b->tables));
    put64(b, b->tables + 8 * (VA >> 39 & 0x1FF), 0);
    run(b, IO_PAGE, VA | 0x40);
    EXPECT(b, reads(b, PASID, VA));
    run(b, IO_PAGE, VA);
    EXPECT(b, !reads(b, PASID, VA) && fault(b) == 0x71);
    return selftest_end(&b->room);
}

static const char *tables_unused(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    uint64_t last = b->tables + 8 * 4096 - 1;

    EXPECT(b, model_vtd_check_tables_unused(b->m, b->tables, last));
    EXPECT(b, reads(b, PASID, VA) && !model_vtd_check_tables_unused(b->m, b->tables, last));
    set_pasid(b, PASID, 0x40, 0x800001, b->tables);
    run(b, PC_PASID, 0);
    EXPECT(b, !model_vtd_check_tables_unused(b->m, b->tables, last));
    run(b, IO_PASID, 0);
    EXPECT(b, model_vtd_check_tables_unused(b->m, b->tables, last));
    return selftest_end(&b->room);
}

static const char *torn(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    model_vtd_prefetch_slowly(b->m, SID, PASID);
    EXPECT(b, model_vtd_pasid_cached(b->m, SID, PASID));
    set_pasid(b, PASID, 0x41, 0x800002, b->tables + 4096);
    settle(b);
    REPORTED(b, "vtd.pasid.torn");
    b = bench(memory, bytes);
    model_vtd_prefetch_slowly(b->m, SID, PASID);
    put64(b, pasid_at(b, PASID), 0x40);
    settle(b);
    EXPECT(b, !model_vtd_check_unreachable(b->m, SID, PASID) && reads(b, PASID, VA));
    b = bench(memory, bytes);
    model_vtd_prefetch_slowly(b->m, SID, PASID);
    set_pasid(b, PASID, 0x40, 0x800001, b->tables);
    run(b, PC_PASID, 0);
    set_pasid(b, PASID, 0, 0, 0);
    settle(b);
    EXPECT(b, model_vtd_check_unreachable(b->m, SID, PASID));
    return selftest_end(&b->room);
}

static const char *domain_ids(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    EXPECT(b, reads(b, PASID, VA));
    set_pasid(b, 7, 0x89 | b->tables, 0x800001, 0);
    model_vtd_prefetch(b->m, SID, 7);
    REPORTED(b, "vtd.did.stages-mixed");
    b = bench(memory, bytes);
    set_pasid(b, 7, 0x89 | b->tables, 0x800005, 0);
    set_pasid(b, 8, 0x89 | (b->tables + 4096), 0x800005, 0);
    model_vtd_prefetch(b->m, SID, 7);
    model_vtd_prefetch(b->m, SID, 8);
    REPORTED(b, "vtd.did.tables-differ");
    return selftest_end(&b->room);
}

static const char *caching_mode(void *memory, size_t bytes)
{
    struct model_vtd_config config;
    struct model_vtd_knobs k;
    unsigned both;

    for (both = 0; both < 2; both++) {
        struct bench *b;

        model_vtd_defaults(&config);
        config.cm = true;
        config.dit = false;
        b = bench_create(memory, bytes, true, &config);
        bench_start(b);
        k = knobs(b);
        k.cm_tag_did0 = both == 0;
        k.cm_tag_did = both == 1;
        model_vtd_set_knobs(b->m, &k);
        set_pasid(b, PASID, 0x40, 0x800001, b->tables);
        EXPECT(b, !reads(b, PASID, VA) && fault(b) == 0x59);
        set_pasid(b, PASID, 0x41, 0x800001, b->tables);
        EXPECT(b, !reads(b, PASID, VA) && fault(b) == 0x59);
        run(b, both == 0 ? PC_PASID : UINT64_C(0x0000000300000017), 0);
        EXPECT(b, !reads(b, PASID, VA) && fault(b) == 0x59);
        run(b, both == 0 ? UINT64_C(0x0000000300000017) : PC_PASID, 0);
        EXPECT(b, reads(b, PASID, VA));
        set_pasid(b, 9, 0x41, 0x800000, b->tables);
        EXPECT(b, reads(b, 9, VA));
        REPORTED(b, "vtd.did.zero");
        EXPECT(b, selftest_kept.why == NULL);
    }
    return selftest_end(&((struct bench *)memory)->room);
}

static const char *off_flushes(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);

    EXPECT(b, reads(b, PASID, VA));
    gcmd(b, 0x04000000, 0x44000000);
    EXPECT(b, model_vtd_check_unreachable(b->m, SID, PASID));
    b = bench(memory, bytes);
    b->mute = true;
    push(b, UINT64_C(0x0000000302080008), UINT64_C(0x7FFFFFFFFFFFF800));
    settle(b);
    gcmd(b, 0x04000000, 0x44000000);
    REPORTED(b, "vtd.gcmd.disabled-device-pending");
    return selftest_end(&b->room);
}

static const char *spontaneous(void *memory, size_t bytes)
{
    struct bench *b = bench(memory, bytes);
    struct model_vtd_knobs k = knobs(b);

    EXPECT(b, reads(b, PASID, VA));
    purge(b);
    EXPECT(b, !model_vtd_pasid_cached(b->m, SID, PASID));
    k.prefetch = 1000;
    model_vtd_set_knobs(b->m, &k);
    rd(b, 0);
    EXPECT(b, model_vtd_pasid_cached(b->m, SID, PASID));
    k.prefetch = 0;
    k.over_invalidate = 1000;
    model_vtd_set_knobs(b->m, &k);
    run(b, UINT64_C(0x0000000400050017), 0);
    EXPECT(b, !model_vtd_pasid_cached(b->m, SID, PASID));
    return selftest_end(&b->room);
}

/* Type 3 may overtake type 6; a fence holds it. */
static const char *overtaking(void *memory, size_t bytes)
{
    unsigned seen = 0;
    unsigned i;
    struct bench *b = NULL;

    for (i = 0; i < 20 && seen == 0; i++) {
        b = bench(memory, bytes);
        model_advance(b->room.world, i * 37);
        set_pasid(b, 0, 0x41, 0x800001, b->tables);
        EXPECT(b, reads(b, NONE, VA) || i > 0);
        while (model_choose(b->room.world, 20) != i) {
        }
        push(b, UINT64_C(0x0000000000010026), 0);
        push(b, UINT64_C(0x0000020800000003), UINT64_C(0x7FFFFFFFFFFFF001));
        sync(b);
        if (b->room.reports > 0) {
            seen++;
            REPORTED(b, "vtd.order.device-before-iotlb");
        }
        set_pasid(b, 0, 0x41, 0x800001, b->tables);
        EXPECT(b, reads(b, NONE, VA));
        push(b, UINT64_C(0x0000000000010026), 0);
        push(b, 0x55, 0);
        push(b, UINT64_C(0x0000020800000003), UINT64_C(0x7FFFFFFFFFFFF001));
        sync(b);
    }
    EXPECT(b, seen > 0);
    return selftest_end(&b->room);
}

/* By the architecture an entry without P ends with the PASID cache; with the knob it goes on until
 * the context entry is fetched again. */
static const char *rid_with_context(void *memory, size_t bytes)
{
    struct bench *b;
    struct model_vtd_knobs k;
    uint32_t on;

    for (on = 0; on < 2; on++) {
        b = bench(memory, bytes);
        k = knobs(b);
        k.rid_with_context = on != 0;
        model_vtd_set_knobs(b->m, &k);
        set_pasid(b, 0, 0x41, 0x800001, b->tables);
        EXPECT(b, reads(b, NONE, VA));
        set_pasid(b, 0, 0x40, 0x800001, b->tables);
        run(b, UINT64_C(0x0000000000010017), 0);
        run(b, UINT64_C(0x0000000000010026), 0);
        EXPECT(b, model_vtd_check_unreachable(b->m, SID, NONE) == (on == 0));
        EXPECT(b, reads(b, NONE, VA) == (on != 0));
        run(b, UINT64_C(0x0000020800000031), 0);
        run(b, UINT64_C(0x0000000000010017), 0);
        run(b, UINT64_C(0x0000000000010026), 0);
        EXPECT(b, model_vtd_check_unreachable(b->m, SID, NONE));
        EXPECT(b, !reads(b, NONE, VA) && fault(b) == 0x59);
        set_pasid(b, 0, 0x41, 0x800001, b->tables); /* not present when it was fetched */
        EXPECT(b, reads(b, NONE, VA));
        set_pasid(b, 0, 0x40, 0x800001, b->tables);
        run(b, UINT64_C(0x0000000000010017), 0);
        run(b, UINT64_C(0x0000000000010026), 0);
        EXPECT(b, model_vtd_check_unreachable(b->m, SID, NONE) && !reads(b, NONE, VA));
    }
    return selftest_end(&b->room);
}

#define T(name)                                                                                    \
    {                                                                                              \
#name, name                                                                                \
    }
const struct model_selftest model_selftests_vtd_cache[] = {
    T(stale_translation), T(stale_entry),
    T(entry_replaced),    T(context_stays),
    T(exact_scopes),      T(hint),
    T(tables_unused),     T(torn),
    T(domain_ids),        T(caching_mode),
    T(off_flushes),       T(spontaneous),
    T(overtaking),        T(rid_with_context),
};
const unsigned model_selftest_count_vtd_cache =
    sizeof(model_selftests_vtd_cache) / sizeof(model_selftests_vtd_cache[0]);
