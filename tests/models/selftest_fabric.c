/* SPDX-License-Identifier: BSD-2-Clause */
#include "selftest_iommu.h"

#define ID    0x100u
#define OTHER 0x200u
#define ALL   UINT32_MAX
#define SEEDS 20u

extern const struct model_selftest model_selftests_fabric[];
extern const unsigned model_selftest_count_fabric;

static const struct model_fabric_config calm = {.min_delay_ns = 100, .max_delay_ns = 1000};
static const struct model_fabric_config late = {
    .min_delay_ns = 100, .max_delay_ns = 1000, .late_per_mille = 1000, .late_ns = 50000};

static void request_as(struct selftest_iommu *iommu, uint32_t id, uint32_t number)
{
    struct model_page_request request;

    memset(&request, 0, sizeof(request));
    request.id = id;
    request.has_pasid = true;
    request.pasid = 5;
    request.access = MODEL_READ;
    request.last = true;
    request.index = number % 512;
    request.address = (uint64_t)number << 12;
    model_fabric_page_request(iommu->fabric, &request);
}

static void write_as(struct selftest_iommu *iommu, uint32_t id, uint64_t bus, void *data)
{
    struct model_dma dma;

    memset(&dma, 0, sizeof(dma));
    dma.id = id;
    dma.translated = true;
    dma.access = MODEL_WRITE;
    dma.address = bus;
    dma.data = data;
    dma.bytes = 8;
    dma.cookie = bus;
    model_fabric_posted_write(iommu->fabric, &dma);
}

/* An endpoint that remembers what came down. */
struct below {
    struct selftest_room *room;
    char order[16];
    uint64_t when;
    uint64_t value; /* tag, code, cookie */
    uint32_t count;
    uint32_t posted;
    enum model_dma_result result;
};

static void below_note(struct below *below, char kind, uint64_t value)
{
    below->order[below->count % 16] = kind;
    below->count++;
    below->value = value;
    below->when = model_now(below->room->world);
}

static void below_invalidate(void *endpoint, const struct model_invalidate *what)
{
    below_note(endpoint, 'i', what->tag);
}

static void below_response(void *endpoint, const struct model_page_response *response)
{
    below_note(endpoint, 'p', response->code);
}

static void below_ended(void *endpoint, uint64_t cookie, enum model_dma_result result)
{
    struct below *below = endpoint;

    below->result = result;
    below_note(below, 'e', cookie);
}

static void below_posted(void *endpoint, uint64_t cookie, enum model_dma_result result)
{
    struct below *below = endpoint;

    (void)cookie;
    below->posted++;
    below->result = result;
}

static const struct model_endpoint_ops below_ops = {.invalidate = below_invalidate,
                                                    .page_response = below_response,
                                                    .dma_ended = below_ended,
                                                    .posted_ended = below_posted};

static const char *posted_messages_of_one_id_keep_their_order(void *memory, size_t bytes)
{
    struct selftest_iommu *iommu = NULL;
    uint64_t bus, data = 1;
    uint32_t seed, i;

    for (seed = 0; seed < SEEDS; seed++) {
        iommu = selftest_iommu_begin(memory, bytes, seed, &calm);
        if (iommu == NULL) {
            return "no fabric";
        }
        model_ram_get(iommu->room.world, 4096, 4096, UINT64_MAX, &bus);
        for (i = 0; i < 90; i += 3) {
            request_as(iommu, ID, i);
            write_as(iommu, ID, bus, &data);
            model_fabric_invalidate_done(iommu->fabric, ID, i, MODEL_INVALIDATE_DONE);
            model_advance(iommu->room.world, model_choose(iommu->room.world, 100));
        }
        model_settle(iommu->room.world, 100000);
        selftest_expect(&iommu->room, iommu->count == 90, "all arrive");
        for (i = 0; i < 90; i += 3) {
            selftest_expect(&iommu->room,
                            iommu->log[i].kind == 'r' && iommu->log[i].request.index == i,
                            "a request in its place");
            selftest_expect(&iommu->room, iommu->log[i + 1].kind == 'w', "a write in its place");
            selftest_expect(&iommu->room,
                            iommu->log[i + 2].kind == 'c' && iommu->log[i + 2].tag == i,
                            "a completion in its place");
        }
        if (iommu->room.why != NULL) {
            break;
        }
    }
    return selftest_end(&iommu->room);
}

