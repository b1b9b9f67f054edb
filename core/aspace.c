/* SPDX-License-Identifier: BSD-2-Clause */
#include "core.h"

/* Address spaces: roots, death, reaping, range invalidation (R11 to R13). */

bool uiommu_is_aspace(const struct uiommu_aspace *as)
{
    return as != NULL && as->magic == UIOMMU_MAGIC_ASPACE;
}

static bool between(uint32_t value, uint32_t least, uint32_t most)
{
    return value >= least && value <= most;
}

static bool one_of(uint32_t value, uint32_t a, uint32_t b, uint32_t c)
{
    return value == a || value == b || value == c;
}

static bool format_valid(enum uiommu_root_format format, uint32_t granule, uint32_t va, uint32_t pa)
{
    switch (format) {
    case UIOMMU_ROOT_AARCH64:
    case UIOMMU_ROOT_AARCH64_STAGE2:
        return one_of(granule, 12, 14, 16) && between(va, 16, 52) && between(pa, 32, 52);
    case UIOMMU_ROOT_X86_64:
        return granule == 12 && (va == 48 || va == 57) && between(pa, 32, 52);
    case UIOMMU_ROOT_RISCV64:
        return granule == 12 && one_of(va, 39, 48, 57) && between(pa, 32, 56);
    case UIOMMU_ROOT_X86_64_STAGE2:
        return granule == 12 && one_of(va, 39, 48, 57) && between(pa, 32, 52);
    case UIOMMU_ROOT_X86_64_LEVELLED:
        return granule == 12 && between(va, 21, 64) && ((va - 12) % 9 == 0 || va == 64) &&
               between(pa, 32, 52);
    case UIOMMU_ROOT_AARCH64_CONTEXT:
        return true; /* the descriptor says */
    default:
        return false;
    }
}

static bool second_stage(enum uiommu_root_format format)
{
    return format == UIOMMU_ROOT_AARCH64_STAGE2 || format == UIOMMU_ROOT_X86_64_STAGE2 ||
           format == UIOMMU_ROOT_X86_64_LEVELLED;
}

static bool root_valid(const struct uiommu_root *root)
{
    const struct uiommu_root_under *under = &root->under;

    if (!format_valid(root->format, root->granule_bits, root->va_bits, root->pa_bits))
        return false;
    if (under->format == 0)
        return root->format != UIOMMU_ROOT_AARCH64_CONTEXT;
    return !second_stage(root->format) && second_stage(under->format) &&
           format_valid(under->format, under->granule_bits, under->va_bits, under->pa_bits);
}

bool uiommu_root_with_pasid(const struct uiommu_root *root)
{
    return root->under.format == 0 && !second_stage(root->format);
}

static uiommu_err roots_copy(struct uiommu_aspace *as, const struct uiommu_aspace_config *config)
{
    uint32_t i, j;

    if (config->roots == NULL || config->root_count == 0 || config->root_count > UIOMMU_ROOTS_MAX)
        return UIOMMU_E_INVALID;
    for (i = 0; i < config->root_count; i++) {
        if (!root_valid(&config->roots[i]))
            return UIOMMU_E_INVALID;
        for (j = 0; j < i; j++) {
            if (config->roots[j].format == config->roots[i].format)
                return UIOMMU_E_INVALID;
        }
        as->roots[i] = config->roots[i];
    }
    as->root_count = config->root_count;
    return UIOMMU_OK;
}

/* Join the owner's list, unless he is dead. */
static uiommu_err owner_join(struct uiommu_aspace *as)
{
    struct uiommu_owner *owner = as->owner;
    uiommu_err err = UIOMMU_OK;
    uintptr_t irq;

    if (owner == NULL)
        return UIOMMU_OK;
    irq = uiommu_lock_take(as->u, &owner->lock);
    if (uiommu_word_load(&owner->dead) != 0) {
        err = UIOMMU_E_DEAD;
    } else {
        as->next = owner->aspaces;
        if (as->next != NULL)
            as->next->prev = as;
        owner->aspaces = as;
        owner->spaces++;
    }
    uiommu_lock_give(as->u, &owner->lock, irq);
    return err;
}

