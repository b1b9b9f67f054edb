/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef X86_H
#define X86_H
/* Of x86-64 alone. */
#include <stdint.h>

struct start_info;

extern const unsigned char x86_image_end[];
extern const unsigned char x86_vectors[];

void x86_begin(const struct start_info *info);
void x86_interrupt(uint64_t vector);
void x86_console_init(void);

static inline void x86_out8(uint16_t port, uint8_t value)
{
    __asm__ __volatile__("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline void x86_out32(uint16_t port, uint32_t value)
{
    __asm__ __volatile__("outl %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t x86_in8(uint16_t port)
{
    uint8_t value;

    __asm__ __volatile__("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

#endif
