/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shutdown protocol as core/ has it: one device, one PASID, two lives of it (address spaces 1
 * and 2), a bus that delays, a ring that overflows, a service role, a handler thread, a responder,
 * an unbinder, an exit with its reap, a reset. D2's hardware is clear.pml's.
 *
 * mapping.md says which function of core/ each inline and process is; proof_mapping.py compares.
 * prove.conf lists the worlds that are explored. A world is made by -D:
 *   PROVED      the barrier proves (VT-d); without it it pushes as far as the IOMMU's ingress
 *   RING=n      entries of the ring            GROUPS=n  page request groups of the first life
 *   ONE_INDEX   all groups have the same PRG index: one at a time
 *   NOISE=n     requests of another device in the same ring
 *   RESENDS     the device sends a request again that an overflow removed (R29), RESENT=n in all
 *   MARKERS     the device may send a Stop Marker as it stops; LATE_MARKER: or later
 *   MARKER_WORD the marker is the only word: the driver says nothing
 *   WEDGED      the device does not stop, and the driver does not say so
 *   NO_OP       the same, and the driver has no stop() that could be called
 *   LIAR        the device sends one more request after the confirmed stop, before the last D3
 *   LIAR_TWICE  and another one when the first was found late
 *   LIAR_REST   the device sends two more while the number rests: one that arrives, one on the bus
 *   EARLY       a request for the number is in the ring before the first life
 *   EXIT, NO_UNBIND  the address space exits and is reaped, besides or instead of the unbind
 *   ABORT       the unbind does not sweep
 *   RESET       the device is reset once, at any moment
 *   NEIGHBOUR=n another bond of the device begins n barriers
 *   TIMEOUTS    deadlines of handlers and of the drain may pass at any moment
 * Taken out of the protocol, to see what they are for:
 *   NO_<guard of core/check.h>, NO_R3 (late requests), NO_R3_ANEW (they refute only the drain after
 *   the last word), NO_R8 (markers of an earlier life),
 *   NO_R29_LOOK (R29: the rings are asked after the barrier's end), NO_R29_REST (an overflow in the
 *   rest), NO_R18 (a barrier begun before is joined), NO_TOLD (R9: a reset proves no stop that the driver
 *   knew nothing of), NO_R9_STALE (nor what a late request refuted),
 *   NO_RESET_SETTLE (R33: gen_at after the settle time)
 * ONLY_I1 leaves the end of a life unchecked, so that what was left over meets the next life.
 */
#ifndef RING
#define RING 2
#endif
#ifndef GROUPS
#define GROUPS 2
#endif
#ifndef NOISE
#define NOISE 0
#endif
#ifndef RESENT
#define RESENT 1
#endif
#ifdef PROVED
#define IS_PROVED 1
#else
#define IS_PROVED 0
#endif

/* What fails is told by a name: pan prints the expression. Never true, not part of the state. */
hidden byte I1_life, I1_mixed, I2_under_way, I2_partial, I2_quiet, I3_once, I3_asked, I3_last,
    I3_marker, I3_token, D1_closed, D1_waited, D6_in_flight, R4_stop, R8_marker, R11_dead,
    I19_generation, R3_false_alarm, R9_refuted, R3_before_D3;
#define CHECK(name, cond) assert((cond) || name)

#define PART   1 /* a request that is not the last of its group */
#define LAST   2
#define MARK   3
#define OTHERS 4 /* of another device */

/* enum uiommu_phase; D2's four are one here */
#define P_NONE          0
#define P_STOP          1
#define P_SWEEP         2
#define P_SWEEP_SETTLE  3
#define P_SWEEP_CONSUME 4
#define P_D1            5
#define P_D2            6
#define P_D3            7
#define P_D4            8
#define P_SETTLE        9
#define P_D5            10
#define P_D6            11
#define P_REST          12
#define P_REST_CONSUME  13
#define P_POISONED      14
#define P_END           15

/* enum uiommu_slot_state */
#define FREE    0
#define OPEN    1
#define READY   2
#define PICKED  3
#define CALLED  4
#define PENDING 5
#define ORPHAN  6

#define SUCCESS 1
#define INVALID 2
#define PEND    3
#define NONE    255

#ifdef NO_OP
#define WEDGED
#endif
#if defined(WEDGED) || defined(MARKER_WORD) || defined(TIMEOUTS)
#define STOP_TIMED /* elsewhere the driver always says so */
#endif
#if defined(RESENDS) || defined(LIAR) || defined(LIAR_REST) || defined(WEDGED)
#define MAY_BE_LATE
#endif

#define M_STOP     1 /* UIOMMU_PROOF_* */
#define M_REQUESTS 2
#define M_HANDLERS 4

#define R_NONE    0
#define R_BEGUN   1
#define R_ASKED   2
#define R_BARRIER 3
#define R_SETTLE  4
#define R_STAMPED 5

/* ---- the bus: device -> wire -> the IOMMU's ingress -> ring; each in order ---- */
chan wire = [3] of { byte, byte, byte, byte }; /* kind, life, group, generation of the device */
chan ingress = [2] of { byte, byte, byte, byte };
chan ring = [RING] of { byte, byte, byte, byte };
byte count;                 /* entries consumed */
bool hw_overflow;           /* while it is set nothing is stored */
byte bar_begun, bar_done;   /* of the device's barriers */
byte bar_left;              /* what the one under way still has to push */
byte own;                   /* requests of the device at the ingress */
bool polling;               /* one was begun in this round and is asked once more */
byte settle_left;           /* what the settle time is for */
byte noise_left = NOISE;

/* ---- the device ---- */
byte working;      /* the life it works for, 0: none */
byte assembling;   /* the group it has sent partials of */
byte next_group = 1;
byte outstanding;  /* groups whose Last it has sent and that it waits for, as a mask */
byte hgen;         /* its true generation */
bool down;         /* between reset and its end */
bool mark_due, stop_done;
byte resent = RESENT;
bool liar_done;

