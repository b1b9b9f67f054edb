/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "speed_machine.h"

/* What all vendors' machines share. */

static const struct speed_vendor_ops *const vendors[SPEED_VENDORS] = {
    &speed_vendor_amd, &speed_vendor_vtd, &speed_vendor_smmuv3};

const struct speed_vendor_ops *speed_vendor_of(enum speed_vendor vendor)
{
    return vendors[vendor];
}

void speed_sums_add(struct speed_sums *sums, uint32_t id, uint32_t pasid, uint32_t index,
                    uint32_t code)
{
    sums->count++;
    sums->id += id;
    sums->pasid += pasid;
    sums->index += index;
    sums->code += code;
    sums->mixed += (id + UINT64_C(0x100000001)) * (pasid + UINT64_C(0x10001)) * (index + 257u);
}

bool speed_sums_same(const struct speed_sums *asked, const struct speed_sums *got)
{
    if (memcmp(asked, got, sizeof(*asked)) == 0)
        return true;
    speed_say("asked and answered differ: %llu and %llu groups, sums of IDs %llu %llu, PASIDs %llu "
              "%llu, indices %llu %llu, codes %llu %llu",
              (unsigned long long)asked->count, (unsigned long long)got->count,
              (unsigned long long)asked->id, (unsigned long long)got->id,
              (unsigned long long)asked->pasid, (unsigned long long)got->pasid,
              (unsigned long long)asked->index, (unsigned long long)got->index,
              (unsigned long long)asked->code, (unsigned long long)got->code);
    return false;
}

uiommu_code speed_machine_fault(void *user, const struct uiommu_group *group)
{
    struct speed_sums *seen = user;

    seen->count++;
    seen->id += group->id;
    seen->pasid += group->pasid;
    return UIOMMU_CODE_SUCCESS;
}

static uiommu_err set_pri(void *ctx, bool on, uint32_t credits, bool *pasid_required)
{
    (void)ctx;
    (void)on;
    (void)credits;
    *pasid_required = true;
    return UIOMMU_OK;
}

static const struct uiommu_device_ops device_ops = {.size = sizeof(device_ops), .set_pri = set_pri};
static const struct uiommu_aspace_ops space_ops = {.size = sizeof(space_ops),
                                                   .fault = speed_machine_fault};

static void *zeroed(size_t count, size_t bytes)
{
    void *p = calloc(count == 0 ? 1 : count, bytes);

    if (p == NULL)
        abort();
    return p;
}

static void defaults(struct speed_machine_config *c, const struct speed_vendor_ops *vendor)
{
    c->devices = c->devices == 0 ? 1 : c->devices;
    c->bonds = c->bonds == 0 ? 1 : c->bonds;
    c->spaces = c->spaces == 0 ? 1 : c->spaces;
    c->credits = c->credits == 0 ? 32 : c->credits;
    c->queue_log2 = c->queue_log2 == 0 ? 12 : c->queue_log2;
    c->pasid_bits = c->pasid_bits == 0 ? 20 : c->pasid_bits;
    c->id_first = c->id_first == 0 ? 8 : c->id_first;
    c->settle_ns = c->settle_ns == 0 ? UINT64_MAX : c->settle_ns;
    if (c->ops == NULL)
        c->ops = &space_ops;
    if (c->ring_log2 == 0) /* beside the credits: markers, a slot that stays free on each side */
        for (c->ring_log2 = vendor->log2_least;
             c->ring_log2 < vendor->log2_most &&
             (1u << c->ring_log2) < (uint64_t)c->devices * c->credits + 16;)
            c->ring_log2++;
}

void speed_machine_unit(const struct speed_machine *m, struct uiommu_unit_config *unit)
{
    memset(unit, 0, sizeof(*unit));
    unit->size = sizeof(*unit);
    unit->pasids = m->pasids;
    unit->settle_ns = m->config.settle_ns;
}

static uint32_t numbers(const struct speed_machine *m)
{
    return m->config.same_pasids ? m->config.bonds : m->config.bonds * m->config.devices;
}

/* Not speed_now_ns(): callgrind.py tells rounds by its calls. */
static double clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static uiommu_err start(struct speed_machine *m)
{
    struct uiommu_pasid_space_config pasids = {
        .size = sizeof(pasids), .first = 1, .last = (1u << 20) - 1};
    uiommu_err err = uiommu_pasid_space_create(m->u, &pasids, &m->pasids);
    uint32_t i;

    for (i = 0; err == UIOMMU_OK && i < numbers(m); i++)
        err = uiommu_pasid_alloc(m->pasids, NULL, m->config.pasid_bits, &m->pasid[i]);
    m->vendor->reset(m);
    m->start_ns = -clock_ns();
    if (err == UIOMMU_OK)
        err = m->vendor->create(m);
    if (err == UIOMMU_OK)
        err = uiommu_unit_start(m->unit);
    m->start_ns += clock_ns();
    if (err == UIOMMU_OK)
        m->ring = m->vendor->ring(m);
    return err;
}

