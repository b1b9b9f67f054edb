/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_smmuv3_internal.h"

uint64_t smmu_lag(struct model_smmuv3 *m, uint32_t most)
{
    return 1u + (most > 1 ? model_choose(m->world, most) : 0u);
}

void smmu_later(struct model_smmuv3 *m, uint64_t ns, model_work_fn *fn, uint64_t token)
{
    if (!model_schedule(m->world, ns, fn, m, token)) {
        model_report(m->world, "smmuv3.model.work-table", "no room for scheduled work", token, 0);
    }
}

void smmu_wrong(struct model_smmuv3 *m, const char *rule, const char *text, uint64_t a, uint64_t b)
{
    if (!m->quiet) {
        model_report(m->world, rule, text, a, b);
    }
}

uint32_t smmu_oas_bits(const struct model_smmuv3 *m)
{
    static const uint8_t bits[8] = {32, 36, 40, 42, 44, 48, 52, 52};

    return bits[m->config.oas & 7];
}

/* The widest input of a stage that is bypassed although the stream is not, and of stage 2. */
uint32_t smmu_ias_bits(const struct model_smmuv3 *m)
{
    uint32_t bits = (m->config.ttf & 1) != 0 ? 40 : 0;

    if ((m->config.ttf & 2) != 0 && smmu_oas_bits(m) > bits) {
        bits = smmu_oas_bits(m);
    }
    return bits;
}

/* The CPU's view of memory that software owns, without the side effects of a bus access. */
const uint8_t *smmu_peek(const struct model_smmuv3 *m, uint64_t bus, uint64_t bytes)
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

/* Remember what software or traffic named, as a place for spontaneous fetches. */
void smmu_see(struct model_smmuv3 *m, uint32_t sid, uint32_t ssid)
{
    uint32_t i;

    for (i = 0; i < m->seen_count; i++) {
        if (m->seen_sid[i] == sid && m->seen_ssid[i] == ssid) {
            return;
        }
    }
    i = m->seen_count;
    if (i == SMMU_SEEN) {
        i = model_choose(m->world, SMMU_SEEN);
    } else {
        m->seen_count++;
    }
    m->seen_sid[i] = sid;
    m->seen_ssid[i] = ssid;
}

void model_smmuv3_defaults(struct model_smmuv3_config *config)
{
    memset(config, 0, sizeof(*config));
    config->sid_bits = 16;
    config->ssid_bits = 20;
    config->cmdq_log2 = 8;
    config->eventq_log2 = 7;
    config->priq_log2 = 7;
    config->minor = 2;
    config->stall_model = 0;
    config->stall_max = 16;
    config->httu = 2;
    config->oas = 5;
    config->ttf = 2;
    config->ttendian = 2;
    config->st_level = 1;
    config->bbml = 2;
    config->s1p = true;
    config->cohacc = true;
    config->btm = true;
    config->ats = true;
    config->asid16 = true;
    config->msi = true;
    config->sev = true;
    config->pri = true;
    config->cd2l = true;
    config->ats_rec_err = true;
    config->attr_types_ovr = true;
    config->pps = true;
    config->ril = true;
    config->had = true;
    config->gran4k = true;
    config->gran16k = true;
    config->gran64k = true;
}

void model_smmuv3_default_knobs(struct model_smmuv3_knobs *knobs)
{
    memset(knobs, 0, sizeof(*knobs));
    knobs->register_lag_ns = 2000;
    knobs->command_lag_ns = 300;
    knobs->invalidate_lag_ns = 1500;
    knobs->signal_lag_ns = 500;
    knobs->event_lag_ns = 800;
    knobs->response_lag_ns = 1000;
    knobs->irq_lag_ns = 500;
    knobs->terminate_lag_ns = 1000;
    knobs->fetch_lag_ns = 2000;
    knobs->atc_timeout_ns = 1000000;
    knobs->cons_jump = 300;
    knobs->walk_cache = 500;
    knobs->stage2_grace = 2;
    knobs->no_stall_sid = MODEL_SMMUV3_NONE;
    knobs->after_timeout = MODEL_SMMUV3_FAIL_AGAIN;
}