/* ---- the unit ---- */
bool role;
byte role_wanted; /* the service leaves it to who waits: a fair host */
bool sw_overflow;
byte acks;
byte dgen; /* dev->generation */
bool resetting;
byte rstep, rneed, gen_at;
bool r_expired, r_settles;
byte r_left;
byte swept;
byte out_group = NONE, out_gen, out_true; /* one answer without a slot */
#define NSLOTS 2
byte st[NSLOTS], sgroup[NSLOTS], slife[NSLOTS], sgen[NSLOTS], stoken[NSLOTS];
byte spart[NSLOTS];      /* true life of the partial in it, 0: none */
byte spgroup[NSLOTS];    /* and its group */
byte strue[NSLOTS];      /* true life of the Last */
byte struegen[NSLOTS];   /* and its true generation */

/* ---- the bond under the number ---- */
byte cur; /* its life, 0: none */
byte phase;
byte flight; /* gate count */
bool stamped;
bool closed = true, entered, closing, late, marker, markers_ok, stop_confirmed, stop_by_marker;
bool twice, proved, overflow_round, reset_proof;
byte mgen, late_rounds, missing, need, acks_at, open_at, close_at, rest_at;
bool looked;            /* bond->looked: the ring was asked since D3's barrier had ended */
bool timer, expired;    /* bond->until_ns */
bool now;               /* it had passed as the round began */
bool stop_timer, stop_expired; /* bond->stop_until_ns */
bool drain_expired;     /* bond->drain_until_ns */
bool d1_over;           /* D1's deadline has passed once */
bool want_unbind, want_abort, want_stopped, want_reset, called, asked, told;
bool dead;              /* address space 1 */
bool exit_pin;
bool lived_marked = true; /* the life before ended with its marker, or a reset came since */

/* ---- ghosts ---- */
byte under;             /* requests of life 1 on the wire, at the ingress or in the ring */
byte in_ring;           /* of them, in the ring */
byte before;            /* of them, sent before D3 began, or the first of its two rounds */
byte token_slot, token, token_group, token_uses; /* what a responder remembers */
byte owed;              /* groups whose Last the core has taken and must answer */
byte answered;
bool refuted;           /* late twice, and neither a word nor a reset since */
bool over1;             /* the first life ended or is withheld */
bool go, refused;

#ifdef ONE_INDEX
#define INDEX(g) 0
#else
#define INDEX(g) ((g) & 1)
#endif
#define BIT(g)    (1 << (g))
#define POSITION  (count + len(ring))
#define MARKED    (marker && mgen == dgen)
#define DEAD_OF(l) (dead && (l) == 1)
#define STOP_WORD (want_stopped || want_reset || reset_proof)
#define KNOWS     (want_stopped || told)
#ifdef NO_TOLD
#define RESET_PROVES true
#else
#define RESET_PROVES KNOWS
#endif

/* ================================================================ answers (answer.c) ======== */

/* What leaves for the device: the device may use the index again at once. */
inline publish(g, truegen, code, life)
{
    CHECK(I3_once, !(answered & BIT(g)));
    CHECK(I3_asked, owed & BIT(g));
    CHECK(I19_generation, truegen == hgen);
    CHECK(R11_dead, code != SUCCESS || !DEAD_OF(life));
    CHECK(D1_waited, code != SUCCESS || life != cur || phase < P_D2 || d1_over);
    answered = answered | BIT(g);
    owed = owed & ~BIT(g);
    outstanding = outstanding & ~BIT(g);
}

inline slot_end(s)
{
#ifndef NO_I3_TOKEN
    stoken[s] = (stoken[s] + 1) % 4;
#endif
    if
    :: st[s] != OPEN -> CHECK(D6_in_flight, slife[s] == cur && flight > 0); flight--
    :: else
    fi;
    st[s] = FREE; sgroup[s] = 0; spart[s] = 0; spgroup[s] = 0; strue[s] = 0;
    slife[s] = 0; sgen[s] = 0; struegen[s] = 0
}

inline answer_none(s)
{
    owed = owed & ~BIT(sgroup[s]);
    slot_end(s)
}

#ifdef NO_I19_TOKEN
#define STILL(s) true
#else
#define STILL(s) (sgen[s] == dgen)
#endif
#ifdef NO_EXIT_DEAD
#define SPOKEN(s, code) code
#else
#define SPOKEN(s, code) (code == SUCCESS && DEAD_OF(slife[s]) -> INVALID : code)
#endif
inline answer(s, code)
{
    if
    :: STILL(s) -> publish(sgroup[s], struegen[s], SPOKEN(s, code), slife[s])
    :: else -> owed = owed & ~BIT(sgroup[s])
    fi;
    slot_end(s)
}

/* An answer without a slot waits for the end of the batch (R26). */
inline out_put(g, truegen)
{
    out_group = g; out_gen = dgen; out_true = truegen
}

#ifdef NO_I19_TOKEN
#define OUT_STILL true
#else
#define OUT_STILL (out_gen == dgen)
#endif
inline answers_flush()
{
    atomic {
        if
        :: out_group != NONE && OUT_STILL ->
            publish(out_group, out_true, INVALID, cur)
        :: else -> owed = (out_group != NONE -> owed & ~BIT(out_group) : owed)
        fi;
        out_group = NONE; out_gen = 0; out_true = 0
    }
}

/* The runner is through with a handler. */
inline answer_run(s, code)
{
    if
    :: code == PEND -> st[s] = PENDING; token_slot = s; token = stoken[s]; token_group = sgroup[s];
        token_uses = 2
    :: else -> answer(s, code)
    fi
}