static bool in_use(const struct uiommu_aspace *as)
{
    return uiommu_word_load(&as->refs) != 0 || uiommu_word_load(&as->poisoned) != 0;
}

/* Leave the owner's list, where an exit or a reap of the owner may find and hold the space. */
static bool owner_leave(struct uiommu_aspace *as)
{
    struct uiommu_owner *owner = as->owner;
    uintptr_t irq;

    if (owner == NULL)
        return !in_use(as);
    irq = uiommu_lock_take(as->u, &owner->lock);
    if (in_use(as)) {
        uiommu_lock_give(as->u, &owner->lock, irq);
        return false;
    }
    if (as->prev != NULL)
        as->prev->next = as->next;
    else
        owner->aspaces = as->next;
    if (as->next != NULL)
        as->next->prev = as->prev;
    owner->spaces--;
    uiommu_lock_give(as->u, &owner->lock, irq);
    return true;
}

uiommu_err uiommu_aspace_create(struct uiommu *u, const struct uiommu_aspace_config *config,
                                struct uiommu_aspace **out)
{
    struct uiommu_aspace_config own;
    struct uiommu_aspace *as;
    uiommu_err err;

    if (!uiommu_is_instance(u))
        return UIOMMU_E_HANDLE;
    if (out == NULL || config == NULL ||
        !uiommu_config_copy(&own, sizeof(own), config, config->size, sizeof(size_t)))
        return UIOMMU_E_INVALID;
    if (own.owner != NULL && (!uiommu_is_owner(own.owner) || own.owner->u != u))
        return UIOMMU_E_HANDLE;
    as = (struct uiommu_aspace *)uiommu_heap_get(u, sizeof(*as));
    if (as == NULL)
        return UIOMMU_E_NOMEM;
    as->u = u;
    as->owner = own.owner;
    as->user = own.user;
    err = roots_copy(as, &own);
    if (err == UIOMMU_OK && own.ops != NULL &&
        !uiommu_config_copy(&as->ops, sizeof(as->ops), own.ops, own.ops->size, sizeof(size_t)))
        err = UIOMMU_E_INVALID;
    as->number = uiommu_object_add(u);
    as->magic = UIOMMU_MAGIC_ASPACE;
    if (err == UIOMMU_OK)
        err = owner_join(as);
    if (err != UIOMMU_OK) {
        as->magic = 0;
        uiommu_heap_put(u, as, sizeof(*as));
        uiommu_object_remove(u);
        return err;
    }
    *out = as;
    return UIOMMU_OK;
}

uiommu_err uiommu_aspace_destroy(struct uiommu_aspace *as)
{
    struct uiommu *u;

    if (!uiommu_is_aspace(as))
        return UIOMMU_E_HANDLE;
    u = as->u;
    if (!owner_leave(as))
        return UIOMMU_E_BUSY;
    as->magic = 0;
    uiommu_tags_free(as);
    uiommu_heap_put(u, as, sizeof(*as));
    uiommu_object_remove(u);
    return UIOMMU_OK;
}

uint32_t uiommu_aspace_bonds(const struct uiommu_aspace *as)
{
    return uiommu_is_aspace(as) ? uiommu_word_load(&as->bond_count) : 0;
}

bool uiommu_aspace_leave(struct uiommu_bond *bond)
{
    struct uiommu_aspace *as = bond->as;
    uintptr_t irq;

    if (as == NULL)
        return true;
    irq = uiommu_lock_take(as->u, &as->lock);
    if (bond->exit_pins != 0) {
        uiommu_lock_give(as->u, &as->lock, irq);
        return false;
    }
    if (bond->listed) {
        if (bond->as_prev != NULL)
            bond->as_prev->as_next = bond->as_next;
        else
            as->bonds = bond->as_next;
        if (bond->as_next != NULL)
            bond->as_next->as_prev = bond->as_prev;
        else
            as->bonds_tail = bond->as_prev;
        bond->listed = false;
    }
    if (bond->tag != NULL)
        uiommu_tag_put(as, bond->tag);
    bond->tag = NULL;
    uiommu_lock_give(as->u, &as->lock, irq);
    return true;
}

