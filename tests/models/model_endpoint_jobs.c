/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_endpoint_internal.h"

/*
 * A job goes through its bytes from the front, a page at a time. With ATS it asks for a
 * translation; where that is not enough it asks PRI for the page and, after SUCCESS, ATS again.
 * Without, its accesses go out untranslated and may be stalled.
 */

#define STEP_NS         200u /* Most between two steps of one job; others come in between. */
#define STEP_PAGES      8u   /* Pages in one step. */
#define GREEDY_GROUPS   16u  /* Groups a job has at once when it ignores credits. */
#define DEFAULT_RETRIES 64u

static void job_step(void *arg, uint64_t token);

static void job_kick(struct model_endpoint *ep, uint32_t number)
{
    struct model_ep_job *job = &ep->jobs[number];

    if (job->used && !job->scheduled && job->status.state == MODEL_JOB_RUNNING) {
        job->scheduled = true;
        model_ep_schedule(ep, model_choose(ep->world, STEP_NS), job_step,
                          number | (uint64_t)job->generation << 32);
    }
}

static void job_end(struct model_endpoint *ep, uint32_t number, enum model_job_state state,
                    uint32_t code)
{
    struct model_ep_job *job = &ep->jobs[number];
    uint32_t i;

    if (job->status.state != MODEL_JOB_RUNNING) {
        return;
    }
    job->status.state = state;
    job->status.last_code = code;
    /* Its groups go on without it: each is finished and gets its answer. */
    for (i = 0; job->groups > 0 && i < MODEL_EP_GROUPS; i++) {
        if (ep->groups[i].state != MODEL_GROUP_FREE && ep->groups[i].job == (int)number) {
            ep->groups[i].job = -1;
            job->groups--;
        }
    }
}

/* A cookie names job, generation and bytes. */
static uint64_t job_cookie(const struct model_ep_job *job, uint32_t number, uint32_t bytes)
{
    return number | (uint64_t)bytes << 8 | (uint64_t)job->generation << 32;
}

static struct model_ep_job *job_of(struct model_endpoint *ep, uint64_t cookie)
{
    uint32_t number = cookie & 0xFF;

    if (number >= MODEL_EP_JOBS || ep->jobs[number].generation != cookie >> 32) {
        return NULL;
    }
    return &ep->jobs[number];
}

static void job_moved(struct model_endpoint *ep, uint32_t number, uint32_t bytes)
{
    struct model_ep_job *job = &ep->jobs[number];

    if ((job->what.access & MODEL_WRITE) != 0) {
        ep->counts.bytes_written += bytes;
    } else {
        ep->counts.bytes_read += bytes;
    }
    if (job->status.state != MODEL_JOB_RUNNING) {
        return;
    }
    job->status.done_bytes += bytes;
    if (job->status.done_bytes == job->what.bytes) {
        job_end(ep, number, MODEL_JOB_DONE, 0);
    }
}

/* ---- one page ---- */

static void job_dma_init(struct model_endpoint *ep, uint32_t number, struct model_dma *dma)
{
    struct model_ep_job *job = &ep->jobs[number];
    uint64_t address = job->what.address + job->posted;
    uint32_t bytes = MODEL_PAGE_BYTES - (uint32_t)(address & (MODEL_PAGE_BYTES - 1));

    if (bytes > job->what.bytes - job->posted) {
        bytes = (uint32_t)(job->what.bytes - job->posted);
    }
    memset(dma, 0, sizeof(*dma));
    dma->id = ep->ids[job->what.id_pick];
    dma->has_pasid = job->what.pasid != MODEL_NO_PASID;
    dma->pasid = dma->has_pasid ? job->what.pasid : 0;
    dma->address = address;
    dma->access = job->what.access;
    dma->data = (uint8_t *)job->what.buffer + (size_t)job->posted;
    dma->bytes = bytes;
    dma->cookie = job_cookie(job, number, bytes);
}

/* The bytes of an access that may be held: the job may be over, and its buffer gone, before it. */
static uint8_t *bounce_page(struct model_endpoint *ep, uint32_t number)
{
    if (ep->bounce == NULL) {
        ep->bounce = model_carve(ep->world, MODEL_EP_JOBS * MODEL_PAGE_BYTES, 16);
    }
    return ep->bounce == NULL ? NULL : ep->bounce + (size_t)number * MODEL_PAGE_BYTES;
}

