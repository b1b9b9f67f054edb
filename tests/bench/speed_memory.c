/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "speed_machine.h"

/*
 * Bytes, where other tables have nanoseconds: plain memory that the library has asked for, tables
 * that hardware reads apart. And the start of a unit with the largest tables, in nanoseconds.
 */

#define DEVICES 2048u
#define BONDS   16384u
#define NUMBERS 65536u

enum what {
    UNIT,        /* created and started, with one device and one bond */
    TABLES,      /* hardware's of that */
    DEVICE,      /* idle: PASIDs, ATS, page requests; its port was there before */
    PLAIN,       /* idle, without any of these */
    ATTACHED,    /* hardware's tables of one */
    BOND,        /* on one device */
    BOND_SPREAD, /* one on each of many devices */
    PASID,       /* a number taken */
    START,       /* create and start */
};

static uint64_t heap(void)
{
    return speed_counts.heap_bytes;
}

static uint64_t tables(void)
{
    return speed_counts.bytes - speed_counts.heap_bytes;
}

static void *memory_open(const struct speed_row *row)
{
    return (void *)(uintptr_t)row;
}

static void memory_close(void *state)
{
    (void)state;
}

static uiommu_err set_pri(void *ctx, bool on, uint32_t credits, bool *pasid_required)
{
    (void)ctx;
    (void)on;
    (void)credits;
    *pasid_required = true;
    return UIOMMU_OK;
}

static const struct uiommu_device_ops ops = {.size = sizeof(ops), .set_pri = set_pri};

static uiommu_err attach(struct speed_machine *m, uint32_t id, struct uiommu_port *port,
                         struct uiommu_device **out)
{
    struct uiommu_device_config config = {.size = sizeof(config), .ids = &id, .id_count = 1};

    if (port != NULL) {
        config.flags = UIOMMU_DEVICE_PASID | UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI;
        config.pasid_bits = 20;
        config.port = port;
        config.ops = &ops;
        config.ats_depth = 32;
    }
    return uiommu_device_attach(m->unit, &config, out);
}

/* Many idle devices beside the machine's own. */
static bool devices(struct speed_machine *m, enum what what, double *bytes)
{
    struct uiommu_port_config config = {.size = sizeof(config), .want = 4, .least = 4};
    struct uiommu_device **dev = calloc(DEVICES, sizeof(struct uiommu_device *));
    struct uiommu_port **port = calloc(DEVICES, sizeof(struct uiommu_port *));
    uiommu_err err = dev == NULL || port == NULL ? UIOMMU_E_NOMEM : UIOMMU_OK;
    uint64_t before;
    uint32_t i;

    for (i = 0; err == UIOMMU_OK && i < DEVICES && what != PLAIN; i++)
        err = uiommu_port_create(m->unit, &config, &port[i]);
    before = what == ATTACHED ? tables() : heap();
    for (i = 0; err == UIOMMU_OK && i < DEVICES; i++)
        err = attach(m, 0x100u + i, port[i], &dev[i]);
    *bytes = (double)((what == ATTACHED ? tables() : heap()) - before);
    for (i = DEVICES; i-- != 0;) {
        if (dev != NULL && dev[i] != NULL)
            err = uiommu_device_detach(dev[i]) != UIOMMU_OK ? UIOMMU_E_STATE : err;
        if (port != NULL && port[i] != NULL)
            err = uiommu_port_destroy(port[i]) != UIOMMU_OK ? UIOMMU_E_STATE : err;
    }
    free(dev);
    free(port);
    if (err != UIOMMU_OK)
        speed_say("devices: error %d", err);
    return err == UIOMMU_OK;
}

static bool bonds(struct speed_machine *m, bool spread, double *bytes)
{
    struct uiommu_bind_config config = {.size = sizeof(config)};
    struct uiommu_bond_ref *bond = calloc(BONDS, sizeof(*bond));
    uint32_t *pasid = calloc(BONDS, sizeof(*pasid)), i, of = spread ? m->config.devices : 1;
    uiommu_err err = bond == NULL || pasid == NULL ? UIOMMU_E_NOMEM : UIOMMU_OK;
    uint64_t before;

    for (i = 0; err == UIOMMU_OK && i < BONDS / of; i++)
        err = uiommu_pasid_alloc(m->pasids, NULL, 20, &pasid[i]);
    before = heap();
    for (i = 0; err == UIOMMU_OK && i < BONDS; i++) {
        config.pasid = pasid[i / of];
        err = uiommu_bind(m->device[i % of], m->space[0], &config, &bond[i]);
    }
    *bytes = (double)(heap() - before);
    for (i = 0; err == UIOMMU_OK && i < BONDS; i++)
        err = uiommu_unbind(m->u, bond[i], UIOMMU_UNBIND_STOPPED);
    if (err == UIOMMU_OK && !speed_machine_serve(m))
        err = UIOMMU_E_STATE;
    for (i = 0; err == UIOMMU_OK && i < BONDS / of; i++)
        err = uiommu_pasid_put(m->pasids, pasid[i]);
    free(bond);
    free(pasid);
    if (err != UIOMMU_OK)
        speed_say("bonds: error %d", err);
    return err == UIOMMU_OK;
}

