/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_CORE_CORE_H
#define UIOMMU_CORE_CORE_H
/*
 * What the files of the core share. Nobody else includes this.
 *
 * Locks, in the order they are taken (docs/DESIGN.md):
 *   (m) unit->control    a sleeping lock of [task] calls: attach, bind, start
 *   (a) aspace->lock     list of bonds, the dead mark, validity of entries
 *   (u) unit->lock       command ring, tables, tickets, slot states, answers
 *   (i) instance->lock   leaf: lists, numbers, bond references
 *   (s) space->lock      leaf: PASIDs
 * (r) is the service role of a unit, which is no lock: whoever finds it taken leaves.
 * (c) is constant after creation, (w) an atomic word.
 */
#include "base.h"
#include "slot.h"

/* ---- port.c, device.c --------------------------------------------------------------------- */

struct uiommu_port {
    uint32_t magic;                     /* (c) */
    struct uiommu_unit *unit;           /* (c) */
    struct uiommu_port_config config;   /* (c) */
    uint32_t credits;                   /* (c) granted */
    struct uiommu_word outstanding;     /* (r) requests in slots; others peek */
    struct uiommu_word groups;          /* (r) slots in use; others peek */
    uint32_t devices;                   /* (m) that use it */
    uint32_t zombies;                   /* (m) that were not attached, but still name it */
    struct uiommu_word on;              /* (w) at the endpoint */
    struct uiommu_word generation;      /* (w) */
    struct uiommu_word failed;          /* (w) FAILURE from now on */
    uint32_t released, released_groups; /* (u) answered while a runner still holds the slot */
};
bool uiommu_is_port(const struct uiommu_port *port);
uint32_t uiommu_port_ledger(const struct uiommu_unit *unit);
/* (r) + (u) */
bool uiommu_port_valid(const struct uiommu_port *port);

#define UIOMMU_IDS_MAX     16u
#define UIOMMU_PRG_INDICES 512u

/* A device ID: what a request is looked up by. */
struct uiommu_id {
    struct uiommu_device *dev;
    uint32_t id;
    uint32_t alias;
};

/* A barrier that several bonds of a device share (R18). */
struct uiommu_barrier {
    uint64_t ticket;
    uint64_t deadline_ns;
    uint32_t begun, done;   /* counts; one runs where they differ */
    uint32_t good;          /* the newest that was done in time and did not fail */
    uint32_t strength;      /* of the one under way, or the newest */
    uint32_t good_strength; /* of the newest good one */
};

enum uiommu_reset_step {
    UIOMMU_RESET_NONE,
    UIOMMU_RESET_BEGUN,   /* entries are dropped */
    UIOMMU_RESET_ASKED,   /* end was called */
    UIOMMU_RESET_BARRIER, /* the unit's barrier runs */
    UIOMMU_RESET_SETTLE,
    UIOMMU_RESET_STAMPED, /* gen_at is known */
    UIOMMU_RESET_FAILED,  /* no barrier: end may be called again */
};

/* Does it answer invalidations of its TLB (R15)? */
enum uiommu_mute {
    UIOMMU_MUTE_NO,
    UIOMMU_MUTE_MAYBE, /* of several behind a ticket that failed or was late: asked alone next */
    UIOMMU_MUTE_LATE,  /* too late alone: the unit may have been at fault, once */
    UIOMMU_MUTE_YES,   /* cut off, not asked before its next reset */
};

