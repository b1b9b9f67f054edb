/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "stress_threads.h"

struct st_slot st_slots[ST_SLOTS];

/* ---- the handler ---- */

static void check_bond(struct st_space *s, const struct uiommu_group *group)
{
    struct uiommu_bond_info info;
    bool known = false;
    uint32_t i;
    uiommu_err err;

    for (i = 0; i < ST_BONDS; i++) {
        uint64_t bond = atomic_load(&s->bond[i]);

        known = known || bond == st_pack(group->bond) || bond == 0;
    }
    st_expect(s->m, ST_OWNER_BOND, known && group->pasid == s->pasid && group->bond_user == s,
              "group of bond %u.%u and PASID %u in space %llu with PASID %u", group->bond.index,
              group->bond.generation, group->pasid, (unsigned long long)s->id, s->pasid);
    err = uiommu_bond_get_info(s->m->u, group->bond, &info);
    st_expect(s->m, ST_OWNER_BOND,
              err == UIOMMU_OK && info.pasid == s->pasid && info.device == group->device,
              "info of the bond of a group: %d, PASID %u", err, info.pasid);
}

static void check_pages(struct st_space *s, const struct uiommu_group *group, bool map)
{
    const struct uiommu_page *page;
    uint32_t n = 0;

    st_lock(s->m);
    for (page = uiommu_group_next_page(group, NULL); page != NULL;
         page = uiommu_group_next_page(group, page)) {
        uint32_t number = (uint32_t)(page->address >> 12 & 0x1FF);

        n++;
        st_expect(s->m, ST_OWNER_PAGE, page->address >> ST_WINDOW_SHIFT == s->id,
                  "space %llu is asked for %#llx", (unsigned long long)s->id,
                  (unsigned long long)page->address);
        if (map) {
            (void)st_map(s->m, &s->tables, number);
        }
    }
    st_unlock(s->m);
    st_expect(s->m, ST_OWNER_PAGE, n == group->pages, "%u pages of %u", n, group->pages);
}

/* What handlers may call besides answering. */
static void meddle(struct st_space *s, const struct uiommu_group *group)
{
    struct machine *m = s->m;
    uiommu_err err;

    if (st_chance(5)) {
        err = uiommu_aspace_exit(s->as);
        atomic_store(&s->dead, true);
        st_expect(m, ST_EXIT, err == UIOMMU_OK || st_luck(m, err), "exit in a handler: %d", err);
    }
    if (st_chance(5)) {
        err = uiommu_unbind_begin(m->u, group->bond, st_chance(500) ? UIOMMU_UNBIND_ABORT : 0);
        st_expect(m, ST_RETURNS, err == UIOMMU_OK, "unbind_begin in a handler: %d", err);
    }
    if (st_chance(5)) {
        err = uiommu_unbind(m->u, group->bond, 0);
        st_expect(m, ST_RETURNS, err == UIOMMU_E_BUSY, "unbind in a handler: %d", err);
    }
}

static uiommu_code answer(struct st_space *s, const struct uiommu_group *group)
{
    struct machine *m = s->m;
    uint32_t dice = st_choose(100);

    if (dice < 50 || s->mood == 0) {
        return UIOMMU_CODE_SUCCESS;
    }
    if (dice < 55) {
        return UIOMMU_CODE_INVALID;
    }
    ST_COUNT(m, pending);
    if (dice < 57) {
        ST_COUNT(m, never);
        return UIOMMU_CODE_PENDING;
    }
    if (dice < 63) {
        uiommu_err err = uiommu_group_respond(group->unit, group->ref, UIOMMU_CODE_SUCCESS);

        st_expect(m, ST_RETURNS, err == UIOMMU_OK || err == UIOMMU_E_STALE || err == UIOMMU_E_DEAD,
                  "answer before the handler has returned: %d", err);
        err = uiommu_group_respond(group->unit, group->ref, UIOMMU_CODE_INVALID);
        st_expect(m, ST_ONCE, err == UIOMMU_E_STALE, "second answer in the handler: %d", err);
        return UIOMMU_CODE_PENDING;
    }
    if (st_answer_later(m, group, dice < 75)) {
        return UIOMMU_CODE_PENDING;
    }
    return UIOMMU_CODE_SUCCESS;
}

