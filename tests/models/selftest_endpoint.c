/* SPDX-License-Identifier: BSD-2-Clause */
#include "selftest_device.h"

#define SEEDS 20u

extern const struct model_selftest model_selftests_endpoint[];
extern const unsigned model_selftest_count_endpoint;

static const char *a_job_asks_again_after_success(void *memory, size_t bytes)
{
    struct selftest_device *d = selftest_device(memory, bytes, 1);
    struct model_job_status status;
    struct model_page_response response;
    uint64_t second;
    int job;

    if (d == NULL) {
        return "no device";
    }
    memcpy(d->page + 4090, "abcdef", 6);
    job = selftest_job(d, d->pf, MODEL_READ, 4096, 1);
    selftest_settle(d);
    selftest_expect(d->room,
                    d->iommu->count == 1 && d->iommu->log[0].request.address == VA &&
                        d->iommu->log[0].request.last && d->iommu->log[0].request.pasid == PASID,
                    "one request");
    selftest_expect(d->room, !model_endpoint_last_response(d->pf, PF, 0, &response),
                    "no answer yet");
    selftest_map(d->iommu, PASID, VA, d->bus, MODEL_READ);
    selftest_answer(d, 0, MODEL_RESPONSE_SUCCESS);
    model_endpoint_job(d->pf, job, &status);
    selftest_expect(d->room, status.state == MODEL_JOB_DONE && status.done_bytes == 4096, "done");
    selftest_expect(d->room, status.requests == 1 && status.translations == 2, "counts");
    selftest_expect(d->room, memcmp(d->buffer + 4090, "abcdef", 6) == 0, "the bytes are there");
    selftest_expect(
        d->room, model_endpoint_last_response(d->pf, PF, d->iommu->log[0].request.index, &response),
        "the answer is remembered");
    selftest_expect(d->room, selftest_counts(d->pf).success == 1, "and counted");
    job = selftest_job(d, d->pf, MODEL_WRITE, 4096, 1);
    model_ram_get(d->world, 4096, 4096, UINT64_MAX, &second);
    selftest_map(d->iommu, PASID, VA, second, MODEL_READ | MODEL_WRITE);
    selftest_settle(d);
    selftest_expect(d->room, selftest_state(d->pf, job) == MODEL_JOB_DONE, "a write is done");
    selftest_expect(d->room, memcmp(model_ram_cpu(d->world, second + 4090, 6), "abcdef", 6) == 0,
                    "and visible");
    return selftest_end(d->room);
}

static const char *other_answers_end_a_job(void *memory, size_t bytes)
{
    struct selftest_device *d = selftest_device(memory, bytes, 1);
    struct model_job_status status;
    int job, i;

    if (d == NULL) {
        return "no device";
    }
    job = selftest_job(d, d->pf, MODEL_READ, 100, 1);
    selftest_settle(d);
    selftest_answer(d, 0, MODEL_RESPONSE_INVALID);
    model_endpoint_job(d->pf, job, &status);
    selftest_expect(d->room, status.state == MODEL_JOB_FAILED && status.last_code == 1, "INVALID");
    job = selftest_job(d, d->pf, MODEL_READ, 100, 1);
    selftest_settle(d);
    for (i = 1; i <= 5; i++) {
        selftest_expect(d->room, selftest_state(d->pf, job) == MODEL_JOB_RUNNING, "it asks again");
        selftest_answer(d, (uint32_t)i, MODEL_RESPONSE_SUCCESS);
    }
    model_endpoint_job(d->pf, job, &status);
    selftest_expect(d->room, status.state == MODEL_JOB_FAILED && status.requests == 5,
                    "so often and no more");
    d->iommu->status = MODEL_TRANSLATE_ABORTED;
    job = selftest_job(d, d->pf, MODEL_READ, 100, 1);
    selftest_settle(d);
    selftest_expect(d->room, selftest_state(d->pf, job) == MODEL_JOB_FAILED, "an abort");
    return selftest_end(d->room);
}

