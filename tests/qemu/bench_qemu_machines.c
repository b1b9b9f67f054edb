/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <uiommu/vtd.h>

#include "bench_qemu.h"

/* The machines: what differs between vendors besides what their benches on models know already. */

#define VTD_BASE    UINT64_C(0xfed90000)
#define AMD_BASE    UINT64_C(0xfed80000)
#define SMMUV3_BASE UINT64_C(0x09050000)
/* Faults up to 0x5F are those of root, context and PASID tables (sheet 13). */
#define VTD_PAGES 0x60u
#define PC_RAM    (UINT64_C(1088) << 20)
#define PC_WINDOW UINT64_C(0xC0000000)

#define PC "-M", "q35,memory-backend=ram", "-m", "1088M", "-nodefaults", "-display", "none"

/* ---- VT-d ---- */

static bool vtd_trace(const char *line, uint64_t iova, struct qemu_word *out)
{
    unsigned sid, code, bus, slot, function;
    uint64_t at, to;

    if (sscanf(line, "vtd_dmar_fault sid %x fault %u addr %" SCNx64, &sid, &code, &at) == 3) {
        out->fault = at == iova;
        out->closed = code < VTD_PAGES;
        return out->fault;
    }
    if (sscanf(line, "vtd_dmar_translate dev %x:%x.%x iova %" SCNx64 " -> gpa %" SCNx64, &bus,
               &slot, &function, &at, &to) == 5) {
        out->done = at == iova;
        out->bus = to | (iova & 0xFFF);
        return out->done;
    }
    return false;
}

static const char *const vtd_first_args[] = {PC, "-device", "intel-iommu,scalable-mode=on,fsts=on",
                                             NULL};
static const char *const vtd_second_args[] = {PC, "-device", "intel-iommu,scalable-mode=on", NULL};

static const struct qemu_machine vtd_first = {.system = "x86_64",
                                              .args = vtd_first_args,
                                              .trace = "vtd_dmar_*",
                                              .ram_bytes = PC_RAM,
                                              .ram_offset = BENCH_RAM_BASE,
                                              .window = PC_WINDOW,
                                              .read_trace = vtd_trace};
static const struct qemu_machine vtd_second = {.system = "x86_64",
                                               .args = vtd_second_args,
                                               .trace = "vtd_dmar_*",
                                               .ram_bytes = PC_RAM,
                                               .ram_offset = BENCH_RAM_BASE,
                                               .window = PC_WINDOW,
                                               .read_trace = vtd_trace};

static bool vtd_first_make(struct bench *b)
{
    b->features.command_entries = 1u << 7;
    b->features.access = UIOMMU_READ | UIOMMU_WRITE;
    b->features.response_pasid = true;
    return qemu_make(b, &vtd_first);
}

static bool vtd_second_make(struct bench *b)
{
    b->features.command_entries = 1u << 7;
    b->features.access = UIOMMU_READ | UIOMMU_WRITE;
    b->features.response_pasid = true;
    b->features.second = true;
    b->features.second_only = true;
    b->features.events_vague = true; /* D2. */
    return qemu_make(b, &vtd_second);
}

static uiommu_err vtd_create(struct bench *b, struct uiommu *u, struct uiommu_unit **out)
{
    struct uiommu_vtd_config config;

    memset(&config, 0, sizeof(config));
    config.size = sizeof(config);
    config.unit = b->config;
    config.base = VTD_BASE;
    config.queue_log2 = 7;
    config.prq_log2 = 8;
    config.quirks = UIOMMU_VTD_QUIRK_FIRST_WIDTH;
    config.poll = true;
    return uiommu_vtd_create(u, &config, out);
}

/* Scalable mode, with a root table without entries. */
static void vtd_found(struct bench *b)
{
    b->found_bytes = 4096;
    (void)model_ram_get(b->world, b->found_bytes, 4096, UINT64_MAX, &b->found);
    qemu_write64(b, VTD_BASE + 0x20, b->found | 1 << 10);
    qemu_write32(b, VTD_BASE + 0x18, UINT32_C(1) << 30);
    qemu_write32(b, VTD_BASE + 0x18, UINT32_C(1) << 31);
}

/* ---- SMMUv3 ---- */

static bool smmuv3_trace(const char *line, uint64_t iova, struct qemu_word *out)
{
    char name[64];
    unsigned sid;
    uint64_t at, to;

    if (sscanf(line, "smmuv3_propagate_event %63s sid=%x", name, &sid) == 2) {
        out->fault = true;
        out->closed = name[0] == 'C' || strstr(name, "STREAM") != NULL;
        return true;
    }
    if (strncmp(line, "smmuv3_translate_abort", 22) == 0) {
        out->fault = true;
        out->closed = true;
        return true;
    }
    if (sscanf(line, "smmuv3_translate_success %63s sid=%x iova=%" SCNx64 " translated=%" SCNx64,
               name, &sid, &at, &to) == 4) {
        out->done = at == iova;
        out->bus = to | (iova & 0xFFF);
        return out->done;
    }
    return false;
}

static const char *const smmuv3_args[] = {"-M",          "virt,iommu=smmuv3,memory-backend=ram",
                                          "-cpu",        "cortex-a57",
                                          "-m",          "64M",
                                          "-nodefaults", "-display",
                                          "none",        NULL};

static const struct qemu_machine smmuv3 = {.system = "aarch64",
                                           .args = smmuv3_args,
                                           .trace = "smmuv3_translate_*,smmuv3_propagate_event",
                                           .ram_bytes = UINT64_C(64) << 20,
                                           .ram_offset = 0,
                                           .ecam = UINT64_C(0x4010000000),
                                           .window = UINT64_C(0x10000000),
                                           .read_trace = smmuv3_trace};

