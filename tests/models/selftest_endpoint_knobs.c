/* SPDX-License-Identifier: BSD-2-Clause */
#include "selftest_device.h"

/* Each knob is off in one run and on in the next; only then is what it does its own doing. */

#define SEEDS 10u

extern const struct model_selftest model_selftests_endpoint_knobs[];
extern const unsigned model_selftest_count_endpoint_knobs;

static struct selftest_device *start(void *memory, size_t bytes, uint64_t seed,
                                     const struct model_endpoint_knobs *knobs, bool on)
{
    struct selftest_device *d = selftest_device(memory, bytes, seed);

    if (d != NULL && on) {
        model_endpoint_set_knobs(d->pf, knobs);
    }
    return d;
}

static bool is_marker(const struct selftest_event *event)
{
    return event != NULL && event->request.last && event->request.access == 0;
}

/* How many requests arrive behind the first marker. */
static uint32_t behind_marker(const struct selftest_iommu *iommu)
{
    uint32_t total = selftest_count(iommu, 'r');
    uint32_t n;

    for (n = 0; n < total; n++) {
        if (is_marker(selftest_nth(iommu, 'r', n))) {
            return total - n - 1;
        }
    }
    return 0;
}

static const char *exceed_credits(void *memory, size_t bytes)
{
    static const struct model_endpoint_knobs knobs = {.exceed_credits = true};
    struct selftest_device *d = NULL;
    unsigned on;

    for (on = 0; on < 2; on++) {
        d = start(memory, bytes, 1, &knobs, on == 1);
        if (d == NULL) {
            return "no device";
        }
        selftest_job(d, d->pf, MODEL_READ, 8 * 4096, 1);
        selftest_job(d, d->pf, MODEL_READ, 8 * 4096, 8);
        selftest_settle(d);
        selftest_expect(d->room, (selftest_counts(d->pf).outstanding > 8) == (on == 1), "credits");
    }
    on = d->iommu->count;
    selftest_answer(d, 0, MODEL_RESPONSE_SUCCESS);
    selftest_expect(d->room, d->iommu->count == on, "a page is not asked for twice at once");
    return selftest_end(d->room);
}

static const char *reuse_index_in_flight(void *memory, size_t bytes)
{
    static const struct model_endpoint_knobs knobs = {.reuse_index_in_flight = true};
    struct selftest_device *d = NULL;
    int first = -1;
    int second = -1;
    unsigned on;

    for (on = 0; on < 2; on++) {
        d = start(memory, bytes, 1, &knobs, on == 1);
        if (d == NULL) {
            return "no device";
        }
        first = selftest_job(d, d->pf, MODEL_READ, 1, 1);
        model_advance(d->world, 1000);
        second = selftest_job(d, d->pf, MODEL_READ, 1, 1);
        selftest_settle(d);
        selftest_expect(d->room,
                        (d->iommu->log[0].request.index == d->iommu->log[1].request.index) ==
                            (on == 1),
                        "the index");
    }
    selftest_answer(d, 0, MODEL_RESPONSE_INVALID);
    selftest_expect(d->room,
                    selftest_state(d->pf, first) == MODEL_JOB_FAILED &&
                        selftest_state(d->pf, second) == MODEL_JOB_RUNNING,
                    "the older one is answered first");
    selftest_answer(d, 1, MODEL_RESPONSE_INVALID);
    selftest_expect(
        d->room, selftest_counts(d->pf).unexpected == 0 && selftest_counts(d->pf).outstanding == 0,
        "both take an answer");
    return selftest_end(d->room);
}

static const char *markers(void *memory, size_t bytes)
{
    static const struct model_endpoint_knobs lose = {.lose_marker = true};
    static const struct model_endpoint_knobs forge = {.forge_marker = true};
    static const struct model_endpoint_knobs after = {.sends_after_stop = true};
    struct selftest_device *d = NULL;
    unsigned on;

    for (on = 0; on < 2; on++) {
        d = start(memory, bytes, 1, &lose, on == 1);
        if (d == NULL) {
            return "no device";
        }
        selftest_job(d, d->pf, MODEL_READ, 1, 1);
        selftest_settle(d);
        model_endpoint_stop(d->pf, PASID);
        selftest_settle(d);
        selftest_expect(d->room,
                        model_endpoint_stopped(d->pf, PASID) &&
                            selftest_counts(d->pf).markers == 1 - on,
                        "lose_marker");
        d = start(memory, bytes, 1, &after, on == 1);
        if (d == NULL) {
            return "no device";
        }
        model_endpoint_stop(d->pf, PASID);
        selftest_settle(d);
        selftest_expect(d->room,
                        selftest_counts(d->pf).markers == 1 && behind_marker(d->iommu) == on,
                        "sends_after_stop");
        d = start(memory, bytes, 1, &forge, on == 1);
        if (d == NULL) {
            return "no device";
        }
        selftest_job(d, d->pf, MODEL_READ, 1, 1);
        selftest_settle(d);
        selftest_answer(d, 0, MODEL_RESPONSE_SUCCESS);
        selftest_expect(d->room,
                        selftest_counts(d->pf).markers == on && behind_marker(d->iommu) == on,
                        "forge_marker, and goes on");
    }
    return selftest_end(d->room);
}

