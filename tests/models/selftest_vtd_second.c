/* SPDX-License-Identifier: BSD-2-Clause */
#include "selftest_vtd_stages.h"

extern const struct model_selftest model_selftests_vtd_second[];
extern const unsigned model_selftest_count_vtd_second;

/* Traffic without PASID through a second stage, one page. */
static struct bench *mapped(void *memory, size_t bytes, uint64_t q0)
{
    struct bench *b = stages(memory, bytes);

    second_map(b, GPA(b->data), b->data | SS_ALL);
    set_pasid(b, 0, q0 | SECOND(b), 0x800000 | DID2, 0);
    return b;
}

static const char *rights(void *memory, size_t bytes)
{
    struct bench *b = mapped(memory, bytes, 0x89);
    uint64_t at = GPA(b->data);

    put64(b, b->data, 77);
    EXPECT(b, reason(b, NONE, at, READ) == 0 && b->buffer == 77);
    EXPECT(b, reason(b, NONE, at, WRITE) == 0);
    second_map(b, at + 0x1000, b->data | 1);
    second_map(b, at + 0x2000, b->data | 2);
    EXPECT(b, reason(b, NONE, at + 0x1000, WRITE) == 0x85);
    EXPECT(b, reason(b, NONE, at + 0x2000, READ) == 0x86);
    EXPECT(b, reason(b, NONE, at + 0x2000, WRITE) == 0);
    EXPECT(b, reason(b, NONE, at + 0x3000, READ) == 0x79);
    put64(b, second_at(b, at, 2), (SECOND(b) + 3 * 4096) | 1);
    purge(b);
    EXPECT(b, reason(b, NONE, at, WRITE) == 0x85); /* Each level counts. */
    EXPECT(b, reason(b, NONE, at + 0x2000, WRITE) == 0x79);
    EXPECT(b, reason(b, NONE, UINT64_C(1) << 48, READ) == 0x84);
    return selftest_end(&b->room);
}

static const char *reserved_bits(void *memory, size_t bytes)
{
    struct model_vtd_config config;
    struct bench *b = mapped(memory, bytes, 0x89);
    uint64_t at = GPA(b->data);

    second_map(b, at, b->data | SS_ALL | 0x800 | 0x80); /* SNP; PS means nothing in a leaf */
    EXPECT(b, reason(b, NONE, at, READ) == 0);
    put64(b, second_at(b, at, 2), (SECOND(b) + 3 * 4096) | SS_ALL | 0x800);
    purge(b);
    EXPECT(b, reason(b, NONE, at, READ) == 0x7A); /* SNP in a table entry */
    put64(b, second_at(b, at, 4), (SECOND(b) + 4096) | SS_ALL | 0x80);
    EXPECT(b, reason(b, NONE, at, READ) == 0x7A); /* PS at the top */
    purge(b);
    model_bus_inject_abort(b->room.world, SECOND(b), SECOND(b) + 4095, 1);
    EXPECT(b, reason(b, NONE, at, READ) == 0x7B);
    second_map(b, at, b->data | SS_ALL);
    purge(b);
    model_bus_inject_abort(b->room.world, SECOND(b) + 4096, SECOND(b) + 8191, 1);
    EXPECT(b, reason(b, NONE, at, READ) == 0x78);
    model_vtd_defaults(&config);
    config.sc = false;
    config.sslps = 1;
    b = stages_with(memory, bytes, &config);
    second_map(b, at, b->data | SS_ALL | 0x800);
    set_pasid(b, 0, 0x89 | SECOND(b), 0x800000 | DID2, 0);
    EXPECT(b, reason(b, NONE, at, READ) == 0x7A);
    put64(b, second_at(b, at, 3), UINT64_C(0x80000083)); /* 1 GiB without SSLPS */
    run(b, IO_DOMAIN, 0);
    EXPECT(b, reason(b, NONE, at, READ) == 0x7A);
    return selftest_end(&b->room);
}

static const char *large_pages(void *memory, size_t bytes)
{
    struct bench *b = mapped(memory, bytes, 0x89);
    uint64_t at = GPA(b->data);

    put64(b, b->data, 78);
    put64(b, second_at(b, at, 2), SELFTEST_RAM_BASE | SS_ALL | 0x80);
    EXPECT(b, reason(b, NONE, at, READ) == 0 && b->buffer == 78);
    EXPECT(b, ats(b, NONE, at, READ).size_log2 == 21);
    put64(b, second_at(b, at, 2), SELFTEST_RAM_BASE | SS_ALL | 0x1080); /* Bit 12 counts here. */
    run(b, IO_DOMAIN, 0);
    EXPECT(b, reason(b, NONE, at, READ) == 0x7A);
    return selftest_end(&b->room);
}