static const char *failure_disables_pri_for_all(void *memory, size_t bytes)
{
    struct selftest_device *d = selftest_device(memory, bytes, 1);
    struct model_job_status status;
    int job;

    if (d == NULL) {
        return "no device";
    }
    job = selftest_job(d, d->vf, MODEL_READ, 100, 1);
    selftest_settle(d);
    selftest_answer(d, 0, MODEL_RESPONSE_FAILURE);
    model_endpoint_job(d->vf, job, &status);
    selftest_expect(d->room, status.state == MODEL_JOB_FAILED && status.last_code == 0xF, "failed");
    selftest_expect(d->room,
                    (selftest_status(d) & (STATUS_RF | STATUS_STOPPED)) ==
                        (STATUS_RF | STATUS_STOPPED),
                    "RF, stopped");
    job = selftest_job(d, d->pf, MODEL_READ, 100, 1);
    selftest_settle(d);
    selftest_expect(d->room, d->iommu->count == 1 && selftest_state(d->pf, job) == MODEL_JOB_FAILED,
                    "the PF does not request either");
    model_endpoint_config_write(d->pf, PRI + 6, 2, STATUS_RF);
    selftest_expect(d->room, (selftest_status(d) & STATUS_RF) == 0, "RF is cleared by one");
    return selftest_end(d->room);
}

static const char *credits_are_never_exceeded(void *memory, size_t bytes)
{
    struct selftest_device *d = selftest_device(memory, bytes, 1);
    uint32_t answered = 0;
    uint32_t i;

    if (d == NULL) {
        return "no device";
    }
    for (i = 0; i < 12; i++) {
        selftest_job(d, i % 2 == 0 ? d->pf : d->vf, MODEL_READ, 3 * 4096, 3);
    }
    for (i = 0; i < 500 && answered < 12; i++) {
        const struct selftest_event *event;
        uint32_t taken;

        model_advance(d->world, 3000);
        taken = selftest_counts(d->pf).outstanding + selftest_counts(d->vf).outstanding;
        event = selftest_nth(d->iommu, 'r', i);
        selftest_expect(d->room, taken <= 8, "PF and VF share 8 credits");
        if (event == NULL) {
            break;
        }
        if (event->request.last) {
            selftest_respond(d, &event->request, MODEL_RESPONSE_INVALID);
            answered++;
        }
    }
    selftest_expect(d->room, answered == 12, "every job gets its turn");
    return selftest_end(d->room);
}

static const char *groups_interleave_and_last_is_last(void *memory, size_t bytes)
{
    struct selftest_device *d = NULL;
    uint32_t interleaved = 0;
    uint32_t seed, i;

    for (seed = 0; seed < SEEDS; seed++) {
        uint32_t members[512] = {0};

        d = selftest_device(memory, bytes, seed);
        if (d == NULL) {
            return "no device";
        }
        selftest_job(d, d->pf, MODEL_READ, 4 * 4096, 4);
        selftest_job(d, d->pf, MODEL_READ, 4 * 4096, 4);
        selftest_settle(d);
        selftest_expect(d->room, d->iommu->count == 8, "two groups of four");
        for (i = 0; i < d->iommu->count; i++) {
            const struct model_page_request *request = &d->iommu->log[i].request;

            members[request->index]++;
            selftest_expect(d->room, request->last == (members[request->index] == 4),
                            "Last comes behind its members");
            interleaved += i > 0 && i < 4 && request->index != d->iommu->log[0].request.index;
        }
    }
    selftest_expect(d->room, interleaved > 0, "groups interleave");
    return selftest_end(d->room);
}

static const char *an_index_is_used_again_at_once(void *memory, size_t bytes)
{
    struct selftest_device *d = selftest_device(memory, bytes, 1);

    if (d == NULL) {
        return "no device";
    }
    selftest_job(d, d->pf, MODEL_READ, 100, 1);
    selftest_job(d, d->pf, MODEL_READ, 100, 1);
    selftest_settle(d);
    selftest_expect(d->room, d->iommu->log[0].request.index != d->iommu->log[1].request.index,
                    "not while it is under way");
    selftest_answer(d, 1, MODEL_RESPONSE_SUCCESS);
    selftest_expect(d->room,
                    d->iommu->count == 3 &&
                        d->iommu->log[2].request.index == d->iommu->log[1].request.index,
                    "right after its answer");
    selftest_answer(d, 0, MODEL_RESPONSE_INVALID);
    selftest_answer(d, 2, MODEL_RESPONSE_INVALID);
    selftest_job(d, d->pf, MODEL_READ, 100, 1);
    selftest_settle(d);
    selftest_expect(d->room, d->iommu->log[3].request.index == d->iommu->log[2].request.index,
                    "the one answered last, whatever else is free");
    return selftest_end(d->room);
}