static uiommu_code on_fault(void *user, const struct uiommu_group *group)
{
    struct st_space *s = user;
    struct machine *m = s->m;
    uiommu_code code;

    st_expect(m, ST_IRQ, st_me->irq_depth == 0, "a handler with interrupts saved");
    if (!st_expect(m, ST_HANDLER_LIFE, s->magic == ST_MAGIC, "a handler after the end")) {
        return UIOMMU_CODE_INVALID;
    }
    st_me->handlers++;
    ST_COUNT(m, faults);
    check_bond(s, group);
    check_pages(s, group, st_chance(900));
    if (st_chance(100)) {
        st_sleep(st_choose(200) * ST_US);
    }
    meddle(s, group);
    code = answer(s, group);
    st_me->handlers--;
    return code;
}

static void on_orphaned(void *user, struct uiommu_unit *unit, struct uiommu_group_ref ref,
                        enum uiommu_orphan why)
{
    struct st_space *s = user;
    uiommu_err err;

    st_expect(s->m, ST_HANDLER_LIFE, s->magic == ST_MAGIC && (uint32_t)why < 3,
              "an orphan after the end");
    ST_COUNT(s->m, orphans);
    err = uiommu_group_respond(unit, ref, UIOMMU_CODE_SUCCESS);
    st_expect(s->m, ST_ONCE, err == UIOMMU_E_STALE, "answer to an orphan: %d", err);
}

/* ---- make and end ---- */

static void owner_end(struct st_space *s);

struct st_space *st_space_make(struct machine *m, uint32_t pasid)
{
    static const struct uiommu_aspace_ops ops = {sizeof(ops), on_fault, on_orphaned};
    const struct uiommu_owner_config owner = {.size = sizeof(owner)};
    struct st_space *s = calloc(1, sizeof(*s));
    struct uiommu_aspace_config config;
    struct uiommu_root root[ST_FORMATS];
    uiommu_err err;
    uint32_t f;
    bool ok;

    if (s == NULL) {
        return NULL;
    }
    s->magic = ST_MAGIC;
    s->m = m;
    s->id = atomic_fetch_add(&m->next_space, 1) + 1;
    s->pasid = pasid;
    s->mood = st_choose(4);
    st_lock(m);
    ok = st_tables_make(m, &s->tables, s->id);
    st_unlock(m);
    memset(root, 0, sizeof(root));
    for (f = 0; f < m->formats; f++) {
        root[f].format = m->format[f]->format;
        root[f].granule_bits = 12;
        root[f].va_bits = 48;
        root[f].pa_bits = 40;
        root[f].table = s->tables.table[f][0].bus;
    }
    memset(&config, 0, sizeof(config));
    config.size = sizeof(config);
    if (st_chance(250) && uiommu_owner_create(m->u, &owner, &s->owner) != UIOMMU_OK) {
        s->owner = NULL;
    }
    config.owner = s->owner != NULL ? s->owner : m->owner;
    config.ops = &ops;
    config.user = s;
    config.roots = root;
    config.root_count = m->formats;
    err = ok ? uiommu_aspace_create(m->u, &config, &s->as) : UIOMMU_E_NOMEM;
    st_expect(m, ST_RETURNS, err == UIOMMU_OK || st_luck(m, err), "a new address space: %d", err);
    if (err != UIOMMU_OK) {
        st_lock(m);
        st_tables_free(m, &s->tables);
        st_unlock(m);
        owner_end(s);
        free(s);
        return NULL;
    }
    return s;
}

