/* SPDX-License-Identifier: BSD-2-Clause */
#include "play.h"

#include <string.h>

#include "../../core/core.h"

/* The shadow of lives, pages, deadlines; and the handlers, which are where it sees requests. */

#define WORDS     512u
#define INSIDE    127u   /* Steps between looks at the core's own records. */
#define WORK_MOST 40000u /* I25: steps of one service. */
/* I4: the answer's deadline, then room in the command ring, then the way back. */
#define ANSWERED_IN (BENCH_ANSWER + 2 * BENCH_COMMAND + 5 * BENCH_MS)

/* ---- lives ---- */

struct play_life *play_life_of(struct play *p, uint32_t number)
{
    struct play_life *l = &p->life[number % PLAY_LIVES];

    return number != 0 && l->number == number ? l : NULL;
}

uint64_t play_address(const struct play_life *l, uint32_t page)
{
    return (uint64_t)l->number << PLAY_LIFE_SHIFT |
           (uint64_t)(l->d->resets & 15u) << PLAY_RESET_SHIFT | (uint64_t)page << 12;
}

struct play_life *play_life_new(struct play *p, struct play_device *d, struct play_space *s,
                                uint32_t pasid)
{
    struct play_life *l;

    do {
        p->lives++;
        l = &p->life[p->lives % PLAY_LIVES];
    } while (l->number != 0 && l->state != UIOMMU_BOND_FREE);
    p->digest -= l->digest;
    memset(l, 0, sizeof(*l));
    l->number = p->lives;
    l->serial = s->serial;
    l->d = d;
    l->s = s;
    l->pasid = pasid;
    l->resets = d->resets;
    l->impure = d->bad;
    l->state = UIOMMU_BOND_RESERVED;
    p->counts->lives++;
    p->counts->moves[UIOMMU_BOND_FREE][UIOMMU_BOND_RESERVED]++;
    return l;
}

void play_ends(struct play_life *l)
{
    if (!l->ends) {
        l->ends = true;
        l->resets = l->d->resets - l->d->resetting;
    }
}

void play_fresh(struct play *p, uint32_t pasid, uint32_t known)
{
    uint32_t i;

    for (i = 0; i < PLAY_LIVES; i++) {
        const struct play_life *l = &p->life[i];
        struct uiommu_bond_info info;

        if (l->number == 0 || l->pasid != pasid || l->state == UIOMMU_BOND_FREE || l->known == 0 ||
            l->known > known) {
            continue;
        }
        /* Its last moves may not have been told yet, or not quite been made. */
        PLAY_NEED("I2",
                  uiommu_bond_get_info(p->bench->u, l->ref, &info) == UIOMMU_OK &&
                      (info.state == UIOMMU_BOND_FREE || info.state == UIOMMU_BOND_QUARANTINE),
                  "PASID %u is given out, and life %u of it is in state %u", pasid, l->number,
                  l->state);
        if (l->state == UIOMMU_BOND_QUARANTINE && info.state == UIOMMU_BOND_QUARANTINE) {
            play_rested(l, play_now(p));
        }
    }
}

bool play_reaches(const struct play_device *d, uint32_t id, uint32_t pasid)
{
    const struct play_unit *u = play_unit_of(d->p, d->b);

    return !u->busy && d->b->vendor->reaches(d->b, id, pasid);
}

/* ---- pages ---- */

static bool words_are(const uint64_t *at, uint32_t words, uint64_t word)
{
    while (words > 0 && *at == word) {
        at++;
        words--;
    }
    return words == 0;
}

/* Every word of a space's memory says whose it is; devices move nothing else. Where another page
 * was, nothing is mapped before the caches have forgotten that one. */
static bool map(struct play_space *s, uint64_t va)
{
    struct play *p = s->p;
    const struct play_life *l = play_life_of(p, (uint32_t)(va >> PLAY_LIFE_SHIFT));
    uint64_t page = va & ~UINT64_C(4095), *at;
    uint32_t i;

    while (l != NULL && l->leaving == (page | 1)) {
        play_sleep(BENCH_US);
    }
    at = bench_map(p->bench, s->tables, page, UIOMMU_READ | UIOMMU_WRITE);
    if (at == NULL) {
        return false;
    }
    if (at[0] == 0) {
        for (i = 0; i < WORDS; i++) {
            at[i] = s->serial;
        }
        model_ram_clean(p->bench->world, at, 4096);
    }
    return true;
}