static const char *unexpected_answers_are_noted(void *memory, size_t bytes)
{
    struct selftest_device *d = selftest_device(memory, bytes, 1);
    struct model_page_request request;

    if (d == NULL) {
        return "no device";
    }
    memset(&request, 0, sizeof(request));
    request.id = PF;
    request.index = 7;
    selftest_respond(d, &request, MODEL_RESPONSE_SUCCESS);
    selftest_settle(d);
    selftest_expect(d->room, selftest_counts(d->pf).unexpected == 1, "counted");
    selftest_expect(d->room, (selftest_status(d) & STATUS_UPRGI) != 0, "UPRGI");
    selftest_respond(d, &request, 5);
    selftest_settle(d);
    selftest_expect_report(d->room, "endpoint.response.reserved-code");
    return selftest_end(d->room);
}

static const char *pasid_required_mismatch_is_ignored(void *memory, size_t bytes)
{
    struct model_endpoint_config without = selftest_plain;
    struct selftest_device *d = selftest_device(memory, bytes, 1);
    struct model_page_request wrong;
    int job;

    if (d == NULL) {
        return "no device";
    }
    job = selftest_job(d, d->pf, MODEL_READ, 100, 1);
    selftest_settle(d);
    wrong = d->iommu->log[0].request;
    wrong.has_pasid = false;
    selftest_respond(d, &wrong, MODEL_RESPONSE_INVALID);
    wrong.has_pasid = true;
    wrong.pasid = PASID + 1;
    selftest_respond(d, &wrong, MODEL_RESPONSE_INVALID);
    selftest_settle(d);
    selftest_expect(d->room,
                    selftest_counts(d->pf).ignored == 2 &&
                        selftest_state(d->pf, job) == MODEL_JOB_RUNNING,
                    "both ignored");
    without.pasid_required = false;
    d = selftest_device_as(memory, bytes, 1, &without);
    if (d == NULL) {
        return "no device";
    }
    selftest_enable(d, 8);
    job = selftest_job(d, d->pf, MODEL_READ, 100, 1);
    selftest_settle(d);
    selftest_answer(d, 0, MODEL_RESPONSE_INVALID);
    selftest_expect(d->room, selftest_counts(d->pf).ignored == 1, "a PASID that is not wanted");
    wrong = d->iommu->log[0].request;
    wrong.has_pasid = false;
    selftest_respond(d, &wrong, MODEL_RESPONSE_INVALID);
    selftest_settle(d);
    selftest_expect(d->room, selftest_state(d->pf, job) == MODEL_JOB_FAILED, "none: as wanted");
    return selftest_end(d->room);
}

static const char *nothing_is_asked_while_disabled(void *memory, size_t bytes)
{
    struct selftest_device *d = selftest_device(memory, bytes, 1);
    struct model_job job = {.pasid = MODEL_NO_PASID, .access = MODEL_READ, .bytes = 8};
    int number;

    if (d == NULL) {
        return "no device";
    }
    model_endpoint_config_write(d->pf, PRI + 4, 2, 0);
    number = selftest_job(d, d->pf, MODEL_READ, 100, 1);
    selftest_settle(d);
    selftest_expect(d->room,
                    selftest_state(d->pf, number) == MODEL_JOB_FAILED && d->iommu->count == 0,
                    "PRI disabled: no request");
    selftest_expect(d->room, selftest_counts(d->pf).translations == 1, "ATS was asked");
    model_endpoint_config_write(d->pf, ATS + 6, 2, 0);
    job.address = d->bus;
    job.buffer = d->buffer;
    number = model_endpoint_start(d->pf, &job);
    selftest_settle(d);
    selftest_expect(d->room, selftest_counts(d->pf).translations == 1, "ATS disabled: not asked");
    selftest_expect(d->room,
                    selftest_state(d->pf, number) == MODEL_JOB_DONE &&
                        !d->iommu->log[0].dma.translated,
                    "plain DMA instead");
    job.pasid = 256;
    number = model_endpoint_start(d->pf, &job);
    selftest_settle(d);
    selftest_expect(d->room, selftest_state(d->pf, number) == MODEL_JOB_FAILED,
                    "no PASID wider than the capability says");
    return selftest_end(d->room);
}