void st_space_exit(struct st_space *s)
{
    struct machine *m = s->m;
    uint64_t began = st_now(m);
    uiommu_err err;

    if (s->owner != NULL) {
        err = uiommu_owner_exit(s->owner);
        ST_COUNT(m, owner_exits);
    } else {
        err = uiommu_aspace_exit(s->as);
        ST_COUNT(m, exits);
    }
    st_in_time(m, began, "exit");
    atomic_store(&s->dead, true);
    st_expect(m, ST_EXIT, err == UIOMMU_OK || st_luck(m, err), "exit: %d", err);
    if (err == UIOMMU_OK) {
        /* R12: tables and pages may go now. */
        st_lock(m);
        st_expect(m, ST_EXIT, !st_tables_used(m, &s->tables),
                  "hardware uses the tables of dead space %llu", (unsigned long long)s->id);
        st_tables_free(m, &s->tables);
        st_unlock(m);
    }
}

/* A device that was taken away is never reset: who unbound asks once more. */
static void ask(struct st_space *s, uint64_t bond, const struct st_device *d)
{
    uiommu_err err;

    if (bond != 0 && atomic_load(&d->leaving)) {
        err = uiommu_unbind_poll(s->m->u, st_ref(bond));
        st_expect(s->m, ST_RETURNS, err == UIOMMU_OK || err == UIOMMU_PENDING || st_luck(s->m, err),
                  "another poll of an unbind: %d", err);
    }
}

static void ask_for_all(struct st_space *s)
{
    uint32_t i;

    for (i = 0; i < ST_BONDS; i++) {
        ask(s, atomic_load(&s->bond[i]), s->device[i]);
    }
    ask(s, s->foreign, s->foreign_device);
}

/* In a rough machine, what cannot be proved now is proved after a reset. */
static bool again(struct st_space *s, uiommu_err err, uint64_t began)
{
    bool waits = err == UIOMMU_PENDING || err == UIOMMU_E_BUSY || st_luck(s->m, err);

    if (!waits || st_now(s->m) > began + 25 * ST_S) {
        return false;
    }
    if (s->m->variant->rough && st_now(s->m) > began + 20 * ST_MS) {
        st_sick(s->m, s);
        ask_for_all(s);
    }
    st_sleep(s->m->variant->rough ? ST_MS : 50 * ST_US);
    return true;
}

static void reap(struct st_space *s)
{
    uint64_t began = st_now(s->m);
    uint64_t call;
    uiommu_err err;

    do {
        st_step("reap");
        call = st_now(s->m);
        err = s->owner != NULL && st_chance(300) ? uiommu_owner_reap(s->owner)
                                                 : uiommu_aspace_reap(s->as);
        st_in_time(s->m, call, "reap");
        if (s->owner != NULL && err == UIOMMU_E_STATE) {
            err = uiommu_aspace_reap(s->as); /* The space died by itself. */
        }
    } while (again(s, err, began));
    st_expect(s->m, s->m->variant->rough ? ST_HEAL : ST_EXIT, err == UIOMMU_OK, "reap: %d", err);
}

static void owner_end(struct st_space *s)
{
    uint64_t began = st_now(s->m);
    uiommu_err err = UIOMMU_OK;

    do {
        st_step("destroy of an owner");
        err = s->owner == NULL ? UIOMMU_OK : uiommu_owner_destroy(s->owner);
    } while (again(s, err, began));
    st_expect(s->m, ST_EXIT, err == UIOMMU_OK, "destroy of an owner: %d", err);
}

void st_space_end(struct st_space *s)
{
    struct machine *m = s->m;
    uint64_t began;
    uiommu_err err;

    if (atomic_load(&s->dead)) {
        reap(s);
    }
    began = st_now(m);
    do {
        st_step("destroy");
        err = uiommu_aspace_destroy(s->as);
    } while (again(s, err, began));
    if (!st_expect(m, m->variant->rough ? ST_HEAL : ST_EXIT, err == UIOMMU_OK,
                   "destroy of a space: %d", err)) {
        return; /* Its memory stays in use. */
    }
    st_lock(m);
    st_expect(m, ST_EXIT, !st_tables_used(m, &s->tables),
              "hardware still uses the tables of space %llu", (unsigned long long)s->id);
    st_tables_free(m, &s->tables);
    st_unlock(m);
    owner_end(s);
    s->magic = 0;
    free(s);
}
