/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_amd_internal.h"

uint64_t amd_lag(struct model_amd *m, uint32_t most)
{
    return 1u + (most > 1 ? model_choose(m->world, most) : 0u);
}

void amd_later(struct model_amd *m, uint64_t ns, model_work_fn *fn, uint64_t token)
{
    if (!model_schedule(m->world, ns, fn, m, token)) {
        model_report(m->world, "amd.model.work-table", "no room for scheduled work", token, 0);
    }
}

void amd_wrong(struct model_amd *m, const char *rule, const char *text, uint64_t a, uint64_t b)
{
    model_report(m->world, rule, text, a, b);
}

/* The CPU's view of memory that software owns, without the side effects of a bus access. */
const uint8_t *amd_peek(const struct model_amd *m, uint64_t bus, uint64_t bytes)
{
    const struct model_ram *ram = &m->world->ram;
    uint64_t at = bus - ram->base;

    if (bus < ram->base || at >= ram->bytes || bytes > ram->bytes - at) {
        return NULL;
    }
    if ((ram->pages[at >> MODEL_PAGE_SHIFT].state & MODEL_RAM_GIVEN) == 0) {
        return NULL;
    }
    return ram->cpu + (size_t)at;
}

bool amd_peek64(const struct model_amd *m, uint64_t bus, uint64_t *word)
{
    const uint8_t *at = amd_peek(m, bus, 8);
    unsigned i;

    *word = 0;
    for (i = 0; at != NULL && i < 8; i++) {
        *word |= (uint64_t)at[i] << (8 * i);
    }
    return at != NULL;
}

/* Remember what traffic named, as a place for spontaneous fetches. */
void amd_see(struct model_amd *m, uint32_t id, uint32_t pasid)
{
    uint32_t i;

    for (i = 0; i < m->seen_count; i++) {
        if (m->seen_id[i] == id && m->seen_pasid[i] == pasid) {
            return;
        }
    }
    i = m->seen_count;
    if (i == AMD_SEEN) {
        i = model_choose(m->world, AMD_SEEN);
    } else {
        m->seen_count++;
    }
    m->seen_id[i] = id;
    m->seen_pasid[i] = pasid;
}

void model_amd_defaults(struct model_amd_config *config)
{
    memset(config, 0, sizeof(*config));
    config->hats = 2;
    config->glx = 2;
    config->pas_max = 15;
    config->dual_ppr = 2;
    config->iotlb = true;
    config->prefetch = true;
    config->ppr = true;
    config->xt = true;
    config->nx = true;
    config->gt = true;
    config->ia = true;
    config->ga = true;
    config->ppr_early = true;
    config->ppr_auto = true;
    config->block_markers = true;
    config->gio = true;
    config->eph = true;
    config->late_entries = true;
}

void model_amd_default_knobs(struct model_amd_knobs *knobs)
{
    memset(knobs, 0, sizeof(*knobs));
    knobs->register_lag_ns = 2000;
    knobs->command_lag_ns = 300;
    knobs->invalidate_lag_ns = 1500;
    knobs->complete_lag_ns = 500;
    knobs->event_lag_ns = 800;
    knobs->entry_lag_ns = 1000;
    knobs->response_lag_ns = 1000;
    knobs->irq_lag_ns = 500;
    knobs->walk_cache = 500;
    knobs->gpa_keeps_gva = true;
}

static uint64_t flag(bool set, unsigned bit)
{
    return set ? amd_one(bit) : 0;
}

static void fill_features(struct model_amd *m)
{
    const struct model_amd_config *c = &m->config;

    m->efr = flag(c->prefetch, 0) | flag(c->ppr, 1) | flag(c->xt, 2) | flag(c->nx, 3) |
             flag(c->gt, 4) | flag(c->ia, 6) | flag(c->ga, 7) | (uint64_t)c->hats << 10 |
             (uint64_t)c->gats << 12 | (uint64_t)c->glx << 14 | (uint64_t)c->dual_ppr << 24 |
             flag(c->sats, 31) | (uint64_t)c->pas_max << 32 | flag(c->us, 37) |
             flag(c->ppr_early, 40) | flag(c->ppr_auto, 41) | flag(c->block_markers, 44) |
             flag(c->gio, 48) | flag(c->ha, 49) | flag(c->eph, 50) | flag(c->hd, 52) |
             flag(c->inv_type, 54) | flag(c->snp, 63);
    m->efr2 = flag(c->gcr3_trp, 3) | flag(c->ht_range_ignore, 11);
}