static const char *stops(void *memory, size_t bytes)
{
    static const struct model_endpoint_knobs never = {.never_stops = true};
    static const struct model_endpoint_knobs wakes = {.wakes_after_stop = true};
    static const struct model_endpoint_knobs both = {.never_stops = true, .wakes_after_stop = true};
    struct selftest_device *d = NULL;
    unsigned on;
    uint32_t seed;

    for (seed = 0; seed < SEEDS; seed++) {
        for (on = 0; on < 2; on++) {
            d = start(memory, bytes, seed, &never, on == 1);
            if (d == NULL) {
                return "no device";
            }
            model_endpoint_stop(d->pf, PASID);
            selftest_settle(d);
            selftest_expect(d->room, model_endpoint_stopped(d->pf, PASID) == (on == 0),
                            "never_stops");
            d = start(memory, bytes, seed, &wakes, on == 1);
            if (d == NULL) {
                return "no device";
            }
            model_endpoint_stop(d->pf, PASID);
            model_advance(d->world, 5000);
            selftest_expect(d->room,
                            selftest_counts(d->pf).requests == 0 &&
                                model_endpoint_stopped(d->pf, PASID),
                            "stopped for now");
            selftest_settle(d);
            selftest_expect(d->room, selftest_counts(d->pf).requests == on, "wakes_after_stop");
        }
    }
    d = start(memory, bytes, 1, &both, true);
    if (d == NULL) {
        return "no device";
    }
    model_endpoint_stop(d->pf, PASID);
    selftest_settle(d);
    selftest_expect(d->room, selftest_counts(d->pf).requests == 1, "wakes after a time-out too");
    model_endpoint_stop(d->pf, PASID);
    model_endpoint_reset(d->pf);
    selftest_enable(d, 8);
    selftest_settle(d);
    selftest_expect(d->room, selftest_counts(d->pf).requests == 1, "a reset cures it");
    return selftest_end(d->room);
}

static const char *invalidations(void *memory, size_t bytes)
{
    static const struct model_endpoint_knobs ignore = {.ignore_invalidations = true};
    static const struct model_endpoint_knobs slow = {.invalidate_delay_ns = 100000};
    static const struct model_endpoint_knobs unsupported = {.unsupported_invalidations = true};
    struct selftest_device *d = NULL;
    uint8_t byte;
    unsigned on;

    for (on = 0; on < 2; on++) {
        d = start(memory, bytes, 1, &ignore, on == 1);
        if (d == NULL) {
            return "no device";
        }
        selftest_invalidate(d, PF, PASID, 0, 64);
        selftest_settle(d);
        selftest_expect(d->room, selftest_count(d->iommu, 'c') == 1 - on, "ignore_invalidations");
        d = start(memory, bytes, 1, &slow, on == 1);
        if (d == NULL) {
            return "no device";
        }
        selftest_invalidate(d, PF, PASID, 0, 64);
        model_advance(d->world, 50000);
        selftest_expect(d->room, selftest_count(d->iommu, 'c') == 1 - on, "invalidate_delay_ns");
        selftest_settle(d);
        selftest_expect(d->room, selftest_count(d->iommu, 'c') == 1, "answered in the end");
        d = start(memory, bytes, 1, &unsupported, on == 1);
        if (d == NULL) {
            return "no device";
        }
        selftest_map(d->iommu, PASID, VA, d->bus, MODEL_READ);
        model_endpoint_access(d->pf, PASID, VA, MODEL_READ, &byte, 1);
        d->iommu->page_count = 0;
        selftest_invalidate(d, PF, PASID, 0, 64);
        selftest_settle(d);
        selftest_expect(d->room,
                        d->iommu->count > 1 &&
                            (d->iommu->log[1].result == MODEL_INVALIDATE_UNSUPPORTED) == (on == 1),
                        "unsupported_invalidations");
        selftest_expect(d->room,
                        (model_endpoint_access(d->pf, PASID, VA, MODEL_READ, &byte, 1) ==
                         MODEL_DMA_OK) == (on == 1),
                        "and nothing is invalidated");
    }
    return selftest_end(d->room);
}

static const char *silent(void *memory, size_t bytes)
{
    static const struct model_endpoint_knobs knobs = {.silent = true};
    static const struct model_endpoint_knobs none = {.silent = false};
    struct selftest_device *d = start(memory, bytes, 1, &knobs, true);

    if (d == NULL) {
        return "no device";
    }
    selftest_job(d, d->pf, MODEL_READ, 1, 1);
    selftest_invalidate(d, PF, PASID, 0, 64);
    selftest_expect(d->room, selftest_settle(d), "nothing is under way");
    selftest_expect(d->room, d->iommu->count == 0, "nothing comes");
    selftest_expect(d->room, !model_endpoint_stop(d->pf, PASID + 1), "it confirms no stop");
    model_endpoint_set_knobs(d->pf, &none);
    selftest_settle(d);
    selftest_expect(d->room, selftest_count(d->iommu, 'r') == 1, "then it goes on");
    return selftest_end(d->room);
}

