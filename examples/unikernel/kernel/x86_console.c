/* SPDX-License-Identifier: BSD-2-Clause */
/* Two serial ports (16550), and the way out of QEMU. */
#include "kernel.h"
#include "x86.h"

#define COM1       0x3f8u
#define COM2       0x2f8u
#define DEBUG_EXIT 0xf4u /* -device isa-debug-exit,iobase=0xf4,iosize=4 */
#define EXIT_FIRST 16u   /* So that QEMU's own failure (1) is no status of the image. */

static void init(uint16_t port)
{
    x86_out8(port + 1, 0);    /* No interrupts. */
    x86_out8(port + 3, 0x80); /* 115200 baud. */
    x86_out8(port + 0, 1);
    x86_out8(port + 1, 0);
    x86_out8(port + 3, 3); /* 8 bits, no parity. */
    x86_out8(port + 2, 7); /* Buffers. */
}

static void put(uint16_t port, char c)
{
    uint32_t patience = 1u << 20;

    while ((x86_in8(port + 5) & 0x20) == 0 && patience-- > 0)
        continue;
    x86_out8(port, (uint8_t)c);
}

void x86_console_init(void)
{
    init(COM1);
    init(COM2);
}

void kernel_putc(char c)
{
    if (c == '\n')
        put(COM1, '\r');
    put(COM1, c);
}

void kernel_log_putc(char c)
{
    put(COM2, c);
}

_Noreturn void kernel_exit(uint32_t status)
{
    x86_out32(DEBUG_EXIT, EXIT_FIRST + status); /* QEMU ends with 2 * this + 1. */
    for (;;)
        __asm__ __volatile__("cli; hlt");
}