/* true: the job goes on at once. */
static bool job_untranslated(struct model_endpoint *ep, uint32_t number)
{
    struct model_ep_job *job = &ep->jobs[number];
    uint8_t *bounce = bounce_page(ep, number);
    enum model_dma_result result;
    struct model_dma dma;
    void *data;

    if (bounce == NULL) {
        model_report(ep->world, "endpoint.full", "no memory for an access that may stall",
                     ep->ids[0], number);
        job_end(ep, number, MODEL_JOB_FAILED, 0);
        return false;
    }
    job_dma_init(ep, number, &dma);
    data = dma.data;
    dma.data = bounce;
    if ((dma.access & MODEL_WRITE) != 0) {
        memcpy(bounce, data, dma.bytes);
    }
    job->stalled = true; /* Its end may be told before the call returns. */
    result = model_fabric_dma(ep->fabric, &dma);
    if (result == MODEL_DMA_STALLED) {
        return false;
    }
    job->stalled = false;
    if (result != MODEL_DMA_OK) {
        job_end(ep, number, MODEL_JOB_FAILED, 0);
        return false;
    }
    if ((dma.access & MODEL_WRITE) == 0) {
        memcpy(data, bounce, dma.bytes);
    }
    job->posted += dma.bytes;
    job_moved(ep, number, dma.bytes);
    return true;
}

static bool job_translated(struct model_endpoint *ep, uint32_t number,
                           const struct model_atc_entry *entry)
{
    struct model_ep_job *job = &ep->jobs[number];
    enum model_dma_result result;
    struct model_dma dma;

    job_dma_init(ep, number, &dma);
    dma.translated = true;
    dma.address = entry->bus | (dma.address & (MODEL_PAGE_BYTES - 1));
    if ((dma.access & MODEL_WRITE) != 0) {
        job->posted += dma.bytes;
        model_fabric_posted_write(ep->fabric, &dma);
        return true;
    }
    result = model_fabric_dma(ep->fabric, &dma);
    if (result != MODEL_DMA_OK) {
        job_end(ep, number, MODEL_JOB_FAILED, 0);
        return false;
    }
    job->posted += dma.bytes;
    job_moved(ep, number, dma.bytes);
    return true;
}

/* ---- page requests ---- */

static uint32_t group_pages(struct model_endpoint *ep, const struct model_ep_job *job,
                            uint64_t page)
{
    uint64_t last = (job->what.address + job->what.bytes - 1) & ~(uint64_t)(MODEL_PAGE_BYTES - 1);
    uint64_t left = ((last - page) >> MODEL_PAGE_SHIFT) + 1;
    uint32_t pages = job->what.pages_per_group;
    uint32_t most = model_ep_port(ep)->allocation;

    if (pages == 0) {
        pages = 1;
    }
    if (pages > left) {
        pages = (uint32_t)left;
    }
    if (pages > most && most > 0 && !ep->knobs.exceed_credits) {
        pages = most;
    }
    return pages;
}

/* How many pages from the front on have no translation; each was asked for. */
static uint32_t missing_pages(struct model_endpoint *ep, struct model_ep_job *job, uint64_t page,
                              uint32_t most)
{
    uint32_t id = ep->ids[job->what.id_pick];
    uint32_t pages = 1; /* The front page: its answer brought us here. */
    uint32_t granted;

    for (; pages < most; pages++) {
        uint64_t at = page + (uint64_t)pages * MODEL_PAGE_BYTES;

        if (model_ep_atc_find(ep, id, job->what.pasid, at, job->what.access) != NULL) {
            break;
        }
        job->status.translations++;
        model_ep_atc_ask(ep, id, job->what.pasid, at, job->what.access, &granted);
        if ((granted & job->what.access) == job->what.access) {
            break;
        }
    }
    return pages;
}