static const char *delay_lies_between_its_bounds_and_varies(void *memory, size_t bytes)
{
    struct selftest_iommu *iommu = selftest_iommu_begin(memory, bytes, 3, &calm);
    uint64_t least = UINT64_MAX;
    uint64_t most = 0;
    uint32_t i;

    if (iommu == NULL) {
        return "no fabric";
    }
    for (i = 0; i < 200; i++) {
        uint64_t sent = model_now(iommu->room.world);
        uint64_t took;

        request_as(iommu, ID, i);
        model_settle(iommu->room.world, 100000);
        took = iommu->log[i].when - sent;
        least = took < least ? took : least;
        most = took > most ? took : most;
    }
    selftest_expect(&iommu->room, least >= 100 && most <= 1000, "within the bounds");
    selftest_expect(&iommu->room, least < 200 && most > 900, "all over them");
    return selftest_end(&iommu->room);
}

static const char *different_endpoints_overtake_each_other(void *memory, size_t bytes)
{
    struct selftest_iommu *iommu = NULL;
    uint32_t seed;
    uint32_t overtaken = 0;

    for (seed = 0; seed < SEEDS; seed++) {
        iommu = selftest_iommu_begin(memory, bytes, seed, &calm);
        if (iommu == NULL) {
            return "no fabric";
        }
        request_as(iommu, ID, 1);
        request_as(iommu, OTHER, 2);
        model_settle(iommu->room.world, 100000);
        overtaken += iommu->log[0].request.id == OTHER;
    }
    selftest_expect(&iommu->room, overtaken > 0 && overtaken < SEEDS, "either may be first");
    return selftest_end(&iommu->room);
}

static const char *a_flush_pushes_what_was_sent(void *memory, size_t bytes)
{
    struct selftest_iommu *iommu = selftest_iommu_begin(memory, bytes, 3, &calm);

    if (iommu == NULL) {
        return "no fabric";
    }
    request_as(iommu, ID, 1);
    request_as(iommu, ID, 2);
    request_as(iommu, OTHER, 3);
    selftest_expect(&iommu->room, iommu->count == 0, "nothing arrives at once");
    selftest_expect(&iommu->room, model_fabric_in_flight(iommu->fabric, ID) == 2, "two under way");
    selftest_expect(&iommu->room, model_fabric_in_flight(iommu->fabric, ALL) == 3, "three in all");
    model_fabric_flush(iommu->fabric, ID);
    selftest_expect(&iommu->room, iommu->count == 2 && iommu->log[1].request.index == 2,
                    "the id's arrive, in order");
    selftest_expect(&iommu->room, model_fabric_in_flight(iommu->fabric, ID) == 0, "none left");
    model_fabric_flush(iommu->fabric, ALL);
    selftest_expect(&iommu->room, iommu->count == 3, "all means all");
    model_settle(iommu->room.world, 100000);
    selftest_expect(&iommu->room, iommu->count == 3, "none arrives twice");
    return selftest_end(&iommu->room);
}

static const char *late_requests_miss_the_barrier_but_not_the_bound(void *memory, size_t bytes)
{
    struct selftest_iommu *iommu = NULL;
    uint32_t seed;

    for (seed = 0; seed < SEEDS; seed++) {
        iommu = selftest_iommu_begin(memory, bytes, seed, &late);
        if (iommu == NULL) {
            return "no fabric";
        }
        request_as(iommu, ID, 1);
        model_fabric_invalidate_done(iommu->fabric, ID, 7, MODEL_INVALIDATE_DONE);
        model_fabric_flush(iommu->fabric, ID);
        selftest_expect(&iommu->room, iommu->count == 1 && iommu->log[0].kind == 'c',
                        "the completion and the flush pass a late request");
        selftest_expect(&iommu->room, model_fabric_in_flight(iommu->fabric, ID) == 1,
                        "which is under way");
        model_settle(iommu->room.world, 1000000);
        selftest_expect(&iommu->room, iommu->count == 2 && iommu->log[1].when <= late.late_ns,
                        "and arrives within the bound");
    }
    return selftest_end(&iommu->room);
}