inline group_respond()
{
    if
    :: (st[token_slot] == PENDING || st[token_slot] == CALLED) && stoken[token_slot] == token ->
        CHECK(I3_token, sgroup[token_slot] == token_group);
        answer(token_slot, SUCCESS)
    :: else
    fi
}

/* ================================================================ dispatch (dispatch.c) ===== */

inline pick()
{
    atomic {
        s = 0;
        do
        :: s < NSLOTS ->
            if
            :: st[s] == READY -> st[s] = PICKED
            :: else
            fi;
            s++
        :: else -> break
        od;
        s = 0
    }
}

/* The handler of a picked group is called, unless its space is dead or its device was reset. */
inline call(s)
{
    if
    :: sgen[s] != dgen || DEAD_OF(slife[s]) -> answer(s, INVALID)
    :: else ->
        CHECK(I1_life, strue[s] == slife[s]);
        CHECK(I1_mixed, spart[s] == 0 || (spart[s] == strue[s] && spgroup[s] == sgroup[s]));
        CHECK(D1_closed, slife[s] == cur && phase <= P_D1);
        st[s] = CALLED
    fi
}

/* Complete groups that no handler has; after a reset they end unanswered. */
inline ready_cancel()
{
    s = 0;
    do
    :: s < NSLOTS ->
        if
        :: st[s] == READY || st[s] == PICKED -> answer(s, INVALID)
        :: else
        fi;
        s++
    :: else -> break
    od;
    s = 0
}

inline pending_orphan()
{
    s = 0;
    do
    :: s < NSLOTS ->
        if
        :: st[s] == PENDING -> st[s] = ORPHAN
        :: else
        fi;
        s++
    :: else -> break
    od;
    s = 0
}

inline partials_purge()
{
    s = 0;
    do
    :: s < NSLOTS ->
        if
        :: st[s] == OPEN -> slot_end(s)
        :: else
        fi;
        s++
    :: else -> break
    od;
    s = 0
}

/* ================================================================ assemble (assemble.c) ===== */

#define POS_IN_LIFE (stamped && count >= open_at)
inline marker_take(truelife)
{
    if
    :: cur != 0 && markers_ok && !resetting && POS_IN_LIFE && count >= gen_at ->
        CHECK(R8_marker, truelife == cur);
        marker = true; mgen = dgen
    :: else
    fi
}

/* A request that the device sent before the round that should have it is no lie, nor is any of a
 * device that stops when it is told. */
#if defined(MAY_BE_LATE) || defined(ONLY_I1)
#define MAY_LIE true
#else
#define MAY_LIE false
#endif
#if defined(ONLY_I1) || defined(NO_R3)
#define LATE_FOR_SURE true
#elif defined(STOP_TIMED)
#define LATE_FOR_SURE (before == 0)
#else
#define LATE_FOR_SURE (before == 0 && MAY_LIE)
#endif
inline unmark()
{
    marker = false;
    if
    :: phase >= P_D3 && phase < P_POISONED -> CHECK(R3_false_alarm, MAY_LIE); drain_late()
    :: else
    fi
}

inline drain_late()
{
#ifndef NO_R3
    late = true
#else
    skip
#endif
}

/* INVALID if Last, else nothing. */
inline refuse(kind, group, truegen)
{
    if
    :: kind != PART -> out_put(group, truegen)
    :: else ->
#ifdef NO_I3_LAST
        CHECK(I3_last, false);
#endif
        skip
    fi
}

/* The slot of the key, NSLOTS: none. Groups of an older generation are no longer found. */
inline key_slot(group)
{
    s = 0;
    do
    :: s < NSLOTS && st[s] != FREE && INDEX(sgroup[s]) == INDEX(group) && sgen[s] == dgen -> break
    :: s < NSLOTS && !(st[s] != FREE && INDEX(sgroup[s]) == INDEX(group) && sgen[s] == dgen) -> s++
    :: else -> break
    od
}

inline group_open(group)
{
    s = 0;
    do
    :: s < NSLOTS && st[s] != FREE -> s++
    :: else -> break
    od;
    if
    :: s < NSLOTS ->
        st[s] = OPEN; sgroup[s] = group; slife[s] = cur; sgen[s] = dgen
    :: else
    fi
}

inline page_request(kind, truelife, group, truegen)
{
    key_slot(group);
    refused = s < NSLOTS && st[s] != OPEN; /* an index in flight */
    if
    :: s == NSLOTS -> group_open(group); refused = s == NSLOTS
    :: else
    fi;
    if
    :: refused
    :: !refused && kind == PART -> spart[s] = truelife; spgroup[s] = group
    :: !refused && kind == LAST && (closed || slife[s] != cur) -> slot_end(s); refused = true
    :: !refused && kind == LAST && !(closed || slife[s] != cur) -> /* gate_enter() */
        flight++;
        st[s] = READY; sgroup[s] = group; strue[s] = truelife; struegen[s] = truegen
    fi;
    s = 0
}

/* A partial that a refused Last leaves behind dies. */
inline orphan_partial(kind, group)
{
    if
    :: kind == LAST ->
        key_slot(group);
        if
        :: s < NSLOTS && st[s] == OPEN -> slot_end(s)
        :: else
        fi;
        s = 0
    :: else
    fi
}

#ifdef NO_LIFE
#define LIFE_TAKES true
#else
#define LIFE_TAKES (stamped && count >= open_at)
#endif
inline bond_takes(kind, truelife, group, truegen)
{
    refused = true;
    if
    :: cur != 0 && closing && count >= close_at ->
        CHECK(R3_false_alarm, LATE_FOR_SURE); drain_late()
    :: cur != 0 && !(closing && count >= close_at) && LIFE_TAKES && !closed ->
        page_request(kind, truelife, group, truegen)
    :: else
    fi;
    if
    :: refused -> orphan_partial(kind, group); refuse(kind, group, truegen); refused = false
    :: else
    fi
}