struct uiommu_device {
    uint32_t magic;                    /* (c) */
    struct uiommu_unit *unit;          /* (c) */
    void *hw;                          /* (c) the backend's */
    struct uiommu_device *next;        /* (r) of the unit */
    struct uiommu_device *prev;        /* (r) */
    struct uiommu_device *zombie_next; /* (m) */
    struct uiommu_device *due_next;    /* (u) of the unit's list of devices to step */
    bool due;                          /* (u) in that list */
    struct uiommu_port *port;          /* (c) or NULL */
    struct uiommu_device_ops ops;      /* (c) */
    void *ops_ctx;                     /* (c) */
    void *user;                        /* (c) */
    uint32_t flags;                    /* (c) */
    uint32_t pasid_bits;               /* (c) */
    uint32_t cap;                      /* (c) groups with handlers at once */
    uint32_t id_count;                 /* (c) */
    uint32_t bonds;                    /* (u) in any state */
    uint32_t running;                  /* (u) groups with handlers */
    uint32_t violations;               /* (r) */
    struct uiommu_word resweep;        /* (w) a group of an older generation was left pending */
    uint32_t detach_step;              /* (m) */
    struct uiommu_word state;          /* (w) enum uiommu_device_state */
    struct uiommu_word generation;     /* (w) */
    bool pasid_required;               /* (m) written while no bond exists or in reset */
    struct uiommu_word ats_on;         /* (w) at the endpoint */
    struct uiommu_word shut;           /* (w) its entry refuses everything, proved by a ticket */
    struct uiommu_word mute;           /* (w) enum uiommu_mute */
    uint32_t program_serial;           /* (u) writes of its entry */
    bool pri_on, pasid_on;             /* (m) at the endpoint */
    uint32_t isolate_step;             /* (r) of cutting it off in hardware */
    uint64_t isolate_ticket;           /* (r) */
    bool isolate_air, isolate_more;    /* (r) */
    bool isolating;                    /* (r) it is not yet done */
    uint32_t swept_generation;         /* (r) nothing of an older one is left */
    struct uiommu_word reset_step;     /* (w) enum uiommu_reset_step */
    uint32_t reset_barrier;            /* (r) */
    uint64_t reset_until_ns;           /* (r) */
    uint64_t detach_until_ns;          /* (m) */
    uint64_t gen_at[UIOMMU_RINGS];     /* (r) entries below are of before the reset */
    struct uiommu_barrier barrier;     /* (r) */
    struct uiommu_radix pasids;        /* PASID -> struct uiommu_bond; or a mark, see bond.c */
    struct uiommu_slot untagged;       /* bond without PASID */
    struct uiommu_slot index_map;      /* (r) uint32_t [alias][PRG index] -> slot + 1; with bonds */
    struct uiommu_device_counters counters; /* (r), answers (u) */
    struct uiommu_id ids[UIOMMU_IDS_MAX];   /* (c) */
};
bool uiommu_is_device(const struct uiommu_device *dev);
/* In any state. */
uint32_t uiommu_device_bonds(const struct uiommu_device *dev);
/* (r) One more protocol violation; isolates the device at the limit. */
void uiommu_device_violation(struct uiommu_device *dev);
/* Any lock but (u). Cut the device off: event and state now, hardware as the role goes on. */
void uiommu_device_isolate(struct uiommu_device *dev);
/* mute.c. Any lock but (u). It was one of those in front of a ticket that failed or was late. */
void uiommu_mute_suspect(struct uiommu_device *dev);
/* Is it known to be, and would it be asked? [any] */
bool uiommu_mute(const struct uiommu_device *dev);
/* What asking it alone came to: OK; TIMEOUT: not known yet; HW: it is mute, and cut off. */
uiommu_err uiommu_mute_judge(struct uiommu_device *dev, uiommu_err err);
/* Is it there? Without the op: yes. */
bool uiommu_device_present(const struct uiommu_device *dev);
/* Does it have a device TLB that can be asked to invalidate? */
bool uiommu_device_reachable(const struct uiommu_device *dev);
/* (m) Before its first bond: room for what its PRG indices name. */
uiommu_err uiommu_device_index(struct uiommu_device *dev);
/* (u) Tell one that was reachable to forget a PASID's translations. BUSY: no room now. */
uiommu_err uiommu_device_forget(struct uiommu_device *dev, uint32_t pasid,
                                const struct uiommu_range *range);
/* (m) Write the device's entry, in steps, waiting. */
uiommu_err uiommu_device_program(struct uiommu_device *dev, uint32_t flags, uint64_t ns);
/* (m) Switch PASID, ATS and PRI on at the endpoint, in order. */
uiommu_err uiommu_device_enable(struct uiommu_device *dev);
/* (u) The device has something to do: the next round steps it. */
void uiommu_device_due(struct uiommu_device *dev);
/* (u) It goes. */
void uiommu_device_undue(struct uiommu_device *dev);
/* (r) Step every device that is due. */
void uiommu_resets_step(struct uiommu_unit *unit);
/* (r) When the next of them has something to do. */
uint64_t uiommu_resets_deadline(struct uiommu_unit *unit);
/* (r) Steps of a reset. */
void uiommu_reset_step(struct uiommu_device *dev);
uint64_t uiommu_reset_deadline(const struct uiommu_device *dev, uint64_t now);
/* (r) barrier.c: the number to ask for; OK done, PENDING, HW failed. */
uint32_t uiommu_barrier_next(const struct uiommu_device *dev);
uiommu_err uiommu_barrier_step(struct uiommu_device *dev, uint32_t pasid, uint32_t need);
bool uiommu_barrier_valid(const struct uiommu_barrier *barrier);
/* (r) Of one in the unit's list. */
bool uiommu_device_valid(const struct uiommu_device *dev);

/* ---- bond.c, drain.c, bind.c --------------------------------------------------------------- */

#define UIOMMU_GATE_CLOSED 1u

/* Shutdown machine (r). The order is the order of the steps. */
enum uiommu_phase {
    UIOMMU_PHASE_NONE,
    UIOMMU_PHASE_STOP,
    UIOMMU_PHASE_SWEEP,
    UIOMMU_PHASE_SWEEP_SETTLE,
    UIOMMU_PHASE_SWEEP_CONSUME,
    UIOMMU_PHASE_D1,
    UIOMMU_PHASE_D2_CONFIG,
    UIOMMU_PHASE_D2_TLB,
    UIOMMU_PHASE_D2_ALONE, /* it waits until the device can be asked alone (R15) */
    UIOMMU_PHASE_D2_DEVICE,
    UIOMMU_PHASE_D2_PINNED,
    UIOMMU_PHASE_D3,
    UIOMMU_PHASE_D4,
    UIOMMU_PHASE_SETTLE,
    UIOMMU_PHASE_D5,
    UIOMMU_PHASE_D6,
    UIOMMU_PHASE_REST,
    UIOMMU_PHASE_REST_CONSUME,
    UIOMMU_PHASE_POISONED,
    UIOMMU_PHASE_END,
};

