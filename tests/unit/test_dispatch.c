/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_scene.h"

/* What dispatch.c tells others, and when. */

TestSuite(dispatch, .init = scene_begin, .fini = scene_end);

static uint32_t told;
static struct uiommu_trace last;

static void dispatched(struct fake_host *h)
{
    if (h->trace.id != UIOMMU_TRACE_GROUP_DISPATCHED)
        return;
    told++;
    last = h->trace;
}

/* The trace names each group before its handler is called. */
Test(dispatch, told)
{
    told = 0;
    host.on_trace = dispatched;
    ask(8, scene.pasid, 7, 0);
    ask(8, scene.pasid, 7, LAST);
    serve();
    cr_assert_eq(told, 1);
    cr_assert_eq(last.a, (uint64_t)scene.group.index << 32 | scene.group.generation);
    cr_assert_eq(last.b, UINT64_C(8) << 32 | scene.pasid);
    cr_assert(last.c == 7 && last.d == 2);
    host.on_trace = NULL;
}

static void first_is_answered(void)
{
    cr_assert_eq(toy.answers, 0, "a batch of answers is not full");
    as_another(1);
    cr_assert_eq(toy.answers, 1);
    cr_assert_eq(toy.code[UIOMMU_CODE_SUCCESS & 3], 1);
}

static void then_the_next(void)
{
    scene.meanwhile = first_is_answered;
}

/* R21: an answer does not wait for the handlers of other groups. */
Test(dispatch, answer_beside_a_handler)
{
    scene.meanwhile = then_the_next;
    ask(8, scene.pasid, 1, LAST);
    ask(8, scene.pasid, 2, LAST);
    serve();
    cr_assert_eq(scene.calls, 2);
    cr_assert_eq(toy.answers, 2);
}

static uint32_t early;

static uintptr_t asked(void *ctx)
{
    uint32_t i;

    (void)ctx;
    for (i = 0; i < UIOMMU_RUNNERS; i++)
        early += uiommu_word_load(&unit->runner[i].caller.busy) == 2;
    return host.self;
}

/* R22: who runs is known before a runner counts as one that is known. */
Test(dispatch, who_runs)
{
    early = 0;
    u->host.self = asked;
    ask(8, scene.pasid, 1, LAST);
    serve();
    cr_assert_eq(scene.calls, 1);
    cr_assert_eq(early, 0);
}

static void begin_owned(void)
{
    struct uiommu_owner_config c = {.size = sizeof(c), .in_flight = 1};

    memset(&scene, 0, sizeof(scene));
    toy_begin();
    cr_assert_eq(uiommu_owner_create(u, &c, &scene.owner), UIOMMU_OK);
    scene_set(&toy_ops);
    scene.says = UIOMMU_CODE_PENDING;
}

TestSuite(dispatch_owned, .init = begin_owned, .fini = scene_end);

/* R28: what his handlers do not answer in time is the owner's, what waits for them is not. */
Test(dispatch_owned, expired)
{
    struct uiommu_owner_counters out;

    ask(8, scene.pasid, 1, LAST);
    ask(9, scene.pasid, 1, LAST);
    serve();
    cr_assert_eq(scene.calls, 1);
    host.now_ns += UINT64_C(11000000000); /* answer_ns, and a second */
    serve();
    cr_assert_eq(uiommu_owner_get_counters(scene.owner, &out), UIOMMU_OK);
    cr_assert_eq(out.expired, 1);
    cr_assert_eq(scene.orphans, 1);
    cr_assert_eq(toy.answers, 2);
}