static const char *widths(void *memory, size_t bytes)
{
    struct model_vtd_config config;
    struct bench *b = stages(memory, bytes);
    uint64_t low = UINT64_C(0x1234567000), high = UINT64_C(1) << 48;

    put64(b, b->data, 79);
    second_map(b, low, b->data | SS_ALL);
    set_pasid(b, 0, 0x85 | (SECOND(b) + 4096), 0x800043, 0); /* three levels */
    EXPECT(b, reason(b, NONE, low, READ) == 0 && b->buffer == 79);
    EXPECT(b, reason(b, NONE, UINT64_C(1) << 39, READ) == 0x84);
    put64(b, b->tables + 8, SECOND(b) | SS_ALL); /* five */
    second_map(b, high + low, b->data | SS_ALL);
    set_pasid(b, 5, 0x8D | b->tables, 0x800044, 0);
    b->buffer = 0;
    EXPECT(b, reason(b, 5, high + low, READ) == 0 && b->buffer == 79);
    EXPECT(b, reason(b, 5, UINT64_C(1) << 57, READ) == 0x84);
    set_pasid(b, 6, 0x91 | b->tables, 0x800045, 0);
    EXPECT(b, reason(b, 6, low, READ) == 0x5B); /* AW=4 */
    model_vtd_defaults(&config);
    config.mgaw = 46;
    b = stages_with(memory, bytes, &config);
    set_pasid(b, 0, 0x89 | SECOND(b), 0x800000 | DID2, 0);
    EXPECT(b, reason(b, NONE, UINT64_C(1) << 46, READ) == 0x84);
    EXPECT(b, reason(b, NONE, UINT64_C(1) << 45, READ) == 0x79);
    return selftest_end(&b->room);
}

static const char *flags_by_hardware(void *memory, size_t bytes)
{
    struct bench *b = mapped(memory, bytes, 0x289); /* SSADE */
    uint64_t at = GPA(b->data);

    EXPECT(b, reason(b, NONE, at, READ) == 0);
    EXPECT(b, (get64(b, second_at(b, at, 1)) & 0x300) == 0x100);
    EXPECT(b, (get64(b, second_at(b, at, 4)) & 0x300) == 0x100);
    EXPECT(b, reason(b, NONE, at, WRITE) == 0);
    EXPECT(b, (get64(b, second_at(b, at, 1)) & 0x300) == 0x300);
    set_pasid(b, 5, 0x289 | SECOND(b), DID2, 0); /* PWSNP=0 */
    EXPECT(b, reason(b, 5, at, WRITE) == 0);     /* All are set already. */
    second_map(b, at + 0x1000, b->data | SS_ALL);
    EXPECT(b, reason(b, 5, at + 0x1000, READ) == 0x7C);
    second_map(b, at + 0x2000, b->data | SS_ALL);
    set_pasid(b, 6, 0x89 | SECOND(b), 0x800043, 0); /* Not so with SSADE elsewhere. */
    EXPECT(b, reason(b, 6, at + 0x2000, WRITE) == 0);
    EXPECT(b, (get64(b, second_at(b, at + 0x2000, 1)) & 0x300) == 0);
    REPORTED(b, "vtd.did.flags-differ");
    return selftest_end(&b->room);
}

static const char *ats_answers(void *memory, size_t bytes)
{
    struct bench *b = mapped(memory, bytes, 0x89);
    uint64_t at = GPA(b->data);
    struct model_translation got = ats(b, NONE, at, READ | WRITE);

    EXPECT(b, got.status == MODEL_TRANSLATE_OK && got.address == b->data);
    EXPECT(b, got.access == (READ | WRITE));
    second_map(b, at + 0x1000, b->data | 1);
    EXPECT(b, ats(b, NONE, at + 0x1000, READ | WRITE).access == READ);
    got = ats(b, NONE, at + 0x2000, READ);
    EXPECT(b, got.status == MODEL_TRANSLATE_OK && got.access == 0 && fault(b) == 0);
    second_map(b, at + 0x3000, b->data | SS_ALL | UINT64_C(1) << 62);
    EXPECT(b, ats(b, NONE, at + 0x3000, READ).status == MODEL_TRANSLATE_ABORTED);
    EXPECT(b, fault(b) == 0x7A);
    return selftest_end(&b->room);
}