/* On, with a stream table whose entries are all invalid. */
static void smmuv3_found(struct bench *b)
{
    b->found_bytes = UINT64_C(64) * 512;
    (void)model_ram_get(b->world, b->found_bytes, b->found_bytes, UINT64_MAX, &b->found);
    qemu_write64(b, SMMUV3_BASE + 0x80, b->found);
    qemu_write32(b, SMMUV3_BASE + 0x88, 9);
    qemu_write32(b, SMMUV3_BASE + 0x28, 0xD75);
    qemu_write32(b, SMMUV3_BASE + 0x20, 1);
}

static bool smmuv3_make(struct bench *b)
{
    b->features.command_entries = 1u << 4;
    b->features.access = UIOMMU_READ | UIOMMU_WRITE | UIOMMU_EXEC | UIOMMU_PRIV;
    b->features.second = true;
    b->features.second_alone = true;
    b->features.nested = true;
    b->features.second_bits = 44; /* IDR5.OAS */
    b->features.response_pasid = true;
    return qemu_make(b, &smmuv3);
}

/* ---- AMD ---- */

static bool amd_trace(const char *line, uint64_t iova, struct qemu_word *out)
{
    unsigned bus, slot, function;
    uint64_t at, to;

    if (strncmp(line, "amdvi_page_fault", 16) == 0) {
        out->fault = true;
        return true;
    }
    if (strncmp(line, "amdvi_invalid_dte", 17) == 0 ||
        strncmp(line, "amdvi_dte_get_fail", 18) == 0) {
        out->fault = true;
        out->closed = true;
        return true;
    }
    if (sscanf(line, "amdvi_translation_result devid: %x:%x.%x gpa %" SCNx64 " hpa %" SCNx64, &bus,
               &slot, &function, &at, &to) == 5 ||
        sscanf(line, "amdvi_iotlb_hit hit iotlb devid %x:%x.%x gpa %" SCNx64 " hpa %" SCNx64, &bus,
               &slot, &function, &at, &to) == 5) {
        out->done = to != 0 && at >> 12 == iova >> 12;
        out->fault = to == 0; /* Refused, with or without an event. */
        out->bus = (to & ~UINT64_C(0xFFF)) | (iova & 0xFFF);
        return out->done || out->fault;
    }
    return false;
}

static const char *const amd_args[] = {PC, "-device", "amd-iommu,dma-remap=on", NULL};

static const struct qemu_machine amd = {.system = "x86_64",
                                        .args = amd_args,
                                        .blind = true,
                                        .trace = "amdvi_*",
                                        .ram_bytes = PC_RAM,
                                        .ram_offset = BENCH_RAM_BASE,
                                        .window = PC_WINDOW,
                                        .read_trace = amd_trace};

static bool amd_make(struct bench *b)
{
    b->features.command_entries = 1u << 8;
    b->features.access = UIOMMU_READ | UIOMMU_WRITE | UIOMMU_EXEC | UIOMMU_PRIV;
    b->features.second = true;
    b->features.second_alone = true;
    b->features.second_only = true;
    b->features.response_pasid = true;
    b->features.events_vague = true; /* D5. */
    return qemu_make(b, &amd);
}

/* On, with a device table that lets nobody pass. */
static void amd_found(struct bench *b)
{
    uint64_t i;

    b->found_bytes = UINT64_C(32) * 4096;
    (void)model_ram_get(b->world, b->found_bytes, 4096, UINT64_MAX, &b->found);
    for (i = 0; i < b->found_bytes; i += 32) {
        (void)model_bus_write64(b->world, b->found + i, 3);
    }
    qemu_write64(b, AMD_BASE, b->found | (b->found_bytes / 4096 - 1));
    qemu_write64(b, AMD_BASE + 0x18, 1);
}

/* ---- all ---- */

static struct bench_vendor vendor(const struct bench_vendor *model, const char *name,
                                  bool (*make)(struct bench *b))
{
    struct bench_vendor v = *model;

    v.name = name;
    v.skips = NULL;
    v.skips_unlisted = true;
    v.make = make;
    v.read32 = qemu_read32;
    v.read64 = qemu_read64;
    v.write32 = qemu_write32;
    v.write64 = qemu_write64;
    v.lacking = qemu_lacking;
    v.overflow = qemu_overflow;
    v.hang = qemu_hang;
    v.slow_ring = qemu_slow_ring;
    v.lose_invalidations = qemu_lose;
    v.lie = qemu_lie;
    v.event_flood = qemu_event_flood;
    v.power_cycle = qemu_power_cycle;
    v.device_reset = NULL;
    v.requests_waiting = qemu_none;
    v.stalls_owed = qemu_none;
    v.answers = qemu_unseen;
    v.host_commands = qemu_unseen;
    v.reaches = qemu_reaches;
    v.uses_tables = qemu_uses_tables;
    return v;
}

void qemu_machines(struct bench_vendor out[QEMU_MACHINES])
{
    out[0] = vendor(&bench_vtd, "vtd, first stage", vtd_first_make);
    out[1] = vendor(&bench_vtd, "vtd, second stage", vtd_second_make);
    out[0].create = out[1].create = vtd_create;
    out[0].found_enabled = out[1].found_enabled = vtd_found;
    out[2] = vendor(&bench_smmuv3, "smmuv3", smmuv3_make);
    out[2].found_enabled = smmuv3_found;
    out[3] = vendor(&bench_amd, "amd", amd_make);
    out[3].found_enabled = amd_found;
}
