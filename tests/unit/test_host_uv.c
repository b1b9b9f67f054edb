/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Host services on libuv, on real loops and threads. The unit is a fake: three functions of the
 * library are defined here, so that service, deadlines and the due word do what a test wants.
 */
#include <criterion/criterion.h>
#include <string.h>
#include <uv.h>

#include <uiommu/host_uv.h>
#include <uiommu/unit.h>

struct uiommu_unit {
    struct uiommu_word due;
    uint32_t services;
    uint32_t more; /* So often service returns MORE. */
    uint32_t budget;
    uint64_t deadline;
    bool deadline_once; /* Service takes the deadline away. */
};

uiommu_err uiommu_unit_service(struct uiommu_unit *unit, uint32_t budget)
{
    unit->services++;
    unit->budget = budget;
    if (unit->deadline_once)
        unit->deadline = UINT64_MAX;
    if (unit->more > 0) {
        unit->more--;
        return UIOMMU_MORE;
    }
    return UIOMMU_OK;
}

uint64_t uiommu_unit_next_deadline(struct uiommu_unit *unit)
{
    return unit->deadline;
}

const struct uiommu_word *uiommu_unit_due_word(const struct uiommu_unit *unit)
{
    return &unit->due;
}

/* ---- a host ---- */

static uint64_t fake_now;
static uint32_t fake_lines;

static uiommu_err mem_get(void *ctx, uint64_t bytes, uint64_t align, uint64_t limit,
                          struct uiommu_mem *out)
{
    (void)align;
    out->cpu = ctx;
    out->bus = limit;
    out->bytes = bytes;
    return UIOMMU_OK;
}

static void mem_put(void *ctx, const struct uiommu_mem *mem)
{
    (void)ctx;
    (void)mem;
}

static uint32_t read32(void *ctx, uint64_t addr)
{
    (void)ctx;
    return (uint32_t)addr + 1;
}

static uint64_t read64(void *ctx, uint64_t addr)
{
    (void)ctx;
    return addr + 2;
}

static void write32(void *ctx, uint64_t addr, uint32_t value)
{
    *(uint64_t *)ctx = addr + value;
}

static void write64(void *ctx, uint64_t addr, uint64_t value)
{
    *(uint64_t *)ctx = addr - value;
}

static uint64_t now_ns(void *ctx)
{
    (void)ctx;
    return fake_now;
}

static void log_line(void *ctx, enum uiommu_log_level level, const char *msg)
{
    (void)ctx;
    fake_lines += level == UIOMMU_LOG_WARN && strcmp(msg, "line") == 0;
}

static uint64_t register_word;

static struct uiommu_uv_config config_of(void)
{
    struct uiommu_uv_config config;

    memset(&config, 0, sizeof(config));
    config.size = sizeof(config);
    config.ctx = &register_word;
    config.mem_get = mem_get;
    config.mem_put = mem_put;
    config.mmio_read32 = read32;
    config.mmio_read64 = read64;
    config.mmio_write32 = write32;
    config.mmio_write64 = write64;
    return config;
}

static struct uiommu_uv *make(struct uiommu_host_ops *ops, bool simulated)
{
    struct uiommu_uv_config config = config_of();
    struct uiommu_uv *uv = NULL;

    if (simulated) {
        config.now_ns = now_ns;
        config.clock_is_simulated = true;
    }
    cr_assert_eq(uiommu_uv_create(&config, &uv), UIOMMU_OK);
    uiommu_uv_fill(uv, ops);
    return uv;
}

/* ---- services ---- */

Test(host_uv, refuses_what_cannot_be)
{
    struct uiommu_uv_config config = config_of();
    struct uiommu_uv *uv = NULL;

    cr_assert_eq(uiommu_uv_create(NULL, &uv), UIOMMU_E_INVALID);
    cr_assert_eq(uiommu_uv_create(&config, NULL), UIOMMU_E_INVALID);
    config.size--;
    cr_assert_eq(uiommu_uv_create(&config, &uv), UIOMMU_E_INVALID);
    config = config_of();
    config.mem_put = NULL;
    cr_assert_eq(uiommu_uv_create(&config, &uv), UIOMMU_E_INVALID);
    config = config_of();
    config.mmio_write64 = NULL;
    cr_assert_eq(uiommu_uv_create(&config, &uv), UIOMMU_E_INVALID);
    config = config_of();
    config.clock_is_simulated = true;
    cr_assert_eq(uiommu_uv_create(&config, &uv), UIOMMU_E_INVALID);
    cr_assert_null(uv);
    cr_assert_eq(uiommu_uv_destroy(NULL), UIOMMU_E_INVALID);
}