static uiommu_err attach_one(struct speed_machine *m, uint32_t at, bool plain)
{
    uint32_t id = speed_machine_id(m, at);
    struct uiommu_device_config device = {.size = sizeof(device), .ids = &id, .id_count = 1};
    struct uiommu_port_config port = {.size = sizeof(port), .want = m->config.credits};
    uiommu_err err = UIOMMU_OK;

    port.least = port.want;
    if (!plain) {
        err = uiommu_port_create(m->unit, &port, &m->port[at]);
        device.flags = UIOMMU_DEVICE_PASID | UIOMMU_DEVICE_ATS | UIOMMU_DEVICE_PRI;
        device.pasid_bits = m->config.pasid_bits;
        device.port = m->port[at];
        device.ops = &device_ops;
        device.ats_depth = 32;
    }
    return err != UIOMMU_OK ? err : uiommu_device_attach(m->unit, &device, &m->device[at]);
}

static uiommu_err make_spaces(struct speed_machine *m)
{
    struct uiommu_root root = {.format = m->vendor->root,
                               .granule_bits = 12,
                               .va_bits = 48,
                               .pa_bits = 48,
                               .table = (uintptr_t)m->table};
    struct uiommu_aspace_config config = {
        .size = sizeof(config), .ops = m->config.ops, .roots = &root, .root_count = 1};
    uiommu_err err = UIOMMU_OK;
    uint32_t i;

    config.user = m->config.ops == &space_ops ? (void *)&m->seen : m->config.user;
    for (i = 0; err == UIOMMU_OK && i < m->config.spaces; i++)
        err = uiommu_aspace_create(m->u, &config, &m->space[i]);
    return err;
}

static uiommu_err bind_all(struct speed_machine *m)
{
    struct uiommu_bind_config config = {.size = sizeof(config)};
    uiommu_err err = UIOMMU_OK;
    uint32_t d, b;

    for (d = 0; d < m->config.devices; d++) {
        for (b = 0; err == UIOMMU_OK && b < m->config.bonds; b++) {
            config.pasid = speed_machine_pasid(m, d, b);
            err = uiommu_bind(m->device[d], m->space[config.pasid % m->config.spaces], &config,
                              &m->bond[(size_t)d * m->config.bonds + b]);
        }
    }
    return err;
}

struct speed_machine *speed_machine_open(const struct speed_machine_config *config)
{
    struct speed_machine *m = zeroed(1, sizeof(*m));
    struct speed_machine_config *c = &m->config;
    uiommu_err err;
    uint32_t i;

    m->vendor = vendors[config->vendor];
    *c = *config;
    defaults(c, m->vendor);
    m->device = zeroed((size_t)c->devices + c->plain, sizeof(struct uiommu_device *));
    m->port = zeroed(c->devices, sizeof(struct uiommu_port *));
    m->space = zeroed(c->spaces, sizeof(struct uiommu_aspace *));
    m->bond = zeroed((size_t)c->devices * c->bonds, sizeof(struct uiommu_bond_ref));
    m->pasid = zeroed(numbers(m), sizeof(uint32_t));
    m->table = aligned_alloc(4096, 4096);
    speed_page_open(&m->page);
    m->page.hook = m->vendor->hook;
    m->page.arg = m;
    m->at_once = true;
    m->u = speed_host_create();
    err = start(m);
    for (i = 0; err == UIOMMU_OK && i < c->devices + c->plain; i++)
        err = attach_one(m, i, i >= c->devices);
    if (err == UIOMMU_OK)
        err = make_spaces(m);
    if (err == UIOMMU_OK)
        err = bind_all(m);
    if (err == UIOMMU_OK)
        return m;
    speed_say("%s: no machine: error %d", m->vendor->name, err);
    (void)speed_machine_close(m);
    return NULL;
}

static void undo(uiommu_err err, const char *what, bool *right)
{
    if (err == UIOMMU_OK)
        return;
    if (*right)
        speed_say("%s: error %d", what, err);
    *right = false;
}

static void unbind_all(struct speed_machine *m, bool *right)
{
    size_t i;

    for (i = 0; i < (size_t)m->config.devices * m->config.bonds; i++) {
        if (m->bond[i].generation != 0)
            undo(uiommu_unbind(m->u, m->bond[i], UIOMMU_UNBIND_STOPPED), "unbind", right);
    }
    if (m->unit != NULL && uiommu_unit_service(m->unit, 0) == UIOMMU_MORE) /* they rest no more */
        (void)speed_machine_serve(m);
    for (i = 0; i < m->config.spaces; i++) {
        if (m->space[i] != NULL)
            undo(uiommu_aspace_destroy(m->space[i]), "aspace_destroy", right);
    }
}