static const char *the_atc_keeps_until_it_is_invalidated(void *memory, size_t bytes)
{
    struct selftest_device *d = selftest_device(memory, bytes, 1);
    uint8_t byte;

    if (d == NULL) {
        return "no device";
    }
    selftest_map(d->iommu, PASID, VA, d->bus, MODEL_READ);
    model_endpoint_access(d->pf, PASID, VA, MODEL_READ, &byte, 1);
    d->iommu->page_count = 0;
    selftest_expect(
        d->room, model_endpoint_access(d->pf, PASID, VA + 9, MODEL_READ, &byte, 1) == MODEL_DMA_OK,
        "kept");
    selftest_expect(d->room, selftest_counts(d->pf).translations == 1, "asked once");
    selftest_invalidate(d, PF, PASID + 1, 0, 64);
    selftest_invalidate(d, PF, PASID, VA + 4096, 12);
    selftest_invalidate(d, PF_ALIAS, PASID, VA, 12);
    selftest_settle(d);
    selftest_expect(d->room, selftest_count(d->iommu, 'c') == 3, "all are answered");
    selftest_expect(d->room,
                    model_endpoint_access(d->pf, PASID, VA, MODEL_READ, &byte, 1) == MODEL_DMA_OK,
                    "another PASID, page or id does not reach it");
    selftest_invalidate(d, PF, PASID, VA & ~UINT64_C(0x1FFFFF), 21);
    selftest_settle(d);
    selftest_expect(
        d->room, model_endpoint_access(d->pf, PASID, VA, MODEL_READ, &byte, 1) == MODEL_DMA_ABORTED,
        "a range around it does");
    selftest_invalidate(d, PF, 256, 0, 64);
    selftest_settle(d);
    selftest_expect(d->room,
                    selftest_nth(d->iommu, 'c', 4) != NULL &&
                        selftest_nth(d->iommu, 'c', 4)->result == MODEL_INVALIDATE_UNSUPPORTED,
                    "UR for a PASID out of range");
    return selftest_end(d->room);
}

/* Whether an access is answered from the cache, that is: asks nothing. */
static bool kept(struct selftest_device *d, uint32_t pasid)
{
    uint64_t before = selftest_counts(d->pf).translations;
    uint8_t byte;

    model_endpoint_access(d->pf, pasid, VA, MODEL_READ, &byte, 1);
    return selftest_counts(d->pf).translations == before;
}

/* What is tagged with a PASID, with another, with none: an invalidation reaches its scope only. */
static const char *an_invalidation_has_a_scope(void *memory, size_t bytes)
{
    static const struct {
        enum model_invalidate_scope scope;
        bool global, one, other, none; /* kept */
    } rows[] = {
        {MODEL_INVALIDATE_ALL, false, false, false, false},
        {MODEL_INVALIDATE_UNTAGGED, false, true, true, false},
        {MODEL_INVALIDATE_PASID, false, false, true, true},
        {MODEL_INVALIDATE_PASID, true, false, false, true},
    };
    struct model_invalidate what = {.id = PF, .size_log2 = 64, .pasid = PASID, .tag = 42};
    struct selftest_device *d = selftest_device(memory, bytes, 1);
    unsigned i;

    if (d == NULL) {
        return "no device";
    }
    selftest_map(d->iommu, PASID, VA, d->bus, MODEL_READ);
    selftest_map(d->iommu, PASID + 1, VA, d->bus, MODEL_READ);
    selftest_map(d->iommu, MODEL_NO_PASID, VA, d->bus, MODEL_READ);
    for (i = 0; i < 4; i++) {
        kept(d, PASID);
        kept(d, PASID + 1);
        kept(d, MODEL_NO_PASID);
        selftest_expect(d->room, kept(d, PASID) && kept(d, PASID + 1) && kept(d, MODEL_NO_PASID),
                        "all are cached");
        what.scope = rows[i].scope;
        what.global = rows[i].global;
        model_fabric_invalidate(d->iommu->fabric, &what);
        selftest_settle(d);
        selftest_expect(d->room, kept(d, PASID) == rows[i].one, "the PASID");
        selftest_expect(d->room, kept(d, PASID + 1) == rows[i].other, "another PASID");
        selftest_expect(d->room, kept(d, MODEL_NO_PASID) == rows[i].none, "no PASID");
    }
    return selftest_end(d->room);
}

