/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef KERNEL_H
#define KERNEL_H
/*
 * What a unikernel has anyway, as little of it as the example needs: one processor, memory mapped
 * one to one (an address is what processor and devices call it), no threads. An embedder has his
 * own; everything about IOMMUs is in glue/.
 *
 * kernel_*.c serve every machine, x86_* and arm_* one processor each.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- console and end: kernel_print.c, x86_console.c, arm_console.c ---- */

void kernel_putc(char c);
/* A second line for machines that watch: what the image writes there is no talk. */
void kernel_log_putc(char c);
/* %s %c %u %x %llu %llx with a width, '-' and '0'. */
void kernel_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void kernel_log(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* As snprintf(), but always ends the text. */
void kernel_format(char *out, size_t bytes, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Ends the machine with a status of 0 to 99. */
_Noreturn void kernel_exit(uint32_t status);
/* What cannot be: says so and ends with KERNEL_PANIC. */
_Noreturn void kernel_panic(const char *what);
#define KERNEL_PANIC 99u

/* What it was started on, for people. */
const char *kernel_machine(void);

/* ---- clock: x86_clock.c, arm_clock.c ---- */

bool kernel_clock_init(void);
uint64_t kernel_now_ns(void);

/* ---- memory: kernel_pages.c ---- */

#define KERNEL_PAGE 4096u

/* Memory from first to last, inclusive, is free. The allocator takes a part of it. */
void kernel_pages_init(uint64_t first, uint64_t last);
/* Zeroed; align is a power of two; NULL: none is left. */
void *kernel_pages_get(uint64_t bytes, uint64_t align);
void kernel_pages_put(void *memory, uint64_t bytes);

/* ---- interrupts: x86_interrupt.c, arm_interrupt.c ---- */

typedef void kernel_handler(void *ctx);

/* What a device writes, and where, to interrupt the processor. */
struct kernel_message {
    uint64_t address;
    uint32_t data;
};

bool kernel_interrupts_init(void);
/* Gives a message of its own to a handler; false: this machine has none, or none is left. */
bool kernel_interrupt_message(kernel_handler *handler, void *ctx, struct kernel_message *out);
/* Gives a wire (Arm: the number of an SPI, from 0) to a handler. */
bool kernel_interrupt_wire(uint32_t wire, bool edge, kernel_handler *handler, void *ctx);
uintptr_t kernel_irq_save(void);
void kernel_irq_restore(uintptr_t state);

/* Reads where nothing may answer: all ones then. */
uint32_t kernel_probe32(uint64_t address);

/* ---- firmware: kernel_acpi.c, and what the boot code was handed ---- */

extern uint64_t kernel_rsdp;   /* Address of ACPI's root pointer; 0: none. */
extern const void *kernel_fdt; /* Device tree; NULL: none. */

/* The table with this signature, its checksum verified; NULL: none. */
const void *kernel_acpi_table(const char *signature, uint32_t *bytes);
/* Fields of tables are not aligned. */
uint16_t kernel_load16(const void *at);
uint32_t kernel_load32(const void *at);
uint64_t kernel_load64(const void *at);

/* ---- PCI Express: kernel_pci.c; where configuration space is: x86_pci.c, arm_pci.c ---- */

struct kernel_pci_host {
    uint64_t config;  /* Configuration space of bus first_bus. */
    uint32_t segment; /* Its number in tables. */
    uint32_t first_bus;
    uint32_t last_bus;
    uint64_t bars; /* Where functions without addresses get them; 0: firmware gave all. */
};

bool kernel_pci_init(void);
const struct kernel_pci_host *kernel_pci_host(void);
/* id is bus << 8 | device << 3 | function, as IOMMUs see it. */
uint32_t kernel_pci_read32(uint32_t id, uint32_t offset);
void kernel_pci_write32(uint32_t id, uint32_t offset, uint32_t value);
/* The nth function, from 0, of this vendor and device. */
bool kernel_pci_find(uint32_t vendor, uint32_t device, uint32_t n, uint32_t *id);
/* The first function of this class (three bytes). */
bool kernel_pci_find_class(uint32_t class_code, uint32_t *id);
/* The buses behind a bridge, inclusive; false: it is none. */
bool kernel_pci_bridge(uint32_t id, uint8_t *first_bus, uint8_t *last_bus);
/* Where memory BAR n is; memory decoding is on then. 0: it has none. */
uint64_t kernel_pci_bar(uint32_t id, uint32_t n);
/* May the function use memory by itself? */
void kernel_pci_master(uint32_t id, bool on);
/* Takes that from every function but bridges: firmware may have left it on. */
void kernel_pci_quiet(void);
/* Offset of a capability; 0: it has none. */
uint32_t kernel_pci_capability(uint32_t id, uint32_t number);
/* Sends the function's MSI as this message; false: it has no MSI. */
bool kernel_pci_msi(uint32_t id, const struct kernel_message *message);

/* What the boot code calls once all of the above works: show/show_main.c. */
_Noreturn void kernel_main(void);

#endif
