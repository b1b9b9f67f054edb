/* SPDX-License-Identifier: BSD-2-Clause */
/* What the library calls back, and what must hold whenever it does. */
#include "fuzz_life.h"

#include <string.h>

/* ---- the trace: every token ends once, every answer has a Last ---- */

static bool has(const uint64_t *list, uint32_t count, uint64_t token)
{
    while (count != 0) {
        if (list[--count] == token)
            return true;
    }
    return false;
}

bool fuzz_token_open(const struct fuzz_life *f, struct uiommu_group_ref ref)
{
    uint64_t token = (uint64_t)ref.index << 32 | ref.generation;

    if (f->dispatched_count == FUZZ_GROUPS || f->ended_count == FUZZ_GROUPS)
        return true;
    return has(f->dispatched, f->dispatched_count, token) && !has(f->ended, f->ended_count, token);
}

/* Once; a full list says nothing any more. */
static void once(uint64_t *list, uint32_t *count, uint64_t token)
{
    if (*count == FUZZ_GROUPS)
        return;
    FUZZ_CHECK(!has(list, *count, token));
    list[(*count)++] = token;
}

static void requested(struct fuzz_life *f, const struct uiommu_trace *t)
{
    uint64_t flags = t->b & 0xfffu;

    FUZZ_CHECK((flags & UIOMMU_REQUEST_MARKER) != 0 || fuzz_page_was(&f->hw, t->b));
    if ((flags & UIOMMU_REQUEST_MARKER) != 0)
        return;
    f->lasts += (flags & UIOMMU_REQUEST_LAST) != 0;
    f->seen[f->seen_count % FUZZ_REQUESTS].who = t->a;
    f->seen[f->seen_count % FUZZ_REQUESTS].address = t->b >> 12;
    f->seen_count++;
}

static void answered(struct fuzz_life *f)
{
    f->answers++;
    FUZZ_CHECK(f->answers <= f->lasts);
}

void fuzz_trace(void *owner, const struct uiommu_trace *t)
{
    struct fuzz_life *f = owner;

    switch (t->id) {
    case UIOMMU_TRACE_REQUEST:
        requested(f, t);
        break;
    case UIOMMU_TRACE_GROUP_DISPATCHED:
        once(f->dispatched, &f->dispatched_count, t->a);
        FUZZ_CHECK(!has(f->ended, f->ended_count, t->a));
        break;
    case UIOMMU_TRACE_GROUP_ANSWERED:
        once(f->ended, &f->ended_count, t->a);
        answered(f);
        break;
    case UIOMMU_TRACE_GROUP_DROPPED: /* The token of a partial serves again: nobody got it. */
        if (has(f->dispatched, f->dispatched_count, t->a))
            once(f->ended, &f->ended_count, t->a);
        break;
    case UIOMMU_TRACE_REFUSED:
        if (t->c != UIOMMU_CODE_NONE)
            answered(f);
        break;
    default:
        break;
    }
}

/* ---- handlers ---- */

static bool asked(const struct fuzz_life *f, const struct fuzz_bond *b, uint32_t id,
                  uint64_t address)
{
    uint64_t who = (uint64_t)id << 32 | b->pasid, i;

    if (f->seen_count - b->born > FUZZ_REQUESTS)
        return true;
    for (i = b->born; i < f->seen_count; i++) {
        if (f->seen[i % FUZZ_REQUESTS].who == who &&
            f->seen[i % FUZZ_REQUESTS].address == address >> 12)
            return true;
    }
    return false;
}

/* Only for a bond that lives, with pages that were in a ring since its birth. */
static void look(struct fuzz_life *f, const struct fuzz_space *s, const struct uiommu_group *group)
{
    const struct uiommu_page *page = NULL;
    struct uiommu_bond_info info;
    struct fuzz_bond *b = NULL;
    uint32_t i, pages = 0;

    for (i = 0; i < FUZZ_BONDS; i++) {
        if (f->bond[i].ref.generation != 0 &&
            memcmp(&f->bond[i].ref, &group->bond, sizeof(group->bond)) == 0)
            b = &f->bond[i];
    }
    FUZZ_CHECK(b != NULL);
    FUZZ_CHECK(uiommu_bond_get_info(f->u, group->bond, &info) == UIOMMU_OK);
    FUZZ_CHECK(info.state == UIOMMU_BOND_LIVE || info.state == UIOMMU_BOND_MM_DEAD ||
               info.state == UIOMMU_BOND_STOPPING || info.state == UIOMMU_BOND_DRAINING);
    FUZZ_CHECK(group->pasid == b->pasid && group->unit == f->unit);
    FUZZ_CHECK(group->device == f->device[b->device].dev && group->id == f->device[b->device].id);
    FUZZ_CHECK(s == &f->space[b->space] && group->bond_user == b);
    while ((page = uiommu_group_next_page(group, page)) != NULL) {
        FUZZ_CHECK(asked(f, b, group->id, page->address));
        FUZZ_CHECK(++pages <= group->pages);
    }
    FUZZ_CHECK(pages == group->pages && pages != 0);
    FUZZ_CHECK(uiommu_group_next_page(NULL, NULL) == NULL);
}