/* What was asked of a bond from outside; (w) bits. */
#define UIOMMU_WANT_UNBIND  0x01u
#define UIOMMU_WANT_ABORT   0x02u
#define UIOMMU_WANT_STOPPED 0x04u  /* the driver's word */
#define UIOMMU_WANT_RESET   0x08u  /* a reset gave its proofs */
#define UIOMMU_WANT_RESTART 0x10u  /* a restart of the unit gave its proofs */
#define UIOMMU_WANT_CALL    0x20u  /* stop() is to be called by whoever polls next */
#define UIOMMU_WANT_CALLED  0x40u  /* stop() was called */
#define UIOMMU_WANT_RETRY   0x80u  /* re-issue what failed */
#define UIOMMU_WANT_POLLED  0x100u /* whoever would call stop() is here */
#define UIOMMU_WANT_TOLD    0x200u /* stop() has returned, or its end as POISONED is known */

/* What each request touches lies in the first two lines, then its counters. */
struct uiommu_bond {
    struct uiommu_word gate;         /* (w) UIOMMU_GATE_CLOSED or 0 */
    struct uiommu_word came;         /* (r) complete groups, ever; others peek */
    struct uiommu_word went;         /* (u) of them so many are answered */
    uint32_t index;                  /* (c) of the slot in instance->bonds */
    uint32_t generation;             /* (i) */
    uint32_t cap;                    /* (c) */
    struct uiommu_device *dev;       /* (c) in a life */
    struct uiommu_aspace *as;        /* (u) NULL once left */
    struct uiommu_owner *owner;      /* (c) charged for it */
    void *user;                      /* (c) */
    uint32_t running;                /* (u) groups with handlers */
    uint32_t open;                   /* (r) partial groups */
    uint64_t open_at[UIOMMU_RINGS];  /* (r) the life begins */
    struct uiommu_bond *ready_next;  /* (r) circular list of bonds with READY groups */
    uint32_t ready_head, ready_tail; /* (r) */
    bool ready_listed;               /* (r) */
    bool marker;                     /* (r) a marker of this life counted */
    bool closing;                    /* (r) close_at is known: later requests are late */
    bool stop_listed;                /* (u) */
    uint32_t pasid;                  /* (c) */
    struct uiommu_bond_counters counters;
    /* names */
    uint32_t pins;                         /* (i) references that keep it from being freed */
    uint32_t exit_pins;                    /* (a) exits and invalidations that may store or wait */
    struct uiommu_bond *next_free;         /* (i) */
    struct uiommu *u;                      /* (c) */
    struct uiommu_bond *as_next, *as_prev; /* (a) */
    uint64_t serial;                       /* (a) place in the space's list */
    struct uiommu_slot *where;             /* (c) the slot in dev->pasids, or &dev->untagged */
    struct uiommu_word state;              /* (w) enum uiommu_bond_state, written by (r) and bind */
    struct uiommu_word wants;              /* (w) */
    bool valid;                            /* (a)+(u) the entry may be valid */
    bool listed;                           /* (a) in the space's list */
    bool freed;                            /* (i) over; the slot waits for its pins */
    struct uiommu_tag *tag;                /* (a) */
    struct uiommu_aspace *tag_of;          /* (c) */
    struct uiommu_aspace *poisoned_as;     /* (r) counted in its poisoned */
    bool holds_pasid;                      /* (c) */
    /* lives */
    uint64_t close_at[UIOMMU_RINGS]; /* (r) */
    uint64_t rest_at[UIOMMU_RINGS];  /* (r) end of the quarantine */
    bool stamped;                    /* (r) open_at is known */
    bool late;                       /* (r) one came */
    uint8_t late_rounds;             /* (r) */
    bool stop_by_marker;             /* (r) nobody else confirmed the stop */
    uint32_t marker_generation;      /* (r) of the device, when the marker came */
    bool markers_ok;                 /* (r) no earlier life ended without its marker */
    /* shutdown */
    struct uiommu_bond *stop_next;    /* (u) the unit's list of bonds to step */
    bool making;                      /* (u) its bind is still at it: not to be stepped */
    uint8_t phase;                    /* (r) enum uiommu_phase */
    bool entered;                     /* (r) the phase's first step was done */
    bool counted_stop;                /* (r) counts against the marker reserve */
    bool stop_confirmed;              /* (r) */
    bool reset_proof;                 /* (r) D3, D4 were a reset's */
    bool overflow_round;              /* (r) D3 was repeated for an overflow */
    bool twice;                       /* (r) the second D3 runs or ran */
    bool proved;                      /* (r) the barrier proves by itself */
    bool absent;                      /* (r) the device was not there when last asked */
    bool in_air;                      /* (r) the phase's ticket or barrier is under way */
    bool again;                       /* (r) D2: configuration or IOTLB failed once */
    bool reported;                    /* (r) poisoned event was sent */
    uint32_t barrier_need;            /* (r) */
    uint32_t rounds;                  /* (r) D3 rounds */
    struct uiommu_word shown;         /* (w) what uiommu_bond_get_info() tells of (r) */
    uint32_t overflows[UIOMMU_RINGS]; /* (r) acknowledges at D3's begin */
    uint32_t looked;                  /* (r) the unit's looks when D3's barrier had ended */
    struct uiommu_word missing;       /* (w) UIOMMU_PROOF_* written by (r) */
    uint64_t ticket;                  /* (r) */
    uint64_t until_ns;                /* (r) settle or deadline of the phase */
    uint64_t stop_until_ns;           /* (r) STOP, however often it begins again */
    uint64_t drain_until_ns;          /* (r) D3 to D6 */
};
static inline uint32_t uiommu_bond_state(const struct uiommu_bond *bond)
{
    return uiommu_word_load(&bond->state);
}
/* Complete groups not answered: exact for (r), else perhaps some too many. */
static inline uint32_t uiommu_gate_count(const struct uiommu_bond *bond)
{
    uint32_t went = uiommu_word_load(&bond->went); /* first: who went had come */

    return uiommu_word_load(&bond->came) - went;
}
static inline bool uiommu_gate_closed(const struct uiommu_bond *bond)
{
    return uiommu_word_load(&bond->gate) != 0;
}
/* (r) Pin for one group, unless closed. Whoever decides by the count has the role, too. */
static inline bool uiommu_gate_enter(struct uiommu_bond *bond)
{
    if (uiommu_gate_closed(bond))
        return false;
    uiommu_word_poke(&bond->came, uiommu_word_peek(&bond->came) + 1);
    return true;
}
/* (u) The bond may be gone afterwards. */
static inline void uiommu_gate_leave(struct uiommu_bond *bond)
{
    uint32_t went = uiommu_word_peek(&bond->went);

    UIOMMU_ASSERT("D6", uiommu_word_peek(&bond->came) != went);
    uiommu_word_store(&bond->went, went + 1);
}
void uiommu_bond_set_state(struct uiommu_bond *bond, enum uiommu_bond_state state);
/* Of a bond that is not over; (u) for the count to be exact. */
bool uiommu_gate_valid(const struct uiommu_bond *bond);
/* (r) + (u) Of a bond that its bind has let go of. */
bool uiommu_bond_valid(const struct uiommu_bond *bond);
/* The bond a reference names, pinned. HANDLE: never was; STALE: gone. */
uiommu_err uiommu_bond_pin(struct uiommu *u, struct uiommu_bond_ref ref, struct uiommu_bond **out);
void uiommu_bond_unpin(struct uiommu_bond *bond);
uiommu_err uiommu_bond_alloc(struct uiommu *u, struct uiommu_bond **out);
/* (r) or a bind that failed: the life is over; the slot may be used again once unpinned. */
void uiommu_bond_free(struct uiommu_bond *bond);
static inline struct uiommu_bond_ref uiommu_bond_name(const struct uiommu_bond *bond)
{
    struct uiommu_bond_ref ref = {bond->index, bond->generation};

    return ref;
}
/* The bond of a PASID on a device, or NULL; a mark is none. (r) */
static inline struct uiommu_bond *uiommu_bond_find(const struct uiommu_device *dev, uint32_t pasid)
{
    void *value = pasid == UIOMMU_PASID_NONE ? uiommu_slot_load(&dev->untagged)
                                             : uiommu_radix_get(&dev->pasids, pasid);

    return ((uintptr_t)value & 1u) != 0 ? NULL : (struct uiommu_bond *)value;
}
/* What a request needs of it. */
static inline void uiommu_bond_prefetch(const struct uiommu_bond *bond)
{
    uiommu_prefetch(bond);
    uiommu_prefetch(&bond->open_at);
    uiommu_prefetch(&bond->counters);
}
bool uiommu_bond_markers_ok(const struct uiommu_device *dev, const struct uiommu_slot *where);
/* Ask the unit to step the bond. Any context, no lock. */
void uiommu_bond_want(struct uiommu_bond *bond, uint32_t wants);
/* Its bind is over, whatever was wanted meanwhile begins. The bond may be gone afterwards. */
void uiommu_bond_made(struct uiommu_bond *bond, uint32_t wants);
/* (r) Step every bond on the unit's list; true: something may go on without waiting. */
bool uiommu_drain_step_all(struct uiommu_unit *unit);
/* (r) Earliest time at which a step has something to do. */
uint64_t uiommu_drain_deadline(struct uiommu_unit *unit);
/* (r) A bond's D1..D6 helpers that assemble.c tells about. */
void uiommu_drain_late(struct uiommu_bond *bond);
/* (r) What uiommu_bond_get_info() tells. */
void uiommu_bond_show(struct uiommu_bond *bond);
/* (r) A request came behind the bond's Stop Marker: what was built on that falls. */
void uiommu_drain_unmark(struct uiommu_bond *bond);
/* (r) The device changed generation: drains under way and markers of before count for nothing. */
void uiommu_drain_reset(struct uiommu_device *dev);
/* The reset of the device is over: bonds that are going get its proofs. No lock. */
void uiommu_bonds_reset(struct uiommu_device *dev);

