/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SELFTEST_DEVICE_H
#define SELFTEST_DEVICE_H
/* A PF with everything enabled behind the self-tests' IOMMU, and a VF of it. */
#include "model_endpoint.h"
#include "selftest_iommu.h"

#define PF             0x100u
#define PF_ALIAS       0x101u
#define VF             0x108u
#define PASID          5u
#define VA             UINT64_C(0x40000000)
#define ATS            0x100u
#define PRI            0x110u
#define PASID_CAP      0x120u
#define ATS_ON         0x8000u
#define STATUS_RF      1u
#define STATUS_UPRGI   2u
#define STATUS_STOPPED 0x100u

struct selftest_device {
    struct selftest_iommu *iommu;
    struct selftest_room *room;
    struct model_world *world;
    struct model_endpoint *pf, *vf;
    uint64_t bus; /* A page of RAM. */
    uint8_t *page;
    uint8_t buffer[8 * 4096];
};

static inline uint32_t selftest_status(struct selftest_device *d)
{
    return model_endpoint_config_read(d->pf, PRI + 6, 2);
}

static inline void selftest_enable(struct selftest_device *d, uint32_t allocation)
{
    model_endpoint_config_write(d->pf, PASID_CAP + 6, 2, 1);
    model_endpoint_config_write(d->pf, PRI + 0xC, 4, allocation);
    model_endpoint_config_write(d->pf, PRI + 4, 2, 1);
    model_endpoint_config_write(d->pf, ATS + 6, 2, ATS_ON);
    model_endpoint_config_write(d->vf, ATS + 6, 2, ATS_ON);
}

/* Static: a test is the only one at a time, and the device is big. */
static struct selftest_device selftest_the_device;

static inline struct selftest_device *selftest_device_as(void *memory, size_t bytes, uint64_t seed,
                                                         const struct model_endpoint_config *change)
{
    static const struct model_fabric_config calm = {.min_delay_ns = 50, .max_delay_ns = 500};
    static const uint32_t pf_ids[2] = {PF, PF_ALIAS};
    static const uint32_t vf_id = VF;
    struct selftest_device *d = &selftest_the_device;
    struct model_endpoint_config config = *change;

    memset(d, 0, sizeof(*d));
    d->iommu = selftest_iommu_begin(memory, bytes, seed, &calm);
    if (d->iommu == NULL) {
        return NULL;
    }
    d->room = &d->iommu->room;
    d->world = d->room->world;
    config.fabric = d->iommu->fabric;
    config.ids = pf_ids;
    config.id_count = 2;
    d->pf = model_endpoint_create(d->world, &config);
    config.pf = d->pf;
    config.ids = &vf_id;
    config.id_count = 1;
    d->vf = model_endpoint_create(d->world, &config);
    d->page = model_ram_get(d->world, 4096, 4096, UINT64_MAX, &d->bus);
    return d->pf == NULL || d->vf == NULL || d->page == NULL ? NULL : d;
}

static const struct model_endpoint_config selftest_plain = {.has_ats = true,
                                                            .has_pri = true,
                                                            .has_pasid = true,
                                                            .pasid_required = true,
                                                            .sends_markers = true,
                                                            .pasid_width = 8,
                                                            .pri_capacity = 32,
                                                            .retries = 4};

static inline struct selftest_device *selftest_device(void *memory, size_t bytes, uint64_t seed)
{
    struct selftest_device *d = selftest_device_as(memory, bytes, seed, &selftest_plain);

    if (d != NULL) {
        selftest_enable(d, 8);
    }
    return d;
}

static inline int selftest_job(struct selftest_device *d, struct model_endpoint *ep,
                               uint32_t access, uint64_t bytes, uint32_t pages_per_group)
{
    struct model_job job;

    memset(&job, 0, sizeof(job));
    job.pasid = PASID;
    job.address = VA;
    job.access = access;
    job.buffer = d->buffer;
    job.bytes = bytes;
    job.pages_per_group = pages_per_group;
    return model_endpoint_start(ep, &job);
}

static inline bool selftest_settle(struct selftest_device *d)
{
    return model_settle(d->world, 1000000);
}

static inline void selftest_respond(struct selftest_device *d, const struct model_page_request *to,
                                    uint32_t code)
{
    struct model_page_response response;

    memset(&response, 0, sizeof(response));
    response.id = to->id;
    response.has_pasid = to->has_pasid;
    response.pasid = to->pasid;
    response.index = to->index;
    response.code = code;
    model_fabric_page_response(d->iommu->fabric, &response);
}

/* Answer the n-th request that arrived and let everything run. false: there is none. */
static inline bool selftest_answer(struct selftest_device *d, uint32_t n, uint32_t code)
{
    const struct selftest_event *event = selftest_nth(d->iommu, 'r', n);

    if (event != NULL) {
        selftest_respond(d, &event->request, code);
    }
    selftest_settle(d);
    return event != NULL;
}

static inline void selftest_invalidate(struct selftest_device *d, uint32_t id, uint32_t pasid,
                                       uint64_t address, uint32_t size_log2)
{
    struct model_invalidate what;

    memset(&what, 0, sizeof(what));
    what.id = id;
    what.scope = pasid != UINT32_MAX ? MODEL_INVALIDATE_PASID : MODEL_INVALIDATE_ALL;
    what.pasid = pasid != UINT32_MAX ? pasid : 0;
    what.address = address;
    what.size_log2 = size_log2;
    what.tag = 42;
    model_fabric_invalidate(d->iommu->fabric, &what);
}

static inline struct model_endpoint_counts selftest_counts(struct model_endpoint *ep)
{
    struct model_endpoint_counts counts;

    model_endpoint_get_counts(ep, &counts);
    return counts;
}

static inline enum model_job_state selftest_state(struct model_endpoint *ep, int job)
{
    struct model_job_status status;

    model_endpoint_job(ep, job, &status);
    return status.state;
}

#endif