static void remember(struct fuzz_life *f, struct uiommu_group_ref ref)
{
    f->pending[f->pendings++ % FUZZ_PENDING] = ref;
}

/* What the handler does besides: legal calls from inside. */
static uiommu_code misbehave(struct fuzz_life *f, struct fuzz_space *s,
                             const struct uiommu_group *group, uint32_t what)
{
    uiommu_err err = UIOMMU_OK;

    switch (what) {
    case 1: /* Before it returns PENDING. */
        err = uiommu_group_respond(group->unit, group->ref, UIOMMU_CODE_SUCCESS);
        return UIOMMU_CODE_PENDING;
    case 2:
        err = uiommu_unbind_begin(f->u, group->bond, 0);
        break;
    case 3:
        err = uiommu_aspace_exit(s->as);
        s->exited = true;
        break;
    case 4:
        err = uiommu_unbind(f->u, group->bond, UIOMMU_UNBIND_STOPPED);
        FUZZ_CHECK(err == UIOMMU_E_BUSY);
        break;
    case 5:
        err = uiommu_device_reset_begin(group->device);
        break;
    case 6:
        err = uiommu_unit_service(group->unit, 1);
        break;
    case 7:
        err = uiommu_bond_stopped(f->u, group->bond);
        break;
    default:
        break;
    }
    (void)err;
    return UIOMMU_CODE_NONE;
}

static uiommu_code fault(void *user, const struct uiommu_group *group)
{
    struct fuzz_space *s = user;
    struct fuzz_life *f = s->f;
    uint32_t byte = f->ending ? 0 : fuzz_u8(&f->in);
    uiommu_code code;

    look(f, s, group);
    code = misbehave(f, s, group, byte >> 5);
    if (code == UIOMMU_CODE_NONE)
        code = (uiommu_code)(byte & 3u);
    if (code == UIOMMU_CODE_PENDING)
        remember(f, group->ref);
    return code;
}

static void orphaned(void *user, struct uiommu_unit *unit, struct uiommu_group_ref ref,
                     enum uiommu_orphan why)
{
    struct fuzz_space *s = user;

    FUZZ_CHECK(unit == s->f->unit && (uint32_t)why <= UIOMMU_ORPHAN_RESET);
    /* A later answer does nothing. */
    FUZZ_CHECK(uiommu_group_respond(unit, ref, UIOMMU_CODE_SUCCESS) == UIOMMU_E_STALE);
}

const struct uiommu_aspace_ops fuzz_aspace_ops = {
    .size = sizeof(fuzz_aspace_ops),
    .fault = fault,
    .orphaned = orphaned,
};

/* ---- the device ---- */

static uiommu_err stop(void *ctx, struct uiommu_device *dev, struct uiommu_bond_ref bond,
                       uint32_t pasid)
{
    struct fuzz_device *d = ctx;

    (void)bond;
    (void)pasid;
    FUZZ_CHECK(dev == d->dev);
    if (d->stop == 1)
        return UIOMMU_PENDING;
    return d->stop == 2 ? UIOMMU_E_HW : UIOMMU_OK;
}

static uiommu_err enable(const struct fuzz_device *d)
{
    if (d->absent)
        return UIOMMU_E_GONE;
    return d->fails ? UIOMMU_E_HW : UIOMMU_OK;
}

static uiommu_err set_pasid(void *ctx, bool on)
{
    (void)on;
    return enable(ctx);
}

static uiommu_err set_ats(void *ctx, bool on, uint32_t stu)
{
    (void)on;
    (void)stu;
    return enable(ctx);
}

static uiommu_err set_pri(void *ctx, bool on, uint32_t credits, bool *pasid_required)
{
    FUZZ_CHECK(!on || credits != 0);
    *pasid_required = true;
    return enable(ctx);
}

static uiommu_err pri_stopped(void *ctx)
{
    const struct fuzz_device *d = ctx;

    return d->stopped == 0 ? UIOMMU_OK : UIOMMU_PENDING;
}

static uiommu_err present(void *ctx)
{
    const struct fuzz_device *d = ctx;

    return d->absent ? UIOMMU_E_GONE : UIOMMU_OK;
}

const struct uiommu_device_ops fuzz_device_ops = {
    .size = sizeof(fuzz_device_ops),
    .stop = stop,
    .set_pasid = set_pasid,
    .set_ats = set_ats,
    .set_pri = set_pri,
    .pri_stopped = pri_stopped,
    .present = present,
};
