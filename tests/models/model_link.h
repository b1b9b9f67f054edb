/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MODEL_LINK_H
#define MODEL_LINK_H
/*
 * The seam between an endpoint, the fabric and an IOMMU model, free of any vendor.
 *
 *   endpoint --fabric--> model_iommu_ops     DMA, translation requests, page requests
 *   endpoint <--fabric-- model_iommu         invalidations, page responses, ended stalls
 *
 * Directions: an endpoint never calls an IOMMU model, nor the reverse; both call the fabric,
 * which owns order and delay. PCIe's words: page request, PRG, Stop Marker, STU.
 */
#include "model_world.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MODEL_READ  1u
#define MODEL_WRITE 2u
#define MODEL_EXEC  4u
#define MODEL_PRIV  8u

/* One page request message, or a Stop Marker (last, no read, no write, with PASID). */
struct model_page_request {
    uint32_t id; /* Requester or stream ID it is sent under. */
    bool has_pasid;
    uint32_t pasid;
    uint64_t address; /* Page address, low 12 bits zero. */
    uint32_t index;   /* PRG index, 9 bits. */
    uint32_t access;  /* MODEL_READ | MODEL_WRITE | MODEL_EXEC | MODEL_PRIV */
    bool last;
};

/* PCIe response codes as they travel on the bus. */
#define MODEL_RESPONSE_SUCCESS 0x0u
#define MODEL_RESPONSE_INVALID 0x1u
#define MODEL_RESPONSE_FAILURE 0xFu

struct model_page_response {
    uint32_t id;
    bool has_pasid;
    uint32_t pasid;
    uint32_t index;
    uint32_t code;
    bool automatic; /* Made by the IOMMU itself (overflow, queue off), not by software. */
};

/* Which entries of a device's cache an ATS invalidation reaches. */
enum model_invalidate_scope {
    MODEL_INVALIDATE_ALL,      /* Those of every PASID, and those without. */
    MODEL_INVALIDATE_UNTAGGED, /* Those without a PASID. */
    MODEL_INVALIDATE_PASID,    /* Those of one PASID; with global: of every PASID. */
};
/* ATS invalidation. size_log2 >= 12; 64 = the whole address space. */
struct model_invalidate {
    uint32_t id;
    enum model_invalidate_scope scope;
    uint32_t pasid;
    bool global;
    uint64_t address;
    uint32_t size_log2;
    uint64_t tag; /* The IOMMU model's own name for it; echoed in the completion. */
};
enum model_invalidate_result {
    MODEL_INVALIDATE_DONE,
    MODEL_INVALIDATE_UNSUPPORTED, /* UR: completes, nothing was invalidated. */
};

/* A memory access as it reaches the IOMMU. At most one 4 KiB page, does not cross it. */
struct model_dma {
    uint32_t id;
    bool has_pasid;
    uint32_t pasid;
    bool translated; /* address is a bus address got by ATS */
    uint64_t address;
    uint32_t access; /* MODEL_READ or MODEL_WRITE (| EXEC | PRIV) */
    void *data;      /* bytes to write, or where to put what is read */
    uint32_t bytes;
    uint64_t cookie; /* The endpoint's own name; given back when a stall ends. */
};
enum model_dma_result {
    MODEL_DMA_OK,
    MODEL_DMA_ABORTED, /* Refused; the device sees an abort. */
    MODEL_DMA_ZEROED,  /* Terminated as read-as-zero / write-ignored. */
    MODEL_DMA_STALLED, /* Held; model_fabric_dma_ended() follows, once. */
};

/* ATS translation request: one STU or more from address. */
struct model_translate {
    uint32_t id;
    bool has_pasid;
    uint32_t pasid;
    uint64_t address;
    uint32_t access; /* wanted; without MODEL_WRITE it is a no-write request */
};
enum model_translate_status {
    MODEL_TRANSLATE_OK,          /* Success; access may be 0 (no access). */
    MODEL_TRANSLATE_UNSUPPORTED, /* UR */
    MODEL_TRANSLATE_ABORTED,     /* CA */
};
struct model_translation {
    enum model_translate_status status;
    uint64_t address;   /* bus address of the block */
    uint32_t size_log2; /* of the block that contains the asked address */
    uint32_t access;    /* granted */
};