static const char *each_id_has_its_own_translations(void *memory, size_t bytes)
{
    struct selftest_device *d = selftest_device(memory, bytes, 1);
    struct model_job job = {.pasid = PASID, .address = VA, .access = MODEL_READ, .bytes = 8};
    uint32_t i;

    if (d == NULL) {
        return "no device";
    }
    job.buffer = d->buffer;
    selftest_map(d->iommu, PASID, VA, d->bus, MODEL_READ);
    for (i = 0; i < 4; i++) {
        job.id_pick = i % 2;
        model_endpoint_start(d->pf, &job);
        selftest_settle(d);
    }
    selftest_expect(d->room, selftest_counts(d->pf).translations == 2, "each id asks once");
    selftest_expect(d->room,
                    selftest_nth(d->iommu, 'R', 1) != NULL &&
                        selftest_nth(d->iommu, 'R', 1)->dma.id == PF_ALIAS,
                    "and goes under its own name");
    return selftest_end(d->room);
}

static const char *the_invalidation_queue_has_a_depth(void *memory, size_t bytes)
{
    struct model_endpoint_config config = selftest_plain;
    static const struct model_endpoint_knobs slow = {.invalidate_delay_ns = 10000};
    struct selftest_device *d;
    uint32_t i;

    config.ats_queue_depth = 2;
    d = selftest_device_as(memory, bytes, 1, &config);
    if (d == NULL) {
        return "no device";
    }
    selftest_enable(d, 8);
    model_endpoint_set_knobs(d->pf, &slow);
    for (i = 0; i < 5; i++) {
        selftest_invalidate(d, PF, PASID, 0, 64);
    }
    model_advance(d->world, 15000);
    selftest_expect(d->room, selftest_count(d->iommu, 'c') == 2, "two at a time");
    selftest_settle(d);
    selftest_expect(d->room, selftest_count(d->iommu, 'c') == 5, "but all");
    return selftest_end(d->room);
}

static const char *jobs_keep_apart(void *memory, size_t bytes)
{
    struct selftest_device *d = selftest_device(memory, bytes, 1);
    struct model_job_status status;
    int first, second, i;

    if (d == NULL) {
        return "no device";
    }
    first = selftest_job(d, d->pf, MODEL_READ, 100, 1);
    selftest_settle(d);
    model_endpoint_job_forget(d->pf, first);
    second = selftest_job(d, d->pf, MODEL_READ, 6 * 4096, 1);
    selftest_settle(d);
    selftest_expect(d->room, first == second, "the slot is used again");
    selftest_answer(d, 0, MODEL_RESPONSE_INVALID);
    selftest_expect(d->room, selftest_state(d->pf, second) == MODEL_JOB_RUNNING,
                    "an answer to its former owner is not for it");
    for (i = 0; i < 6; i++) {
        selftest_map(d->iommu, PASID, VA + (uint64_t)i * 4096, d->bus, MODEL_READ);
        selftest_answer(d, (uint32_t)i + 1, MODEL_RESPONSE_SUCCESS);
    }
    model_endpoint_job(d->pf, second, &status);
    selftest_expect(d->room, status.state == MODEL_JOB_DONE && status.requests == 6,
                    "more pages than one page has retries");
    return selftest_end(d->room);
}