/* ---- aspace.c, wave.c --------------------------------------------------------------------- */

/* A cache tag (ASID, DomainID, PSCID): one per (unit, address space), or per device. */
struct uiommu_tag {
    struct uiommu_tag *next;   /* (a) */
    struct uiommu_unit *unit;  /* (c) */
    struct uiommu_device *dev; /* (c) where tags are per device */
    uint32_t value;            /* (c) */
    uint32_t refs;             /* (a) bonds before the end of their D2 */
    uint64_t serial;           /* (a) */
    uint32_t root;             /* (c) index into roots */
};
/* (u) A tag of a unit, oldest first; false: none. */
bool uiommu_tag_take(struct uiommu_unit *unit, uint32_t *out);
void uiommu_tag_give(struct uiommu_unit *unit, uint32_t tag);
/* [task] The space's tag on the bond's unit, one reference more; NULL: *err says why. */
uiommu_err uiommu_tag_get(struct uiommu_aspace *as, struct uiommu_device *dev, uint32_t root,
                          struct uiommu_tag **out);
/* (a) One reference less; a record that nobody needs waits for uiommu_tags_free(). */
void uiommu_tag_put(struct uiommu_aspace *as, struct uiommu_tag *tag);
/* [task] The space goes: its spare records, too. */
void uiommu_tags_free(struct uiommu_aspace *as);
/* (u) */
bool uiommu_unit_tags_valid(const struct uiommu_unit *unit);
#define UIOMMU_ROOTS_MAX 4u
struct uiommu_aspace {
    uint32_t magic;                             /* (c) */
    uint32_t number;                            /* (c) */
    struct uiommu *u;                           /* (c) */
    struct uiommu_owner *owner;                 /* (c) */
    struct uiommu_aspace *next, *prev;          /* owner's lock */
    struct uiommu_aspace_ops ops;               /* (c) */
    void *user;                                 /* (c) */
    struct uiommu_root roots[UIOMMU_ROOTS_MAX]; /* (c) */
    uint32_t root_count;                        /* (c) */
    struct uiommu_lock lock;                    /* (a) */
    struct uiommu_bond *bonds, *bonds_tail;     /* (a) until D2 is proved */
    struct uiommu_tag *tags;                    /* (a) */
    struct uiommu_tag *spare_tags;              /* (a) records without a tag */
    uint64_t next_serial;                       /* (a) */
    struct uiommu_word dead;                    /* (w) written under (a) */
    struct uiommu_word refs;       /* (w) bonds that still name it, and calls under way */
    struct uiommu_word bond_count; /* (w) bonds that still name it */
    struct uiommu_word poisoned;   /* (w) bonds that no longer name it but are withheld */
    struct uiommu_word blocked;    /* (w) an exit has returned OK */
};
bool uiommu_is_aspace(const struct uiommu_aspace *as);
/* (a) */
bool uiommu_aspace_valid(const struct uiommu_aspace *as);
/* Can a PASID have it? Second stages and nested roots are for untagged traffic. */
bool uiommu_root_with_pasid(const struct uiommu_root *root);
/* D2 is proved, or the life ended: leave the space's list. No lock. */
bool uiommu_aspace_leave(struct uiommu_bond *bond); /* false: an exit still has it (R11) */
/* The bond names the space no longer. No lock. */
void uiommu_aspace_unref(struct uiommu_bond *bond, bool poisoned);
/* Serves the unit, and calls stop() if that is due now. [task], no lock, no role. */
void uiommu_stop_poll(struct uiommu_bond *bond, struct uiommu_bond_ref ref);
/* What an unbind of it would return now. */
uiommu_err uiommu_bond_result(const struct uiommu_bond *bond);
/* Hold no lock. What a wave invalidates. */
enum uiommu_wave {
    UIOMMU_WAVE_BLOCK,  /* make entries refuse quietly, drop cached configuration */
    UIOMMU_WAVE_TLB,    /* IOTLB by tag */
    UIOMMU_WAVE_DEVICE, /* device TLBs */
};
/* Over all bonds of the space: OK, or WITHHELD with culprits isolated. */
uiommu_err uiommu_wave_run(struct uiommu_aspace *as, enum uiommu_wave wave,
                           const struct uiommu_range *range);