/* The piece of a table's that holds a page, taken out of it. */
static bool piece_take(struct bench_tables *t, const void *cpu, struct uiommu_mem *out)
{
    uint32_t i;

    for (i = 0; i < t->pieces; i++) {
        if (t->piece[i].cpu == cpu) {
            *out = t->piece[i];
            t->piece[i] = t->piece[--t->pieces];
            return true;
        }
    }
    return false;
}

void play_unmap(struct play_life *l, uint32_t page, bool free)
{
    struct play_space *s = l->s;
    struct bench *b = s->p->bench;
    uint64_t va = play_address(l, page);
    struct uiommu_mem mem;
    uint64_t *at;
    uiommu_err err;

    if (s->tables->stage == BENCH_NESTED) {
        return;
    }
    at = bench_map(b, s->tables, va, UIOMMU_READ | UIOMMU_WRITE);
    bench_unmap(b, s->tables, va);
    if (at == NULL) {
        return;
    }
    l->leaving = va | 1;
    free = piece_take(s->tables, at, &mem) && free;
    err = uiommu_aspace_invalidate(s->as, va, va + 4095, false);
    l->leaving = 0;
    PLAY_NEED("I21", err == UIOMMU_OK || err == UIOMMU_E_WITHHELD, "invalidate: %d", err);
    /* R17: one that ignores invalidations goes on until a reset: its pages stay. */
    if (err == UIOMMU_OK && free && !l->d->bad && !l->impure) {
        model_ram_invalidate(b->world, at, 4096);
        PLAY_NEED("I1", at[0] == 0 || words_are(at, WORDS, s->serial),
                  "a page of space %u holds words of another one", s->serial);
        model_ram_put(b->world, mem.bus, mem.bytes); /* From here on the models watch it. */
        return;
    }
    s->tables->piece[s->tables->pieces++] = mem;
}

/* ---- handlers ---- */

static void check_page(struct play *p, const struct play_life *l, uint64_t va)
{
    uint32_t number = (uint32_t)(va >> PLAY_LIFE_SHIFT);
    const struct play_life *sent = play_life_of(p, number);

    if (number == l->number || (number == 0 && l->d->spoiled) || play_unit_of(p, l->d->b)->lying ||
        (sent == NULL ? l->d->spoiled : sent->impure)) {
        return;
    }
    PLAY_NEED("I1", false, "life %u (device %u, PASID %u) is asked for what life %u sent",
              l->number, l->d->number, l->pasid, number);
}

/* I23: not more groups have handlers at once than was agreed. */
static void check_caps(const struct play_life *l)
{
    PLAY_NEED("I23", l->cap == 0 || l->running <= l->cap,
              "life %u has %u groups with handlers, and a cap of %u", l->number, l->running,
              l->cap);
    PLAY_NEED("I23", l->d->cap == 0 || l->d->running <= l->d->cap,
              "device %u has %u groups with handlers, and a cap of %u", l->d->number, l->d->running,
              l->d->cap);
}

static struct play_life *check_group(struct play_space *s, const struct uiommu_group *group)
{
    struct play *p = s->p;
    struct play_device *d = uiommu_device_user(group->device);
    struct play_life *l = play_life_of(p, (uint32_t)(uintptr_t)group->bond_user);
    struct play_unit *u = play_unit_of(p, d->b);
    struct play_group *g = &u->group[group->ref.index % PLAY_GROUPS];
    const struct uiommu_page *page = NULL;
    uint32_t pages = 0;

    PLAY_NEED("I1",
              l != NULL && l->s == s && l->serial == s->serial && l->d == d &&
                  l->pasid == group->pasid && !s->gone,
              "space %u is asked on behalf of life %u", s->serial,
              (uint32_t)(uintptr_t)group->bond_user);
    PLAY_NEED("I1", l->state != UIOMMU_BOND_QUARANTINE && l->state != UIOMMU_BOND_FREE && !l->over,
              "a handler is called for life %u, which is over (state %u)", l->number, l->state);
    PLAY_NEED("I3",
              g->state == UIOMMU_TRACE_GROUP_DISPATCHED && g->generation == group->ref.generation &&
                  g->life == 0,
              "a handler is called for a group that is not there");
    for (page = uiommu_group_next_page(group, NULL); page != NULL;
         page = uiommu_group_next_page(group, page)) {
        check_page(p, l, page->address);
        pages++;
    }
    PLAY_NEED("I3", pages == group->pages, "%u pages of %u", pages, group->pages);
    g->life = l->number;
    g->d = d;
    l->running++;
    d->running++;
    check_caps(l);
    return l;
}