static const char *a_disabled_interface_finishes_its_groups(void *memory, size_t bytes)
{
    struct selftest_device *d = selftest_device(memory, bytes, 1);
    static const struct model_endpoint_knobs none = {.silent = false};

    if (d == NULL) {
        return "no device";
    }
    model_endpoint_set_knobs(d->pf, &none);
    selftest_job(d, d->pf, MODEL_READ, 8 * 4096, 8);
    model_advance(d->world, 250);
    selftest_expect(d->room,
                    selftest_counts(d->pf).lasts == 0 && selftest_counts(d->pf).outstanding > 0,
                    "a group is open");
    model_endpoint_config_write(d->pf, PRI + 4, 2, 0);
    selftest_expect(d->room, selftest_counts(d->pf).lasts == 1, "its Last leaves now or never");
    selftest_status(d);
    selftest_expect(d->room, selftest_count(d->iommu, 'r') == selftest_counts(d->pf).requests,
                    "a configuration read pushes it");
    selftest_answer(d, selftest_count(d->iommu, 'r') - 1, MODEL_RESPONSE_SUCCESS);
    selftest_expect(d->room, (selftest_status(d) & STATUS_STOPPED) != 0, "then it has stopped");
    return selftest_end(d->room);
}

static const char *a_completion_pushes_posted_writes(void *memory, size_t bytes)
{
    struct selftest_device *d = NULL;
    uint32_t seed, i;

    for (seed = 0; seed < SEEDS; seed++) {
        uint32_t writes_after = 0;
        bool completed = false;

        d = selftest_device(memory, bytes, seed);
        if (d == NULL) {
            return "no device";
        }
        for (i = 0; i < 8; i++) {
            selftest_map(d->iommu, PASID, VA + i * UINT64_C(4096), d->bus, MODEL_WRITE);
        }
        selftest_job(d, d->pf, MODEL_WRITE, 8 * 4096, 1);
        model_advance(d->world, 100 + seed * 20);
        d->iommu->page_count = 0;
        selftest_invalidate(d, PF, PASID, 0, 64);
        selftest_settle(d);
        for (i = 0; i < d->iommu->count; i++) {
            completed = completed || d->iommu->log[i].kind == 'c';
            writes_after += completed && d->iommu->log[i].kind == 'w';
        }
        selftest_expect(d->room, completed && writes_after == 0, "no write lands behind it");
    }
    return selftest_end(d->room);
}

static const char *disabling_ats_drops_everything(void *memory, size_t bytes)
{
    struct selftest_device *d = selftest_device(memory, bytes, 1);
    struct model_endpoint_knobs knobs = {.invalidate_delay_ns = 10000};
    uint8_t byte;

    if (d == NULL) {
        return "no device";
    }
    model_endpoint_set_knobs(d->pf, &knobs);
    selftest_map(d->iommu, PASID, VA, d->bus, MODEL_READ);
    model_endpoint_access(d->pf, PASID, VA, MODEL_READ, &byte, 1);
    selftest_invalidate(d, PF, PASID, 0, 64);
    model_advance(d->world, 5000);
    model_endpoint_config_write(d->pf, ATS + 6, 2, 0);
    model_endpoint_config_write(d->pf, ATS + 6, 2, ATS_ON);
    selftest_settle(d);
    selftest_expect(d->room, selftest_count(d->iommu, 'c') == 0, "the answer is lost");
    selftest_invalidate(d, PF, PASID + 1, 0, 64);
    selftest_settle(d);
    selftest_expect(d->room, selftest_count(d->iommu, 'c') == 1, "the next one is not");
    model_endpoint_access(d->pf, PASID, VA, MODEL_READ, &byte, 1);
    selftest_expect(d->room, selftest_counts(d->pf).translations == 2, "the ATC was emptied");
    return selftest_end(d->room);
}