/* (m) A device that could be neither attached nor shut out: try again. OK: none is left. */
uiommu_err uiommu_zombies_retry(struct uiommu_unit *unit);
/* Let push() put commands under (u), put a ticket behind them and wait for it; no lock held. */
uiommu_err uiommu_commands_wait(struct uiommu_unit *unit,
                                uiommu_err (*push)(struct uiommu_unit *unit, void *arg), void *arg,
                                uint64_t ns);
/* Wait for a ticket, no lock held: OK, HW, TIMEOUT. */
uiommu_err uiommu_ticket_wait(struct uiommu_unit *unit, uint64_t ticket, uint64_t ns);
/* (u) A ticket behind everything so far. */
uiommu_err uiommu_ticket_push(struct uiommu_unit *unit, uint64_t *out);
/* A ticket was not done in time. */
void uiommu_unit_hangs(struct uiommu_unit *unit, uint64_t ticket);
/* Any lock but (u). A ticket, or room for one, was waited for so long in vain. */
void uiommu_unit_late(struct uiommu_unit *unit, uint64_t ticket, uint64_t ns);
/* (u) Ask for it. */
uiommu_err uiommu_ticket_poll(struct uiommu_unit *unit, uint64_t ticket);

/* ---- event.c ------------------------------------------------------------------------------ */

