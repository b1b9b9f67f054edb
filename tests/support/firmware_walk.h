/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FIRMWARE_WALK_H
#define FIRMWARE_WALK_H
/*
 * Reads all that a firmware table says, by every reader there is for it, and holds against it what
 * must be true of any bytes. For unit tests and the fuzzer.
 */
#include <stddef.h>
#include <stdint.h>

enum firmware_kind {
    FIRMWARE_DMAR,
    FIRMWARE_IVRS,
    FIRMWARE_IORT,
    FIRMWARE_FDT,
};

struct firmware_seen {
    unsigned long items;   /* Of any kind. */
    unsigned long bad;     /* Whose verdict was not GOOD. */
    unsigned long matches; /* Functions and devices that a unit serves. */
};

/* NULL, or what is not true. Where the table cannot be opened nothing is seen. */
const char *firmware_walk(enum firmware_kind kind, const uint8_t *bytes, size_t size,
                          struct firmware_seen *seen);

#endif
