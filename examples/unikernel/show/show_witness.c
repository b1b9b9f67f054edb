/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A second witness: every command that the unit is given, read from its queue when the tail moves,
 * as raw words on the second serial port. It knows nothing of the library but its register writes,
 * so what it tells can be compared with what an emulator says it has decoded.
 */
#include "show.h"

static struct {
    uint64_t registers;
    const struct glue_queue *layout;
    uint64_t queue;
    uint64_t bytes;
    uint64_t at;
} w;

void show_witness_begin(const struct glue_found *found)
{
    w.registers = found->base;
    w.layout = &found->vendor->commands;
}

/* A write of the tail shows all commands from the last one on. */
static void tell(uint64_t tail)
{
    const volatile uint64_t *words;
    uint32_t i;

    while (w.at != tail && tail < w.bytes) {
        words = (const volatile uint64_t *)(uintptr_t)(w.queue + w.at);
        kernel_log("command");
        for (i = 0; i < w.layout->words; i++)
            kernel_log(" %016llx", (unsigned long long)words[i]);
        kernel_log("\n");
        w.at = (w.at + UINT64_C(8) * w.layout->words) % w.bytes;
    }
}

void show_witness(uint64_t addr, uint64_t value)
{
    const struct glue_queue *q = w.layout;

    if (addr == w.registers + q->base) {
        w.queue = value & UINT64_C(0xffffffffff000);
        w.bytes = UINT64_C(1) << (q->bytes_log2 + (value >> q->size_shift & q->size_mask));
        w.at = 0;
    } else if (addr == w.registers + q->tail) {
        tell((value << q->tail_shift) & (w.bytes - 1));
    }
}