Test(host_uv, passes_on_what_the_program_supplies)
{
    struct uiommu_uv_config config = config_of();
    struct uiommu_host_ops ops;
    struct uiommu_uv *uv = NULL;
    struct uiommu_mem mem;

    config.log = log_line;
    cr_assert_eq(uiommu_uv_create(&config, &uv), UIOMMU_OK);
    uiommu_uv_fill(uv, &ops);
    cr_assert_eq(ops.size, sizeof(ops));
    cr_assert_null(ops.mem_to_device);
    cr_assert_null(ops.mem_from_device);
    cr_assert_null(ops.trace);
    cr_assert_eq(ops.mmio_read32(ops.ctx, 5), 6);
    cr_assert_eq(ops.mmio_read64(ops.ctx, 5), 7);
    ops.mmio_write32(ops.ctx, 5, 3);
    cr_assert_eq(register_word, 8);
    ops.mmio_write64(ops.ctx, 5, 3);
    cr_assert_eq(register_word, 2);
    cr_assert_eq(ops.mem_get(ops.ctx, 9, 64, 77, &mem), UIOMMU_OK);
    cr_assert_eq(mem.bytes, 9);
    cr_assert_eq(mem.bus, 77);
    ops.mem_put(ops.ctx, &mem);
    ops.log(ops.ctx, UIOMMU_LOG_WARN, "line");
    cr_assert_eq(fake_lines, 1);
    cr_assert_eq(uiommu_uv_destroy(uv), UIOMMU_OK);
}

Test(host_uv, heap_is_zeroed_and_aligned)
{
    struct uiommu_host_ops ops;
    struct uiommu_uv *uv = make(&ops, false);
    size_t bytes, i;

    for (bytes = 1; bytes < 5000; bytes = bytes * 3 + 1) {
        uint8_t *p = ops.heap_get(ops.ctx, bytes);

        cr_assert_not_null(p);
        cr_assert_eq((uintptr_t)p % 64, 0);
        for (i = 0; i < bytes; i++)
            cr_assert_eq(p[i], 0);
        memset(p, 0xff, bytes);
        ops.heap_put(ops.ctx, p, bytes);
    }
    cr_assert_null(ops.heap_get(ops.ctx, 0));
    cr_assert_null(ops.heap_get(ops.ctx, SIZE_MAX));
    cr_assert_eq(uiommu_uv_destroy(uv), UIOMMU_OK);
}

Test(host_uv, clock)
{
    struct uiommu_host_ops ops;
    struct uiommu_uv *uv = make(&ops, false);
    uint64_t first = ops.now_ns(ops.ctx);

    uv_sleep(2);
    cr_assert_geq(ops.now_ns(ops.ctx), first + 1000000);
    cr_assert_eq(uiommu_uv_destroy(uv), UIOMMU_OK);
    uv = make(&ops, true);
    fake_now = 4711;
    cr_assert_eq(ops.now_ns(ops.ctx), 4711);
    cr_assert_eq(uiommu_uv_destroy(uv), UIOMMU_OK);
}

struct self_of {
    struct uiommu_host_ops ops;
    uintptr_t number;
};

static void ask_self(void *arg)
{
    struct self_of *of = arg;

    of->number = of->ops.self(of->ops.ctx);
}

Test(host_uv, threads_have_names)
{
    struct self_of of;
    struct uiommu_uv *uv = make(&of.ops, false);
    uintptr_t mine = of.ops.self(of.ops.ctx);
    uv_thread_t thread;

    cr_assert_neq(mine, 0);
    cr_assert_eq(of.ops.self(of.ops.ctx), mine);
    cr_assert_eq(uv_thread_create(&thread, ask_self, &of), 0);
    uv_thread_join(&thread);
    cr_assert_neq(of.number, 0);
    cr_assert_neq(of.number, mine);
    cr_assert_eq(uiommu_uv_destroy(uv), UIOMMU_OK);
}

/* ---- waiting ---- */

struct waker {
    struct uiommu_host_ops ops;
    struct uiommu_word word;
};

static void wake_later(void *arg)
{
    struct waker *w = arg;

    uv_sleep(20);
    uiommu_word_store(&w->word, 1);
    w->ops.wake(w->ops.ctx, &w->word);
}

Test(host_uv, waits_for_a_word_or_a_deadline, .timeout = 30)
{
    struct waker w = {.word = {0}};
    struct uiommu_uv *uv = make(&w.ops, false);
    uint64_t start = uv_hrtime();
    uv_thread_t thread;

    w.ops.wait(w.ops.ctx, &w.word, 5, UINT64_MAX); /* It differs: at once. */
    w.ops.wait(w.ops.ctx, &w.word, 0, start);      /* It is past. */
    w.ops.wait(w.ops.ctx, &w.word, 0, start + 30000000);
    cr_assert_geq(uv_hrtime(), start + 30000000);
    cr_assert_eq(uv_thread_create(&thread, wake_later, &w), 0);
    w.ops.wait(w.ops.ctx, &w.word, 0, UINT64_MAX);
    cr_assert_eq(uiommu_word_load(&w.word), 1);
    uv_thread_join(&thread);
    cr_assert_eq(uiommu_uv_destroy(uv), UIOMMU_OK);
}