#ifdef NO_I19_RING
#define TAKES_NOT false
#else
#define TAKES_NOT ((resetting && rstep != R_STAMPED) || count < gen_at)
#endif
/* Entries of before a reset end unanswered. */
inline device_takes(kind, truelife, group, truegen)
{
    if
    :: TAKES_NOT -> owed = owed & ~BIT(group)
    :: else -> bond_takes(kind, truelife, group, truegen)
    fi
}

#ifdef NO_I3_MARKER
#define MAY_ASK(kind) (kind != OTHERS)
#else
#define MAY_ASK(kind) (kind != OTHERS && kind != MARK)
#endif
#define UNMARKS (cur != 0 && marker && count >= open_at)
inline assemble(kind, truelife, group, truegen)
{
    if
    :: kind == OTHERS
#ifndef NO_I3_MARKER
    :: kind == MARK -> marker_take(truelife)
#endif
    :: MAY_ASK(kind) ->
#ifdef NO_I3_MARKER
        CHECK(I3_marker, kind != MARK);
#endif
        if
        :: kind == LAST -> owed = owed | BIT(group)
        :: else
        fi;
        if
        :: UNMARKS -> unmark()
        :: else
        fi;
        device_takes(kind, truelife, group, truegen)
    fi
}

/* ================================================================ service (service.c) ======= */

/* One entry, or the look at an empty ring. Until the entry's place is given back the ring may
 * overflow once more. */
inline fetch_batch()
{
    sw_overflow = sw_overflow || hw_overflow;
    atomic {
        if
        :: len(ring) > 0 ->
            ring?kind, life, group, gen;
            under = under - (life == 1 && kind != MARK);
            assemble(kind, life, group, gen);
            in_ring = in_ring - (life == 1 && kind != MARK);
            before = before - (life == 1 && kind != MARK && before > 0);
            count++;
            kind = 0; life = 0; group = 0; gen = 0
        :: else
        fi
    }
}

inline ring_lost()
{
    atomic {
        acks++;
        sw_overflow = false;
#ifndef NO_I11_PARTIALS
        partials_purge()
#endif
    }
}

/* All there is, or part of it: the budget. Then the overflow, the ring being empty. */
inline consume_ring()
{
    fetch_batch();
    looked = phase == P_D4;
    answers_flush();
    do
    :: len(ring) > 0 -> fetch_batch(); answers_flush()
    :: break
    od;
    if
    :: sw_overflow && len(ring) == 0 ->
        ring_lost();
        hw_overflow = false
    :: else
    fi
}

/* ================================================================ barriers (barrier.c) ====== */

#ifdef NO_R18
#define BARRIER_NEXT (bar_begun + (bar_begun == bar_done))
#else
#define BARRIER_NEXT (bar_begun + 1)
#endif
inline barrier_begin()
{
    bar_begun++;
    bar_left = len(wire) + (IS_PROVED -> own : 0)
}

/* OK where bar_done >= n; else it is under way. Hardware may be quick: one that was begun is asked
 * in the same round. */
inline barrier_step(n)
{
    polling = bar_done < n && bar_begun == bar_done;
    if
    :: polling -> barrier_begin()
    :: else
    fi;
    if
    :: bar_begun != bar_done && bar_left == 0 -> bar_done = bar_begun; polling = false
    :: else
    fi
}

/* ================================================================ the device's stop (stop.c) = */

inline drain_next(p)
{
    phase = p; entered = false; timer = false; expired = false; now = false;
    settle_left = 0; polling = false; go = true
}

inline settle_begin()
{
    timer = true; settle_left = len(ingress)
}

inline stop_shown()
{
    if
    :: STOP_WORD -> stop_confirmed = true; stop_by_marker = false
    :: !(STOP_WORD) && MARKED && !stop_confirmed -> stop_confirmed = true; stop_by_marker = true
    :: else
    fi
}

inline gate_close()
{
#ifndef NO_D1_CLOSE
    closed = true;
#endif
    ready_cancel()
}

inline drain_stop()
{
    if
    :: want_abort && !closed -> gate_close()
    :: else
    fi;
    stop_shown();
    if
    :: stop_confirmed && want_abort -> drain_next(P_D1)
    :: stop_confirmed && !want_abort -> drain_next(P_SWEEP)
    :: !stop_confirmed && !called ->
        called = true;
#if defined(STOP_TIMED) && defined(NO_OP)
        stop_timer = true
#endif
    :: !stop_confirmed && called && stop_expired ->
#ifndef NO_R4_STOP
        missing = missing | M_STOP;
#endif
        drain_next(P_D1)
    :: !stop_confirmed && called && !stop_expired
    fi
}

/* The stop rested on a marker that was none. */
#define STOP_VOID     (stop_by_marker && !(MARKED) && !(STOP_WORD))
#define SWEEP_USELESS (closed || DEAD_OF(cur) || want_abort)

inline stop_void()
{
    stop_by_marker = false; stop_confirmed = false; drain_next(P_STOP)
}

inline sweep_snapshot()
{
    close_at = POSITION;
    drain_next(P_SWEEP_CONSUME);
#ifdef TIMEOUTS
    timer = true
#endif
}

inline drain_sweep()
{
    if
    :: STOP_VOID -> stop_void()
    :: !(STOP_VOID) && SWEEP_USELESS -> drain_next(P_D1)
    :: !(STOP_VOID) && !(SWEEP_USELESS) ->
        if
        :: !entered -> entered = true; need = BARRIER_NEXT
        :: else
        fi;
        if
        :: MARKED -> sweep_snapshot()
        :: else ->
            barrier_step(need);
            if
            :: bar_done < need -> go = polling
            :: bar_done >= need && IS_PROVED -> sweep_snapshot()
            :: bar_done >= need && !IS_PROVED -> drain_next(P_SWEEP_SETTLE); settle_begin()
            fi
        fi
    fi
}

