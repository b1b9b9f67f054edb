/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim.h"

static double seconds(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static uint32_t counter;

static void adder(struct sim *s, void *arg)
{
    uint32_t i, was;

    (void)arg;
    for (i = 0; i < 3; i++) {
        sim_point(SIM_OP_LOAD, &counter);
        was = counter;
        sim_point(SIM_OP_STORE, &counter);
        counter = was + 1;
    }
    (void)s;
}

static void build_race(struct sim *s, struct conf *c, void *arg)
{
    (void)c;
    (void)arg;
    counter = 0;
    sim_cpu(s, "a", adder, NULL, 0);
    sim_cpu(s, "b", adder, NULL, 0);
}

static void after_race(struct sim *s, struct conf *c, void *arg)
{
    (void)c;
    (void)arg;
    SIM_CHECK(s, "race", counter == 6);
}

struct life {
    struct conf_flow f;
};

static void sender(struct sim *s, void *arg)
{
    struct life *l = arg;
    uint32_t i;

    for (i = 0; i < 20; i++) {
        conf_ask(l->f.d, l->f.pasid, CONF_VA + 4096 * i, i);
        sim_sleep(s, 3000);
    }
}

static void ender(struct sim *s, void *arg)
{
    struct life *l = arg;
    uiommu_err err;
    uint32_t i;

    for (i = 0; i < 4; i++) {
        sim_sleep(s, 10000);
        err = uiommu_unbind(sim_bench(s)->u, l->f.bond, i & 1 ? UIOMMU_UNBIND_STOPPED : 0);
        SIM_CHECK(s, "unbind", err == UIOMMU_OK);
        do {
            err = conf_try_bind(sim_conf(s), l->f.d, l->f.b, l->f.pasid, &l->f.bond);
            sim_sleep(s, 10000);
        } while (err == UIOMMU_E_BUSY);
        SIM_CHECK(s, "bind", err == UIOMMU_OK);
    }
}

static uint64_t steps, ns;

static void after_life(struct sim *s, struct conf *c, void *arg)
{
    (void)arg;
    (void)c;
    steps += sim_steps(s);
    ns += sim_now(s);
}

static void build_life(struct sim *s, struct conf *c, void *arg)
{
    struct life *l = sim_alloc(s, sizeof(*l));

    (void)arg;
    if (!conf_flow_up(c, &l->f)) {
        return;
    }
    sim_cpu(s, "sender", sender, l, 0);
    sim_cpu(s, "ender", ender, l, 0);
    sim_cpu(s, "service", sim_servicer, sim_bench(s), SIM_DAEMON);
    sim_cpu(s, "service2", sim_servicer, sim_bench(s), SIM_DAEMON);
}

int main(int argc, char **argv)
{
    struct sim_config config;
    struct sim_failure failure;
    uint64_t seed;
    uint32_t lost = 0, v, i;
    double from = seconds();
    uint32_t n = argc > 1 ? (uint32_t)atoi(argv[1]) : 200;

    memset(&config, 0, sizeof(config));
    for (seed = 1; seed < 200; seed++) {
        config.vendor = bench_vendors[0];
        config.variant = &bench_variants[0];
        config.seed = seed;
        lost += sim_world(&config, build_race, after_race, NULL, &failure) != SIM_DONE;
    }
    printf("lost %u, %.3f s\n", lost, seconds() - from);
    for (v = 0; v < bench_vendor_count; v++) {
        lost = 0;
        steps = ns = 0;
        from = seconds();
        for (i = 0; i < n; i++) {
            config.vendor = bench_vendors[v];
            config.variant = &bench_variants[i % bench_variant_count];
            config.seed = i;
            config.max_steps = 1000000;
            if (sim_world(&config, build_life, after_life, NULL, &failure) != SIM_DONE) {
                lost++;
                if (lost < 5)
                    printf("%u %s: %s %s at %llu\n", i, config.variant->name, failure.rule,
                           failure.text, (unsigned long long)failure.step);
            }
        }
        printf("%s: failed %u, %.3f s, %llu steps, %llu ns\n", bench_vendors[v]->name, lost,
               seconds() - from, (unsigned long long)steps, (unsigned long long)ns);
    }
    return 0;
}
