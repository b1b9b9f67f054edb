/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_TESTS_UNIT_ENDPOINT_H
#define UIOMMU_TESTS_UNIT_ENDPOINT_H
/* On the scene: a third device whose ops and whose entry write down the order in which they are
 * asked. */
#include "unit_scene.h"

#define ALL (UIOMMU_DEVICE_PASID | UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI)

static struct {
    char order[96];
    struct uiommu_device *dev; /* the one that was attached */
    uint32_t steps;            /* of its entry, that many more */
    uiommu_err config, forget, ats, pri, stopped, present;
    bool required;    /* its responses need a PASID */
    uint32_t credits; /* that it was given */
    uint32_t closed;  /* was it shut when its entry was written shut? */
    uint32_t ats_on;  /* what the core thought of its ATS then */
    bool holding;     /* the role is held by others when ATS goes on */
    struct uiommu_device_desc desc;
    uint32_t ids[3];
    void (*meanwhile)(void); /* when ATS goes on */
    struct uiommu_backend_ops ops;
} ep;

static inline void ep_did(const char *what)
{
    strncat(ep.order, what, sizeof(ep.order) - strlen(ep.order) - 1);
}

/* The order since the last look. */
static inline const char *ep_order(void)
{
    static char out[sizeof(ep.order)];

    memcpy(out, ep.order, sizeof(out));
    memset(ep.order, 0, sizeof(ep.order));
    return out;
}

static inline uiommu_err ep_set_pasid(void *ctx, bool on)
{
    cr_assert_eq(ctx, &ep);
    ep_did(on ? "P+ " : "P- ");
    return UIOMMU_OK;
}

static inline uiommu_err ep_set_ats(void *ctx, bool on, uint32_t stu)
{
    cr_assert(ctx == &ep && stu == 12);
    ep_did(on ? "A+ " : "A- ");
    if (on && ep.meanwhile != NULL)
        ep.meanwhile();
    if (on && ep.holding)
        cr_assert(uiommu_role_take(unit));
    return on ? ep.ats : UIOMMU_OK;
}

static inline uiommu_err ep_set_pri(void *ctx, bool on, uint32_t credits, bool *required)
{
    cr_assert_eq(ctx, &ep);
    ep_did(on ? "R+ " : "R- ");
    ep.credits = credits;
    if (on)
        *required = ep.required;
    return on ? ep.pri : UIOMMU_OK;
}

static inline uiommu_err ep_pri_stopped(void *ctx)
{
    cr_assert_eq(ctx, &ep);
    ep_did("? ");
    return ep.stopped;
}

static inline uiommu_err ep_present(void *ctx)
{
    cr_assert_eq(ctx, &ep);
    return ep.present;
}

static const struct uiommu_device_ops ep_ops = {.size = sizeof(ep_ops),
                                                .set_pasid = ep_set_pasid,
                                                .set_ats = ep_set_ats,
                                                .set_pri = ep_set_pri,
                                                .pri_stopped = ep_pri_stopped,
                                                .present = ep_present};

static inline uiommu_err ep_device_set(void *hw, void *d, uint32_t flags, uint32_t step)
{
    char what[] = {'S', (char)('0' + flags), (char)('0' + step), ' ', 0};

    (void)hw;
    (void)d;
    ep_did(what);
    if (flags == 0 && ep.dev != NULL) {
        ep.closed = uiommu_word_load(&ep.dev->shut);
        ep.ats_on = uiommu_word_load(&ep.dev->ats_on);
    }
    return step < ep.steps ? UIOMMU_MORE : UIOMMU_OK;
}

static inline uiommu_err ep_config(void *hw, void *d, uint32_t pasid)
{
    (void)hw;
    (void)d;
    cr_assert_eq(pasid, UIOMMU_PASID_ALL);
    ep_did("C ");
    return ep.config;
}

static inline uiommu_err ep_forget(void *hw, void *d, uint32_t pasid, const struct uiommu_range *r)
{
    (void)hw;
    (void)d;
    cr_assert(pasid == UIOMMU_PASID_NONE && r == NULL);
    ep_did("F ");
    return ep.forget;
}

static inline uiommu_err ep_attach(void *hw, const struct uiommu_device_desc *desc, void **out)
{
    uint32_t i;

    ep.desc = *desc;
    for (i = 0; i < desc->id_count && i < 3; i++)
        ep.ids[i] = desc->ids[i];
    return toy_attach(hw, desc, out);
}

static inline void ep_detach(void *hw, void *d)
{
    ep_did("D ");
    if (ep.dev != NULL)
        cr_assert_eq(ep.dev->magic, 0, "nobody takes it for a device any more");
    toy_detach(hw, d);
}

static inline void ep_begin(void)
{
    scene_begin();
    memset(&ep, 0, sizeof(ep));
    ep.ops = unit->ops;
    unit->ops.device_set = ep_device_set;
    unit->ops.config_invalidate = ep_config;
    unit->ops.dtlb_invalidate = ep_forget;
    unit->ops.device_attach = ep_attach;
    unit->ops.device_detach = ep_detach;
}

static inline void ep_end(void)
{
    ep.dev = NULL;
    unit->ops = ep.ops;
    host.tick_ns = 1000;
    scene_end();
}

/* Two IDs, or the first of them. */
static inline struct uiommu_device_config ep_config_of(uint32_t flags, uint32_t count)
{
    static const uint32_t ids[3] = {30, 31, 32};
    struct uiommu_device_config c = {.size = sizeof(c),
                                     .ids = ids,
                                     .id_count = count,
                                     .flags = flags,
                                     .pasid_bits = 10,
                                     .ops = &ep_ops,
                                     .ops_ctx = &ep,
                                     .user = &host,
                                     .pf_id = 77};

    c.port = (flags & UIOMMU_DEVICE_PRI) != 0 ? scene.port[0] : NULL;
    return c;
}

static inline uiommu_err ep_make(uint32_t flags)
{
    struct uiommu_device_config c = ep_config_of(flags, 1);

    return uiommu_device_attach(unit, &c, &ep.dev);
}

#endif