void uiommu_aspace_unref(struct uiommu_bond *bond, bool poisoned)
{
    struct uiommu_aspace *as = bond->as;
    struct uiommu_unit *unit = bond->dev->unit;
    uintptr_t irq;

    if (as == NULL) {
        if (!poisoned && bond->poisoned_as != NULL)
            uiommu_word_sub(&bond->poisoned_as->poisoned, 1);
        bond->poisoned_as = poisoned ? bond->poisoned_as : NULL;
        return;
    }
    irq = uiommu_lock_take(unit->u, &unit->lock);
    bond->as = NULL;
    uiommu_lock_give(unit->u, &unit->lock, irq);
    if (poisoned) {
        uiommu_word_add(&as->poisoned, 1);
        bond->poisoned_as = as;
    }
    uiommu_word_sub(&as->bond_count, 1);
    uiommu_word_sub(&as->refs, 1);
}

/* Mark it dead and shut its gates, in one critical section with every entry store (R13). */
static void die(struct uiommu_aspace *as)
{
    struct uiommu_bond *bond;
    uint32_t live;
    uintptr_t irq;

    irq = uiommu_lock_take(as->u, &as->lock);
    uiommu_word_store(&as->dead, 1);
    for (bond = as->bonds; bond != NULL; bond = bond->as_next) {
        uiommu_word_or(&bond->gate, UIOMMU_GATE_CLOSED);
        live = UIOMMU_BOND_LIVE;
        if (uiommu_word_cas(&bond->state, &live, UIOMMU_BOND_MM_DEAD))
            uiommu_trace(as->u, bond->dev->unit->number, UIOMMU_TRACE_BOND,
                         (uint64_t)bond->index << 32 | bond->generation,
                         (uint64_t)bond->dev->ids[0].id << 32 | bond->pasid, UIOMMU_BOND_LIVE,
                         UIOMMU_BOND_MM_DEAD);
    }
    uiommu_lock_give(as->u, &as->lock, irq);
}

uiommu_err uiommu_aspace_exit(struct uiommu_aspace *as)
{
    uiommu_err worst = UIOMMU_OK;

    if (!uiommu_is_aspace(as))
        return UIOMMU_E_HANDLE;
    uiommu_word_add(&as->refs, 1);
    uiommu_trace(as->u, 0, UIOMMU_TRACE_ASPACE, as->number, 0, 0, 0);
    die(as);
    if (uiommu_word_load(&as->blocked) == 0) {
        if (uiommu_wave_run(as, UIOMMU_WAVE_BLOCK, NULL) != UIOMMU_OK)
            worst = UIOMMU_E_WITHHELD;
        if (uiommu_wave_run(as, UIOMMU_WAVE_TLB, NULL) != UIOMMU_OK)
            worst = UIOMMU_E_WITHHELD;
        if (uiommu_wave_run(as, UIOMMU_WAVE_DEVICE, NULL) != UIOMMU_OK)
            worst = UIOMMU_E_WITHHELD;
        if (worst == UIOMMU_OK)
            uiommu_word_store(&as->blocked, 1);
    }
    uiommu_trace(as->u, 0, UIOMMU_TRACE_ASPACE, as->number, 1, (uint64_t)(int64_t)worst, 0);
    uiommu_word_sub(&as->refs, 1);
    return worst;
}

/* The next bond of the list behind a serial number, pinned; NULL: none. */
static struct uiommu_bond *bond_after(struct uiommu_aspace *as, uint64_t serial,
                                      struct uiommu_bond_ref *ref)
{
    struct uiommu_bond *bond;
    uintptr_t irq, inner;

    irq = uiommu_lock_take(as->u, &as->lock);
    for (bond = as->bonds; bond != NULL && bond->serial <= serial; bond = bond->as_next)
        ;
    if (bond != NULL) {
        inner = uiommu_lock_take(as->u, &as->u->lock);
        bond->pins++;
        *ref = uiommu_bond_name(bond);
        uiommu_lock_give(as->u, &as->u->lock, inner);
    }
    uiommu_lock_give(as->u, &as->lock, irq);
    return bond;
}

/* Begin to unbind every bond that is still listed; call stop() where that is due. true: some are
 * still at it. */
