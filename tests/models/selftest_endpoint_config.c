/* SPDX-License-Identifier: BSD-2-Clause */
#include "selftest_device.h"

extern const struct model_selftest model_selftests_endpoint_config[];
extern const unsigned model_selftest_count_endpoint_config;

static const char *capabilities_are_chained(void *memory, size_t bytes)
{
    struct selftest_device *d = selftest_device_as(memory, bytes, 1, &selftest_plain);
    uint32_t at = 0x100;
    uint32_t id[3] = {0x0F, 0x13, 0x1B};
    uint32_t i;

    if (d == NULL) {
        return "no device";
    }
    for (i = 0; i < 3; i++) {
        uint32_t header = model_endpoint_config_read(d->pf, at, 4);

        selftest_expect(d->room, (header & 0xFFFF) == id[i] && (header >> 16 & 0xF) == 1,
                        "a header");
        at = header >> 20;
    }
    selftest_expect(d->room, at == 0, "the last one ends the list");
    selftest_expect(d->room, model_endpoint_config_read(d->pf, ATS + 4, 2) == 0x20,
                    "32 invalidations read as 0, page aligned");
    selftest_expect(d->room, model_endpoint_config_read(d->pf, PRI + 8, 4) == 32, "capacity");
    selftest_expect(d->room, selftest_status(d) == (0x8000 | STATUS_STOPPED),
                    "PRI status at reset");
    selftest_expect(d->room, model_endpoint_config_read(d->pf, PASID_CAP + 4, 2) == 0x0806,
                    "PASID width 8, exec, priv");
    selftest_expect(d->room, model_endpoint_config_read(d->vf, 0x100, 4) == 0x1000F,
                    "a VF has ATS only");
    selftest_expect(d->room, model_endpoint_config_read(d->pf, 0, 2) != 0xFFFF, "it is there");
    model_endpoint_remove(d->pf);
    selftest_expect(d->room, model_endpoint_config_read(d->pf, 0, 4) == UINT32_MAX, "all ones");
    selftest_expect(d->room, model_endpoint_config_read(d->vf, 0x104, 2) == 0xFFFF,
                    "a VF goes with its PF");
    return selftest_end(d->room);
}

static const char *wrong_accesses_are_reported(void *memory, size_t bytes)
{
    struct selftest_device *d = selftest_device_as(memory, bytes, 1, &selftest_plain);

    if (d == NULL) {
        return "no device";
    }
    model_endpoint_config_read(d->pf, 0x102, 4);
    selftest_expect_report(d->room, "endpoint.config.misaligned");
    model_endpoint_config_write(d->pf, ATS + 6, 3, 0);
    selftest_expect_report(d->room, "endpoint.config.misaligned");
    model_endpoint_config_write(d->pf, PRI + 8, 4, 64);
    selftest_expect_report(d->room, "endpoint.config.write-nowhere");
    model_endpoint_config_write(d->vf, PRI + 4, 2, 1);
    selftest_expect_report(d->room, "endpoint.config.write-nowhere");
    return selftest_end(d->room);
}

static const char *pri_is_enabled_only_when_stopped(void *memory, size_t bytes)
{
    struct selftest_device *d = selftest_device(memory, bytes, 1);

    if (d == NULL) {
        return "no device";
    }
    selftest_expect(d->room, (selftest_status(d) & STATUS_STOPPED) == 0, "enabled: not stopped");
    selftest_job(d, d->vf, MODEL_READ, 100, 1);
    selftest_settle(d);
    model_endpoint_config_write(d->pf, PRI + 4, 2, 0);
    selftest_expect(d->room, (selftest_status(d) & STATUS_STOPPED) == 0, "an answer is due");
    model_endpoint_config_write(d->pf, PRI + 4, 2, 1);
    selftest_expect_report(d->room, "endpoint.pri.enable-not-stopped");
    selftest_expect(d->room, model_endpoint_config_read(d->pf, PRI + 4, 2) == 0, "refused");
    selftest_answer(d, 0, MODEL_RESPONSE_INVALID);
    selftest_expect(d->room, (selftest_status(d) & STATUS_STOPPED) != 0, "now it has stopped");
    model_endpoint_config_write(d->pf, PRI + 4, 2, 1);
    selftest_expect(d->room, model_endpoint_config_read(d->pf, PRI + 4, 2) == 1, "and may go on");
    return selftest_end(d->room);
}

static const char *pri_reset_is_for_a_disabled_interface(void *memory, size_t bytes)
{
    struct selftest_device *d = selftest_device(memory, bytes, 1);
    int job;

    if (d == NULL) {
        return "no device";
    }
    job = selftest_job(d, d->pf, MODEL_READ, 100, 1);
    selftest_settle(d);
    model_endpoint_config_write(d->pf, PRI + 4, 2, 3);
    selftest_expect_report(d->room, "endpoint.pri.reset-while-enabled");
    selftest_expect(d->room, selftest_counts(d->pf).outstanding == 1, "without effect");
    model_endpoint_config_write(d->pf, PRI + 4, 2, 0);
    model_endpoint_config_write(d->pf, PRI + 4, 2, 2);
    selftest_expect(d->room, selftest_counts(d->pf).outstanding == 0, "all is forgotten");
    selftest_expect(d->room, (selftest_status(d) & STATUS_STOPPED) != 0, "stopped");
    selftest_expect(d->room, selftest_state(d->pf, job) == MODEL_JOB_FAILED, "the job is over");
    selftest_answer(d, 0, MODEL_RESPONSE_SUCCESS);
    selftest_expect(d->room, (selftest_status(d) & STATUS_UPRGI) == 0,
                    "an answer that was under way is no mistake");
    return selftest_end(d->room);
}