static uint32_t flag(bool set, unsigned bit)
{
    return set ? (uint32_t)1 << bit : 0;
}

static void fill_idr(struct model_smmuv3 *m)
{
    const struct model_smmuv3_config *c = &m->config;

    m->idr[0] = flag(c->s2p, 0) | flag(c->s1p, 1) | c->ttf << 2 | flag(c->cohacc, 4) |
                flag(c->btm, 5) | c->httu << 6 | flag(c->hyp, 9) | flag(c->ats, 10) |
                flag(c->ns1ats, 11) | flag(c->asid16, 12) | flag(c->msi, 13) | flag(c->sev, 14) |
                flag(c->pri, 16) | flag(c->vmid16, 18) | flag(c->cd2l, 19) | c->ttendian << 21 |
                flag(c->ats_rec_err, 23) | c->stall_model << 24 | flag(c->term_model, 26) |
                c->st_level << 27;
    m->idr[1] = c->sid_bits | c->ssid_bits << 6 | c->priq_log2 << 11 | c->eventq_log2 << 16 |
                c->cmdq_log2 << 21 | flag(c->attr_perms_ovr, 26) | flag(c->attr_types_ovr, 27) |
                flag(c->rel, 28) | flag(c->queues_preset, 29) | flag(c->tables_preset, 30) |
                flag(c->ecmdq, 31);
    m->idr[3] = flag(c->had, 2) | flag(c->pps, 5) | flag(c->stt, 9) | flag(c->ril, 10) |
                c->bbml << 11 | flag(c->xnx, 4) | flag(c->e0pd, 13) | flag(c->pasidtt, 16);
    m->idr[4] = (uint32_t)model_random(m->world);
    m->idr[5] = c->oas | flag(c->gran4k, 4) | flag(c->gran16k, 5) | flag(c->gran64k, 6) |
                c->vax << 10 | (c->stall_model == 1 ? 0 : c->stall_max) << 16;
}

static bool config_possible(const struct model_smmuv3_config *c)
{
    return c->sid_bits <= 32 && c->ssid_bits <= 20 && c->cmdq_log2 <= 19 && c->eventq_log2 <= 19 &&
           c->priq_log2 <= 19 && c->stall_model <= 2 && c->stall_max <= 48 && c->httu <= 3 &&
           c->oas <= 6 && c->vax <= 2 && c->ttf >= 1 && c->ttf <= 3 && c->ttendian <= 3 &&
           c->st_level <= 1 && c->bbml <= 2 && c->minor <= 4 && (c->s1p || c->s2p) &&
           (c->ats || !c->pri) && (c->stall_model == 1 || c->stall_max >= 1) &&
           (c->sid_bits < 7 || c->st_level == 1);
}

/* Everything whose reset value is UNKNOWN holds something different each time. */
static void reset_unknown(struct model_smmuv3 *m)
{
    struct model_world *w = m->world;
    struct smmu_queue *queue[3] = {&m->cmdq, &m->eventq, &m->priq};
    uint32_t mask = m->config.btm ? 7u : 3u;
    unsigned i;

    for (i = 0; i < 3; i++) {
        queue[i]->base = model_random(w) & 0x40FFFFFFFFFFFFFFu;
        queue[i]->prod = (uint32_t)model_random(w) & 0xFFFFFu;
        queue[i]->cons = (uint32_t)model_random(w) & 0xFFFFFu;
        queue[i]->hw = i == 0 ? queue[i]->cons : queue[i]->prod;
        m->msi[i].address = model_random(w) & 0x00FFFFFFFFFFFFFCu;
        m->msi[i].data = (uint32_t)model_random(w);
        m->msi[i].attributes = (uint32_t)model_random(w) & 0x3F;
    }
    if (m->config.msi) {
        m->msi[MODEL_SMMUV3_IRQ_PRIQ].attributes |= (uint32_t)model_random(w) & 0x80000000u;
    }
    m->cmdq.cons |= (uint32_t)model_random(w) & 0x7F000000u;
    m->eventq.prod |= (uint32_t)model_random(w) & 0x80000000u;
    m->eventq.hw = m->eventq.prod;
    m->priq.cons |= (uint32_t)model_random(w) & 0x80000000u;
    m->cr1 = (uint32_t)model_random(w) & 0xFFFu;
    m->cr2 = (uint32_t)model_random(w) & mask;
    m->strtab = model_random(w) & 0x40FFFFFFFFFFFFC0u;
    m->strtab_cfg = (uint32_t)model_random(w) & 0x307FFu;
    m->gbpa = 0x1000u | ((uint32_t)model_random(w) & 0x1Fu);
    if (m->config.starts_enabled) {
        m->cr0.value = 1u << SMMU_SMMUEN | 1u << SMMU_EVENTQEN | 1u << SMMU_CMDQEN;
        m->cr0.effect = m->cr0.value;
        m->cr0.ack = m->cr0.value;
        m->gerror = 1u << SMMU_CMDQ_ERR;
    }
}

