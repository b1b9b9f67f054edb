/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "speed_machine.h"

/*
 * A device that fills the ring, beside one that asks for a page now and then: how long that one
 * waits, from its request's place in the ring to the answer in the command ring. The ring is one
 * queue: what lies in front of a request is paid first, so that what bounds the wait are credits,
 * refusals that cost little, and the isolation of who goes on. The floor is the same without the
 * flood; a round is one request of the good device, so that p99 is its own.
 */

#define GOOD   1u
#define BAD    0u
#define NOBODY 0x4000u /* an ID that no device has */

enum kind {
    VALID,   /* as many groups as the bad device has credits */
    UNKNOWN, /* PASIDs that nobody is bound to */
    FORGED,  /* IDs of nobody */
    AFTER,   /* it was isolated: hardware lets nothing of it into the ring */
    BEYOND,  /* until that: more than its credits, in rings full */
};

struct flood {
    struct speed_machine *m;
    enum kind kind;
    uint32_t many; /* bad requests in front of each good one */
    uint32_t turn;
};

/*
 * The bad device sends requests without a Last, each of another group, beyond its credits, as fast
 * as the ring takes them, until its entry refuses them. false: it never does.
 */
static bool overrun(struct flood *f, uint32_t *sent, double *spent)
{
    struct speed_ask ask;
    double from;
    uint32_t i;

    while (uiommu_device_get_state(f->m->device[BAD]) == UIOMMU_DEVICE_NORMAL) {
        for (i = 0; i < 64; i++, (*sent)++) {
            ask = (struct speed_ask){speed_machine_id(f->m, BAD), speed_machine_pasid(f->m, BAD, 0),
                                     *sent & 511u, UINT64_C(0x1000), false};
            speed_machine_put(f->m, &ask);
        }
        speed_machine_show(f->m);
        from = speed_now_ns();
        if (!speed_machine_serve(f->m) || *sent >= 4096) {
            speed_say("after %u requests it was not isolated", *sent);
            return false;
        }
        *spent += speed_now_ns() - from;
        f->m->vendor->consume(f->m);
    }
    return true;
}

/* param: vendor, kind, requests */
static void *flood_open(const struct speed_row *row, uint32_t many)
{
    struct flood *f = calloc(1, sizeof(*f));
    struct speed_machine_config config = {
        .vendor = (enum speed_vendor)row->param[0], .devices = 2, .credits = 64, .ring_log2 = 12};

    f->kind = (enum kind)row->param[1];
    f->many = many;
    f->m = speed_machine_open(&config);
    if (f->m == NULL) {
        free(f);
        return NULL;
    }
    f->m->at_once = false;
    return f;
}

static void flood_close(void *state)
{
    struct uiommu_device *bad;
    struct flood *f = state;

    bad = f->m->device[BAD];
    f->m->at_once = true;
    if (uiommu_device_get_state(bad) == UIOMMU_DEVICE_ISOLATED) { /* its bond would be withheld */
        if (uiommu_device_reset_begin(bad) != UIOMMU_OK)
            speed_say("no reset begins");
        while (uiommu_device_reset_end(bad) == UIOMMU_PENDING)
            (void)speed_machine_serve(f->m);
    }
    if (!speed_machine_close(f->m))
        speed_say("the machine did not close");
    free(f);
}

static void *library_open(const struct speed_row *row)
{
    struct flood *f = flood_open(row, (uint32_t)row->param[2]);
    uint32_t sent = 0;
    double spent = 0;

    if (f != NULL && f->kind == AFTER && !overrun(f, &sent, &spent)) {
        flood_close(f);
        return NULL;
    }
    return f;
}

static void *calm_open(const struct speed_row *row)
{
    return flood_open(row, 0);
}

/* Requests that are refused: their answers are INVALID. */
static void put_refused(struct speed_machine *m, uint32_t id, uint32_t pasid, uint32_t index)
{
    struct speed_ask ask = {id, pasid, index, UINT64_C(0x1000), true};
    struct speed_sums keep = m->asked;

    speed_machine_put(m, &ask);
    m->asked = keep;
    speed_sums_add(&m->asked, id, pasid, index, UIOMMU_CODE_INVALID);
}