Test(host_uv, nobody_sleeps_on_a_simulated_clock, .timeout = 30)
{
    struct waker w = {.word = {0}};
    struct uiommu_uv *uv = make(&w.ops, true);

    fake_now = 0;
    w.ops.wait(w.ops.ctx, &w.word, 0, UINT64_MAX);
    cr_assert_eq(uiommu_uv_destroy(uv), UIOMMU_OK);
}

/* ---- units ---- */

struct bench {
    uv_loop_t loop;
    struct uiommu_host_ops ops;
    struct uiommu_uv *uv;
    struct uiommu_unit unit;
    struct uiommu_uv_unit *serving;
    uint32_t serviced;
    uint32_t stop_after; /* Services after which the unit is detached. */
    uint32_t closed;
    uiommu_err last;
};

static void on_closed(void *user)
{
    struct bench *b = user;

    b->closed++;
}

static void on_serviced(void *user, uiommu_err status)
{
    struct bench *b = user;

    b->serviced++;
    b->last = status;
    if (b->serviced == b->stop_after)
        uiommu_uv_detach(b->serving, on_closed, b);
}

static void bench_open(struct bench *b, bool simulated)
{
    struct uiommu_uv_unit_config config;

    memset(b, 0, sizeof(*b));
    cr_assert_eq(uv_loop_init(&b->loop), 0);
    b->uv = make(&b->ops, simulated);
    b->unit.deadline = UINT64_MAX;
    memset(&config, 0, sizeof(config));
    config.size = sizeof(config);
    config.loop = &b->loop;
    config.budget = 17;
    config.user = b;
    config.serviced = on_serviced;
    cr_assert_eq(uiommu_uv_attach(b->uv, &b->unit, &config, &b->serving), UIOMMU_OK);
}

/* The loop ends by itself: nothing was left open. */
static void bench_close(struct bench *b)
{
    cr_assert_eq(uv_run(&b->loop, UV_RUN_DEFAULT), 0);
    cr_assert_eq(b->closed, 1);
    cr_assert_eq(uv_loop_close(&b->loop), 0);
    cr_assert_eq(uiommu_uv_destroy(b->uv), UIOMMU_OK);
}

Test(host_uv, serves_on_attach_and_closes_all, .timeout = 30)
{
    struct bench b;

    bench_open(&b, false);
    b.stop_after = 1;
    cr_assert_eq(uiommu_uv_destroy(b.uv), UIOMMU_E_BUSY);
    bench_close(&b);
    cr_assert_eq(b.unit.services, 1);
    cr_assert_eq(b.unit.budget, 17);
}

Test(host_uv, attaches_once, .timeout = 30)
{
    struct uiommu_uv_unit_config config;
    struct uiommu_uv_unit *second = NULL;
    struct bench b;

    bench_open(&b, false);
    memset(&config, 0, sizeof(config));
    config.size = sizeof(config);
    cr_assert_eq(uiommu_uv_attach(b.uv, &b.unit, &config, &second), UIOMMU_E_INVALID);
    config.loop = &b.loop;
    cr_assert_eq(uiommu_uv_attach(b.uv, &b.unit, &config, &second), UIOMMU_E_EXISTS);
    cr_assert_eq(uiommu_uv_attach(b.uv, NULL, &config, &second), UIOMMU_E_INVALID);
    cr_assert_null(second);
    b.stop_after = 1;
    bench_close(&b);
    uiommu_uv_detach(NULL, NULL, NULL);
}

Test(host_uv, comes_back_while_entries_remain, .timeout = 30)
{
    struct bench b;

    bench_open(&b, false);
    b.unit.more = 9;
    b.stop_after = 10;
    bench_close(&b);
    cr_assert_eq(b.unit.services, 10);
    cr_assert_eq(b.last, UIOMMU_OK);
}

static void count_turn(uv_idle_t *idle)
{
    ++*(uint32_t *)idle->data;
}

static void close_idle(void *user)
{
    uv_close(user, NULL);
}

Test(host_uv, leaves_turns_to_others, .timeout = 30)
{
    uint32_t turns = 0;
    uv_idle_t idle;
    struct bench b;

    bench_open(&b, false);
    cr_assert_eq(uv_idle_init(&b.loop, &idle), 0);
    idle.data = &turns;
    cr_assert_eq(uv_idle_start(&idle, count_turn), 0);
    b.unit.more = 1000;
    while (b.serviced < 20)
        (void)uv_run(&b.loop, UV_RUN_NOWAIT);
    cr_assert_geq(turns, 19);
    uiommu_uv_detach(b.serving, close_idle, &idle);
    b.closed = 1;
    bench_close(&b);
}

