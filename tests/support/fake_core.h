/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_TESTS_FAKE_CORE_H
#define UIOMMU_TESTS_FAKE_CORE_H
/*
 * As much of the core and of a host as a backend's own tests need: memory at bus addresses that
 * are CPU addresses, and is accounted for; a clock; registers that hold what was written; one
 * unit with a lock that is only counted. It checks nothing; the device models do that. What the
 * registers do is beside each backend: there struct uiommu is made, with struct fake_core core
 * as its first member.
 */
#include <uiommu/backend.h>
#include <uiommu/bits.h>

struct uiommu_unit {
    const struct uiommu_backend_ops *ops;
    void *hw;
    struct uiommu_caps caps;
    uint32_t locked;
    void (*watch)(struct uiommu_unit *unit, bool taken); /* Where the lock is taken, given back. */
};

struct fake_core {
    struct uiommu_host_ops host;
    struct uiommu_unit unit;
    uint64_t base; /* Of the registers. */
    uint32_t *reg;
    void (*write32)(void *ctx, uint64_t addr, uint32_t value); /* What the registers do. */
    uint32_t accesses;                                         /* To registers. */
    uint64_t now;                   /* Every look at the clock is a millisecond. */
    uint64_t mem_bytes, heap_bytes; /* Given out. */
    uint32_t mem_left;              /* So many more mem_get() succeed. */
    uint32_t heap_left;             /* As many uiommu_heap_get()... */
    bool heap_once;                 /* ...and the one that fails is the only one. */
    uint32_t cleaned;               /* Calls of mem_to_device(). */
};

/* A little-endian word as hardware reads and writes it, from and to one of the host. */
static inline uint64_t le64(uint64_t word)
{
    return uiommu_bits_swap64(word);
}

/* Registers of the given bytes at base; writes of 32 bits go to behave(), with struct uiommu. */
struct uiommu *fake_core_new(size_t size, uint64_t base, size_t reg_bytes,
                             void (*behave)(void *ctx, uint64_t addr, uint32_t value));
void fake_free(struct uiommu *u);
uint32_t *fake_reg(struct uiommu *u, uint32_t offset);
uint64_t fake_reg64(struct uiommu *u, uint32_t offset);
/* Start the unit that was made; its hw, or NULL. */
void *fake_unit_start(struct uiommu *u);
void fake_unit_free(struct uiommu *u);
/* The end of a test with a unit: nothing is left of it. */
#define FAKE_END(u)                                                                                \
    do {                                                                                           \
        fake_unit_free(u);                                                                         \
        cr_assert_eq((u)->core.unit.locked, 0);                                                    \
        cr_assert_eq((u)->core.mem_bytes, 0);                                                      \
        cr_assert_eq((u)->core.heap_bytes, 0);                                                     \
        fake_free(u);                                                                              \
    } while (0)

#endif