/* Answered later, perhaps twice; or never. */
static uiommu_code pend(struct play_space *s, const struct uiommu_group *group)
{
    struct play *p = s->p;
    struct play_later later;

    if (play_strikes(p, PLAY_FATE_HANDLER, 100) && play_chance(500)) {
        return UIOMMU_CODE_PENDING; /* Its deadline answers it. */
    }
    memset(&later, 0, sizeof(later));
    later.due = play_now(p) + play_pick(1500) * BENCH_US;
    if (play_strikes(p, PLAY_FATE_HANDLER, 100)) {
        later.due += BENCH_HANDLER + play_pick(30) * BENCH_MS;
    }
    later.unit = group->unit;
    later.group = group->ref;
    if (!play_later(p, &later)) {
        return UIOMMU_CODE_SUCCESS;
    }
    if (play_chance(50)) {
        (void)play_later(p, &later);
    }
    return UIOMMU_CODE_PENDING;
}

/* What handlers may do besides. */
static void besides(struct play_space *s, struct play_life *l, const struct uiommu_group *group)
{
    struct play *p = s->p;
    uiommu_err err;

    switch (play_pick(64)) {
    case 1:
        err = uiommu_group_respond(group->unit, group->ref, UIOMMU_CODE_INVALID);
        PLAY_NEED("I3", err == UIOMMU_OK || err == UIOMMU_E_STALE || err == UIOMMU_E_DEAD,
                  "respond() in the handler: %d", err);
        break;
    case 2:
        if (play_chance(100) && l->live) {
            play_ends(l);
            err = uiommu_unbind_begin(p->bench->u, group->bond, 0);
            PLAY_NEED("I18", err == UIOMMU_OK, "unbind_begin() in a handler: %d", err);
        }
        break;
    case 3:
        if (play_chance(100)) {
            s->dead = true;
            err = uiommu_aspace_exit(s->as);
            PLAY_NEED("I14", err == UIOMMU_OK || err == UIOMMU_E_WITHHELD,
                      "exit() in a handler: %d", err);
            s->exited = true;
        }
        break;
    default:
        break;
    }
}

uiommu_code play_fault(void *user, const struct uiommu_group *group)
{
    struct play_space *s = user;
    struct play *p = s->p;
    struct play_life *l;
    const struct uiommu_page *page = NULL;
    uiommu_code code = UIOMMU_CODE_SUCCESS;
    uint32_t serial = s->serial, self = sim_self(play_sim);
    uint64_t began = p->steps[self], serves = p->serves[self];

    p->serves[self] = 0; /* I25 is about the library's own steps. */
    s->calls++;
    l = check_group(s, group);
    if (play_chance(30)) {
        code = UIOMMU_CODE_INVALID;
    }
    for (page = uiommu_group_next_page(group, NULL); page != NULL;
         page = uiommu_group_next_page(group, page)) {
        if (code == UIOMMU_CODE_SUCCESS && !map(s, page->address)) {
            code = UIOMMU_CODE_INVALID;
        }
    }
    if (play_chance(100)) {
        play_sleep(play_pick(100) * BENCH_US);
    }
    if (play_strikes(p, PLAY_FATE_HANDLER, 20)) {
        uint64_t until = play_now(p) + play_pick(20) * BENCH_MS;

        p->held_until = until > p->held_until ? until : p->held_until;
        play_sleep(until - play_now(p));
    }
    besides(s, l, group);
    if (code == UIOMMU_CODE_SUCCESS && play_chance(400)) {
        code = pend(s, group);
    }
    PLAY_NEED("R27", s->used && s->serial == serial, "space %u went while one of its handlers ran",
              serial);
    s->calls--;
    p->serves[self] = serves == 0 ? 0 : serves + p->steps[self] - began;
    return code;
}

void play_orphaned(void *user, struct uiommu_unit *unit, struct uiommu_group_ref ref,
                   enum uiommu_orphan why)
{
    struct play_space *s = user;
    struct play *p = s->p;
    const struct bench *b = p->bench;
    const struct play_group *g;

    while (b->unit != unit && b->beside != NULL) {
        b = b->beside;
    }
    g = &play_unit_of(p, b)->group[ref.index % PLAY_GROUPS];
    PLAY_NEED("R27",
              g->generation == ref.generation &&
                  (g->state == UIOMMU_TRACE_GROUP_PENDING || why == UIOMMU_ORPHAN_RESET),
              "a group is orphaned that no handler left pending (%d)", (int)why);
    p->counts->late += why == UIOMMU_ORPHAN_EXPIRED;
}

