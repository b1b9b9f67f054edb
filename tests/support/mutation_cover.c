/* SPDX-License-Identifier: BSD-2-Clause */
#include "mutation_cover.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * Without instrumentation nothing here is called but the two of the header. The file has a byte for
 * each block, then the address of each as eight bytes.
 */
#define BLOCKS 65536u

void __sanitizer_cov_trace_pc_guard_init(uint32_t *start, uint32_t *stop);
void __sanitizer_cov_trace_pc_guard(uint32_t *guard);
void __sanitizer_cov_pcs_init(const uintptr_t *begin, const uintptr_t *end);

static uint8_t own[BLOCKS];
static uint8_t *seen = own;
static uint32_t blocks;

void __sanitizer_cov_trace_pc_guard_init(uint32_t *start, uint32_t *stop)
{
    uint32_t *guard;

    if (start == stop || *start != 0) {
        return;
    }
    for (guard = start; guard < stop && blocks < BLOCKS - 1; guard++) {
        *guard = ++blocks;
    }
}

void __sanitizer_cov_trace_pc_guard(uint32_t *guard)
{
    if (*guard != 0) {
        seen[*guard - 1] = 1;
    }
}

/* Each block has its address and its flags; the order is that of the guards. */
void __sanitizer_cov_pcs_init(const uintptr_t *begin, const uintptr_t *end)
{
    const char *path = getenv("MUTATION_COVER");
    uint64_t *address;
    size_t count = (size_t)(end - begin) / 2, i;
    void *at;
    int file;

    if (path == NULL || seen != own) {
        return;
    }
    file = open(path, O_RDWR | O_CREAT, 0644);
    if (file < 0 || ftruncate(file, (off_t)(BLOCKS * 9u)) != 0) {
        perror(path);
        exit(2);
    }
    at = mmap(NULL, BLOCKS * 9u, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    (void)close(file);
    if (at == MAP_FAILED || count > BLOCKS) {
        perror(path);
        exit(2);
    }
    seen = at;
    address = (uint64_t *)(void *)((uint8_t *)at + BLOCKS);
    for (i = 0; i < count; i++) {
        address[i] = begin[2 * i];
    }
}

void mutation_cover_begin(void)
{
    if (blocks != 0) {
        memset(seen, 0, blocks);
    }
}

void mutation_cover_print(void)
{
    uint32_t i;

    for (i = 0; i < blocks; i += 4) {
        putchar(
            "0123456789abcdef"[seen[i] | seen[i + 1] << 1 | seen[i + 2] << 2 | seen[i + 3] << 3]);
    }
    putchar('\n');
}
