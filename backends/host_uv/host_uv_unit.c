/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include "host_uv_internal.h"
#include "uiommu/unit.h"

#define NS_PER_MS UINT64_C(1000000)
/* A deadline further away is looked at again after this long. */
#define TIMER_MAX_MS UINT64_C(3600000)

static void timer_arm(struct uiommu_uv_unit *serving);

static void service(struct uiommu_uv_unit *serving)
{
    uiommu_err err;

    if (serving->detached)
        return;
    if (serving->paused) {
        serving->kept = true;
        return;
    }
    err = uiommu_unit_service(serving->unit, serving->config.budget);
    if (err == UIOMMU_MORE)
        (void)uv_async_send(&serving->async); /* The loop's other handles come first. */
    if (serving->config.serviced != NULL)
        serving->config.serviced(serving->config.user, err);
    if (!serving->detached)
        timer_arm(serving);
}

static void on_async(uv_async_t *async)
{
    service(async->data);
}

static void on_timer(uv_timer_t *timer)
{
    service(timer->data);
}

/* Rounded up: a timer that fires early would find nothing due and be armed with nothing left. */
static void timer_arm(struct uiommu_uv_unit *serving)
{
    uint64_t deadline, now, ms;

    if (serving->uv->config.clock_is_simulated)
        return;
    deadline = uiommu_unit_next_deadline(serving->unit);
    if (deadline == UINT64_MAX) {
        (void)uv_timer_stop(&serving->timer);
        return;
    }
    now = uiommu_uv_now(serving->uv);
    ms = deadline <= now ? 0 : (deadline - now) / NS_PER_MS + 1;
    uv_update_time(serving->config.loop);
    (void)uv_timer_start(&serving->timer, on_timer, ms < TIMER_MAX_MS ? ms : TIMER_MAX_MS, 0);
}

void uiommu_uv_wake_units(struct uiommu_uv *uv, const struct uiommu_word *word)
{
    struct uiommu_uv_unit *serving;

    for (serving = uv->units; serving != NULL; serving = serving->next) {
        if (serving->due == word)
            (void)uv_async_send(&serving->async);
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct uiommu_uv_unit *serving = handle->data;
    struct uiommu_uv *uv = serving->uv;

    if (--serving->closing != 0)
        return;
    uv_mutex_lock(&uv->lock);
    uv->open--;
    uv_mutex_unlock(&uv->lock);
    if (serving->closed != NULL)
        serving->closed(serving->closed_user);
    free(serving);
}

/* Put it on the list unless its unit is there already. */
static bool list_add(struct uiommu_uv *uv, struct uiommu_uv_unit *serving)
{
    struct uiommu_uv_unit *other;

    uv_mutex_lock(&uv->lock);
    for (other = uv->units; other != NULL && other->unit != serving->unit; other = other->next) {
    }
    if (other == NULL) {
        serving->next = uv->units;
        uv->units = serving;
    }
    uv->open++; /* For one that is there already until its handles are closed, too. */
    uv_mutex_unlock(&uv->lock);
    return other == NULL;
}

uiommu_err uiommu_uv_attach(struct uiommu_uv *uv, struct uiommu_unit *unit,
                            const struct uiommu_uv_unit_config *config, struct uiommu_uv_unit **out)
{
    struct uiommu_uv_unit *serving;

    if (uv == NULL || unit == NULL || config == NULL || out == NULL ||
        config->size != sizeof(*config) || config->loop == NULL)
        return UIOMMU_E_INVALID;
    serving = calloc(1, sizeof(*serving));
    if (serving == NULL)
        return UIOMMU_E_NOMEM;
    serving->uv = uv;
    serving->unit = unit;
    serving->due = uiommu_unit_due_word(unit);
    serving->config = *config;
    if (uv_async_init(config->loop, &serving->async, on_async) != 0) {
        free(serving);
        return UIOMMU_E_NOMEM;
    }
    serving->async.data = serving;
    (void)uv_timer_init(config->loop, &serving->timer);
    serving->timer.data = serving;
    if (!list_add(uv, serving)) {
        uiommu_uv_detach(serving, NULL, NULL);
        return UIOMMU_E_EXISTS;
    }
    /* Whatever became due before there was an attachment. */
    (void)uv_async_send(&serving->async);
    *out = serving;
    return UIOMMU_OK;
}

void uiommu_uv_detach(struct uiommu_uv_unit *serving, void (*closed)(void *user), void *user)
{
    struct uiommu_uv_unit **at;
    struct uiommu_uv *uv;

    if (serving == NULL || serving->detached)
        return;
    uv = serving->uv;
    serving->detached = true;
    serving->closed = closed;
    serving->closed_user = user;
    uv_mutex_lock(&uv->lock);
    for (at = &uv->units; *at != NULL && *at != serving; at = &(*at)->next) {
    }
    if (*at != NULL)
        *at = serving->next;
    uv_mutex_unlock(&uv->lock);
    /* No wake() finds it any more, so nobody sends to a handle that closes. */
    serving->closing = 2;
    uv_close((uv_handle_t *)&serving->async, on_closed);
    uv_close((uv_handle_t *)&serving->timer, on_closed);
}

void uiommu_uv_kick(struct uiommu_uv_unit *serving)
{
    (void)uv_async_send(&serving->async);
}

void uiommu_uv_look(struct uiommu_uv_unit *serving)
{
    if (!serving->detached &&
        uiommu_unit_next_deadline(serving->unit) <= uiommu_uv_now(serving->uv))
        (void)uv_async_send(&serving->async);
}

void uiommu_uv_pause(struct uiommu_uv_unit *serving)
{
    serving->paused = true;
}

void uiommu_uv_resume(struct uiommu_uv_unit *serving)
{
    serving->paused = false;
    if (serving->kept) {
        serving->kept = false;
        (void)uv_async_send(&serving->async);
    }
}
