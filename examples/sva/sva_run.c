/* SPDX-License-Identifier: BSD-2-Clause */
#include "sva.h"

#define STEP_LEAST_NS UINT64_C(1000)
#define STEP_MOST_NS  UINT64_C(100000)
#define IDLE_TURNS    256u /* Nothing stirs for so long: bigger steps. */
#define STUCK_NS      UINT64_C(30000000000)

void sva_hold(struct sva *s, bool *reason, bool on)
{
    uint32_t i;

    *reason = on;
    for (i = 0; i < s->unit_count; i++) {
        if (s->units[i].serving == NULL)
            continue;
        if (s->held_for_disk || s->held_for_stop)
            uiommu_uv_pause(s->units[i].serving);
        else
            uiommu_uv_resume(s->units[i].serving);
    }
}

static void on_turn(uv_idle_t *turn);

void sva_run_unblock(struct sva *s)
{
    s->disk.blocked = false;
    (void)uv_idle_start(&s->turn, on_turn);
}

/* The longer nothing happens, the faster time goes; never past what the disk has next. */
static void move_clock(struct sva *s)
{
    uint64_t now = model_now(s->machine->world);
    uint64_t step;

    if (s->stirred || (s->phase >= SVA_ARM_HOLD && s->phase <= SVA_ARM_RING)) {
        s->step_ns = STEP_LEAST_NS;
        s->idle_turns = 0;
        s->stirred = false;
    } else if (++s->idle_turns % IDLE_TURNS == 0 && s->step_ns < STEP_MOST_NS) {
        s->step_ns *= 2;
    }
    step = s->step_ns;
    if (s->disk.first != NULL && s->disk.first->due > now && s->disk.first->due - now < step)
        step = s->disk.first->due - now;
    model_advance(s->machine->world, step);
}

static void end(struct sva *s)
{
    (void)uv_idle_stop(&s->turn);
    uv_close((uv_handle_t *)&s->turn, NULL);
}

/* One turn of the loop; the units are serviced behind it, where libuv polls. */
static void on_turn(uv_idle_t *turn)
{
    struct sva *s = turn->data;
    uint32_t i;

    if (!sva_disk_run(s)) {
        s->disk.blocked = true;
        sva_hold(s, &s->held_for_disk, true);
        (void)uv_idle_stop(&s->turn);
        return;
    }
    if (s->held_for_disk)
        sva_hold(s, &s->held_for_disk, false);
    move_clock(s);
    sva_embed_stops(s);
    sva_copy_step(s);
    sva_stop_step(s);
    sva_close_step(s);
    sva_progress(s, false);
    for (i = 0; i < s->unit_count; i++) {
        if (s->units[i].serving != NULL)
            uiommu_uv_look(s->units[i].serving);
    }
    if (s->phase == SVA_ENDED) {
        end(s);
    } else if (model_now(s->machine->world) - s->phase_since > STUCK_NS &&
               (s->phase != SVA_COPYING || s->idle_turns > 100000)) {
        sva_fail(s, "nothing moves any more (phase %d)", (int)s->phase);
        s->stuck = true;
        uv_stop(&s->loop);
        (void)uv_idle_stop(&s->turn);
    }
}

void sva_run(struct sva *s)
{
    s->turn.data = s;
    s->step_ns = STEP_LEAST_NS;
    s->started_ns = uv_hrtime();
    (void)uv_idle_init(&s->loop, &s->turn);
    (void)uv_idle_start(&s->turn, on_turn);
    sva_embed_serve(s);
    (void)uv_run(&s->loop, UV_RUN_DEFAULT);
    sva_progress(s, true);
}
