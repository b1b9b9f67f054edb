/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOY_INTERNAL_H
#define TOY_INTERNAL_H
/* Registers, words and state of the toy's backend. */
#include <uiommu/backend.h>

#include "toy.h"

/* Registers, 64 bits each. */
#define TOY_ID           0x00u
#define TOY_CTRL         0x08u
#define TOY_STATUS       0x10u
#define TOY_TABLE        0x18u
#define TOY_COMMAND_BASE 0x20u
#define TOY_COMMAND_TAIL 0x28u
#define TOY_COMMAND_HEAD 0x30u
#define TOY_DONE         0x38u
#define TOY_ERROR        0x40u
#define TOY_LOG_BASE     0x48u
#define TOY_LOG_TAIL     0x50u
#define TOY_LOG_HEAD     0x58u

#define TOY_ID_MAGIC  UIOMMU_FIELD(63, 32)
#define TOY_ID_PASIDS UIOMMU_FIELD(15, 8)
#define TOY_ID_IDS    UIOMMU_FIELD(7, 0)
#define TOY_MAGIC     UINT64_C(0x544f5931)

#define TOY_CTRL_ON  UINT64_C(0x1)
#define TOY_CTRL_IRQ UINT64_C(0x2)

#define TOY_STATUS_LOG    UINT64_C(0x1)
#define TOY_STATUS_LOST   UINT64_C(0x2)
#define TOY_STATUS_HALT   UINT64_C(0x4)
#define TOY_STATUS_FAULTS UINT64_C(0x8)

/* Entries of the device table, of directories and of PASID tables. */
#define TOY_VALID UINT64_C(0x1)
#define TOY_ATS   UINT64_C(0x2) /* device */
#define TOY_MUTE  UINT64_C(0x4) /* device */
#define TOY_BLOCK UINT64_C(0x2) /* PASID */
#define TOY_TAG   UIOMMU_FIELD(63, 52)

/* Word 0 of commands and of the log. */
#define TOY_TYPE   UIOMMU_FIELD(3, 0)
#define TOY_PASIDV UIOMMU_FIELD(4, 4)
#define TOY_LAST   UIOMMU_FIELD(5, 5) /* log */
#define TOY_ALL    UIOMMU_FIELD(5, 5) /* commands */
#define TOY_ACCESS UIOMMU_FIELD(11, 8)
#define TOY_PASID  UIOMMU_FIELD(31, 12)
#define TOY_WHO    UIOMMU_FIELD(47, 32)
#define TOY_INDEX  UIOMMU_FIELD(56, 48)
#define TOY_CODE   UIOMMU_FIELD(63, 60)
/* Word 1: an address, its low bits the log2 of a size. */
#define TOY_SIZE UIOMMU_FIELD(6, 0)

enum toy_command {
    TOY_COMMAND_CONFIG = 1,
    TOY_COMMAND_TLB = 2,
    TOY_COMMAND_DEVICE = 3,
    TOY_COMMAND_ANSWER = 4,
    TOY_COMMAND_WAIT = 5
};
enum toy_entry {
    TOY_ENTRY_REQUEST = 1,
    TOY_ENTRY_MARKER = 2,
    TOY_ENTRY_FAULT = 3
};

#define TOY_PAGE      UINT64_C(4096)
#define TOY_LEAF_LOG2 9u /* PASIDs of one leaf */

struct toy_device {
    struct toy_device *next;
    uint32_t *ids;
    uint32_t id_count;
    uint32_t flags;              /* UIOMMU_DEVICE_* */
    uint32_t set;                /* UIOMMU_DEVICE_SET_* */
    uint32_t leaves;             /* of the following */
    struct uiommu_mem *leaf;     /* made as PASIDs are prepared */
    struct uiommu_mem directory; /* of all its IDs */
};

struct toy {
    struct uiommu *u;
    const struct uiommu_host_ops *host;
    struct uiommu_unit *unit;
    struct toy_config config;
    uint32_t id_bits, pasid_bits;
    struct uiommu_mem table, commands, log;
    struct toy_device *devices;
    bool open; /* between start() and stop() */
    bool dead; /* only restart() helps */
    /* The command ring. [locked] */
    uint32_t head, tail, told;
    uint64_t issued, resolved; /* numbers of waits */
    struct uiommu_failed failed;
    struct uiommu_notes notes;
    /* The log. [role] */
    uint32_t log_head;
    bool bad_index; /* to be noted by check() */
    bool lost;      /* told by fetch(), not acknowledged yet... */
    bool overflow;  /* ...and in the status register */
};

/* toy_unit.c */
uint64_t toy_read(const struct toy *hw, uint32_t offset);
void toy_write(const struct toy *hw, uint32_t offset, uint64_t value);
uiommu_err toy_mem_get(struct toy *hw, uint64_t bytes, struct uiommu_mem *out);
void toy_mem_put(struct toy *hw, struct uiommu_mem *mem);
void toy_store(struct toy *hw, volatile uint64_t *word, uint64_t value);

/* toy_commands.c */
void toy_look(struct toy *hw);
void toy_tickets_fail(struct toy *hw);
uiommu_err toy_config_invalidate(void *ctx, void *dev, uint32_t pasid);
uiommu_err toy_tlb_invalidate(void *ctx, void *dev, uint32_t pasid, const struct uiommu_root *root,
                              uint32_t tag, const struct uiommu_range *range);
uiommu_err toy_dtlb_invalidate(void *ctx, void *dev, uint32_t pasid,
                               const struct uiommu_range *range);
uiommu_err toy_ticket(void *ctx, uint64_t *out);
uiommu_err toy_ticket_poll(void *ctx, uint64_t ticket);
uiommu_err toy_barrier(void *ctx, void *dev, uint32_t pasid, uint64_t *ticket, uint32_t *strength);
uiommu_err toy_command(void *ctx, const uint64_t *words, uint32_t count);
uint32_t toy_respond(void *ctx, const struct uiommu_answer *answers, uint32_t count);

/* toy_tables.c */
uiommu_err toy_root_check(void *ctx, void *dev, uint32_t pasid, const struct uiommu_root *root);
uiommu_err toy_device_attach(void *ctx, const struct uiommu_device_desc *desc, void **out);
void toy_device_detach(void *ctx, void *dev);
uiommu_err toy_device_set(void *ctx, void *dev, uint32_t flags, uint32_t step);
uiommu_err toy_device_isolate(void *ctx, void *dev);
uiommu_err toy_pasid_prepare(void *ctx, void *dev, uint32_t pasid);
uiommu_err toy_pasid_set(void *ctx, void *dev, uint32_t pasid, const struct uiommu_root *root,
                         uint32_t tag, uint32_t step);
void toy_pasid_block(void *ctx, void *dev, uint32_t pasid);
void toy_pasid_clear(void *ctx, void *dev, uint32_t pasid);
uiommu_err toy_describe(void *ctx, uint32_t id, uint32_t pasid, uint64_t *cursor,
                        struct uiommu_item *out);

/* toy_log.c */
void toy_irq_ack(void *ctx);
void toy_check(void *ctx, struct uiommu_check *out);
uint32_t toy_ring_pending(void *ctx, uint32_t ring);
uiommu_err toy_fetch(void *ctx, uint32_t ring, struct uiommu_fetch *io);
void toy_overflow_ack(void *ctx, uint32_t ring);

#endif
