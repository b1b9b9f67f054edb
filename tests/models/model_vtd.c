/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_vtd_internal.h"

uint64_t vtd_lag(struct model_vtd *m, uint32_t most)
{
    return 1u + (most > 1 ? model_choose(m->world, most) : 0u);
}

void vtd_later(struct model_vtd *m, uint64_t ns, model_work_fn *fn, uint64_t token)
{
    if (!model_schedule(m->world, ns, fn, m, token)) {
        model_report(m->world, "vtd.model.work-table", "no room for scheduled work", token, 0);
    }
}

void vtd_wrong(struct model_vtd *m, const char *rule, const char *text, uint64_t a, uint64_t b)
{
    model_report(m->world, rule, text, a, b);
}

uint32_t vtd_did_limit(const struct model_vtd *m)
{
    return (uint32_t)1 << (4 + 2 * m->config.nd);
}

void model_vtd_defaults(struct model_vtd_config *config)
{
    memset(config, 0, sizeof(*config));
    config->ver = 0x60;
    config->nd = 6;
    config->sagaw = 0xC;
    config->mgaw = 57;
    config->fro = 0x22;
    config->iro = 0x0F;
    config->sslps = 3;
    config->records = 8;
    config->mamv = 18;
    config->pss = 20;
    config->haw = 52;
    config->mhmv = 15;
    config->device_tags = 16;
    config->zlr = true;
    config->psi = true;
    config->fs1gp = true;
    config->fs5lp = true;
    config->esirtps = true;
    config->esrtps = true;
    config->coherent = true;
    config->qi = true;
    config->dt = true;
    config->ir = true;
    config->eim = true;
    config->pt = true;
    config->sc = true;
    config->nest = true;
    config->prs = true;
    config->srs = true;
    config->nwfs = true;
    config->pasid = true;
    config->dit = true;
    config->pds = true;
    config->smts = true;
    config->ssts = true;
    config->fsts = true;
    config->smpwcs = true;
    config->rps = true;
}

void model_vtd_default_knobs(struct model_vtd_knobs *knobs)
{
    memset(knobs, 0, sizeof(*knobs));
    knobs->register_lag_ns = 2000;
    knobs->fetch_lag_ns = 200;
    knobs->execute_lag_ns = 1500;
    knobs->status_lag_ns = 500;
    knobs->response_lag_ns = 1000;
    knobs->ingress_lag_ns = 300;
    knobs->prq_lag_ns = 800;
    knobs->irq_lag_ns = 500;
    knobs->entry_lag_ns = 2000;
    knobs->device_timeout_ns = 1000000;
    knobs->walk_cache = 500;
    knobs->cm_tag_did0 = true;
    knobs->waits_unordered = true;
    knobs->type3_unordered = true;
    knobs->ite_aborts_all = true;
    knobs->ite_loses_rest = true;
    knobs->late_is_ice = true;
    knobs->ur_is_silence = true;
    knobs->pro_needs_empty = true;
    knobs->scramble_prq = true;
    knobs->strict_stale = true;
}

static uint64_t flag(bool set, unsigned bit)
{
    return set ? (uint64_t)1 << bit : 0;
}

static void fill_capabilities(struct model_vtd *m)
{
    const struct model_vtd_config *c = &m->config;

    m->cap = c->nd | flag(c->rwbf, 4) | flag(c->cm, 7) | (uint64_t)c->sagaw << 8 |
             (uint64_t)(c->mgaw - 1) << 16 | flag(c->zlr, 22) | (uint64_t)c->fro << 24 |
             (uint64_t)c->sslps << 34 | flag(c->psi, 39) | (uint64_t)(c->records - 1) << 40 |
             (c->psi ? (uint64_t)c->mamv << 48 : 0) | (uint64_t)3 << 54 | flag(c->fs1gp, 56) |
             flag(c->ir, 59) | flag(c->fs5lp, 60) | flag(c->esirtps, 62) | flag(c->esrtps, 63);
    m->ecap = flag(c->coherent, 0) | flag(c->qi, 1) | flag(c->dt, 2) | flag(c->ir, 3) |
              flag(c->eim, 4) | flag(c->pt, 6) | flag(c->sc, 7) | (uint64_t)c->iro << 8 |
              (uint64_t)c->mhmv << 20 | flag(c->nest, 26) | flag(c->prs, 29) | flag(c->srs, 31) |
              flag(c->nwfs, 33) | flag(c->eafs, 34) | (c->smts ? (uint64_t)(c->pss - 1) << 35 : 0) |
              flag(c->pasid, 40) | flag(c->dit, 41) | flag(c->pds, 42) | flag(c->smts, 43) |
              flag(c->ssads, 45) | flag(c->ssts, 46) | flag(c->fsts, 47) | flag(c->smpwcs, 48) |
              flag(c->rps, 49) | flag(c->adms, 52) | flag(c->rprivs, 53) | flag(c->ptrs, 56) |
              flag(c->ssirws, 57) | flag(c->sms, 58);
}