static const char *a_stop_ends_jobs_and_sends_a_marker_last(void *memory, size_t bytes)
{
    struct selftest_device *d = NULL;
    uint32_t at_once = 0;
    uint32_t seed;

    for (seed = 0; seed < SEEDS; seed++) {
        const struct selftest_event *event;
        int job;

        d = selftest_device(memory, bytes, seed);
        if (d == NULL) {
            return "no device";
        }
        job = selftest_job(d, d->pf, MODEL_READ, 4 * 4096, 4);
        model_advance(d->world, 20 * seed);
        if (model_endpoint_stop(d->pf, PASID)) {
            at_once++;
            selftest_expect(d->room, model_endpoint_stopped(d->pf, PASID), "complete is complete");
        } else {
            selftest_expect(d->room, selftest_job(d, d->pf, MODEL_READ, 1, 1) == -1,
                            "nothing starts meanwhile");
        }
        selftest_settle(d);
        selftest_expect(d->room, model_endpoint_stopped(d->pf, PASID), "it completes");
        selftest_expect(d->room, selftest_state(d->pf, job) == MODEL_JOB_STOPPED,
                        "the job is over");
        event = selftest_nth(d->iommu, 'r', selftest_count(d->iommu, 'r') - 1);
        selftest_expect(d->room,
                        event != NULL && event->request.last && event->request.access == 0 &&
                            event->request.pasid == PASID,
                        "the marker is the last message");
        selftest_expect(d->room,
                        selftest_counts(d->pf).markers == 1 &&
                            selftest_counts(d->pf).groups_outstanding ==
                                selftest_counts(d->pf).lasts,
                        "every group got its Last");
        if (event != NULL) {
            selftest_respond(d, &event->request, MODEL_RESPONSE_SUCCESS);
        }
        selftest_settle(d);
        selftest_expect(d->room, selftest_counts(d->pf).marker_answers == 1, "never answer one");
    }
    selftest_expect(d->room, at_once > 0 && at_once < SEEDS, "some stops take time");
    return selftest_end(d->room);
}

static const char *untranslated_accesses_may_stall(void *memory, size_t bytes)
{
    struct model_endpoint_config config = {.untranslated = true, .pasid_width = 8};
    struct selftest_device *d = selftest_device_as(memory, bytes, 1, &config);
    int job;

    if (d == NULL) {
        return "no device";
    }
    d->iommu->stalls = true;
    job = selftest_job(d, d->pf, MODEL_READ, 100, 1);
    selftest_settle(d);
    selftest_expect(d->room,
                    selftest_state(d->pf, job) == MODEL_JOB_RUNNING &&
                        d->iommu->log[0].dma.pasid == PASID && !d->iommu->log[0].dma.translated,
                    "held");
    memcpy(d->iommu->log[0].dma.data, "xyz", 3);
    model_fabric_dma_ended(d->iommu->fabric, PF, d->iommu->stalled_cookie, MODEL_DMA_OK);
    selftest_settle(d);
    selftest_expect(
        d->room, selftest_state(d->pf, job) == MODEL_JOB_DONE && memcmp(d->buffer, "xyz", 3) == 0,
        "done well");
    model_fabric_dma_ended(d->iommu->fabric, PF, d->iommu->stalled_cookie, MODEL_DMA_OK);
    selftest_settle(d);
    selftest_expect_report(d->room, "endpoint.dma.ended-twice");
    job = selftest_job(d, d->pf, MODEL_READ, 100, 1);
    selftest_settle(d);
    model_fabric_dma_ended(d->iommu->fabric, PF, d->iommu->stalled_cookie, MODEL_DMA_ABORTED);
    selftest_settle(d);
    selftest_expect(d->room, selftest_state(d->pf, job) == MODEL_JOB_FAILED, "or terminated");
    memcpy(d->buffer, "written", 7);
    job = selftest_job(d, d->pf, MODEL_WRITE, 100, 1);
    selftest_settle(d);
    model_endpoint_job_forget(d->pf, job);
    memset(d->buffer, 0, 100);
    selftest_expect(d->room,
                    d->iommu->count > 2 && memcmp(d->iommu->log[2].dma.data, "written", 7) == 0,
                    "a held write keeps its bytes, whatever becomes of the job's");
    selftest_expect(d->room, selftest_job(d, d->pf, MODEL_READ, 1, 1) != job, "and its slot");
    model_fabric_dma_ended(d->iommu->fabric, PF, d->iommu->stalled_cookie, MODEL_DMA_OK);
    selftest_settle(d);
    selftest_expect(d->room, selftest_job(d, d->pf, MODEL_READ, 1, 1) == job, "until it has ended");
    return selftest_end(d->room);
}