static const char *late_requests_keep_order_among_requests(void *memory, size_t bytes)
{
    struct model_fabric_config some = late;
    struct selftest_iommu *iommu = NULL;
    uint64_t sent[100];
    uint32_t seed, i;

    some.late_per_mille = 200;
    for (seed = 0; seed < SEEDS; seed++) {
        some.late_ns = seed % 2 == 0 ? 3000 : 300; /* Below the usual delay as well. */
        iommu = selftest_iommu_begin(memory, bytes, seed, &some);
        if (iommu == NULL) {
            return "no fabric";
        }
        for (i = 0; i < 100; i++) {
            sent[i] = model_now(iommu->room.world);
            request_as(iommu, ID, i);
            model_advance(iommu->room.world, model_choose(iommu->room.world, 400));
        }
        model_settle(iommu->room.world, 1000000);
        selftest_expect(&iommu->room, iommu->count == 100, "all arrive");
        for (i = 0; i < 100; i++) {
            selftest_expect(&iommu->room, iommu->log[i].request.index == i, "in order");
            selftest_expect(&iommu->room,
                            iommu->log[i].when - sent[i] <=
                                (some.late_ns > 1000 ? some.late_ns : 1000),
                            "in time");
        }
    }
    return selftest_end(&iommu->room);
}

static const char *held_requests_wait_and_nothing_else(void *memory, size_t bytes)
{
    struct selftest_iommu *iommu = selftest_iommu_begin(memory, bytes, 3, &calm);

    if (iommu == NULL) {
        return "no fabric";
    }
    request_as(iommu, ID, 0);
    request_as(iommu, ID, 1);
    model_fabric_hold(iommu->fabric, ID);
    request_as(iommu, ID, 2);
    request_as(iommu, OTHER, 3);
    model_fabric_invalidate_done(iommu->fabric, ID, 7, MODEL_INVALIDATE_DONE);
    model_fabric_flush(iommu->fabric, ID);
    model_settle(iommu->room.world, 1000000);
    selftest_expect(&iommu->room, iommu->count == 2 && selftest_count(iommu, 'c') == 1,
                    "the completion and the other id arrive");
    selftest_expect(&iommu->room, model_fabric_in_flight(iommu->fabric, ID) == 3, "three are held");
    model_fabric_release(iommu->fabric, ID);
    model_settle(iommu->room.world, 1000000);
    selftest_expect(&iommu->room,
                    iommu->count == 5 && iommu->log[2].request.index == 0 &&
                        iommu->log[3].request.index == 1 && iommu->log[4].request.index == 2,
                    "released in order");
    model_fabric_hold(iommu->fabric, ALL);
    request_as(iommu, ID, 4);
    request_as(iommu, OTHER, 5);
    model_settle(iommu->room.world, 1000000);
    selftest_expect(&iommu->room, iommu->count == 5, "all are held");
    model_fabric_release(iommu->fabric, ALL);
    selftest_expect(&iommu->room, iommu->count == 7, "all go");
    request_as(iommu, ID, 6);
    model_fabric_flush(iommu->fabric, ID);
    selftest_expect(&iommu->room, iommu->count == 8, "after that order holds again");
    return selftest_end(&iommu->room);
}

static const char *ids_of_one_endpoint_share_their_order(void *memory, size_t bytes)
{
    struct selftest_iommu *iommu = NULL;
    struct below below;
    uint32_t seed, i;

    for (seed = 0; seed < SEEDS; seed++) {
        iommu = selftest_iommu_begin(memory, bytes, seed, &calm);
        if (iommu == NULL) {
            return "no fabric";
        }
        below.room = &iommu->room;
        model_fabric_attach_endpoint(iommu->fabric, ID, &below_ops, &below);
        model_fabric_attach_endpoint(iommu->fabric, OTHER, &below_ops, &below);
        for (i = 0; i < 20; i++) {
            request_as(iommu, i % 3 == 0 ? ID : OTHER, i);
        }
        model_settle(iommu->room.world, 1000000);
        for (i = 0; i < 20; i++) {
            selftest_expect(&iommu->room, iommu->log[i].request.index == i, "in order");
        }
    }
    return selftest_end(&iommu->room);
}