/* What one feature needs of another. */
static bool implied(const struct model_vtd_config *c)
{
    bool scalable = c->pasid || c->srs || c->rps || c->smpwcs || c->fsts;

    return (!c->prs || (c->dt && c->smts)) && (!(c->pds || c->dit || c->nwfs) || c->dt) &&
           (!(c->dt || c->smts || c->ir) || c->qi) && (!c->eim || c->ir) &&
           (!scalable || c->smts) && (!c->nest || (c->fsts && c->ssts)) &&
           (!c->ssads || c->smpwcs) && (!c->eafs || (c->fsts && c->smpwcs)) &&
           (!c->sms || c->prs) && (!c->rprivs || c->srs) && (!c->ptrs || (c->dt && c->pasid)) &&
           (!c->ssirws || c->ssts) && (!(c->fs1gp || c->fs5lp) || c->fsts) &&
           (!c->smts || !c->rwbf);
}

static bool possible(const struct model_vtd_config *c)
{
    return implied(c) && c->nd <= 6 && c->sagaw < 16 && c->mgaw >= 30 && c->mgaw <= 64 &&
           c->records >= 1 && c->records <= VTD_RECORDS && c->pss >= 1 && c->pss <= 20 &&
           c->haw >= 32 && c->haw <= 52 && c->mamv < 64 && c->mhmv < 16 && c->device_tags >= 1 &&
           c->device_tags <= VTD_TAGS && (c->sslps == 0 || c->sslps == 1 || c->sslps == 3) &&
           16 * (c->fro + c->records) <= MODEL_VTD_BYTES && 16 * c->iro + 16 <= MODEL_VTD_BYTES &&
           c->fro >= 0x10 && c->iro >= 0x0F && (c->iro < c->fro || c->iro >= c->fro + c->records);
}

/* A previous owner: translation and queue are on, status is stale, a record is pending. */
static void start_enabled(struct model_vtd *m)
{
    m->gsts = (uint32_t)1 << VTD_TES | (uint32_t)1 << VTD_RTPS | (uint32_t)1 << VTD_QIES;
    m->root = (uint64_t)VTD_TTM_SCALABLE << 10 | m->world->ram.base;
    m->rtaddr = m->root;
    m->root_set = true;
    m->iqa = m->world->ram.base | (m->config.smts ? 0x800u : 0u);
    m->iqa_set = true;
    m->iqt = 0x40;
    m->iqh = 0x40;
    m->record[0][1] = (uint64_t)1 << 63 | (uint64_t)0x59 << 32 | 0x208;
    m->fsts = VTD_PFO | VTD_PPF;
    if (m->config.prs) {
        m->prs = VTD_PPR | VTD_PRO;
    }
    m->record_next = 1 % m->config.records;
}

/* As it comes out of reset; what it was made of stays. */
static void power_on(struct model_vtd *m)
{
    unsigned i;

    fill_capabilities(m);
    for (i = 0; i < MODEL_VTD_IRQ_SOURCES; i++) {
        m->event[i].control = (uint32_t)1 << 31;
    }
    if (m->config.starts_enabled) {
        start_enabled(m);
    }
}

void model_vtd_power_cycle(struct model_vtd *m)
{
    struct model_world *world = m->world;
    struct model_fabric *fabric = m->fabric;
    struct model_vtd_config config = m->config;
    struct model_vtd_knobs knobs = m->knobs;
    struct model_vtd_counts counts = m->counts;
    uint32_t *hash = m->slot_hash;

    memset(m, 0, sizeof(*m));
    memset(hash, 0, VTD_SLOTS * sizeof(*hash));
    m->world = world;
    m->fabric = fabric;
    m->config = config;
    m->knobs = knobs;
    m->counts = counts;
    m->slot_hash = hash;
    power_on(m);
}

struct model_vtd *model_vtd_create(struct model_world *world, struct model_fabric *fabric,
                                   const struct model_vtd_config *config)
{
    struct model_vtd *m;

    if (!possible(config)) {
        return NULL;
    }
    m = model_alloc(world, sizeof(*m), _Alignof(struct model_vtd));
    if (m == NULL) {
        return NULL;
    }
    m->slot_hash = model_alloc(world, VTD_SLOTS * sizeof(uint32_t), sizeof(uint32_t));
    if (m->slot_hash == NULL) {
        return NULL;
    }
    m->world = world;
    m->fabric = fabric;
    m->config = *config;
    model_vtd_default_knobs(&m->knobs);
    power_on(m);
    if (fabric != NULL) {
        model_fabric_attach_iommu(fabric, model_vtd_ops(), m);
    }
    return m;
}

const struct model_iommu_ops *model_vtd_ops(void)
{
    static const struct model_iommu_ops ops = {
        .dma = vtd_dma,
        .translate = vtd_ats,
        .page_request = vtd_prq_request,
        .invalidate_done = vtd_device_done,
    };

    return &ops;
}

void model_vtd_set_knobs(struct model_vtd *m, const struct model_vtd_knobs *knobs)
{
    m->knobs = *knobs;
    vtd_iq_kick(m);
}

void model_vtd_get_knobs(const struct model_vtd *m, struct model_vtd_knobs *knobs)
{
    *knobs = m->knobs;
}

const struct model_vtd_counts *model_vtd_counts(const struct model_vtd *m)
{
    return &m->counts;
}