inline drain_sweep_settle()
{
    if
    :: STOP_VOID -> stop_void()
    :: !(STOP_VOID) && SWEEP_USELESS -> drain_next(P_D1)
    :: !(STOP_VOID) && !(SWEEP_USELESS) && now -> sweep_snapshot()
    :: !(STOP_VOID) && !(SWEEP_USELESS) && !now
    fi
}

inline drain_sweep_consume()
{
    if
    :: STOP_VOID -> stop_void()
    :: !(STOP_VOID) && ((count >= close_at && flight == 0) || SWEEP_USELESS || now) ->
        drain_next(P_D1)
    :: else
    fi
}

/* ================================================================ the drain (drain.c) ======= */

#ifdef NO_D1_WAIT
#define D1_DONE true
#else
#define D1_DONE (flight == 0)
#endif
inline step_d1()
{
    if
    :: !entered ->
        entered = true;
        gate_close();
#ifdef TIMEOUTS
        timer = true
#endif
    :: else
    fi;
    if
    :: D1_DONE -> drain_next(P_D2)
    :: !(D1_DONE) && now && !d1_over ->
        pending_orphan(); d1_over = true; expired = false; now = false; timer = true
    :: !(D1_DONE) && now && d1_over -> drain_next(P_D2) /* D6 waits for the handler */
    :: !(D1_DONE) && !now
    fi
}

/* The entry is invalid, all caches are told; an exit that has picked the bond is done (R11). */
inline drain_d2()
{
    if
    :: exit_pin
    :: !exit_pin && (reset_proof || (missing & M_REQUESTS)) -> drain_next(P_D5)
    :: !exit_pin && !(reset_proof || (missing & M_REQUESTS)) -> drain_next(P_D3)
    fi
}

inline requests_unproved()
{
    missing = missing | M_REQUESTS; drain_next(P_D5)
}

#define OVERFLOW_SEEN (acks != acks_at || sw_overflow)

#ifdef NO_D3_TWICE
#define NO_TWICE true
#else
#define NO_TWICE false
#endif
#ifdef NO_D4
#define D4_READ true
#else
#define D4_READ (count >= close_at || MARKED)
#endif
/* R29: an overflow of before the barrier's end is known. */
#if defined(NO_R29_LOOK) || defined(NO_I11_RESTART)
#define D4_LOOKED true
#else
#define D4_LOOKED (looked || MARKED)
#endif
#define D4_DONE (D4_READ && D4_LOOKED)
inline step_d3()
{
    if
    :: !entered ->
        entered = true;
        stop_shown();
        if
        :: stop_confirmed && (missing & M_STOP) -> twice = false; missing = missing & ~M_STOP
        :: else
        fi;
        closing = false; acks_at = acks; need = BARRIER_NEXT;
        before = (twice && !IS_PROVED -> before : under)
    :: else
    fi;
    if
    :: resetting && !polling && drain_expired -> requests_unproved()
    :: resetting && !polling && !drain_expired
    :: !resetting || polling ->
#ifndef NO_D3
        barrier_step(need);
#else
        bar_done = need; bar_begun = need;
#endif
        if
        :: bar_done >= need ->
            proved = IS_PROVED;
            close_at = POSITION;
            looked = false;
            closing = twice || proved || MARKED || NO_TWICE;
            drain_next(P_D4)
        :: bar_done < need && polling -> go = true
        :: bar_done < need && !polling && drain_expired -> requests_unproved()
        :: bar_done < need && !polling && !drain_expired
        fi
    fi
}

inline step_d4()
{
    if
    :: !(D4_DONE) && drain_expired -> requests_unproved()
    :: !(D4_DONE) && !drain_expired
    :: D4_DONE && (proved || MARKED || twice || NO_TWICE) -> drain_next(P_D5)
    :: D4_DONE && !(proved || MARKED || twice || NO_TWICE) -> drain_next(P_SETTLE); settle_begin()
    fi
}

inline step_settle()
{
    if
    :: MARKED -> drain_next(P_D5)
    :: !(MARKED) && now -> twice = true; drain_next(P_D3)
    :: !(MARKED) && !now
    fi
}

#ifdef RESENDS
#define REPEATS true
#else
#define REPEATS false
#endif
#ifdef NO_I11_RESTART
#define SETTLED true
#else
#define SETTLED (MARKED || reset_proof || (missing & M_REQUESTS))
#endif

inline step_d5()
{
#ifndef NO_D5
    partials_purge();
#endif
    if
    :: !(SETTLED) && OVERFLOW_SEEN && REPEATS && drain_expired ->
        missing = missing | M_REQUESTS; drain_next(P_D6)
    :: !(SETTLED) && OVERFLOW_SEEN && !(REPEATS && drain_expired) &&
        (REPEATS || !overflow_round) -> overflow_round = true; drain_next(P_D3)
    :: else -> drain_next(P_D6)
    fi
}

inline poison()
{
    over1 = true; told = true;
    drain_next(P_POISONED)
}

#ifdef NO_D6
#define D6_WAITS false
#else
#define D6_WAITS (flight != 0)
#endif
inline step_d6()
{
    if
    :: D6_WAITS && !drain_expired
    :: !(D6_WAITS && !drain_expired) ->
        if
        :: D6_WAITS -> missing = missing | M_HANDLERS
        :: else
        fi;
        if
        :: STOP_VOID -> stop_confirmed = false; stop_by_marker = false; missing = missing | M_STOP
        :: else
        fi;
        if
        :: missing != 0 -> poison()
        :: else ->
#ifndef ONLY_I1
            CHECK(R4_stop, stop_confirmed);
#if !defined(MAY_BE_LATE) && !defined(ONLY_I1)
            CHECK(I2_quiet, under == 0 || reset_proof);
#endif
#endif
            if
            :: !proved && !(MARKED) && !reset_proof -> drain_next(P_REST); settle_begin()
            :: else -> drain_next(P_REST); now = true
            fi
        fi
    fi
}

