/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A second witness, on the second serial port: every command that the unit is given, read from its
 * queue when the tail moves, and every event that the library told. Of the commands it knows
 * nothing but register writes, so what it tells can be compared with what an emulator says it has
 * decoded (tests/qemu/witness). All numbers are hexadecimal:
 *
 *   queue BASE BYTES      a queue from here on
 *   command WORDS...      given
 *   changed N WORDS...    the Nth of them (from 1) was changed after that
 *   illegal WORDS...      the next one like this is wrong on purpose
 *   event KIND ID PASID ACCESS ADDRESS COUNT CODE RAW...
 *   shut ID, open ID      between them the device is bound to nothing
 */
#include "show.h"

#define LAST 16u /* So many commands may be changed after they were given. */

static struct {
    uint64_t registers;
    const struct glue_vendor *vendor;
    uint64_t queue;
    uint64_t bytes;
    uint64_t at;
    uint64_t last[LAST][4];
    uint32_t told;  /* Commands, */
    uint32_t since; /* and those of before this queue. */
} w;

static void log_words(const uint64_t *words)
{
    uint32_t i;

    for (i = 0; i < w.vendor->commands.words; i++)
        kernel_log(" %016llx", (unsigned long long)words[i]);
    kernel_log("\n");
}

void show_witness_begin(const struct glue_found *found)
{
    w.registers = found->base;
    w.vendor = found->vendor;
}

void show_witness_illegal(void)
{
    kernel_log("illegal");
    log_words(w.vendor->illegal);
}

void show_witness_shut(const struct glue_edu *edu, bool shut)
{
    kernel_log("%s %x\n", shut ? "shut" : "open", (unsigned)edu->id);
}

void show_witness_event(const struct uiommu_event *event)
{
    uintptr_t irq = kernel_irq_save();
    uint32_t i;

    kernel_log("event %x %x %x %x %llx %x %x", (unsigned)event->kind, (unsigned)event->id,
               (unsigned)event->pasid, (unsigned)event->access, (unsigned long long)event->address,
               (unsigned)event->count, (unsigned)event->hw_code);
    for (i = 0; i < sizeof(event->raw) / sizeof(event->raw[0]); i++)
        kernel_log(" %llx", (unsigned long long)event->raw[i]);
    kernel_log("\n");
    kernel_irq_restore(irq);
}

/* Copies the command at this place of the queue. @return whether it is another one now. */
static bool copy(uint64_t at, uint64_t *to)
{
    const volatile uint64_t *words = (const volatile uint64_t *)(uintptr_t)(w.queue + at);
    bool differs = false;
    uint64_t word;
    uint32_t i;

    for (i = 0; i < w.vendor->commands.words; i++) {
        word = words[i];
        differs = differs || word != to[i];
        to[i] = word;
    }
    return differs;
}

/* What the library changes in its queue is there before the register write that makes it count. */
static void tell_changed(void)
{
    uint32_t bytes = 8u * w.vendor->commands.words, back;
    uint64_t *last;

    for (back = w.told - w.since < LAST ? w.told - w.since : LAST; back != 0; back--) {
        last = w.last[(w.told - back) % LAST];
        if (copy((w.at - (uint64_t)back * bytes) & (w.bytes - 1), last)) {
            kernel_log("changed %x", (unsigned)(w.told - back + 1));
            log_words(last);
        }
    }
}

/*
 * A write of the tail shows all commands from the last one on. Back to 0 with far more than that
 * between: the queue is about to be made anew.
 */
static void tell(uint64_t tail)
{
    if (tail == 0 && w.bytes - w.at > UINT64_C(8) * w.vendor->commands.words * LAST) {
        w.at = 0;
        w.since = w.told;
    }
    while (w.at != tail && tail < w.bytes) {
        (void)copy(w.at, w.last[w.told % LAST]);
        kernel_log("command");
        log_words(w.last[w.told % LAST]);
        w.at = (w.at + UINT64_C(8) * w.vendor->commands.words) & (w.bytes - 1);
        w.told++;
    }
}

void show_witness(uint64_t addr, uint64_t value)
{
    const struct glue_queue *q = &w.vendor->commands;
    uintptr_t irq = kernel_irq_save(); /* No line inside of another. */

    tell_changed();
    if (addr == w.registers + q->base) {
        w.queue = value & UINT64_C(0xffffffffff000);
        w.bytes = UINT64_C(1) << (q->bytes_log2 + (value >> q->size_shift & q->size_mask));
        w.at = 0;
        w.since = w.told;
        kernel_log("queue %llx %llx\n", (unsigned long long)w.queue, (unsigned long long)w.bytes);
    } else if (addr == w.registers + q->tail) {
        tell((value << q->tail_shift) & (w.bytes - 1));
    }
    kernel_irq_restore(irq);
}