/* Entries of the second stage go by DID and address, never by PASID and address. */
static const char *scopes(void *memory, size_t bytes)
{
    static const uint64_t good[] = {0xD2, IO_DOMAIN, IO_PAGE2, UINT64_C(0x0000000000430026)};
    static const uint64_t useless[] = {UINT64_C(0x00000000004200E2), UINT64_C(0x0000000000420032),
                                       UINT64_C(0x0000000000430036), UINT64_C(0x0000000100430026)};
    const char *why = NULL;
    unsigned i;

    for (i = 0; i < 4 && why == NULL; i++) {
        struct bench *b = mapped(memory, bytes, 0x89);
        struct model_vtd_knobs k = knobs(b);
        uint64_t at = GPA(b->data);

        k.walk_cache = 0;
        model_vtd_set_knobs(b->m, &k);
        EXPECT(b, reason(b, NONE, at, READ) == 0);
        put64(b, second_at(b, at, 1), 0);
        run(b, useless[i], (useless[i] & 0x30) == 0x30 ? at : 0);
        EXPECT(b, reason(b, NONE, at, READ) == 0);
        run(b, IO_PAGE2, at + 0x1000);
        EXPECT(b, reason(b, NONE, at, READ) == 0);
        run(b, good[i], (good[i] & 0x30) == 0x30 ? at : 0);
        EXPECT(b, reason(b, NONE, at, READ) == 0x79);
        why = selftest_end(&b->room);
    }
    return why;
}

static const char *walk_cache(void *memory, size_t bytes)
{
    struct bench *b = mapped(memory, bytes, 0x89);
    struct model_vtd_knobs k = knobs(b);
    uint64_t at = GPA(b->data);
    uint64_t last = SECOND(b) + 3 * 4096;

    k.walk_cache = 1000;
    model_vtd_set_knobs(b->m, &k);
    EXPECT(b, reason(b, NONE, at, READ) == 0);
    put64(b, second_at(b, at, 2), 0);
    run(b, IO_PAGE2, at | 0x40); /* IH=1 */
    EXPECT(b, reason(b, NONE, at, READ) == 0);
    run(b, UINT64_C(0x0000000000430026), 0); /* Type 6 never touches what leads there. */
    EXPECT(b, reason(b, NONE, at, READ) == 0);
    EXPECT(b, !model_vtd_check_tables_unused(b->m, last, last + 4095));
    set_pasid(b, 5, 0x89 | b->tables, 0x800044, 0); /* Another domain, another table */
    EXPECT(b, reason(b, 5, at, READ) == 0x79);
    set_pasid(b, 0, 0x88 | SECOND(b), 0x800043, 0);
    run(b, UINT64_C(0x0000000000430017), 0);
    EXPECT(b, !model_vtd_check_unreachable(b->m, SID, NONE));
    run(b, IO_PAGE2, at);
    EXPECT(b, model_vtd_check_unreachable(b->m, SID, NONE));
    EXPECT(b, model_vtd_check_tables_unused(b->m, SECOND(b), last + 4095));
    EXPECT(b, reason(b, NONE, at, READ) == 0x59);
    return selftest_end(&b->room);
}

/* The device is told to try again and must meet the tables: hardware drops the page by itself. */
static const char *page_requests(void *memory, size_t bytes)
{
    struct bench *b = mapped(memory, bytes, 0x89);
    uint64_t at = GPA(b->data);

    EXPECT(b, reason(b, NONE, at, READ) == 0);
    put64(b, second_at(b, at, 1), 0);
    ask(b, NONE, 5, at, READ, true);
    EXPECT(b, reason(b, NONE, at, READ) == 0x79);
    EXPECT(b, model_vtd_counts(b->m)->requests_queued == 1);
    return selftest_end(&b->room);
}

#define T(name)                                                                                    \
    {                                                                                              \
#name, name                                                                                \
    }
const struct model_selftest model_selftests_vtd_second[] = {
    T(rights),      T(reserved_bits), T(large_pages), T(widths),        T(flags_by_hardware),
    T(ats_answers), T(scopes),        T(walk_cache),  T(page_requests),
};
const unsigned model_selftest_count_vtd_second =
    sizeof(model_selftests_vtd_second) / sizeof(model_selftests_vtd_second[0]);