/* What an IOMMU model offers the fabric. ctx first. All run at once, on arrival. */
struct model_iommu_ops {
    enum model_dma_result (*dma)(void *iommu, const struct model_dma *dma);
    void (*translate)(void *iommu, const struct model_translate *want,
                      struct model_translation *got);
    void (*page_request)(void *iommu, const struct model_page_request *request);
    /* The endpoint's answer to an invalidation, in order with what it sent before. */
    void (*invalidate_done)(void *iommu, uint64_t tag, enum model_invalidate_result result);
};

/* What an endpoint offers the fabric. */
struct model_endpoint_ops {
    void (*invalidate)(void *endpoint, const struct model_invalidate *what);
    void (*page_response)(void *endpoint, const struct model_page_response *response);
    /* A DMA that had stalled is over: done again and well, or terminated. */
    void (*dma_ended)(void *endpoint, uint64_t cookie, enum model_dma_result result);
    /* Optional. A posted write has landed in memory, or was refused on arrival. */
    void (*posted_ended)(void *endpoint, uint64_t cookie, enum model_dma_result result);
};

struct model_fabric;

struct model_fabric_config {
    uint64_t min_delay_ns; /* of a posted message, one way */
    uint64_t max_delay_ns;
    /*
     * Chance in 1/1000 that a page request is delayed past messages it should have pushed
     * ahead (an invalidation's completion, a configuration read): it arrives after the
     * barrier, but never later than late_ns after it was sent.
     */
    uint32_t late_per_mille;
    uint64_t late_ns;
};

struct model_fabric *model_fabric_create(struct model_world *world,
                                         const struct model_fabric_config *config);
void model_fabric_set(struct model_fabric *fabric, const struct model_fabric_config *config);
void model_fabric_attach_iommu(struct model_fabric *fabric, const struct model_iommu_ops *ops,
                               void *iommu);
/* Announce an endpoint behind id. Several ids may lead to one endpoint. false: id taken / table
 * full. */
bool model_fabric_attach_endpoint(struct model_fabric *fabric, uint32_t id,
                                  const struct model_endpoint_ops *ops, void *endpoint);
void model_fabric_detach_endpoint(struct model_fabric *fabric, uint32_t id);

/* ---- called by endpoints (upstream) ---- */
enum model_dma_result model_fabric_dma(struct model_fabric *fabric, const struct model_dma *dma);
void model_fabric_translate(struct model_fabric *fabric, const struct model_translate *want,
                            struct model_translation *got);
void model_fabric_page_request(struct model_fabric *fabric,
                               const struct model_page_request *request);
void model_fabric_invalidate_done(struct model_fabric *fabric, uint32_t id, uint64_t tag,
                                  enum model_invalidate_result result);
/* A posted translated write: reaches memory after the delay, in order with the other posted ones.
 */
void model_fabric_posted_write(struct model_fabric *fabric, const struct model_dma *dma);

/* ---- called by IOMMU models (downstream) ---- */
void model_fabric_invalidate(struct model_fabric *fabric, const struct model_invalidate *what);
void model_fabric_page_response(struct model_fabric *fabric,
                                const struct model_page_response *response);
void model_fabric_dma_ended(struct model_fabric *fabric, uint32_t id, uint64_t cookie,
                            enum model_dma_result result);

/* ---- called by tests and by the host's configuration-space read ---- */
/* A configuration read pushes what the device sent before it up to the IOMMU (late ones excepted).
 */
void model_fabric_flush(struct model_fabric *fabric, uint32_t id);
/* Hold back every page request of id (all: UINT32_MAX) on the bus; release lets them go, in order.
 */
void model_fabric_hold(struct model_fabric *fabric, uint32_t id);
void model_fabric_release(struct model_fabric *fabric, uint32_t id);
/* Messages of id under way upstream (all: UINT32_MAX). */
uint32_t model_fabric_in_flight(const struct model_fabric *fabric, uint32_t id);

#ifdef __cplusplus
}
#endif
#endif