static bool reap_bonds(struct uiommu_aspace *as)
{
    struct uiommu_bond_ref ref = {0, 0};
    struct uiommu_bond *bond;
    uint64_t serial = 0;
    bool waiting = false;

    while ((bond = bond_after(as, serial, &ref)) != NULL) {
        serial = bond->serial;
        if ((uiommu_word_load(&bond->wants) & UIOMMU_WANT_UNBIND) == 0)
            uiommu_bond_want(bond, UIOMMU_WANT_UNBIND | UIOMMU_WANT_ABORT);
        uiommu_stop_poll(bond, ref);
        uiommu_unit_pump(bond->dev->unit);
        if (uiommu_bond_result(bond) == UIOMMU_PENDING)
            waiting = true;
        uiommu_bond_unpin(bond);
    }
    return waiting;
}

/* What hardware withholds is asked for once more, by all bonds together: one at a time, some would
 * always be at it, and nobody told. */
static void reap_retry(struct uiommu_aspace *as)
{
    struct uiommu_bond_ref ref;
    struct uiommu_bond *bond;
    uint64_t serial = 0;

    while ((bond = bond_after(as, serial, &ref)) != NULL) {
        serial = bond->serial;
        uiommu_bond_want(bond, UIOMMU_WANT_RETRY);
        uiommu_bond_unpin(bond);
    }
}

/* Serve every unit once: bonds past their D2 are in no list of the space any more. */
static void pump_units(struct uiommu *u)
{
    struct uiommu_unit *unit, *best;
    uint32_t number = 0;
    uintptr_t irq;

    for (;;) {
        best = NULL;
        irq = uiommu_lock_take(u, &u->lock);
        for (unit = u->units; unit != NULL; unit = unit->next) {
            if (unit->number > number && (best == NULL || unit->number < best->number))
                best = unit;
        }
        if (best != NULL)
            best->users++; /* keeps it from being destroyed */
        uiommu_lock_give(u, &u->lock, irq);
        if (best == NULL)
            return;
        number = best->number;
        uiommu_unit_pump(best);
        irq = uiommu_lock_take(u, &u->lock);
        best->users--;
        uiommu_lock_give(u, &u->lock, irq);
    }
}

uiommu_err uiommu_aspace_reap(struct uiommu_aspace *as)
{
    bool waiting;
    uint32_t left, listed = 0;
    uintptr_t irq;
    struct uiommu_bond *bond;

    if (!uiommu_is_aspace(as))
        return UIOMMU_E_HANDLE;
    if (uiommu_word_load(&as->dead) == 0)
        return UIOMMU_E_STATE;
    waiting = reap_bonds(as);
    if (uiommu_word_load(&as->bond_count) != 0)
        pump_units(as->u);
    left = uiommu_word_load(&as->bond_count);
    if (left == 0) {
        uiommu_trace(as->u, 0, UIOMMU_TRACE_ASPACE, as->number, 2, 0, 0);
        return uiommu_word_load(&as->poisoned) != 0 ? UIOMMU_E_POISONED : UIOMMU_OK;
    }
    irq = uiommu_lock_take(as->u, &as->lock);
    for (bond = as->bonds; bond != NULL; bond = bond->as_next)
        listed++;
    uiommu_lock_give(as->u, &as->lock, irq);
    if (waiting || listed != left)
        return UIOMMU_PENDING;
    /* All that is left is listed and poisoned: its tables may still be reached. Told first. */
    reap_retry(as);
    return UIOMMU_E_WITHHELD;
}

uiommu_err uiommu_aspace_invalidate(struct uiommu_aspace *as, uint64_t first, uint64_t last,
                                    bool tables)
{
    struct uiommu_range range = {first, last, tables};
    uiommu_err err;

    if (!uiommu_is_aspace(as))
        return UIOMMU_E_HANDLE;
    if (first > last)
        return UIOMMU_E_INVALID;
    uiommu_word_add(&as->refs, 1);
    err = uiommu_wave_run(as, UIOMMU_WAVE_TLB, &range);
    if (uiommu_wave_run(as, UIOMMU_WAVE_DEVICE, &range) != UIOMMU_OK)
        err = UIOMMU_E_WITHHELD;
    uiommu_trace(as->u, 0, UIOMMU_TRACE_INVALIDATE, as->number, first, last,
                 (uint64_t)(int64_t)err);
    uiommu_word_sub(&as->refs, 1);
    return err;
}