/* As it comes out of reset; what it was made of stays. */
static void power_on(struct model_smmuv3 *m)
{
    const struct model_smmuv3_config *config = &m->config;

    m->cmdq = (struct smmu_queue){.entry_log2 = 4, .max_log2 = config->cmdq_log2, .name = "cmdq"};
    m->eventq =
        (struct smmu_queue){.entry_log2 = 5, .max_log2 = config->eventq_log2, .name = "eventq"};
    m->priq = (struct smmu_queue){.entry_log2 = 4, .max_log2 = config->priq_log2, .name = "priq"};
    fill_idr(m);
    reset_unknown(m);
}

void model_smmuv3_power_cycle(struct model_smmuv3 *m)
{
    struct model_world *world = m->world;
    struct model_fabric *fabric = m->fabric;
    struct model_smmuv3_config config = m->config;
    struct model_smmuv3_knobs knobs = m->knobs;
    struct model_smmuv3_counts counts = m->counts;
    uint32_t *hash = m->cmdq_hash;

    memset(m, 0, sizeof(*m));
    memset(hash, 0, sizeof(*hash) << config.cmdq_log2);
    m->world = world;
    m->fabric = fabric;
    m->config = config;
    m->knobs = knobs;
    m->counts = counts;
    m->cmdq_hash = hash;
    power_on(m);
}

struct model_smmuv3 *model_smmuv3_create(struct model_world *world, struct model_fabric *fabric,
                                         const struct model_smmuv3_config *config)
{
    struct model_smmuv3 *m;

    if (!config_possible(config)) {
        return NULL;
    }
    m = model_alloc(world, sizeof(*m), _Alignof(struct model_smmuv3));
    if (m == NULL) {
        return NULL;
    }
    m->world = world;
    m->fabric = fabric;
    m->config = *config;
    model_smmuv3_default_knobs(&m->knobs);
    m->cmdq_hash = model_alloc(world, sizeof(uint32_t) << config->cmdq_log2, sizeof(uint32_t));
    if (m->cmdq_hash == NULL) {
        return NULL;
    }
    power_on(m);
    if (fabric != NULL) {
        model_fabric_attach_iommu(fabric, model_smmuv3_ops(), m);
    }
    return m;
}

const struct model_iommu_ops *model_smmuv3_ops(void)
{
    static const struct model_iommu_ops ops = {
        .dma = smmu_dma,
        .translate = smmu_ats,
        .page_request = smmu_pri_request,
        .invalidate_done = smmu_atc_done,
    };

    return &ops;
}

void model_smmuv3_set_knobs(struct model_smmuv3 *m, const struct model_smmuv3_knobs *knobs)
{
    m->knobs = *knobs;
}

void model_smmuv3_get_knobs(const struct model_smmuv3 *m, struct model_smmuv3_knobs *knobs)
{
    *knobs = m->knobs;
}

const struct model_smmuv3_counts *model_smmuv3_counts(const struct model_smmuv3 *m)
{
    return &m->counts;
}
