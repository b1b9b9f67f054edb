/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * D2 in hardware's eyes: an entry, its cached copy, the IOTLB and the device's TLB, which fill by
 * themselves; a command ring that executes behind the processor's back; an unbind's D2, an exit's
 * waves, a bind, and the number's next owner. Address space 1 dies, address space 2 is next.
 * Worlds (-D): HANG  hardware may stop executing commands, and waits may end without
 *              NO_UNBIND, NO_EXIT  one of them alone
 *              LATE_BIND  the exit races the first bind
 * Taken out: NO_D2_CLEAR, NO_D2_CONFIG, NO_D2_TLB, NO_D2_DEVICE, NO_I20_ORDER, NO_PIN (R11: an
 * exit pins what it has picked), NO_R13 (the dead check with the entry's store), NO_R12 (a wait
 * that ended without is taken for done).
 */
hidden byte R12_unbind, R12_exit, I15_reach, R11_owner, R11_tag, R6_tag;
#define CHECK(name, cond) assert((cond) || name)

#define BLOCKED 3
#define OP_CONFIG 1
#define OP_TLB    2
#define OP_DEVICE 3
#define OP_TICKET 4

#define P_NONE      0
#define P_D2_CONFIG 1
#define P_D2_TLB    2
#define P_D2_DEVICE 3
#define P_D2_PINNED 4
#define P_GONE      5
#define P_POISONED  6

#define D2_OK      1
#define D2_TIMEOUT 2

/* Hardware: whose tables each of them leads to, 0: nobody's. */
byte entry, config_cache, iotlb, device_tlb;
chan commands = [6] of { byte, byte }; /* op, who waits */
bool done_service, done_exit, done_bind;

/* The unit's lock and the space's lock are taken for what is one atomic step here. */
byte cur;         /* life under the number */
bool valid;       /* bond->valid */
bool listed, tag, joined;
byte pins;        /* bond->exit_pins */
byte phase;
bool in_air, missing, dead, want_unbind, unbound_ok, exited_ok, exit_over, bind_over;

#define REACHES(l) (entry == l || config_cache == l || iotlb == l || device_tlb == l)

inline d2_push()
{
    if
    :: phase == P_D2_CONFIG ->
#ifndef NO_D2_CLEAR
        entry = 0;
#endif
        valid = false;
#ifndef NO_D2_CONFIG
        commands!OP_CONFIG, 0
#endif
    :: phase == P_D2_TLB ->
        skip;
#ifndef NO_D2_TLB
        commands!OP_TLB, 0
#endif
    :: phase == P_D2_DEVICE ->
        skip;
#ifndef NO_D2_DEVICE
        commands!OP_DEVICE, 0
#endif
    fi
}

/* Push and ticket in one critical section of the space's and the unit's lock. */
inline d2_begin()
{
    if
    :: atomic {
        len(commands) <= 4 ->
        d2_push();
        commands!OP_TICKET, 1;
        done_service = false
      }
#ifdef HANG
    :: len(commands) > 4 -> result = D2_TIMEOUT
#endif
    fi
}

/* Until the ticket is done, or the deadline has passed. */
inline d2_wave()
{
    d2_begin();
    if
    :: result != 0
    :: atomic { done_service -> done_service = false; result = D2_OK }
#ifdef HANG
    :: result = D2_TIMEOUT
#endif
    fi
}

inline d2_next()
{
    if
#ifndef NO_I20_ORDER
    :: phase == P_D2_CONFIG -> phase = P_D2_TLB
    :: phase == P_D2_TLB -> phase = P_D2_DEVICE
    :: phase == P_D2_DEVICE -> phase = P_D2_PINNED
#else
    :: phase == P_D2_CONFIG -> phase = P_D2_DEVICE
    :: phase == P_D2_DEVICE -> phase = P_D2_TLB
    :: phase == P_D2_TLB -> phase = P_D2_PINNED
#endif
    fi
}

inline drain_d2()
{
    d2_wave();
    if
    :: result == D2_OK -> d2_next()
    :: result == D2_TIMEOUT ->
#ifndef NO_R12
        missing = true; phase = P_D2_PINNED
#else
        d2_next()
#endif
    fi;
    result = 0
}

#ifdef NO_PIN
#define MAY_LEAVE true
#else
#define MAY_LEAVE (pins == 0)
#endif
/* An exit that has picked the bond is done with it before its number can go on (R11). */
inline drain_pinned()
{
    if
    :: atomic { missing -> phase = P_POISONED }
    :: atomic { !missing && MAY_LEAVE ->
        listed = false; tag = false;
        unbound_ok = true; phase = P_GONE;
        CHECK(R12_unbind, !REACHES(1))
      }
    fi
}