static const char *downstream_takes_time_and_keeps_order(void *memory, size_t bytes)
{
    struct selftest_iommu *iommu = NULL;
    struct model_invalidate what;
    struct model_page_response response;
    struct below below;
    uint32_t seed;

    for (seed = 0; seed < SEEDS; seed++) {
        iommu = selftest_iommu_begin(memory, bytes, seed, &calm);
        if (iommu == NULL) {
            return "no fabric";
        }
        memset(&below, 0, sizeof(below));
        memset(&what, 0, sizeof(what));
        memset(&response, 0, sizeof(response));
        below.room = &iommu->room;
        model_fabric_attach_endpoint(iommu->fabric, ID, &below_ops, &below);
        what.id = ID;
        what.size_log2 = 64;
        response.id = ID;
        model_fabric_invalidate(iommu->fabric, &what);
        model_fabric_page_response(iommu->fabric, &response);
        model_fabric_dma_ended(iommu->fabric, ID, 77, MODEL_DMA_ZEROED);
        response.id = OTHER;
        model_fabric_page_response(iommu->fabric, &response);
        selftest_expect(&iommu->room, below.count == 0, "nothing at once");
        model_settle(iommu->room.world, 100000);
        selftest_expect(&iommu->room, below.count == 3 && memcmp(below.order, "ipe", 3) == 0,
                        "in order, and what is for nobody is lost");
        selftest_expect(&iommu->room, below.when >= 100 && below.when <= 1000, "within the bounds");
        selftest_expect(&iommu->room, below.value == 77 && below.result == MODEL_DMA_ZEROED,
                        "as it was sent");
    }
    return selftest_end(&iommu->room);
}

static const char *an_access_does_not_pass_posted_writes(void *memory, size_t bytes)
{
    struct selftest_iommu *iommu = selftest_iommu_begin(memory, bytes, 3, &calm);
    uint64_t data = UINT64_C(0x1122334455667788);
    uint64_t seen = 0;
    uint64_t bus;
    struct model_dma dma;
    struct below below;
    uint32_t i;

    if (iommu == NULL) {
        return "no fabric";
    }
    memset(&below, 0, sizeof(below));
    below.room = &iommu->room;
    model_fabric_attach_endpoint(iommu->fabric, ID, &below_ops, &below);
    model_ram_get(iommu->room.world, 4096, 4096, UINT64_MAX, &bus);
    write_as(iommu, ID, bus, &data);
    data = 0; /* The message has its own copy. */
    selftest_expect(&iommu->room, below.posted == 0, "posted, not landed");
    memset(&dma, 0, sizeof(dma));
    dma.id = ID;
    dma.access = MODEL_READ;
    dma.address = bus;
    dma.data = &seen;
    dma.bytes = 8;
    selftest_expect(&iommu->room, model_fabric_dma(iommu->fabric, &dma) == MODEL_DMA_OK, "read");
    selftest_expect(&iommu->room, seen == UINT64_C(0x1122334455667788), "sees the write");
    selftest_expect(&iommu->room, below.posted == 1 && below.result == MODEL_DMA_OK, "was told");
    for (i = 0; i < 100; i++) {
        write_as(iommu, ID, bus + 8 * (uint64_t)i, &data);
    }
    model_settle(iommu->room.world, 100000);
    selftest_expect(&iommu->room, below.posted == 101, "more than there are buffers, none lost");
    write_as(iommu, ID, 0, &data);
    model_settle(iommu->room.world, 100000);
    selftest_expect(&iommu->room, below.result == MODEL_DMA_ABORTED, "a refusal is told");
    return selftest_end(&iommu->room);
}