static const char *reset_and_removal_forget(void *memory, size_t bytes)
{
    struct selftest_device *d = selftest_device(memory, bytes, 1);
    int job;

    if (d == NULL) {
        return "no device";
    }
    selftest_job(d, d->pf, MODEL_READ, 100, 1);
    selftest_job(d, d->vf, MODEL_READ, 100, 1);
    selftest_settle(d);
    model_endpoint_reset(d->vf);
    selftest_expect(
        d->room, selftest_counts(d->pf).outstanding == 1 && selftest_counts(d->vf).outstanding == 0,
        "only the VF's");
    selftest_expect(d->room, model_endpoint_config_read(d->pf, PRI + 4, 2) == 1, "PRI goes on");
    model_endpoint_reset(d->pf);
    selftest_expect(d->room,
                    selftest_counts(d->pf).outstanding == 0 &&
                        model_endpoint_config_read(d->pf, PRI + 4, 2) == 0 &&
                        model_endpoint_config_read(d->pf, ATS + 6, 2) == 0 &&
                        model_endpoint_config_read(d->pf, PASID_CAP + 6, 2) == 0,
                    "all is as at power-on");
    selftest_enable(d, 8);
    selftest_job(d, d->vf, MODEL_READ, 100, 1);
    selftest_settle(d);
    model_endpoint_reset(d->pf);
    selftest_expect(d->room,
                    selftest_counts(d->vf).outstanding == 0 &&
                        model_endpoint_config_read(d->vf, ATS + 6, 2) == 0,
                    "a PF takes its VFs with it");
    selftest_enable(d, 8);
    job = selftest_job(d, d->pf, MODEL_READ, 100, 1);
    selftest_settle(d);
    model_endpoint_remove(d->pf);
    selftest_invalidate(d, PF, PASID, 0, 64);
    selftest_answer(d, 3, MODEL_RESPONSE_SUCCESS);
    selftest_expect(d->room,
                    selftest_state(d->pf, job) == MODEL_JOB_FAILED &&
                        selftest_count(d->iommu, 'c') == 0 && selftest_counts(d->pf).success == 0,
                    "gone");
    selftest_expect(d->room, model_endpoint_stop(d->pf, PASID), "what is gone has stopped");
    return selftest_end(d->room);
}

const struct model_selftest model_selftests_endpoint[] = {
    {"a_job_asks_again_after_success", a_job_asks_again_after_success},
    {"other_answers_end_a_job", other_answers_end_a_job},
    {"failure_disables_pri_for_all", failure_disables_pri_for_all},
    {"credits_are_never_exceeded", credits_are_never_exceeded},
    {"groups_interleave_and_last_is_last", groups_interleave_and_last_is_last},
    {"an_index_is_used_again_at_once", an_index_is_used_again_at_once},
    {"unexpected_answers_are_noted", unexpected_answers_are_noted},
    {"pasid_required_mismatch_is_ignored", pasid_required_mismatch_is_ignored},
    {"nothing_is_asked_while_disabled", nothing_is_asked_while_disabled},
    {"the_atc_keeps_until_it_is_invalidated", the_atc_keeps_until_it_is_invalidated},
    {"an_invalidation_has_a_scope", an_invalidation_has_a_scope},
    {"each_id_has_its_own_translations", each_id_has_its_own_translations},
    {"the_invalidation_queue_has_a_depth", the_invalidation_queue_has_a_depth},
    {"jobs_keep_apart", jobs_keep_apart},
    {"a_disabled_interface_finishes_its_groups", a_disabled_interface_finishes_its_groups},
    {"a_completion_pushes_posted_writes", a_completion_pushes_posted_writes},
    {"disabling_ats_drops_everything", disabling_ats_drops_everything},
    {"a_stop_ends_jobs_and_sends_a_marker_last", a_stop_ends_jobs_and_sends_a_marker_last},
    {"untranslated_accesses_may_stall", untranslated_accesses_may_stall},
    {"reset_and_removal_forget", reset_and_removal_forget},
};
const unsigned model_selftest_count_endpoint =
    sizeof(model_selftests_endpoint) / sizeof(model_selftests_endpoint[0]);