inline die()
{
    atomic { dead = true }
}

inline batch_collect()
{
    atomic {
        picked = listed;
        pins = pins + picked
    }
}

inline batch_release()
{
    atomic { pins = pins - picked; picked = false }
}

inline push_one(wave)
{
    if
    :: wave == OP_CONFIG ->
        if
        :: valid -> CHECK(R11_owner, cur == 1); entry = BLOCKED
        :: else
        fi;
        commands!OP_CONFIG, 0
    :: wave == OP_TLB -> CHECK(R11_tag, tag); commands!OP_TLB, 0
    :: wave == OP_DEVICE -> commands!OP_DEVICE, 0
    fi
}

/* One wave over the bonds of the space: pick, push, wait, let go. */
inline wave_run(wave)
{
    batch_collect();
    if
    :: picked ->
        if
        :: atomic {
            len(commands) <= 4 ->
            push_one(wave);
            commands!OP_TICKET, 2;
            done_exit = false
          }
            if
            :: atomic { done_exit -> done_exit = false }
#ifdef HANG
            :: worst = true
#endif
            fi
#ifdef HANG
        :: len(commands) > 4 -> worst = true
#endif
        fi
    :: else
    fi;
    batch_release()
}

inline join(l)
{
    atomic {
        if
        :: dead && l == 1 -> failed = true
        :: else -> cur = l; joined = true;
            listed = l == 1; tag = l == 1 /* of the first space */
        fi
    }
}

#ifdef NO_R13
#define DEAD_SEEN false
#else
#define DEAD_SEEN dead
#endif
inline entry_push(l)
{
    atomic {
        if
        :: (DEAD_SEEN && l == 1) || len(commands) > 4 -> failed = true
        :: else -> entry = l; valid = l == 1;
            commands!OP_CONFIG, 0; commands!OP_TICKET, 3; done_bind = false
        fi
    }
    if
    :: failed
    :: !failed && done_bind
#ifdef HANG
    :: !failed -> failed = true
#endif
    fi
}

/* Fills and executes; nothing else changes its caches. */
active proctype hardware()
{
    byte op, who;

    do
    :: atomic { (entry == 1 || entry == 2) && config_cache != entry -> config_cache = entry;
        CHECK(I15_reach, !(exited_ok && config_cache == 1)) }
    :: atomic { config_cache != 0 && iotlb != config_cache -> iotlb = config_cache;
        CHECK(I15_reach, !(exited_ok && iotlb == 1)) }
    :: atomic { iotlb != 0 && device_tlb != iotlb -> device_tlb = iotlb;
        CHECK(I15_reach, !(exited_ok && device_tlb == 1)) }
    :: atomic {
        nempty(commands) -> commands?op, who;
        if
        :: op == OP_CONFIG -> config_cache = 0
        :: op == OP_TLB -> iotlb = 0
        :: op == OP_DEVICE -> device_tlb = 0
        :: op == OP_TICKET && who == 1 -> done_service = true
        :: op == OP_TICKET && who == 2 -> done_exit = true
        :: op == OP_TICKET && who == 3 -> done_bind = true
        fi;
        op = 0; who = 0
      }
#ifdef HANG
    :: break
#endif
    od
}

active proctype service()
{
    byte result;

    atomic { want_unbind && joined && bind_over -> phase = P_D2_CONFIG }
    do
    :: phase >= P_D2_CONFIG && phase <= P_D2_DEVICE -> drain_d2()
    :: phase == P_D2_PINNED -> drain_pinned()
    :: phase == P_GONE || phase == P_POISONED -> break
    od
}

active proctype exiter()
{
    bool picked, worst;

#ifndef NO_EXIT
#ifndef LATE_BIND
    bind_over;
#endif
    die();
    wave_run(OP_CONFIG);
    wave_run(OP_TLB);
    wave_run(OP_DEVICE);
    atomic {
        if
        :: !worst -> exited_ok = true; CHECK(R12_exit, !REACHES(1))
        :: else
        fi;
        exit_over = true
    }
#endif
    want_unbind = true /* the reap */
}

active proctype unbinder()
{
#ifndef NO_UNBIND
    atomic { bind_over -> want_unbind = true }
#endif
    skip
}

active proctype binder()
{
    bool failed;

    join(1);
    if
    :: !failed -> entry_push(1)
    :: else
    fi;
    bind_over = true;
    /* what is half made drains; then the number's next owner */
    phase == P_GONE;
    failed = false;
    join(2);
    entry_push(2)
}

#ifdef LTL
/* Unless hardware hangs, D2 ends; a bind that failed before it joined leaves nothing to end. */
ltl ends { <> (phase == P_GONE || phase == P_POISONED || (bind_over && !joined)) }
#endif