static void job_request(struct model_endpoint *ep, uint32_t number, uint64_t page)
{
    struct model_ep_job *job = &ep->jobs[number];
    uint32_t most = ep->config.retries == 0 ? DEFAULT_RETRIES : ep->config.retries;
    uint32_t groups = ep->knobs.exceed_credits ? GREEDY_GROUPS : 1;
    uint64_t end = job->what.address + job->what.bytes;
    struct model_ep_ask ask;

    if (!model_ep_port(ep)->config.has_pri || !model_ep_pri_enabled(ep) || job->asked > most) {
        job_end(ep, number, MODEL_JOB_FAILED, 0);
        return;
    }
    ask.job = (int)number;
    ask.id = ep->ids[job->what.id_pick];
    ask.pasid = job->what.pasid;
    ask.access = job->what.access;
    ask.first = page;
    job->asked++;
    for (; groups > 0 && ask.first < end; groups--) {
        ask.pages = group_pages(ep, job, ask.first);
        ask.pages = missing_pages(ep, job, ask.first, ask.pages);
        if (!model_ep_group_open(ep, &ask)) {
            break;
        }
        ask.first += (uint64_t)ask.pages * MODEL_PAGE_BYTES;
    }
    if (ask.first == page) {
        job->asked--;
        job->wants_credit = true;
    }
}

/* One page on. true: there may be more to do at once. */
static bool job_page(struct model_endpoint *ep, uint32_t number)
{
    struct model_ep_job *job = &ep->jobs[number];
    uint64_t page = (job->what.address + job->posted) & ~(uint64_t)(MODEL_PAGE_BYTES - 1);
    uint32_t id = ep->ids[job->what.id_pick];
    const struct model_atc_entry *entry;
    enum model_translate_status status;
    uint32_t granted;

    if (!model_ep_pasid_possible(ep, job->what.pasid)) {
        job_end(ep, number, MODEL_JOB_FAILED, 0);
        return false;
    }
    if (ep->config.untranslated || !ep->ats_enabled) {
        return job_untranslated(ep, number);
    }
    entry = model_ep_atc_find(ep, id, job->what.pasid, page, job->what.access);
    if (entry == NULL) {
        job->status.translations++;
        status = model_ep_atc_ask(ep, id, job->what.pasid, page, job->what.access, &granted);
        if (status != MODEL_TRANSLATE_OK) {
            job_end(ep, number, MODEL_JOB_FAILED, 0);
            return false;
        }
        entry = model_ep_atc_find(ep, id, job->what.pasid, page, job->what.access);
    }
    if (entry == NULL) {
        job_request(ep, number, page);
        return false;
    }
    job->asked = 0;
    return job_translated(ep, number, entry);
}

static void job_step(void *arg, uint64_t token)
{
    struct model_endpoint *ep = arg;
    uint32_t number = (uint32_t)token;
    struct model_ep_job *job = &ep->jobs[number];
    uint32_t pages;

    if (!job->used || job->generation != token >> 32) {
        return;
    }
    job->scheduled = false;
    job->wants_credit = false;
    if (job->status.state != MODEL_JOB_RUNNING || job->stalled || job->groups > 0) {
        return;
    }
    job->parked = model_ep_mute(ep) || (job->hung && ep->knobs.never_retries);
    if (job->parked) {
        return;
    }
    job->hung = false;
    if (job->what.bytes == 0) {
        job_end(ep, number, MODEL_JOB_DONE, 0);
    }
    for (pages = 0; job->status.state == MODEL_JOB_RUNNING; pages++) {
        if (job->posted == job->what.bytes) {
            return; /* The last writes are under way. */
        }
        if (pages == STEP_PAGES) {
            job_kick(ep, number);
            return;
        }
        if (!job_page(ep, number)) {
            return;
        }
    }
}

/* ---- what others tell ---- */

void model_ep_job_answer(struct model_endpoint *ep, int number, uint32_t code, bool forgotten)
{
    struct model_ep_job *job = &ep->jobs[number];

    job->groups--;
    if (forgotten || code != MODEL_RESPONSE_SUCCESS) {
        job_end(ep, (uint32_t)number, MODEL_JOB_FAILED, code);
        return;
    }
    job->hung = ep->knobs.never_retries;
    job_kick(ep, (uint32_t)number);
}

void model_ep_job_posted(void *endpoint, uint64_t cookie, enum model_dma_result result)
{
    struct model_endpoint *ep = endpoint;

    if (job_of(ep, cookie) == NULL) {
        return;
    }
    if (result == MODEL_DMA_OK) {
        job_moved(ep, cookie & 0xFF, (cookie >> 8) & 0xFFFF);
    } else {
        job_end(ep, cookie & 0xFF, MODEL_JOB_FAILED, 0);
    }
}