#ifdef NO_R29_REST
#define REST_AGAIN false
#else
#define REST_AGAIN (REPEATS && timer && OVERFLOW_SEEN)
#endif
inline step_rest()
{
    if
#ifdef NO_REST
    :: true -> drain_next(P_END)
#else
    :: now && !(REST_AGAIN) -> rest_at = POSITION; drain_next(P_REST_CONSUME)
    :: now && REST_AGAIN && drain_expired -> missing = missing | M_REQUESTS; poison()
    :: now && REST_AGAIN && !drain_expired -> drain_next(P_D3)
    :: !now
#endif
    fi
}

inline step_rest_consume()
{
    if
    :: count >= rest_at -> drain_next(P_END)
    :: else
    fi
}

/* R3: a request came after the snapshot. */
inline late_again()
{
    late = false;
    late_rounds++;
    if
    :: late_rounds >= 2 ->
        refuted = true;
        missing = missing | M_STOP | M_REQUESTS;
        stop_confirmed = false; want_stopped = false;
#ifndef NO_R9_STALE
        want_reset = false;
#endif
        poison()
    :: else -> drain_expired = false; drain_next(P_D3)
    fi
}

/* R9: what a reset proves, and what a late word or a late handler does. */
inline step_poisoned()
{
    if
    :: want_reset || ((missing & M_HANDLERS) && flight == 0) ||
        (want_stopped && !stop_confirmed) ->
        if
        :: want_reset -> reset_proof = true; stop_confirmed = true; late_rounds = 0
        :: else
        fi;
        if
        :: want_stopped -> stop_confirmed = true
        :: else
        fi;
        want_reset = false;
        overflow_round = false; twice = false; late = false; drain_expired = false;
#ifndef NO_R3_ANEW
        closing = false;
#endif
        before = under; /* what was sent until here is no lie */
        missing = (stop_confirmed -> 0 : missing & M_STOP);
        drain_next(P_D2)
    :: else
    fi
}

/* The life is over, the number is free. */
inline finish()
{
#ifndef ONLY_I1
    CHECK(I2_under_way, under == 0);
    CHECK(R9_refuted, !refuted);
    s = 0;
    do
    :: s < NSLOTS -> CHECK(I2_partial, st[s] != OPEN); s++
    :: else -> break
    od;
    s = 0;
    CHECK(D6_in_flight, flight == 0);
#endif
    lived_marked = marker || reset_proof;
    over1 = true;
    cur = 0; phase = P_NONE; closed = true; stamped = false;
    closing = false; late = false; marker = false; mgen = 0; stop_confirmed = false;
    stop_by_marker = false; twice = false; proved = false; overflow_round = false;
    reset_proof = false; late_rounds = 0; missing = 0; need = 0; acks_at = 0; open_at = 0;
    close_at = 0; rest_at = 0; d1_over = false; drain_expired = false; called = false;
    want_unbind = false; want_abort = false; want_stopped = false; want_reset = false; told = false;
    asked = false;
    stop_timer = false; stop_expired = false;
    entered = false; timer = false; expired = false; now = false
}

/* Step by step until one has to wait. */
inline drain_step_all()
{
    go = want_unbind && cur != 0;
    do
    :: atomic { !go -> break }
    :: atomic {
        go ->
        go = false;
        if
        :: late && phase < P_POISONED -> CHECK(R3_before_D3, phase >= P_D3); late_again()
        :: else ->
            if
            :: phase == P_NONE -> drain_next(P_STOP)
            :: phase == P_STOP -> drain_stop()
            :: phase == P_SWEEP -> drain_sweep()
            :: phase == P_SWEEP_SETTLE -> drain_sweep_settle()
            :: phase == P_SWEEP_CONSUME -> drain_sweep_consume()
            :: phase == P_D1 -> step_d1()
            :: phase == P_D2 -> drain_d2()
            :: phase == P_D3 -> step_d3()
            :: phase == P_D4 -> step_d4()
            :: phase == P_SETTLE -> step_settle()
            :: phase == P_D5 -> step_d5()
            :: phase == P_D6 -> step_d6()
            :: phase == P_REST -> step_rest()
            :: phase == P_REST_CONSUME -> step_rest_consume()
            :: phase == P_POISONED -> step_poisoned()
            fi;
            if
            :: phase == P_END -> finish(); go = false
            :: else
            fi
        fi
      }
    od
}

/* ================================================================ reset (reset.c) =========== */

/* What belongs to an older generation ends unanswered. */
inline reset_sweep()
{
    swept = dgen;
    partials_purge();
    ready_cancel();
    pending_orphan();
    marker = false
}

#ifdef NO_RESET_SETTLE
#define RESET_AT_ONCE true
#else
#define RESET_AT_ONCE IS_PROVED
#endif
inline reset_step()
{
#ifdef RESET
    atomic {
        if
        :: swept != dgen -> reset_sweep()
        :: else
        fi;
        if
        :: rstep == R_ASKED -> rneed = BARRIER_NEXT; rstep = R_BARRIER
        :: else
        fi;
        if
        :: rstep == R_BARRIER -> barrier_step(rneed); polling = false
        :: else
        fi
    }
    atomic { /* hardware may have been quick */
        if
        :: rstep == R_BARRIER ->
            barrier_step(rneed); polling = false;
            if
            :: bar_done >= rneed -> rstep = R_SETTLE; r_settles = true; r_expired = RESET_AT_ONCE;
                r_left = (IS_PROVED -> 0 : len(ingress))
            :: else
            fi
        :: else
        fi;
        if
        :: rstep == R_SETTLE && r_expired -> gen_at = POSITION; rstep = R_STAMPED;
            r_expired = false; r_settles = false; r_left = 0
        :: else
        fi
    }
#else
    skip
#endif
}