static const char *never_retries(void *memory, size_t bytes)
{
    static const struct model_endpoint_knobs knobs = {.never_retries = true};
    static const struct model_endpoint_knobs none = {.never_retries = false};
    struct selftest_device *d = start(memory, bytes, 1, &knobs, true);
    int job;

    if (d == NULL) {
        return "no device";
    }
    job = selftest_job(d, d->pf, MODEL_READ, 1, 1);
    selftest_settle(d);
    selftest_map(d->iommu, PASID, VA, d->bus, MODEL_READ);
    selftest_answer(d, 0, MODEL_RESPONSE_SUCCESS);
    selftest_expect(d->room, selftest_state(d->pf, job) == MODEL_JOB_RUNNING, "it hangs");
    model_endpoint_set_knobs(d->pf, &none);
    selftest_settle(d);
    selftest_expect(d->room, selftest_state(d->pf, job) == MODEL_JOB_DONE, "until it is cured");
    return selftest_end(d->room);
}

static const char *split_last(void *memory, size_t bytes)
{
    static const struct model_endpoint_knobs knobs = {.split_last = true};
    struct selftest_device *d = NULL;
    unsigned on;

    for (on = 0; on < 2; on++) {
        d = start(memory, bytes, 1, &knobs, on == 1);
        if (d == NULL) {
            return "no device";
        }
        selftest_job(d, d->pf, MODEL_READ, 3 * 4096, 3);
        selftest_settle(d);
        selftest_expect(d->room, d->iommu->count == 3 - on, "the Last is held back");
        model_endpoint_send_lasts(d->pf);
        selftest_settle(d);
        selftest_expect(d->room, d->iommu->count == 3 && d->iommu->log[2].request.last, "and sent");
    }
    return selftest_end(d->room);
}

static const char *pri_never_stops(void *memory, size_t bytes)
{
    static const struct model_endpoint_knobs knobs = {.pri_never_stops = true};
    struct selftest_device *d = NULL;
    unsigned on;

    for (on = 0; on < 2; on++) {
        d = start(memory, bytes, 1, &knobs, on == 1);
        if (d == NULL) {
            return "no device";
        }
        model_endpoint_config_write(d->pf, PRI + 4, 2, 0);
        selftest_settle(d);
        selftest_expect(d->room, ((selftest_status(d) & STATUS_STOPPED) != 0) == (on == 0),
                        "Stopped");
    }
    return selftest_end(d->room);
}

static const char *raw_messages_go_as_they_are(void *memory, size_t bytes)
{
    struct selftest_device *d = selftest_device(memory, bytes, 1);
    struct model_page_request request;

    if (d == NULL) {
        return "no device";
    }
    memset(&request, 0, sizeof(request));
    request.id = PF_ALIAS;
    request.has_pasid = true;
    request.pasid = 200;
    request.index = 33;
    request.access = MODEL_WRITE;
    request.address = VA;
    model_endpoint_send(d->pf, &request, false);
    request.last = true;
    model_endpoint_send(d->pf, &request, false);
    selftest_settle(d);
    selftest_expect(d->room,
                    d->iommu->count == 2 && d->iommu->log[0].request.id == PF_ALIAS &&
                        d->iommu->log[0].request.pasid == 200,
                    "both arrive");
    selftest_expect(d->room,
                    selftest_counts(d->pf).groups_outstanding == 1 &&
                        selftest_counts(d->pf).outstanding == 2,
                    "as one group");
    selftest_job(d, d->pf, MODEL_READ, 8 * 4096, 8);
    selftest_settle(d);
    selftest_expect(d->room, d->iommu->count == 10, "which took no credit");
    selftest_answer(d, 0, MODEL_RESPONSE_INVALID);
    selftest_expect(d->room, selftest_counts(d->pf).unexpected == 0, "its answer is expected");
    selftest_answer(d, 2, MODEL_RESPONSE_INVALID);
    model_endpoint_send(d->pf, &request, true);
    selftest_settle(d);
    selftest_job(d, d->pf, MODEL_READ, 8 * 4096, 8);
    selftest_settle(d);
    selftest_expect(d->room, selftest_counts(d->pf).outstanding == 1, "a counted one does");
    return selftest_end(d->room);
}

const struct model_selftest model_selftests_endpoint_knobs[] = {
    {"exceed_credits", exceed_credits},
    {"reuse_index_in_flight", reuse_index_in_flight},
    {"markers", markers},
    {"stops", stops},
    {"invalidations", invalidations},
    {"silent", silent},
    {"never_retries", never_retries},
    {"split_last", split_last},
    {"pri_never_stops", pri_never_stops},
    {"raw_messages_go_as_they_are", raw_messages_go_as_they_are},
};
const unsigned model_selftest_count_endpoint_knobs =
    sizeof(model_selftests_endpoint_knobs) / sizeof(model_selftests_endpoint_knobs[0]);