struct uiommu_events {
    struct uiommu_event *ring; /* (c) */
    uint32_t size;             /* (c) power of two */
    struct uiommu_lock lock;   /* leaf */
    uint32_t head, tail;       /* lock */
    uint32_t lost;             /* lock: since the last EVENTS_LOST was taken */
};
/* Any lock. What a device can cause at will leaves a quarter of the ring to the library. */
/* false: no room, it is one of those lost. */
bool uiommu_event_put(struct uiommu_unit *unit, const struct uiommu_event *event, bool by_device);
/* So many more are lost. */
void uiommu_events_lose(struct uiommu_unit *unit, uint32_t count);
bool uiommu_event_device(struct uiommu_device *dev, enum uiommu_event_kind kind, uint32_t pasid,
                         uint32_t count);
/* The device goes: events keep its number only. */
void uiommu_event_forget(const struct uiommu_device *dev);
/* Its lock. */
bool uiommu_events_valid(const struct uiommu_events *events);

/* ---- unit.c, role.c, service.c, answer.c, assemble.c ---------------------------------------- */

#define UIOMMU_ROLE_TAKEN 0x1u
#define UIOMMU_ROLE_AGAIN 0x2u

#define UIOMMU_BATCH 64u
/* How soon to look again where only hardware can make room. */
#define UIOMMU_RETRY_NS UINT64_C(100000)
#define UIOMMU_RUNNERS  4u
#define UIOMMU_RUN      16u /* answers of handlers go out in batches of so many */
/* A context that is inside a handler or a callback. */
struct uiommu_caller {
    struct uiommu_word busy; /* (w) 2: self is known */
    struct uiommu_slot self; /* (w) who; NULL: unknown */
};
/* One that calls handlers. */
struct uiommu_runner {
    struct uiommu_caller caller;
    uint32_t count;                          /* of the following */
    uint32_t slot[UIOMMU_BATCH];             /* picked groups */
    uint32_t token[UIOMMU_BATCH];            /* the state each was picked with; 0: an orphan */
    uint8_t code[UIOMMU_BATCH];              /* what their handlers said; NONE: no longer ours */
    bool called[UIOMMU_BATCH];               /* their handlers were called */
    struct uiommu_word done;                 /* (w) so many are through */
    uint32_t sent;                           /* (u) of them so many were let go */
    struct uiommu_answer answer[UIOMMU_RUN]; /* being sent */
};
/* An answer without a slot. */
struct uiommu_out {
    struct uiommu_answer answer[UIOMMU_BATCH]; /* (r) */
    struct uiommu_device *dev[UIOMMU_BATCH];   /* (r) or NULL */
    uint32_t generation[UIOMMU_BATCH];         /* (r) of dev */
    uint32_t count;                            /* (r) */
};
struct uiommu_ring_state {
    uint64_t count; /* (r) entries consumed */
    uint64_t given; /* (r) the highest position handed out */
    uint32_t acks;  /* (r) acknowledged overflows */
    bool overflow;  /* (r) reported and not yet acknowledged */
};

/* Whose a request is, as far as it is known. */
struct uiommu_whose {
    const struct uiommu_id *id; /* or NULL */
    struct uiommu_bond *bond;   /* under the PASID, whatever its state; or NULL */
    bool again;                 /* that of the one before it */
};