static const char *ids_are_taken_once_and_can_be_left(void *memory, size_t bytes)
{
    struct selftest_iommu *iommu = selftest_iommu_begin(memory, bytes, 3, &calm);
    struct model_page_response response;
    struct below first, second;

    if (iommu == NULL) {
        return "no fabric";
    }
    memset(&first, 0, sizeof(first));
    memset(&second, 0, sizeof(second));
    memset(&response, 0, sizeof(response));
    first.room = &iommu->room;
    second.room = &iommu->room;
    response.id = ID;
    selftest_expect(&iommu->room,
                    model_fabric_attach_endpoint(iommu->fabric, ID, &below_ops, &first), "free");
    selftest_expect(&iommu->room,
                    !model_fabric_attach_endpoint(iommu->fabric, ID, &below_ops, &second), "taken");
    request_as(iommu, ID, 1);
    model_fabric_page_response(iommu->fabric, &response);
    model_fabric_detach_endpoint(iommu->fabric, ID);
    model_settle(iommu->room.world, 100000);
    selftest_expect(&iommu->room, iommu->count == 1, "what it sent arrives after it is gone");
    selftest_expect(&iommu->room, first.count == 0, "it hears nothing more");
    selftest_expect(&iommu->room,
                    model_fabric_attach_endpoint(iommu->fabric, ID, &below_ops, &second),
                    "free again");
    model_fabric_page_response(iommu->fabric, &response);
    model_settle(iommu->room.world, 100000);
    selftest_expect(&iommu->room, second.count == 1, "the next one hears");
    return selftest_end(&iommu->room);
}

static const char *without_an_iommu_everything_is_refused(void *memory, size_t bytes)
{
    struct selftest_iommu *iommu = selftest_iommu_begin(memory, bytes, 3, &calm);
    struct model_translate want;
    struct model_translation got;
    struct model_dma dma;
    uint8_t byte = 0;

    if (iommu == NULL) {
        return "no fabric";
    }
    model_fabric_attach_iommu(iommu->fabric, NULL, NULL);
    memset(&want, 0, sizeof(want));
    memset(&dma, 0, sizeof(dma));
    dma.access = MODEL_READ;
    dma.data = &byte;
    dma.bytes = 1;
    got.status = MODEL_TRANSLATE_OK;
    model_fabric_translate(iommu->fabric, &want, &got);
    selftest_expect(&iommu->room, got.status == MODEL_TRANSLATE_UNSUPPORTED, "UR");
    selftest_expect(&iommu->room, model_fabric_dma(iommu->fabric, &dma) == MODEL_DMA_ABORTED,
                    "abort");
    request_as(iommu, ID, 1);
    model_settle(iommu->room.world, 100000);
    return selftest_end(&iommu->room);
}

static const char *impossible_messages_are_reported(void *memory, size_t bytes)
{
    struct selftest_iommu *iommu = selftest_iommu_begin(memory, bytes, 3, &calm);
    struct model_page_request request;
    struct model_page_response response;
    struct model_invalidate what;
    struct model_dma dma;
    uint8_t data[16];

    if (iommu == NULL) {
        return "no fabric";
    }
    memset(&request, 0, sizeof(request));
    request.index = 512;
    model_fabric_page_request(iommu->fabric, &request);
    selftest_expect_report(&iommu->room, "fabric.request-malformed");
    request.index = 0;
    request.address = 0x800;
    model_fabric_page_request(iommu->fabric, &request);
    selftest_expect_report(&iommu->room, "fabric.request-malformed");
    memset(&response, 0, sizeof(response));
    response.code = 16;
    model_fabric_page_response(iommu->fabric, &response);
    selftest_expect_report(&iommu->room, "fabric.response-malformed");
    memset(&what, 0, sizeof(what));
    what.size_log2 = 11;
    model_fabric_invalidate(iommu->fabric, &what);
    selftest_expect_report(&iommu->room, "fabric.invalidate-malformed");
    what.size_log2 = 13;
    what.address = 0x1000;
    model_fabric_invalidate(iommu->fabric, &what);
    selftest_expect_report(&iommu->room, "fabric.invalidate-malformed");
    memset(&dma, 0, sizeof(dma));
    dma.data = data;
    dma.address = 0xFF8;
    dma.bytes = 16;
    dma.access = MODEL_READ;
    model_fabric_dma(iommu->fabric, &dma);
    selftest_expect_report(&iommu->room, "fabric.dma-malformed");
    dma.bytes = 8;
    dma.access = MODEL_READ | MODEL_WRITE;
    model_fabric_posted_write(iommu->fabric, &dma);
    selftest_expect_report(&iommu->room, "fabric.dma-malformed");
    model_settle(iommu->room.world, 100000);
    selftest_expect(&iommu->room, iommu->count == 0, "none of them arrives");
    return selftest_end(&iommu->room);
}

