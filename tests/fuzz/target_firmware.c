/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Firmware tables: the first byte says which, and whether signature, length and checksum (of a
 * device tree: magic, versions, total size) are made right first, so that mutants get past them.
 */
#include "../support/firmware_walk.h"
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

static void seal_acpi(uint8_t *bytes, size_t size, const char *signature)
{
    uint8_t sum = 0;
    size_t i;

    memcpy(bytes, signature, 4);
    for (i = 0; i < 4; i++)
        bytes[4 + i] = (uint8_t)(size >> 8 * i);
    bytes[9] = 0;
    for (i = 0; i < size; i++)
        sum = (uint8_t)(sum + bytes[i]);
    bytes[9] = (uint8_t)-sum;
}

static void seal_fdt(uint8_t *bytes, size_t size)
{
    static const uint8_t magic[] = {0xd0, 0x0d, 0xfe, 0xed},
                         versions[] = {0, 0, 0, 17, 0, 0, 0, 16};

    memcpy(bytes, magic, 4);
    bytes[4] = (uint8_t)(size >> 24);
    bytes[5] = (uint8_t)(size >> 16);
    bytes[6] = (uint8_t)(size >> 8);
    bytes[7] = (uint8_t)size;
    memcpy(bytes + 20, versions, 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const signatures[] = {"DMAR", "IVRS", "IORT"};
    struct firmware_seen seen;
    const char *wrong;
    uint8_t *copy;
    uint32_t kind;

    if (size < 1)
        return 0;
    kind = data[0] & 3u;
    size--;
    copy = malloc(size == 0 ? 1 : size); /* A read beyond is seen. */
    FUZZ_CHECK(copy != NULL);
    memcpy(copy, data + 1, size);
    if ((data[0] & 4u) == 0 && size >= 40) {
        if (kind == FIRMWARE_FDT)
            seal_fdt(copy, size);
        else
            seal_acpi(copy, size, signatures[kind]);
    }
    wrong = firmware_walk((enum firmware_kind)kind, copy, size, &seen);
    if (wrong != NULL)
        fuzz_fail(wrong, "firmware_walk", 0);
    free(copy);
    return 0;
}