static const char *allocation_has_rules(void *memory, size_t bytes)
{
    struct selftest_device *d = selftest_device_as(memory, bytes, 1, &selftest_plain);

    if (d == NULL) {
        return "no device";
    }
    model_endpoint_config_write(d->pf, PRI + 0xC, 4, 33);
    selftest_expect_report(d->room, "endpoint.pri.allocation-beyond-capacity");
    model_endpoint_config_write(d->pf, PRI + 0xC, 4, 0);
    model_endpoint_config_write(d->pf, PRI + 4, 2, 1);
    selftest_expect_report(d->room, "endpoint.pri.enable-without-allocation");
    model_endpoint_config_write(d->pf, PRI + 0xC, 4, 8);
    selftest_expect_report(d->room, "endpoint.pri.allocation-while-enabled");
    selftest_expect(d->room, model_endpoint_config_read(d->pf, PRI + 0xC, 4) == 0, "unchanged");
    return selftest_end(d->room);
}

static const char *pasid_control_is_fixed_under_ats(void *memory, size_t bytes)
{
    struct selftest_device *d = selftest_device(memory, bytes, 1);

    if (d == NULL) {
        return "no device";
    }
    model_endpoint_config_write(d->pf, PASID_CAP + 6, 2, 0);
    selftest_expect_report(d->room, "endpoint.pasid.change-under-ats");
    model_endpoint_config_write(d->pf, PASID_CAP + 6, 2, 1);
    selftest_expect(d->room, d->room->reports == 0, "the same value is no change");
    model_endpoint_config_write(d->pf, ATS + 6, 2, 0);
    model_endpoint_config_write(d->pf, PASID_CAP + 6, 2, 0);
    selftest_expect_report(d->room, "endpoint.pasid.change-under-vf-ats");
    selftest_expect(d->room, model_endpoint_config_read(d->pf, PASID_CAP + 6, 2) == 1, "refused");
    model_endpoint_config_write(d->vf, ATS + 6, 2, 0);
    model_endpoint_config_write(d->pf, PASID_CAP + 6, 2, 0);
    selftest_expect(d->room, model_endpoint_config_read(d->pf, PASID_CAP + 6, 2) == 0,
                    "now it may");
    return selftest_end(d->room);
}

static const char *stu_has_rules(void *memory, size_t bytes)
{
    struct selftest_device *d = selftest_device_as(memory, bytes, 1, &selftest_plain);
    uint8_t byte;

    if (d == NULL) {
        return "no device";
    }
    model_endpoint_config_write(d->pf, ATS + 6, 2, ATS_ON | 1);
    model_endpoint_config_write(d->pf, ATS + 6, 2, ATS_ON);
    selftest_expect_report(d->room, "endpoint.ats.stu-while-enabled");
    model_endpoint_config_write(d->vf, ATS + 6, 2, 2);
    selftest_expect_report(d->room, "endpoint.ats.vf-stu");
    model_endpoint_config_write(d->vf, ATS + 6, 2, 1);
    selftest_expect(d->room, d->room->reports == 0, "the PF's own is allowed");
    selftest_map(d->iommu, UINT32_MAX, VA, d->bus, MODEL_READ);
    model_endpoint_access(d->pf, MODEL_NO_PASID, VA, MODEL_READ, &byte, 1);
    selftest_expect_report(d->room, "endpoint.ats.below-stu");
    d->iommu->size_log2 = 13;
    d->iommu->skew = 0x1000 - (d->bus & 0x1000);
    model_endpoint_access(d->pf, MODEL_NO_PASID, VA, MODEL_READ, &byte, 1);
    selftest_expect_report(d->room, "endpoint.ats.misaligned");
    return selftest_end(d->room);
}

const struct model_selftest model_selftests_endpoint_config[] = {
    {"capabilities_are_chained", capabilities_are_chained},
    {"wrong_accesses_are_reported", wrong_accesses_are_reported},
    {"pri_is_enabled_only_when_stopped", pri_is_enabled_only_when_stopped},
    {"pri_reset_is_for_a_disabled_interface", pri_reset_is_for_a_disabled_interface},
    {"allocation_has_rules", allocation_has_rules},
    {"pasid_control_is_fixed_under_ats", pasid_control_is_fixed_under_ats},
    {"stu_has_rules", stu_has_rules},
};
const unsigned model_selftest_count_endpoint_config =
    sizeof(model_selftests_endpoint_config) / sizeof(model_selftests_endpoint_config[0]);