static bool config_possible(const struct model_amd_config *c)
{
    return c->hats <= 3 && c->gats <= 1 && c->glx <= 2 && c->pas_max <= 19 && c->dual_ppr <= 2 &&
           (!c->ppr || c->iotlb);
}

static void found_running(struct model_amd *m)
{
    const struct model_amd_config *c = &m->config;
    unsigned i;

    m->control = c->found_control;
    m->devtab = c->found_devtab;
    m->devtab_set = true;
    m->found = true;
    m->ring[AMD_CMD].base = c->found_cmdbuf;
    m->ring[AMD_EVT].base = c->found_evtlog;
    m->ring[AMD_PPR_A].base = c->found_pprlog;
    for (i = 0; i < AMD_RINGS; i++) {
        m->ring[i].head = 0;
        m->ring[i].tail = 0;
        m->ring[i].base_set = true;
    }
    m->ring[AMD_CMD].run = amd_control(m, AMD_IOMMU_EN) && amd_control(m, AMD_CMD_EN);
    m->ring[AMD_EVT].run = amd_control(m, AMD_IOMMU_EN) && amd_control(m, AMD_EVT_LOG_EN);
    m->ring[AMD_PPR_A].run = amd_control(m, AMD_IOMMU_EN) && amd_control(m, AMD_PPR_LOG_EN);
}

/* As it comes out of reset; what it was made of stays. */
static void power_on(struct model_amd *m)
{
    unsigned i;

    fill_features(m);
    amd_ring_name(m);
    m->active = AMD_PPR_A;
    for (i = 0; i < AMD_RINGS; i++) { /* Where the last owner left them. */
        m->ring[i].head = (uint32_t)model_random(m->world) & 0x7FFF0u;
        m->ring[i].tail = (uint32_t)model_random(m->world) & 0x7FFF0u;
    }
    if (m->config.starts_enabled) {
        found_running(m);
    }
}

void model_amd_power_cycle(struct model_amd *m)
{
    struct model_world *world = m->world;
    struct model_fabric *fabric = m->fabric;
    struct model_amd_config config = m->config;
    struct model_amd_knobs knobs = m->knobs;
    struct model_amd_counts counts = m->counts;
    uint32_t *hash = m->cmd_hash;

    memset(m, 0, sizeof(*m));
    memset(hash, 0, AMD_SLOTS * sizeof(*hash));
    m->world = world;
    m->fabric = fabric;
    m->config = config;
    m->knobs = knobs;
    m->counts = counts;
    m->cmd_hash = hash;
    power_on(m);
}

struct model_amd *model_amd_create(struct model_world *world, struct model_fabric *fabric,
                                   const struct model_amd_config *config)
{
    struct model_amd *m;

    if (!config_possible(config)) {
        return NULL;
    }
    m = model_alloc(world, sizeof(*m), 64);
    if (m == NULL) {
        return NULL;
    }
    m->world = world;
    m->fabric = fabric;
    m->config = *config;
    model_amd_default_knobs(&m->knobs);
    m->cmd_hash = model_alloc(world, AMD_SLOTS * sizeof(uint32_t), 64);
    if (m->cmd_hash == NULL) {
        return NULL;
    }
    power_on(m);
    if (fabric != NULL) {
        model_fabric_attach_iommu(fabric, model_amd_ops(), m);
    }
    return m;
}

void model_amd_found(struct model_amd *m)
{
    m->found = true;
}

void model_amd_set_knobs(struct model_amd *m, const struct model_amd_knobs *knobs)
{
    bool hung = m->knobs.command_hang;

    m->knobs = *knobs;
    if (hung && !knobs->command_hang) {
        amd_cmdq_kick(m);
    }
}

void model_amd_get_knobs(const struct model_amd *m, struct model_amd_knobs *knobs)
{
    *knobs = m->knobs;
}

const struct model_amd_counts *model_amd_counts(const struct model_amd *m)
{
    return &m->counts;
}

const struct model_iommu_ops *model_amd_ops(void)
{
    static const struct model_iommu_ops ops = {.dma = amd_dma,
                                               .translate = amd_ats,
                                               .page_request = amd_ppr_request,
                                               .invalidate_done = amd_atc_done};

    return &ops;
}

/* Class 08 06 00, capability 0x0F: id, type 3, IotlbSup, NpCache, EFRSup; base; range; misc. */
uint32_t model_amd_capability(const struct model_amd *m, uint32_t offset)
{
    if (offset == 0) {
        return 0x080B000Fu | (m->config.iotlb ? 0x01000000u : 0u) |
               (m->config.np_cache ? 0x04000000u : 0u);
    }
    if (offset == 0x10) {
        return 48u << 8 | 48u << 15 | 2u << 5;
    }
    return 0;
}