struct uiommu_unit {
    uint32_t magic;                   /* (c) */
    uint32_t number;                  /* (c) */
    struct uiommu *u;                 /* (c) */
    struct uiommu_unit *next;         /* (i) */
    uint32_t users;                   /* (i) calls that keep it from being destroyed */
    struct uiommu_backend_ops ops;    /* (c) every slot filled */
    void *hw;                         /* (c) */
    struct uiommu_unit_config config; /* (c), reserved regions (m) */
    struct uiommu_caps caps;          /* (c) */
    uint64_t settle_ns;               /* (c) 0: none */
    struct uiommu_word control;       /* (m) */
    struct uiommu_lock lock;          /* (u) */
    struct uiommu_word role;          /* (w) */
    struct uiommu_word role_wanted;   /* (w) who waits for the role: its holder comes to an end */
    struct uiommu_word due;           /* (w) changes when service has become due */
    struct uiommu_word due_now;       /* (w) service is due at once */
    struct uiommu_word started;       /* (w) */
    struct uiommu_word hung;          /* (w) */
    uint64_t moved_ns;                /* (u) when a ticket was last seen to end; 0: never */
    struct uiommu_word suspended;     /* (w) between suspend and resume: also hung */
    uint32_t ports;                   /* (m) */
    struct uiommu_word granted;       /* (w) credits, written under (m) */
    uint32_t stall_slots;             /* (c) */
    uint32_t stalls;                  /* (r) stall slots in use */
    uint32_t stalls_released;         /* (u) answered while a runner still holds the slot */
    struct uiommu_word devices_count; /* (m) writes; dumps read */
    struct uiommu_device *devices;    /* (r) */
    uint32_t asking;                  /* (r) of them so many have a port */
    struct uiommu_device *due_first;  /* (u) devices to step, in turn */
    struct uiommu_device *due_last;   /* (u) */
    struct uiommu_word due_count;     /* (u) writes; (r) peeks */
    struct uiommu_radix ids;          /* device ID -> struct uiommu_id */
    struct uiommu_pool pool;
    struct uiommu_ring_state ring[UIOMMU_RINGS];
    uint32_t looks;                /* (r) rounds that asked every ring */
    uint32_t first;                /* (r) the ring that is asked first, in turn */
    struct uiommu_out out;         /* (r) */
    struct uiommu_bond *stopping;  /* (u) bonds to step */
    struct uiommu_bond *alone;     /* (r) the one whose device is asked alone, or NULL */
    uint32_t stops;                /* (r) against the marker reserve */
    struct uiommu_device *zombies; /* (m) not attached, not shut out either */
    bool no_progress;              /* (r) a ring does not move: look again, but not at once */
    struct uiommu_bond *ready;     /* (r) last of the circular list, or NULL */
    struct uiommu_runner runner[UIOMMU_RUNNERS];
    struct uiommu_caller callback[UIOMMU_RUNNERS];
    struct uiommu_request requests[UIOMMU_BATCH]; /* (r) */
    struct uiommu_whose whose[UIOMMU_BATCH];      /* (r) */
    struct uiommu_event fetched[UIOMMU_BATCH];    /* (r) */
    uint32_t *tag_free;                           /* (u) ring of free tags, oldest first */
    uint32_t tag_head, tag_count, tag_fresh;      /* (u) */
    struct uiommu_events events;
    uint64_t log_window_ns; /* (u) rate limit of the log */
    uint32_t log_count;     /* (u) */
    struct uiommu_unit_counters counters;
    uint64_t now_ns;                   /* (r) of the present round */
    uint64_t deadline_ns;              /* (u) when service is due without an interrupt */
    struct uiommu_word cap_waiting;    /* (w) READY groups wait for a cap */
    struct uiommu_word ready_left;     /* (w) groups wait for a runner */
    struct uiommu_group_slot *orphans; /* (r) to be told to their handlers */
    bool pick_more;                    /* (r) groups are READY and could be picked */
};
static inline struct uiommu_group_slot *uiommu_slot_at(const struct uiommu_unit *unit,
                                                       uint32_t index)
{
    return &unit->pool.chunks[index / UIOMMU_SLOT_CHUNK]->slot[index % UIOMMU_SLOT_CHUNK];
}
static inline struct uiommu_page *uiommu_page_at(const struct uiommu_unit *unit, uint32_t index)
{
    return &unit->pool.chunks[index / UIOMMU_SLOT_CHUNK]->page[index % UIOMMU_SLOT_CHUNK];
}
bool uiommu_is_unit(const struct uiommu_unit *unit);
/* Started and not suspended. */
bool uiommu_unit_running(const struct uiommu_unit *unit);
void uiommu_ops_fill(struct uiommu_backend_ops *to, const struct uiommu_backend_ops *from);

/* Take the role, or leave word. */
bool uiommu_role_take(struct uiommu_unit *unit);
/* Release; false: someone asked for another round (AGAIN was set and is now clear, role kept). */
bool uiommu_role_give(struct uiommu_unit *unit);
/* Release whatever was asked; true: someone had asked. */
bool uiommu_role_drop(struct uiommu_unit *unit);
/* AGAIN is said to a holder only. */
bool uiommu_role_valid(const struct uiommu_unit *unit);
/* Take it from a [task] context, waiting (bounded). */
uiommu_err uiommu_role_wait(struct uiommu_unit *unit, uint64_t ns);
/* Service is due: AGAIN for the holder, the due word and wake for the host. Any lock. */
void uiommu_unit_kick(struct uiommu_unit *unit);
/* A call of the library itself: what is left makes service due (R21). */
void uiommu_unit_pump(struct uiommu_unit *unit);
/* (r) */
uint64_t uiommu_ring_position(struct uiommu_unit *unit, uint32_t ring);
/* (r) Positions of all rings that can carry requests. */
void uiommu_ring_snapshot(struct uiommu_unit *unit, uint64_t at[UIOMMU_RINGS]);
/* (r) R5: from now on. A round may have begun long before its barrier was over. */
static inline uint64_t uiommu_settle_end(const struct uiommu_unit *unit)
{
    return uiommu_after(uiommu_now(unit->u), unit->settle_ns);
}
/* (r) Is everything below consumed? */
bool uiommu_ring_reached(const struct uiommu_unit *unit, const uint64_t at[UIOMMU_RINGS]);
bool uiommu_ring_carries(const struct uiommu_unit *unit, uint32_t ring);