static void bad_asks(struct flood *f)
{
    uint32_t i, bad = speed_machine_id(f->m, BAD);

    for (i = 0; i < f->many; i++) {
        if (f->kind == VALID)
            speed_machine_ask(f->m, BAD, 0, i, i * UINT64_C(4096), true);
        else if (f->kind == UNKNOWN)
            put_refused(f->m, bad, 0x8000u + i, i & 511u);
        else
            put_refused(f->m, NOBODY + i, 1, i & 511u);
    }
}

static bool flood_round(void *state, struct speed_sample *sample)
{
    struct flood *f = state;
    double from;

    bad_asks(f);
    speed_machine_ask(f->m, GOOD, 0, f->turn++ & 511u, 0, true);
    speed_machine_show(f->m);
    from = speed_now_ns();
    if (!speed_machine_serve(f->m))
        return false;
    sample->ns = speed_now_ns() - from;
    sample->ops = 1;
    f->m->vendor->consume(f->m);
    /* The handler saw fewer than were asked: the sums of answers are what counts. */
    if (!speed_sums_same(&f->m->asked, &f->m->got))
        return false;
    memset(&f->m->asked, 0, sizeof(f->m->asked));
    memset(&f->m->got, 0, sizeof(f->m->got));
    memset(&f->m->seen, 0, sizeof(f->m->seen));
    return true;
}

/* ---- until it is isolated ---- */

static void *row_open(const struct speed_row *row)
{
    return (void *)(uintptr_t)row;
}

static void row_close(void *state)
{
    (void)state;
}

static bool isolate_round(void *state, struct speed_sample *sample)
{
    const struct speed_row *row = state;
    uint64_t lines = speed_counts.lines;
    struct flood *f = flood_open(row, 0);
    uint32_t sent = 0;
    double spent = 0;
    bool right;

    if (f == NULL)
        return false;
    right = overrun(f, &sent, &spent);
    sample->ns = row->param[2] == 0   ? spent
                 : row->param[2] == 1 ? sent
                                      : (double)(speed_counts.lines - lines);
    sample->ops = 1;
    flood_close(f);
    return right;
}

#define BESIDE(text, vendor, kind, many, ratio)                                                    \
    {                                                                                              \
        .name = text, .op = "request",                                                             \
        .side = {{library_open, flood_round, flood_close}, {calm_open, flood_round, flood_close}}, \
        .goal_ratio = ratio, .param = {vendor, kind, many},                                        \
    }
#define UNTIL(text, vendor, what)                                                                  \
    {                                                                                              \
        .name = text, .op = "isolation", .side = {{row_open, isolate_round, row_close}},           \
        .param = {vendor, BEYOND, what},                                                           \
    }
#define EACH(text, vendor)                                                                         \
    BESIDE(text ": good beside 16 valid requests, beside none", vendor, VALID, 16, 0),             \
        BESIDE(text ": good beside 64 valid requests, beside none", vendor, VALID, 64, 0),         \
        BESIDE(text ": good beside 64 of unknown PASIDs, beside none", vendor, UNKNOWN, 64, 0),    \
        BESIDE(text ": good beside 64 of forged IDs, beside none", vendor, FORGED, 64, 0),         \
        BESIDE(text ": good beside one that is isolated, beside none", vendor, AFTER, 0, 2),       \
        UNTIL(text ": ns of service until the flood is isolated", vendor, 0),                      \
        UNTIL(text ": requests until the flood is isolated (no ns)", vendor, 1),                   \
        UNTIL(text ": lines of the log until then (no ns)", vendor, 2)

static const struct speed_row rows[] = {
    EACH("amd", SPEED_AMD),
    EACH("vtd", SPEED_VTD),
    EACH("smmuv3", SPEED_SMMUV3),
};

const struct speed_table speed_flood = {"flood", "A flood beside a device that behaves", rows,
                                        sizeof(rows) / sizeof(rows[0])};