void model_ep_job_resumed(void *endpoint, uint64_t cookie, enum model_dma_result result)
{
    struct model_endpoint *ep = endpoint;
    struct model_ep_job *job = job_of(ep, cookie);
    uint32_t number = cookie & 0xFF;
    uint32_t bytes = (cookie >> 8) & 0xFFFF;

    if (job == NULL) {
        return;
    }
    if (!job->stalled) {
        model_report(ep->world, "endpoint.dma.ended-twice",
                     "an access ended that is not stalled, or ended before", number, result);
        return;
    }
    job->stalled = false;
    if (job->orphan) {
        job->used = false;
        return;
    }
    if (ep->removed || job->status.state != MODEL_JOB_RUNNING) {
        return;
    }
    if (result != MODEL_DMA_OK) {
        job_end(ep, number, MODEL_JOB_FAILED, 0);
        return;
    }
    if ((job->what.access & MODEL_WRITE) == 0) {
        memcpy((uint8_t *)job->what.buffer + (size_t)job->posted, bounce_page(ep, number), bytes);
    }
    job->posted += bytes;
    job_moved(ep, number, bytes);
    job_kick(ep, number);
}

void model_ep_jobs_unpark(struct model_endpoint *ep)
{
    uint32_t i;

    for (i = 0; i < MODEL_EP_JOBS; i++) {
        if (ep->jobs[i].parked || ep->jobs[i].hung) {
            job_kick(ep, i);
        }
    }
}

static void jobs_credit(struct model_endpoint *ep)
{
    uint32_t i;

    for (i = 0; i < MODEL_EP_JOBS; i++) {
        if (ep->jobs[i].wants_credit) {
            job_kick(ep, i);
        }
    }
}

void model_ep_jobs_credit(struct model_endpoint *port)
{
    uint32_t i;

    jobs_credit(port);
    for (i = 0; i < port->vf_count; i++) {
        jobs_credit(port->vfs[i]);
    }
}

void model_ep_jobs_end(struct model_endpoint *ep, uint32_t pasid, bool every,
                       enum model_job_state state)
{
    uint32_t i;

    for (i = 0; i < MODEL_EP_JOBS; i++) {
        if (ep->jobs[i].used && (every || ep->jobs[i].what.pasid == pasid)) {
            job_end(ep, i, state, 0);
        }
    }
}

void model_ep_jobs_drop(struct model_endpoint *ep)
{
    uint32_t i;

    model_ep_jobs_end(ep, 0, true, MODEL_JOB_STOPPED);
    for (i = 0; i < MODEL_EP_JOBS; i++) {
        model_endpoint_job_forget(ep, (int)i);
    }
}

/* ---- tests ---- */

static bool stopping(const struct model_endpoint *ep, uint32_t pasid)
{
    uint32_t i;

    for (i = 0; i < MODEL_EP_STOPS; i++) {
        if (ep->stops[i].state == MODEL_STOP_UNDER_WAY && ep->stops[i].pasid == pasid) {
            return true;
        }
    }
    return false;
}

int model_endpoint_start(struct model_endpoint *ep, const struct model_job *what)
{
    uint32_t i;

    if (what->id_pick >= ep->config.id_count || stopping(ep, what->pasid)) {
        return -1;
    }
    for (i = 0; i < MODEL_EP_JOBS; i++) {
        struct model_ep_job *job = &ep->jobs[i];
        uint32_t generation = job->generation + 1;

        if (job->used) {
            continue;
        }
        memset(job, 0, sizeof(*job));
        job->used = true;
        job->generation = generation;
        job->what = *what;
        if (ep->removed) {
            job->status.state = MODEL_JOB_FAILED;
        }
        model_ep_stop_forget(ep, what->pasid);
        job_kick(ep, i);
        return (int)i;
    }
    return -1;
}

void model_endpoint_job(const struct model_endpoint *ep, int job, struct model_job_status *out)
{
    memset(out, 0, sizeof(*out));
    out->state = MODEL_JOB_STOPPED;
    if (job >= 0 && (uint32_t)job < MODEL_EP_JOBS) {
        *out = ep->jobs[job].status;
    }
}

void model_endpoint_job_forget(struct model_endpoint *ep, int number)
{
    struct model_ep_job *job;

    if (number < 0 || (uint32_t)number >= MODEL_EP_JOBS || !ep->jobs[number].used) {
        return;
    }
    job = &ep->jobs[number];
    job_end(ep, (uint32_t)number, MODEL_JOB_STOPPED, 0);
    job->orphan = job->stalled;
    job->used = job->stalled;
    if (!job->stalled) {
        job->generation++; /* What is under way for it finds nobody. */
    }
}