/* Under the lock that every answer is published under. */
inline new_generation()
{
    dgen++; resetting = true; rstep = R_BEGUN
}

inline reset_finish()
{
    resetting = false; rstep = R_NONE; refuted = false;
    if
    :: want_unbind && cur != 0 && RESET_PROVES -> want_reset = true
    :: else
    fi
}

/* ================================================================ bind, exit ================ */

#ifdef NO_R8
#define MARKERS_OK true
#else
#define MARKERS_OK lived_marked
#endif
/* R2: what is in the ring now was sent before this life. */
inline stamp(l)
{
    cur = l; closed = true;
    open_at = POSITION; stamped = true;
    markers_ok = MARKERS_OK
}

inline open_gate(l)
{
    if
    :: DEAD_OF(l) -> want_unbind = true; want_abort = true; want_stopped = true
    :: else -> closed = false; working = l
    fi
}

inline die()
{
    dead = true;
    if
    :: cur == 1 -> closed = true
    :: else
    fi
}

/* The waves of an exit pin the bond while it is listed: up to the end of D2. */
#define LISTED (cur == 1 && phase <= P_D2)

/* ================================================================ who runs ================== */

active proctype service() /* uiommu_unit_service() */
{
    byte kind, life, group, gen, s;

    do
    :: atomic { !role && role_wanted == 0 -> role = true; now = expired }
        reset_step();
        consume_ring();
        drain_step_all();
        pick();
        role = false
    od
}

active proctype runner() /* uiommu_run() */
{
    byte s;

    do
    :: atomic {
        st[0] == PICKED || st[1] == PICKED ->
        s = (st[0] == PICKED -> 0 : 1);
        call(s)
      }
      if
      :: atomic { st[s] == CALLED -> answer_run(s, SUCCESS); s = 0 }
      :: atomic { st[s] == CALLED && token_uses == 0 -> answer_run(s, PEND); s = 0 }
      :: atomic { st[s] != CALLED -> s = 0 }
      fi
    :: atomic { /* the orphan's notice, then its answer */
        st[0] == ORPHAN || st[1] == ORPHAN ->
        s = (st[0] == ORPHAN -> 0 : 1);
        answer(s, INVALID); s = 0
      }
    od
}

active proctype responder() /* answers what is PENDING, and once more */
{
    do
    :: atomic { token_uses > 0 -> group_respond(); token_uses--;
        if
        :: token_uses == 0 -> token = 0; token_slot = 0; token_group = 0
        :: else
        fi
      }
    od
}

active proctype fabric()
{
    byte kind, life, group, gen;

    do
    :: atomic {
        nempty(wire) && nfull(ingress) ->
        wire?kind, life, group, gen;
        ingress!kind, life, group, gen;
        own++;
        bar_left = (!IS_PROVED && bar_left > 0 -> bar_left - 1 : bar_left);
        kind = 0; life = 0; group = 0; gen = 0
      }
    :: atomic {
        nempty(ingress) ->
        ingress?kind, life, group, gen;
        own = own - (kind != OTHERS);
        bar_left = (IS_PROVED && kind != OTHERS && bar_left > 0 -> bar_left - 1 : bar_left);
        settle_left = (settle_left > 0 -> settle_left - 1 : 0);
        r_left = (r_left > 0 -> r_left - 1 : 0);
        if
        :: !hw_overflow && len(ring) < RING -> ring!kind, life, group, gen;
            in_ring = in_ring + (life == 1 && kind != MARK)
        :: else -> /* not stored: an answer by hardware or a time-out ends the device's wait */
            hw_overflow = true;
            under = under - (life == 1 && kind != MARK);
            before = before - (life == 1 && kind != MARK && before > in_ring);
            if
            :: kind == LAST && gen == hgen ->
#ifdef RESENDS
                if
                :: resent > 0 && len(wire) < 3 && !down -> resent--; under = under + (life == 1);
                    wire!LAST, life, group, gen
                :: else -> outstanding = outstanding & ~BIT(group)
                fi
#else
                outstanding = outstanding & ~BIT(group)
#endif
            :: else
            fi
        fi;
        kind = 0; life = 0; group = 0; gen = 0
      }
#if NOISE > 0
    :: atomic { noise_left > 0 && nfull(ingress) -> noise_left--; ingress!OTHERS, 0, 0, 0 }
#endif
    od
}

/* Deadlines and settle times pass; a settle time only when the fabric has kept its word. */
active proctype clock()
{
    do
    :: atomic { timer && !expired && settle_left == 0 -> expired = true }
    :: atomic { stop_timer && !stop_expired -> stop_expired = true }
    :: atomic { rstep == R_SETTLE && !r_expired && r_left == 0 -> r_expired = true }
#ifdef TIMEOUTS
    :: atomic { !drain_expired && phase >= P_D3 && phase <= P_D6 -> drain_expired = true }
#endif
    od
}

/* No protocol helps against one that lies for ever: before the last D3 has begun. */
#define LIES_NOW (cur == 1 && (phase < P_D3 || (!IS_PROVED && phase <= P_SETTLE && !twice)))
#ifdef LIAR_TWICE
#define LIES_AGAIN (cur == 1 && late_rounds == 1 && phase == P_D3 && !entered)
#else
#define LIES_AGAIN false
#endif
#define RESTS_NOW (stop_done && !liar_done && !down && phase == P_REST && timer && !expired)
#define MAY_SEND (!down && nfull(wire))
#define INDEX_FREE(g) !(outstanding & SAME_INDEX(g))
#ifdef ONE_INDEX
#define SAME_INDEX(g) 255
#else
#define SAME_INDEX(g) ((g) & 1 -> 170 : 85)
#endif