static void wake_unit(void *arg)
{
    struct bench *b = arg;
    uint32_t i;

    for (i = 0; i < 1000; i++) {
        (void)uiommu_word_add(&b->unit.due, 1);
        b->ops.wake(b->ops.ctx, &b->unit.due);
    }
}

Test(host_uv, wakes_from_any_thread, .timeout = 30)
{
    uv_thread_t threads[2];
    uint32_t before, i;
    struct bench b;

    bench_open(&b, false);
    (void)uv_run(&b.loop, UV_RUN_ONCE);
    before = b.serviced;
    for (i = 0; i < 2; i++)
        cr_assert_eq(uv_thread_create(&threads[i], wake_unit, &b), 0);
    while (b.serviced == before)
        (void)uv_run(&b.loop, UV_RUN_ONCE);
    for (i = 0; i < 2; i++)
        uv_thread_join(&threads[i]);
    /* Nothing is lost at the end either: the last wake is served. */
    (void)uv_run(&b.loop, UV_RUN_NOWAIT);
    before = b.serviced;
    b.ops.wake(b.ops.ctx, &b.unit.due);
    (void)uv_run(&b.loop, UV_RUN_ONCE);
    cr_assert_gt(b.serviced, before);
    uiommu_uv_detach(b.serving, on_closed, &b);
    b.ops.wake(b.ops.ctx, &b.unit.due); /* Nobody is there any more. */
    before = b.serviced;
    bench_close(&b);
    cr_assert_eq(b.serviced, before);
}

Test(host_uv, another_word_wakes_no_unit, .timeout = 30)
{
    struct uiommu_word other = {0};
    uint32_t before;
    struct bench b;

    bench_open(&b, false);
    (void)uv_run(&b.loop, UV_RUN_NOWAIT);
    before = b.serviced;
    b.ops.wake(b.ops.ctx, &other);
    (void)uv_run(&b.loop, UV_RUN_NOWAIT);
    cr_assert_eq(b.serviced, before);
    uiommu_uv_detach(b.serving, on_closed, &b);
    bench_close(&b);
}

Test(host_uv, serves_at_the_deadline, .timeout = 30)
{
    uint64_t start = uv_hrtime();
    struct bench b;

    bench_open(&b, false);
    b.unit.deadline = start + 30000000;
    while (b.serviced < 2) {
        if (b.serviced == 1)
            b.unit.deadline_once = true;
        (void)uv_run(&b.loop, UV_RUN_ONCE);
    }
    cr_assert_geq(uv_hrtime(), start + 30000000);
    uiommu_uv_detach(b.serving, on_closed, &b);
    bench_close(&b);
}

Test(host_uv, looks_at_a_simulated_clock, .timeout = 30)
{
    struct bench b;

    fake_now = 100;
    bench_open(&b, true);
    (void)uv_run(&b.loop, UV_RUN_NOWAIT);
    cr_assert_eq(b.serviced, 1);
    b.unit.deadline = 200;
    uiommu_uv_look(b.serving);
    (void)uv_run(&b.loop, UV_RUN_NOWAIT);
    cr_assert_eq(b.serviced, 1);
    fake_now = 200;
    uiommu_uv_look(b.serving);
    (void)uv_run(&b.loop, UV_RUN_NOWAIT);
    cr_assert_eq(b.serviced, 2);
    uiommu_uv_detach(b.serving, on_closed, &b);
    bench_close(&b);
}

Test(host_uv, a_pause_keeps_kicks, .timeout = 30)
{
    struct bench b;

    bench_open(&b, false);
    (void)uv_run(&b.loop, UV_RUN_NOWAIT);
    cr_assert_eq(b.serviced, 1);
    uiommu_uv_pause(b.serving);
    uiommu_uv_kick(b.serving);
    (void)uv_run(&b.loop, UV_RUN_NOWAIT);
    (void)uv_run(&b.loop, UV_RUN_NOWAIT);
    cr_assert_eq(b.serviced, 1);
    uiommu_uv_resume(b.serving);
    (void)uv_run(&b.loop, UV_RUN_NOWAIT);
    cr_assert_eq(b.serviced, 2);
    uiommu_uv_pause(b.serving);
    uiommu_uv_resume(b.serving);
    (void)uv_run(&b.loop, UV_RUN_NOWAIT);
    cr_assert_eq(b.serviced, 2);
    uiommu_uv_detach(b.serving, on_closed, &b);
    bench_close(&b);
}