static void detach_all(struct speed_machine *m, bool *right)
{
    uint32_t i;

    for (i = m->config.devices + m->config.plain; i-- != 0;) {
        if (m->device[i] != NULL)
            undo(uiommu_device_detach(m->device[i]), "device_detach", right);
        if (i < m->config.devices && m->port[i] != NULL)
            undo(uiommu_port_destroy(m->port[i]), "port_destroy", right);
    }
}

bool speed_machine_close(struct speed_machine *m)
{
    bool right = true;
    uint32_t i;

    if (!m->at_once)
        m->vendor->consume(m);
    m->at_once = true;
    unbind_all(m, &right);
    detach_all(m, &right);
    if (m->unit != NULL) {
        undo(uiommu_unit_stop(m->unit), "unit_stop", &right);
        undo(uiommu_unit_destroy(m->unit), "unit_destroy", &right);
    }
    for (i = 0; i < numbers(m); i++) {
        if (m->pasid[i] != 0)
            undo(uiommu_pasid_put(m->pasids, m->pasid[i]), "pasid_put", &right);
    }
    if (m->pasids != NULL)
        undo(uiommu_pasid_space_destroy(m->pasids), "pasid_space_destroy", &right);
    undo(uiommu_destroy(m->u), "destroy", &right);
    speed_page_close(&m->page);
    free(m->device);
    free(m->port);
    free(m->space);
    free(m->bond);
    free(m->pasid);
    free(m->table);
    free(m);
    return right;
}

uint32_t speed_machine_id(const struct speed_machine *m, uint32_t device)
{
    return (m->config.id_first + device) & 0xffff;
}

uint32_t speed_machine_pasid(const struct speed_machine *m, uint32_t device, uint32_t bond)
{
    return m->pasid[m->config.same_pasids ? bond : device * m->config.bonds + bond];
}

void speed_machine_put(struct speed_machine *m, const struct speed_ask *ask)
{
    uint32_t slot = m->put++ & ((1u << m->config.ring_log2) - 1u);

    m->vendor->ask(m->ring + (size_t)slot * m->vendor->ask_bytes, ask);
    if (ask->last)
        speed_sums_add(&m->asked, ask->id, ask->pasid, ask->index, UIOMMU_CODE_SUCCESS);
}

void speed_machine_ask(struct speed_machine *m, uint32_t device, uint32_t bond, uint32_t index,
                       uint64_t address, bool last)
{
    struct speed_ask ask = {speed_machine_id(m, device), speed_machine_pasid(m, device, bond),
                            index, address, last};

    speed_machine_put(m, &ask);
}

void speed_machine_show(struct speed_machine *m)
{
    uint32_t slots = 1u << (m->config.ring_log2 + m->vendor->wraps);
    uint32_t *tail = (uint32_t *)(void *)(m->page.bytes + m->vendor->tail);

    __atomic_store_n(tail, (m->put & (slots - 1u)) << m->vendor->shift, __ATOMIC_RELEASE);
}

uint32_t speed_machine_room(const struct speed_machine *m)
{
    uint32_t slots = 1u << m->config.ring_log2;
    const uint32_t *head = (const uint32_t *)(const void *)(m->page.bytes + m->vendor->head);
    uint32_t at = __atomic_load_n(head, __ATOMIC_ACQUIRE) >> m->vendor->shift;

    return slots - 1u - ((m->put - at) & (slots - 1u));
}

uint32_t speed_machine_doorbell(const struct speed_machine *m)
{
    const void *at = m->page.bytes + m->vendor->doorbell;

    return __atomic_load_n((const uint32_t *)at, __ATOMIC_ACQUIRE);
}

bool speed_machine_serve(struct speed_machine *m)
{
    uiommu_err err;

    do
        err = uiommu_unit_service(m->unit, 0);
    while (err == UIOMMU_MORE || err == UIOMMU_E_BUSY); /* BUSY: a thread that unbinds is at it */
    return err == UIOMMU_OK;
}

bool speed_machine_check(struct speed_machine *m)
{
    bool right;

    m->vendor->consume(m);
    right = speed_sums_same(&m->asked, &m->got);
    if (right && m->config.ops == &space_ops && !m->config.threads &&
        (m->seen.count != m->asked.count || m->seen.id != m->asked.id ||
         m->seen.pasid != m->asked.pasid)) {
        speed_say("the handler was shown other groups than were asked");
        right = false;
    }
    memset(&m->asked, 0, sizeof(m->asked));
    memset(&m->got, 0, sizeof(m->got));
    memset(&m->seen, 0, sizeof(m->seen));
    return right;
}