active proctype device()
{
    do
    :: atomic { /* a request that is not the last of its group */
        MAY_SEND && working == 1 && assembling == 0 && next_group <= GROUPS &&
        INDEX_FREE(next_group) ->
        assembling = next_group; next_group++; under++; wire!PART, 1, assembling, hgen
      }
    :: atomic { /* its last */
        MAY_SEND && working == 1 && assembling != 0 ->
        outstanding = outstanding | BIT(assembling); under++;
        wire!LAST, 1, assembling, hgen; assembling = 0
      }
    :: atomic { /* a group of one */
        MAY_SEND && working == 1 && assembling == 0 && next_group <= GROUPS &&
        INDEX_FREE(next_group) ->
        outstanding = outstanding | BIT(next_group); under++;
        wire!LAST, 1, next_group, hgen; next_group++
      }
    :: atomic { /* the second life */
        MAY_SEND && working == 2 && next_group <= GROUPS + 1 && INDEX_FREE(GROUPS + 1) ->
        next_group = GROUPS + 2;
        outstanding = outstanding | BIT(GROUPS + 1); wire!LAST, 2, GROUPS + 1, hgen
      }
#ifndef WEDGED
    :: atomic { /* stop() */
        asked && !stop_done && working == 1 && !down ->
        working = 0; assembling = 0; stop_done = true;
#ifdef MARKERS
        if
        :: nfull(wire) -> wire!MARK, 1, 0, hgen
#ifndef MARKER_WORD
        :: true
#endif
#ifdef LATE_MARKER
        :: mark_due = true
#endif
        fi
#endif
      }
#endif
#ifdef LATE_MARKER
    :: atomic { mark_due && MAY_SEND -> mark_due = false; wire!MARK, 1, 0, hgen }
#endif
#ifdef LIAR
    :: atomic {
        stop_done && ((!liar_done && LIES_NOW) || LIES_AGAIN) && MAY_SEND && next_group <= GROUPS && INDEX_FREE(next_group) ->
        liar_done = true; outstanding = outstanding | BIT(next_group); under++;
        wire!LAST, 1, next_group, hgen; next_group++
      }
#endif
#ifdef LIAR_REST
    :: atomic { /* the first arrives within the rest, and is seen: R3 */
        RESTS_NOW && empty(wire) && empty(ingress) && empty(ring) && !hw_overflow &&
        next_group < GROUPS && INDEX_FREE(next_group) && INDEX_FREE(next_group + 1) ->
        liar_done = true; under = under + 2;
        outstanding = outstanding | BIT(next_group) | BIT(next_group + 1);
        ingress!LAST, 1, next_group, hgen; own++; settle_left = 1; next_group++;
        wire!LAST, 1, next_group, hgen; next_group++
      }
#endif
    od
}

/* stop() is called, by who polls the unbind, and returns; the driver says that the device has
 * stopped. */
active proctype driver()
{
#ifndef NO_OP
    atomic { called && cur == 1 -> asked = true;
#ifdef STOP_TIMED
        stop_timer = true;
#endif
#ifndef RESET
        told = true
#endif
    }
#ifdef RESET
    atomic { asked && cur == 1 -> told = true }
#endif
#endif
#if !defined(WEDGED) && !defined(MARKER_WORD)
    atomic { stop_done && cur == 1 && asked -> want_stopped = true; refuted = false }
#endif
    skip
}

#ifdef NEIGHBOUR
/* Another bond of the device begins barriers, which are shared (R18). */
active proctype neighbour()
{
    byte n;

    do
    :: atomic { n < NEIGHBOUR && !role && bar_begun == bar_done -> barrier_begin(); n++ }
    :: atomic { !role && bar_begun != bar_done && bar_left == 0 -> bar_done = bar_begun }
    od
}
#endif

active proctype binder()
{
#ifdef EARLY
    ring!LAST, 0, 0, 0;
#endif
    role_wanted++;
    atomic { !role -> stamp(1); role_wanted-- }
    atomic { open_gate(1) }
    atomic { over1 && cur == 0 -> role_wanted++ }
    atomic { !role -> stamp(2); role_wanted-- }
    atomic { open_gate(2) }
}

active proctype unbinder() /* uiommu_unbind() */
{
#ifndef NO_UNBIND
    atomic { working == 1 && cur == 1 ->
        want_unbind = true;
#ifdef ABORT
        want_abort = true
#endif
    }
#endif
    skip
}

active proctype exiter() /* uiommu_aspace_exit(), uiommu_aspace_reap() */
{
#ifdef EXIT
    atomic { cur == 1 && working == 1 -> die() }
    atomic {
        if
        :: LISTED -> exit_pin = true
        :: else
        fi
    }
    exit_pin = false;
    atomic {
        if
        :: LISTED && !want_unbind -> want_unbind = true; want_abort = true
        :: else
        fi
    }
#endif
    skip
}

active proctype resetter() /* uiommu_device_reset_begin(), _end() */
{
    byte s;

#ifdef RESET
    atomic { working == 1 -> new_generation() }
    role_wanted++;
    atomic { !role -> reset_sweep(); role_wanted-- } /* sweep_soon() */
    atomic { hgen++; down = true; outstanding = 0; assembling = 0; mark_due = false }
    atomic { empty(wire) -> rstep = R_ASKED } /* the read of its configuration pushes the bus */
    atomic {
        rstep == R_STAMPED -> reset_finish(); down = false;
        if /* a driver that knows of the stop does not go on with the PASID */
        :: KNOWS && cur == 1 -> working = 0; stop_done = true
        :: else
        fi
    }
#endif
    skip
}

#ifdef LTL
/* Every shutdown ends, POISONED counted as an end; every Last the core has taken is answered. */
ltl ends { <> over1 }
ltl answers { [] <> (owed == 0) }
#endif