/* ---- what never may be, looked at every so often ---- */

static void look_device(struct play *p, struct play_device *d, uint64_t now)
{
    const struct play_unit *u = play_unit_of(p, d->b);
    uint64_t since = model_endpoint_oldest(d->ep);
    const struct play_device *port = d->pf != NULL ? d->pf : d;

    if (d->dev == NULL || d->resetting || d->removed || d->ill || d->bad || port->ill ||
        port->bad || u->sick || u->asleep || u->busy || u->hanging) {
        d->calm_since = now;
        return;
    }
    if (since < d->calm_since) {
        since = d->calm_since;
    }
    if (since < p->held_until) { /* R22: handlers run where the unit is served. */
        since = p->held_until;
    }
    PLAY_NEED("I4", p->plan.harsh || since == UINT64_MAX || now < since + ANSWERED_IN,
              "device %u has waited %llu us for an answer", d->number,
              (unsigned long long)((now - since) / BENCH_US));
}

/* Whether the core's own records agree, as often as no lock and no role is taken. */
static void look_inside(struct play *p)
{
    const struct play_unit *u = &p->unit[p->counts->inside++ % p->plan.units];

    PLAY_NEED("valid", u->busy || p->over || uiommu_unit_valid(u->b->unit),
              "the records of unit %u do not agree with each other", u->number);
}

static void look(struct play *p, uint64_t now)
{
    uint64_t lines = (now / 1000000000u + 1) * 16u * p->plan.units;
    uint32_t i;

    p->counts->looks++;
    for (i = 0; i < p->devices; i++) {
        look_device(p, &p->dev[i], now);
    }
    PLAY_NEED("I16", p->bench->log_lines <= lines, "%llu lines of log",
              (unsigned long long)p->bench->log_lines);
}

void play_step(struct sim *s, void *ctx)
{
    struct play *p = ctx;
    uint32_t self = sim_self(s);
    uint64_t now = sim_now(s);

    if (self < SIM_CPUS) {
        p->steps[self]++;
        PLAY_NEED("I25", p->serves[self] == 0 || p->steps[self] - p->serves[self] < WORK_MOST,
                  "a service goes on for %u steps", WORK_MOST);
    }
    if (p->steps_all++ % INSIDE == 0) {
        look_inside(p);
    }
    if (now >= p->next_look) {
        p->next_look = now + PLAY_LOOK;
        look(p, now);
    }
}

bool play_excused(struct sim *s, void *ctx, const char *rule)
{
    static const char *const rules[] = {"vtd.prq.marker-answered", "vtd.prq.response-echo",
                                        "amd.ppr.gn-differs",      "amd.ppr.marker-answered",
                                        "amd.ppr.wrong-pasid",     "amd.ppr.unmatched"};
    const struct play *p = ctx;
    bool any = false;
    uint32_t i;

    (void)s;
    for (i = 0; i < p->plan.units; i++) {
        const struct play_unit *u = &p->unit[i];

        if (u->busy && !u->asleep && strncmp(rule, "vtd.iq.disabled-", 16) == 0) {
            return true;
        }
    }
    for (i = 0; i < p->devices; i++) {
        any |= p->dev[i].spoiled;
    }
    for (i = 0; i < sizeof(rules) / sizeof(rules[0]) && strcmp(rule, rules[i]) != 0; i++) {
    }
    return any && (p->fates >> PLAY_FATE_DEVICE & 1u) != 0 && i < sizeof(rules) / sizeof(rules[0]);
}

void play_honest(struct play *p)
{
    struct model_endpoint_counts counts;
    uint32_t i;

    for (i = 0; i < p->devices; i++) {
        const struct play_device *d = &p->dev[i];

        if (d->ep == NULL) {
            continue;
        }
        model_endpoint_get_counts(d->ep, &counts);
        PLAY_NEED("I3", counts.marker_answers == 0, "a Stop Marker of device %u was answered",
                  d->number);
        PLAY_NEED("I6", counts.ignored <= counts.automatic || d->spoiled,
                  "device %u ignored %llu answers", d->number, (unsigned long long)counts.ignored);
        PLAY_NEED("I3", counts.unexpected == 0 || d->spoiled,
                  "device %u got %llu answers to nothing", d->number,
                  (unsigned long long)counts.unexpected);
        PLAY_NEED("I7", counts.failure <= counts.automatic || d->spoiled,
                  "device %u was told FAILURE", d->number);
    }
}
