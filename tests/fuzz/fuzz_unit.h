/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FUZZ_UNIT_H
#define FUZZ_UNIT_H
/*
 * A bare stand-in for a unit: registers are an array, commands are done when they are shown, and
 * nothing is judged. Whatever the input wants it lies: registers, rings and completions hold what
 * no hardware would put there, also while the library looks.
 */
#include "fuzz.h"

#define FUZZ_REGS      0x4000u
#define FUZZ_LIES      4u
#define FUZZ_AMBUSHES  4u
#define FUZZ_FOREVER   255u
#define FUZZ_UNLIMITED UINT32_MAX

/* Reads of a register that do not say what is in it. */
struct fuzz_lie {
    uint32_t offset, value;
    uint32_t skip, count; /* So many reads are honest before, so many not. */
};
/* A write that happens while the library is at work. */
struct fuzz_ambush {
    uint32_t in; /* Host ops from now; 0: none. */
    bool memory; /* A word of a ring, else a register. */
    uint32_t ring, at;
    uint64_t value;
};

/* What a device sends, in no vendor's words. */
struct fuzz_request {
    uint32_t id, pasid, index;
    uint32_t flags; /* UIOMMU_READ to UIOMMU_PRIV, UIOMMU_REQUEST_LAST, _PASID. */
    uint64_t address;
    uint64_t noise; /* Xored into the first word. */
};

struct fuzz_unit;

struct fuzz_vendor {
    const char *name;
    enum uiommu_root_format format;
    uint32_t pasid_bits;
    const uint16_t *registers; /* Those that say something while running. */
    uint32_t register_count;
    /* Registers after power-on. */
    void (*power)(struct fuzz_unit *v);
    uiommu_err (*create)(struct fuzz_unit *v, struct uiommu *u,
                         const struct uiommu_unit_config *config, struct uiommu_unit **out);
    void (*write)(struct fuzz_unit *v, uint32_t offset, uint32_t value);
    /* Commands that are shown are done, as far as allowed. */
    void (*run)(struct fuzz_unit *v);
    /* A page request into its ring, and the producer with it. */
    void (*request)(struct fuzz_unit *v, const struct fuzz_request *r);
    /* The same of an event or fault record. */
    void (*event)(struct fuzz_unit *v, struct fuzz_input *in, const struct fuzz_request *r);
    /* A ring that hardware writes (0: requests, 1: events, 2: completions); its words. */
    uint64_t *(*ring)(struct fuzz_unit *v, uint32_t ring, uint32_t *words);
    /* The producer's register of a ring, and its unit in bits. */
    uint32_t (*producer)(uint32_t ring, uint32_t *shift);
};
extern const struct fuzz_vendor fuzz_smmuv3, fuzz_amd, fuzz_vtd;

struct fuzz_unit {
    const struct fuzz_vendor *vendor;
    struct fuzz_host *host;
    uint8_t reg[FUZZ_REGS];
    struct fuzz_lie lie[FUZZ_LIES];
    struct fuzz_ambush ambush[FUZZ_AMBUSHES];
    uint32_t budget; /* Commands that are still done, FUZZ_UNLIMITED: all. */
    uint32_t refuse; /* So many commands from now one is refused with this code; 0: none. */
    uint32_t refuse_code;
    uint32_t variant;   /* Bits of what the hardware is. */
    uint32_t log2;      /* Of rings; 0: the least there is. */
    uint64_t responses; /* Answers taken out of the command queue. */
    /* Every page that was ever in a ring. */
    uint64_t pages[4096];
    uint32_t page_count;
};

uint32_t fuzz_reg(const struct fuzz_unit *v, uint32_t offset);
uint64_t fuzz_reg64(const struct fuzz_unit *v, uint32_t offset);
void fuzz_reg_set(struct fuzz_unit *v, uint32_t offset, uint32_t value);
void fuzz_reg_set64(struct fuzz_unit *v, uint32_t offset, uint64_t value);
/* For struct fuzz_host. */
uint32_t fuzz_unit_read(struct fuzz_unit *v, uint32_t offset);
void fuzz_unit_write(struct fuzz_unit *v, uint32_t offset, uint32_t value);
void fuzz_unit_moment(struct fuzz_unit *v);
/* A word into a ring: its page counts as asked for. */
void fuzz_ring_put(struct fuzz_unit *v, uint64_t *word, uint64_t value);
bool fuzz_page_was(const struct fuzz_unit *v, uint64_t address);
/* One command is done: false: none may be, or this one is refused. */
bool fuzz_command_may(struct fuzz_unit *v, bool *refused);
/* No lies any more, and power-on registers. */
void fuzz_unit_heal(struct fuzz_unit *v);

#endif