/* (r) assemble.c */
/* A batch of a ring whose first entry is at the position; at most UIOMMU_BATCH. */
void uiommu_assemble(struct uiommu_unit *unit, uint32_t ring, const struct uiommu_request *requests,
                     uint32_t count, uint64_t position);
/* (r) Drop an open group unanswered. */
void uiommu_partial_drop(struct uiommu_unit *unit, struct uiommu_group_slot *slot,
                         enum uiommu_drop why);
/* (r) Drop every open group that wanted() says. */
void uiommu_partials_purge(struct uiommu_unit *unit, const struct uiommu_bond *bond,
                           const struct uiommu_device *dev, enum uiommu_drop why);
/* (r) READY groups of a bond get INVALID (or nothing after a reset) without a handler. */
void uiommu_ready_cancel(struct uiommu_unit *unit, struct uiommu_bond *bond, enum uiommu_drop why);
void uiommu_ready_cancel_device(struct uiommu_unit *unit, const struct uiommu_device *dev,
                                enum uiommu_drop why);
/* (r) Groups a runner has picked but not called likewise. */
void uiommu_picked_cancel(struct uiommu_unit *unit, const struct uiommu_bond *bond,
                          const struct uiommu_device *dev, enum uiommu_drop why);
/* (r) Take PENDING groups away from their handlers. */
void uiommu_pending_orphan(struct uiommu_unit *unit, const struct uiommu_bond *bond,
                           const struct uiommu_device *dev, enum uiommu_orphan why);

/* answer.c */
/* (r) Queue an answer without a slot; consume() has left room for it. */
void uiommu_out_put(struct uiommu_unit *unit, struct uiommu_device *dev, uint32_t generation,
                    const struct uiommu_request *request, uiommu_code code, enum uiommu_drop why);
/* (r) The device goes. */
void uiommu_out_forget(struct uiommu_unit *unit, const struct uiommu_device *dev);
static inline uint32_t uiommu_out_room(const struct uiommu_unit *unit)
{
    return UIOMMU_BATCH - unit->out.count;
}
/* (u) Answer a group, or park the answer. OK; STALE: nothing sent; DEAD: INVALID sent instead. */
uiommu_err uiommu_answer(struct uiommu_unit *unit, struct uiommu_group_slot *slot,
                         uiommu_code code);
/* (u) End a group unanswered. */
void uiommu_answer_none(struct uiommu_unit *unit, struct uiommu_group_slot *slot,
                        enum uiommu_drop why);
/* (u) Let go of the groups whose handlers a runner is through with, answers included. */
void uiommu_answer_run(struct uiommu_unit *unit, struct uiommu_runner *runner);
/* (r) Send what waits: parked answers, then those without slots. Takes (u). */
void uiommu_answers_flush(struct uiommu_unit *unit);

/* dispatch.c */
/* (r) Move READY groups and orphans to a runner. NULL: nothing to do, or no runner. */
struct uiommu_runner *uiommu_pick(struct uiommu_unit *unit, uint32_t budget);
/* No lock, no role. */
void uiommu_run(struct uiommu_unit *unit, struct uiommu_runner *runner);
/* (r) Send what handlers have answered although their runner is still inside another one. */
void uiommu_runs_flush(struct uiommu_unit *unit);
/* Mark the caller as inside a callback, or NULL: too many are. */
struct uiommu_caller *uiommu_callback_take(struct uiommu_unit *unit);
void uiommu_caller_give(struct uiommu_caller *caller);
/* (r) The answer deadline of a complete group has passed. */
void uiommu_slot_expire(struct uiommu_unit *unit, struct uiommu_group_slot *slot);
/* Is the caller inside a handler or callback of any unit? */
bool uiommu_inside(struct uiommu *u);
/* (r) */
void uiommu_ready_add(struct uiommu_unit *unit, struct uiommu_bond *bond,
                      struct uiommu_group_slot *slot);
bool uiommu_ready_any(const struct uiommu_unit *unit);

/* Log at most 16 lines a second and unit. */
void uiommu_log(struct uiommu_unit *unit, enum uiommu_log_level level, const char *msg);

/* Add to a counter that several contexts write at once. */
static inline void uiommu_count_shared(uintptr_t *counter, uint32_t n)
{
    (void)__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}
/* A snapshot of counters, all of them uintptr_t. */
static inline void uiommu_counters_copy(void *to, const void *from, size_t bytes)
{
    const uintptr_t *src = (const uintptr_t *)from;
    uintptr_t *dst = (uintptr_t *)to;
    size_t i;

    for (i = 0; i < bytes / sizeof(uintptr_t); i++)
        dst[i] = __atomic_load_n(&src[i], __ATOMIC_RELAXED);
}
/* Add to a counter that one context at a time writes. */
static inline void uiommu_count(uintptr_t *counter, uint32_t n)
{
    __atomic_store_n(counter, __atomic_load_n(counter, __ATOMIC_RELAXED) + n, __ATOMIC_RELAXED);
}

#endif
