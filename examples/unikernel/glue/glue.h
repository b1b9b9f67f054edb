/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef GLUE_H
#define GLUE_H
/*
 * What an embedder writes around uiommu, in the order of a boot:
 *
 * glue_host.c      host services: memory, registers, clock, interrupts off
 * glue_discover_*  firmware tables: which unit is a device behind (glue_dmar.c, glue_ivrs.c)
 * glue_reserved.c  the host's word about memory that firmware wants kept
 * glue_vtd.c ...   one file a vendor: the unit's constructor and its interrupts
 * glue_service.c   what an interrupt does: serve the unit, keep its events
 * glue_space.c     an address space: page tables, and uiommu's name for them
 * glue_edu.c       a device driver that binds, stops and unbinds
 */
#include "kernel.h"
#include "table.h"
#include "uiommu/uiommu.h"

/*
 * How the image ends. Whatever it is but GLUE_GOOD, devices' DMA stays blocked: by a unit that was
 * started, else because no device was made a master of the bus.
 */
enum glue_end {
    GLUE_GOOD = 0,
    GLUE_FAILED = 1,         /* Something that was shown is not as it should be. */
    GLUE_NO_IOMMU = 10,      /* Firmware describes none. */
    GLUE_DISABLED = 11,      /* There is one, and firmware has switched it off. */
    GLUE_UNKNOWN = 12,       /* Of a version or kind that uiommu does not know. */
    GLUE_CONTRADICTION = 13, /* The tables contradict themselves or the hardware. */
    GLUE_NO_UNIT = 14,       /* There is one, but the device is behind none. */
    GLUE_UNUSABLE = 15,      /* uiommu refuses the unit, or it does not start. */
    GLUE_NO_DEVICE = 16,     /* Nothing to show it with: no edu device. */
};

/* ---- discovery ---- */

struct glue_found;

/* Where a unit's commands are, for who watches its registers. */
struct glue_queue {
    uint32_t base;       /* Offset of the register with the queue's address, */
    uint32_t tail;       /* and of its tail. */
    uint32_t tail_shift; /* The tail counts 2^this bytes. */
    uint32_t size_shift; /* In base: the field that says how large it is, */
    uint32_t size_mask;
    uint32_t bytes_log2; /* and what it is added to. */
    uint32_t words;      /* 64-bit words of a command. */
};

/* What a unit's registers say of its page-request queue, and not uiommu. */
struct glue_requests {
    const char *none; /* Why it has none; NULL: it has one. */
    bool on;
    bool interrupts;
    uint64_t base; /* Where it is in memory. */
    uint32_t entries;
    uint32_t head; /* Indices. */
    uint32_t tail;
};

/* What an image needs to know of a vendor. */
struct glue_vendor {
    const char *name;
    const char *needs;                 /* What uiommu asks of a unit of it, for people. */
    const struct table_kind *kinds[2]; /* Page tables for devices; NULL: no second kind. */
    /* The command that no unit of it knows, as uiommu_unit_command() takes it. */
    uint64_t illegal[4];
    uint32_t illegal_words;
    struct glue_queue commands;
    void (*requests)(const struct glue_found *found, struct glue_requests *out);
    /* Writes a page request (a read, group 3) where a device's would be, as a test may on emulators
     * that let it. false: the queue did not take it. NULL: nothing to write to. */
    bool (*request)(const struct glue_found *found, uint32_t id, uint32_t pasid, uint64_t address);
    /* Reads the registers: a version that uiommu can serve? */
    enum glue_end (*check)(const struct glue_found *found, const char **why);
    uiommu_err (*create)(struct uiommu *u, const struct glue_found *found,
                         const struct uiommu_unit_config *common, kernel_handler *handler,
                         void *ctx, struct uiommu_unit **out);
};

extern const struct glue_vendor glue_vtd;
extern const struct glue_vendor glue_amd;
extern const struct glue_vendor glue_smmuv3;

#define GLUE_RESERVED 16u

/* One unit, as firmware describes it. */
struct glue_found {
    const struct glue_vendor *vendor;
    uint64_t base;         /* Registers. */
    uint32_t bytes;        /* Of them. */
    uint32_t address_bits; /* Of memory; 0: not said. */
    uint32_t id;           /* The function's ID, as the unit sees it. */
    uint32_t flags;        /* AMD: IVHD flags. SMMUv3: 1 where it snoops. */
    uint32_t function;     /* AMD: the PCI function that sends its interrupts, */
    uint32_t capability;   /* and the first word of its IOMMU capability. */
    bool emulated;         /* AMD: the PCI function is one of QEMU's. */
    uint32_t wires[4];     /* SMMUv3: event queue, PRI queue, global errors, all in one; 0: none. */
    bool edge;             /* SMMUv3: they are edges. */
    /* Regions that firmware wants to be mapped for devices; more than fit: not usable. */
    struct uiommu_reserved reserved[GLUE_RESERVED];
    uint64_t reserved_to[GLUE_RESERVED]; /* What each begins with in memory. */
    uint32_t reserved_count;
};