static bool numbers(struct speed_machine *m, double *bytes)
{
    uint32_t *pasid = calloc(NUMBERS, sizeof(*pasid)), i;
    uint64_t before = heap();
    uiommu_err err = pasid == NULL ? UIOMMU_E_NOMEM : UIOMMU_OK;

    for (i = 0; err == UIOMMU_OK && i < NUMBERS; i++)
        err = uiommu_pasid_alloc(m->pasids, NULL, 20, &pasid[i]);
    *bytes = (double)(heap() - before);
    for (i = 0; err == UIOMMU_OK && i < NUMBERS; i++)
        err = uiommu_pasid_put(m->pasids, pasid[i]);
    free(pasid);
    return err == UIOMMU_OK;
}

/* param: vendor, what */
static bool memory_round(void *state, struct speed_sample *sample)
{
    const struct speed_row *row = (const struct speed_row *)state;
    enum what what = (enum what)row->param[1];
    struct speed_machine_config config = {.vendor = (enum speed_vendor)row->param[0],
                                          .ring_log2 = 14,
                                          .queue_log2 = 12,
                                          .credits = 4};
    uint64_t before = what == TABLES ? tables() : heap();
    struct speed_machine *m;
    bool right = true;

    if (what == BOND_SPREAD)
        config.devices = BONDS / 4, config.credits = 2;
    m = speed_machine_open(&config);
    if (m == NULL)
        return false;
    sample->ops = 1;
    sample->ns = (double)((what == TABLES ? tables() : heap()) - before);
    if (what == DEVICE || what == PLAIN || what == ATTACHED) {
        right = devices(m, what, &sample->ns);
        sample->ops = DEVICES;
    } else if (what == BOND || what == BOND_SPREAD) {
        right = bonds(m, what == BOND_SPREAD, &sample->ns);
        sample->ops = BONDS;
    } else if (what == PASID) {
        right = numbers(m, &sample->ns);
        sample->ops = NUMBERS;
    } else if (what == START) {
        sample->ns = m->start_ns;
    }
    return speed_machine_close(m) && right;
}

#define ROW(text, unit, vendor, what, goal)                                                        \
    {                                                                                              \
        .name = text, .op = unit, .side = {{memory_open, memory_round, memory_close}},             \
        .goal_ns = goal, .param = {vendor, what},                                                  \
    }
#define EACH(vendor, text)                                                                         \
    ROW(text ": bytes of a unit, one device and one bond", "unit", vendor, UNIT, 0),               \
        ROW(text ": bytes of its hardware tables", "unit", vendor, TABLES, 0),                     \
        ROW(text ": bytes of an idle device that can ask", "device", vendor, DEVICE, 1024),        \
        ROW(text ": bytes of an idle plain device", "device", vendor, PLAIN, 1024),                \
        ROW(text ": bytes of hardware tables of a device", "device", vendor, ATTACHED, 0),         \
        ROW(text ": bytes of a bond, 16384 on a device", "bond", vendor, BOND, 168),               \
        ROW(text ": bytes of a bond, 4 on each of 4096 devices", "bond", vendor, BOND_SPREAD, 0),  \
        ROW(text ": ns of create and start, 65536 devices", "start", vendor, START, 1e7)

static const struct speed_row rows[] = {
    EACH(SPEED_AMD, "amd"),
    EACH(SPEED_VTD, "vtd"),
    EACH(SPEED_SMMUV3, "smmuv3"),
    ROW("core: bytes of a PASID taken", "PASID", SPEED_AMD, PASID, 8),
};

const struct speed_table speed_memory = {"memory", "Memory: bytes in place of nanoseconds; start",
                                         rows, sizeof(rows) / sizeof(rows[0])};
