/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "sim_internal.h"

/*
 * Stacks of their own for virtual CPUs. makecontext() begins one; after that a switch is _setjmp()
 * and _longjmp(), which make no system call. Below each stack lies a page that nobody may touch.
 */

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#endif
#ifdef HAS_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#define STACK_BYTES ((size_t)1 << 20)
#else
#define STACK_BYTES ((size_t)256 << 10)
#endif
#define GUARD_BYTES ((size_t)64 << 10)

struct sim_fiber {
    jmp_buf at;
    jmp_buf base;
    ucontext_t context;
    bool begun;
    void (*fn)(void *arg);
    void *arg;
    void *stack;
    const void *bottom;
    size_t bytes;
    void *fake; /* The sanitizer's. */
};

static struct sim_fiber fibers[SIM_CPUS];
static struct sim_fiber main_fiber;
static struct sim_fiber *beginning, *coming_from;

static void arrive(struct sim_fiber *f)
{
#ifdef HAS_ASAN
    const void *bottom;
    size_t bytes;

    __sanitizer_finish_switch_fiber(f->fake, &bottom, &bytes);
    if (coming_from == &main_fiber) { /* Only now its stack is known. */
        main_fiber.bottom = bottom;
        main_fiber.bytes = bytes;
    }
#else
    (void)f;
#endif
}

static void begin(void)
{
    struct sim_fiber *f = beginning;

    arrive(f);
    if (_setjmp(f->base) == 0) {
        f->fn(f->arg);
    }
    sim_fiber_leave(f, &main_fiber);
}

bool sim_fiber_begun(const struct sim_fiber *f)
{
    return f->begun;
}

_Noreturn void sim_fiber_die(struct sim_fiber *f)
{
    _longjmp(f->base, 1);
}

struct sim_fiber *sim_fiber_main(void)
{
    return &main_fiber;
}

static void *stack_make(void)
{
    uint8_t *at = mmap(NULL, GUARD_BYTES + STACK_BYTES, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (at == MAP_FAILED || mprotect(at, GUARD_BYTES, PROT_NONE) != 0) {
        perror("no stack for a virtual CPU");
        abort();
    }
    return at + GUARD_BYTES;
}

struct sim_fiber *sim_fiber_make(uint32_t i, void (*fn)(void *arg), void *arg)
{
    struct sim_fiber *f = &fibers[i];

    if (f->stack == NULL) {
        f->stack = stack_make();
        if (getcontext(&f->context) != 0) {
            abort();
        }
    }
    f->fn = fn;
    f->arg = arg;
    f->begun = false;
    f->fake = NULL;
    f->bottom = f->stack;
    f->bytes = STACK_BYTES;
    f->context.uc_stack.ss_sp = f->stack;
    f->context.uc_stack.ss_size = STACK_BYTES;
    f->context.uc_link = NULL;
#ifdef HAS_ASAN
    __asan_unpoison_memory_region(f->stack, STACK_BYTES);
#endif
    makecontext(&f->context, begin, 0);
    return f;
}

_Noreturn static void jump(struct sim_fiber *to)
{
    if (to == &main_fiber || to->begun) {
        _longjmp(to->at, 1);
    }
    to->begun = true;
    beginning = to;
    (void)setcontext(&to->context);
    abort();
}

void sim_fiber_switch(struct sim_fiber *from, struct sim_fiber *to)
{
    coming_from = from;
#ifdef HAS_ASAN
    __sanitizer_start_switch_fiber(&from->fake, to->bottom, to->bytes);
#endif
    if (_setjmp(from->at) == 0) {
        jump(to);
    }
    arrive(from);
}

_Noreturn void sim_fiber_leave(struct sim_fiber *from, struct sim_fiber *to)
{
    coming_from = from;
#ifdef HAS_ASAN
    __sanitizer_start_switch_fiber(NULL, to->bottom, to->bytes);
#endif
    jump(to);
}