static const char *limits_are_reported(void *memory, size_t bytes)
{
    const struct model_fabric_config wrong = {.min_delay_ns = 10, .max_delay_ns = 5};
    struct selftest_iommu *iommu = selftest_iommu_begin(memory, bytes, 3, &calm);
    uint32_t i;

    if (iommu == NULL) {
        return "no fabric";
    }
    model_fabric_set(iommu->fabric, &wrong);
    selftest_expect_report(&iommu->room, "fabric.delay-range");
    for (i = 0; i < 4096; i++) {
        request_as(iommu, ID, i);
    }
    selftest_expect(&iommu->room, iommu->room.reports == 0, "so many fit");
    request_as(iommu, ID, i);
    selftest_expect_report(&iommu->room, "fabric.full");
    model_fabric_flush(iommu->fabric, ID);
    for (i = 0; i < 1023; i++) {
        request_as(iommu, 0x10000 + i, i);
    }
    selftest_expect(&iommu->room, iommu->room.reports == 0, "so many ids fit");
    request_as(iommu, 0x20000, 0);
    selftest_expect_report(&iommu->room, "fabric.ids-full");
    return selftest_end(&iommu->room);
}

static const char *a_translated_write_that_is_held_is_reported(void *memory, size_t bytes)
{
    struct selftest_iommu *iommu = selftest_iommu_begin(memory, bytes, 3, &calm);
    uint64_t data = 0;

    if (iommu == NULL) {
        return "no fabric";
    }
    iommu->stalls = true;
    write_as(iommu, ID, SELFTEST_RAM_BASE, &data);
    model_settle(iommu->room.world, 100000);
    selftest_expect_report(&iommu->room, "fabric.translated-stalled");
    return selftest_end(&iommu->room);
}

const struct model_selftest model_selftests_fabric[] = {
    {"posted_messages_of_one_id_keep_their_order", posted_messages_of_one_id_keep_their_order},
    {"delay_lies_between_its_bounds_and_varies", delay_lies_between_its_bounds_and_varies},
    {"different_endpoints_overtake_each_other", different_endpoints_overtake_each_other},
    {"a_flush_pushes_what_was_sent", a_flush_pushes_what_was_sent},
    {"late_requests_miss_the_barrier_but_not_the_bound",
     late_requests_miss_the_barrier_but_not_the_bound},
    {"late_requests_keep_order_among_requests", late_requests_keep_order_among_requests},
    {"held_requests_wait_and_nothing_else", held_requests_wait_and_nothing_else},
    {"ids_of_one_endpoint_share_their_order", ids_of_one_endpoint_share_their_order},
    {"downstream_takes_time_and_keeps_order", downstream_takes_time_and_keeps_order},
    {"an_access_does_not_pass_posted_writes", an_access_does_not_pass_posted_writes},
    {"ids_are_taken_once_and_can_be_left", ids_are_taken_once_and_can_be_left},
    {"without_an_iommu_everything_is_refused", without_an_iommu_everything_is_refused},
    {"impossible_messages_are_reported", impossible_messages_are_reported},
    {"limits_are_reported", limits_are_reported},
    {"a_translated_write_that_is_held_is_reported", a_translated_write_that_is_held_is_reported},
};
const unsigned model_selftest_count_fabric =
    sizeof(model_selftests_fabric) / sizeof(model_selftests_fabric[0]);