/* The unit that a PCI function is behind. Not found: why, and a text for people. */
enum glue_end glue_discover(uint32_t function, struct glue_found *out, const char **why);

/* ---- reserved memory ---- */

/* Keeps a region: waived unless its device is driven here. false: no room. */
bool glue_reserve(struct glue_found *found, const struct uiommu_reserved *region, uint64_t to,
                  bool driven);
/* Confirms what can be mapped, and maps it. */
void glue_reserved_confirm(struct glue_found *found);
/* So many could not be: uiommu does not start the unit. */
uint32_t glue_reserved_wordless(const struct glue_found *found);
struct glue_space;
bool glue_reserved_map(struct glue_space *s, const struct glue_found *found);

/* ---- host services ---- */

/* Called for each register write, before it is done: a witness may look. NULL: nobody. */
typedef void glue_watch(uint64_t addr, uint64_t value);

uiommu_err glue_host_create(glue_watch *watch, struct uiommu **out);

/* ---- the unit and its interrupts ---- */

#define GLUE_EVENTS 512u

struct glue_unit {
    struct uiommu *u;
    struct glue_found found;
    struct uiommu_unit *unit;
    struct uiommu_pasid_space *pasids;
    volatile uint32_t interrupts; /* So many came. */
    volatile uint32_t head;       /* Events between tail and head wait to be looked at. */
    volatile uint32_t tail;
    struct uiommu_event events[GLUE_EVENTS];
    void (*seen)(const struct uiommu_event *event); /* Called for each event. NULL: nobody. */
};

/* Makes and starts the unit. Devices behind it are blocked from here on. */
uiommu_err glue_unit_start(struct glue_unit *g, struct uiommu *u, const struct glue_found *found);
/* Waits until an interrupt has brought an event, the time is over, or without one. */
bool glue_event(struct glue_unit *g, uint64_t within_ns, struct uiommu_event *out);
/* What its interrupt does, without one. */
void glue_serve(struct glue_unit *g);
/* Drops what waits; lets so much time pass. */
void glue_events_drop(struct glue_unit *g);
void glue_pause(struct glue_unit *g, uint64_t ns);

/* ---- address space ---- */

struct glue_space {
    struct table tables[2];
    uint32_t count;
    struct uiommu_aspace *as;
};

uiommu_err glue_space_create(struct glue_space *s, struct glue_unit *g);
bool glue_map(struct glue_space *s, uint64_t iova, const void *page, uint32_t access);
/* Takes the page out of the tables; the unit may go on using it until uiommu_aspace_invalidate().
 */
bool glue_unmap(struct glue_space *s, uint64_t iova);
uiommu_err glue_space_destroy(struct glue_space *s);

/* ---- the edu device (QEMU docs/specs/edu.rst): 4 KiB of its own, one DMA engine ---- */

#define GLUE_EDU_VENDOR 0x1234u
#define GLUE_EDU_DEVICE 0x11e8u

struct glue_edu {
    struct glue_unit *g;
    uint32_t function;
    uint32_t id; /* As its unit sees it. */
    uint64_t registers;
    struct uiommu_device *device;
    struct uiommu_bond_ref bond;
    uint32_t stops; /* So often uiommu asked it to stop. */
};

/* Finds its registers. It is no master of the bus yet. */
bool glue_edu_init(struct glue_edu *e, uint32_t function);
/* Behind this unit, which knows it by this ID; a master of the bus from here on. */
uiommu_err glue_edu_attach(struct glue_edu *e, struct glue_unit *g, uint32_t id);
uiommu_err glue_edu_bind(struct glue_edu *e, struct glue_space *s);
uiommu_err glue_edu_unbind(struct glue_edu *e);
uiommu_err glue_edu_detach(struct glue_edu *e);
/* Between the device's own memory and an address in the space it is bound to. false: the engine
 * does not end. It does not say whether the bytes arrived: the unit does. */
bool glue_edu_read(struct glue_edu *e, uint64_t iova, uint32_t offset, uint32_t bytes);
bool glue_edu_write(struct glue_edu *e, uint64_t iova, uint32_t offset, uint32_t bytes);

/* ---- an NVMe controller: admin queue and Identify only ---- */

struct glue_nvme {
    uint64_t registers;
    uint32_t function;
    uint32_t *submission; /* What the CPU calls the three pages */
    uint32_t *completion;
    uint64_t queues; /* and the controller: the first of them. */
    uint32_t tail;
};

bool glue_nvme_find(uint32_t *function);
/* submission and completion are mapped at queues and at queues plus a page. */
bool glue_nvme_init(struct glue_nvme *n, uint32_t function, void *submission, void *completion,
                    uint64_t queues);
/* Identify Controller to iova. false: no completion, or one with an error. */
bool glue_nvme_identify(struct glue_nvme *n, uint64_t iova);
/* It uses no memory any more. */
void glue_nvme_stop(struct glue_nvme *n);

#endif