/* ---- owners die as their address spaces do ---- */

/* The owner's space with the next higher number, kept from going; NULL: none. */
static struct uiommu_aspace *owner_next(struct uiommu_owner *owner, uint32_t number)
{
    struct uiommu_aspace *as, *best = NULL;
    uintptr_t irq;

    irq = uiommu_lock_take(owner->u, &owner->lock);
    for (as = owner->aspaces; as != NULL; as = as->next) {
        if (as->number > number && (best == NULL || as->number < best->number))
            best = as;
    }
    if (best != NULL)
        uiommu_word_add(&best->refs, 1);
    uiommu_lock_give(owner->u, &owner->lock, irq);
    return best;
}

uiommu_err uiommu_owner_exit(struct uiommu_owner *owner)
{
    struct uiommu_aspace *as;
    uiommu_err worst = UIOMMU_OK;
    uint32_t number = 0;
    uintptr_t irq;

    if (!uiommu_is_owner(owner))
        return UIOMMU_E_HANDLE;
    irq = uiommu_lock_take(owner->u, &owner->lock);
    uiommu_word_store(&owner->dead, 1);
    uiommu_lock_give(owner->u, &owner->lock, irq);
    while ((as = owner_next(owner, number)) != NULL) {
        number = as->number;
        if (uiommu_aspace_exit(as) != UIOMMU_OK)
            worst = UIOMMU_E_WITHHELD;
        uiommu_word_sub(&as->refs, 1);
    }
    return worst;
}

uiommu_err uiommu_owner_reap(struct uiommu_owner *owner)
{
    struct uiommu_aspace *as;
    uiommu_err err, worst = UIOMMU_OK;
    uint32_t number = 0;

    if (!uiommu_is_owner(owner))
        return UIOMMU_E_HANDLE;
    if (uiommu_word_load(&owner->dead) == 0)
        return UIOMMU_E_STATE;
    while ((as = owner_next(owner, number)) != NULL) {
        number = as->number;
        err = uiommu_aspace_reap(as);
        if (err == UIOMMU_PENDING || worst == UIOMMU_OK)
            worst = err;
        else if (worst != UIOMMU_PENDING && err == UIOMMU_E_WITHHELD)
            worst = err;
        uiommu_word_sub(&as->refs, 1);
    }
    return worst;
}

/* ---- validity ---- */

static bool tags_valid(const struct uiommu_aspace *as, uint32_t used)
{
    const struct uiommu_tag *tag;
    uint32_t n = 0, refs = 0;

    for (tag = as->tags; tag != NULL; tag = tag->next) {
        if (n++ == UIOMMU_LISTED || tag->refs == 0 || tag->root >= as->root_count)
            return false;
        refs += tag->refs;
    }
    for (tag = as->spare_tags; tag != NULL; tag = tag->next) {
        if (n++ == UIOMMU_LISTED || tag->refs != 0)
            return false;
    }
    return refs >= used; /* a bind takes its tag before its place in the list */
}

bool uiommu_aspace_valid(const struct uiommu_aspace *as)
{
    const struct uiommu_bond *bond, *prev = NULL;
    uint32_t n = 0, used = 0;
    uint64_t serial = 0;
    bool ok = as->magic == UIOMMU_MAGIC_ASPACE, dead = uiommu_word_load(&as->dead) != 0;

    ok &= as->root_count - 1u < UIOMMU_ROOTS_MAX;
    for (bond = as->bonds; bond != NULL; bond = bond->as_next) {
        if (bond->as != as || bond->as_prev != prev) /* so it is no circle */
            return false;
        n++;
        ok &= bond->listed;
        ok &= bond->serial > serial;
        ok &= !dead | uiommu_gate_closed(bond); /* R13 */
        used += bond->tag != NULL;
        serial = bond->serial;
        prev = bond;
    }
    ok &= prev == as->bonds_tail;
    ok &= serial <= as->next_serial;
    ok &= n <= uiommu_word_load(&as->bond_count);
    ok &= uiommu_word_load(&as->bond_count) <= uiommu_word_load(&as->refs);
    ok &= tags_valid(as, used);
    return ok;
}
