/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_TESTS_SPEED_MACHINE_H
#define UIOMMU_TESTS_SPEED_MACHINE_H
/*
 * A unit of each vendor on registers that do just what its start, its commands' completion and its
 * stop need; devices and bonds on it; their page requests, put into the ring as hardware lays them
 * out; and who takes commands out of the ring and completes them, at once or when told to.
 */
#include <string.h>

#include "speed_host.h"

enum speed_vendor {
    SPEED_AMD,
    SPEED_VTD,
    SPEED_SMMUV3,
    SPEED_VENDORS,
};

/* A page request. */
struct speed_ask {
    uint32_t id, pasid, index;
    uint64_t address;
    bool last;
};

/* Of page requests that want an answer, or of answers: equal when each got its own. */
struct speed_sums {
    uint64_t count, id, pasid, index, code, mixed;
};

struct speed_machine;

/* What a vendor's files do; see speed_machine_amd.c. */
struct speed_vendor_ops {
    const char *name;
    uint32_t ask_bytes, command_bytes; /* of entries */
    uint32_t log2_least, log2_most;    /* of rings */
    uint32_t head, tail, shift;        /* registers of the request ring, slots in them */
    uint32_t doorbell;                 /* register of the command ring */
    bool wraps;                        /* the bit above the slot tells full from empty */
    enum uiommu_root_format root;
    void (*ask)(unsigned char *entry, const struct speed_ask *ask);
    /* Add a command to the sums, if it is an answer. */
    void (*answer)(const unsigned char *command, struct speed_sums *sums);
    void (*reset)(struct speed_machine *m); /* features into registers */
    uiommu_err (*create)(struct speed_machine *m);
    unsigned char *(*ring)(struct speed_machine *m); /* of requests, once the unit is started */
    void (*consume)(struct speed_machine *m);        /* all commands there are */
    void (*hook)(struct speed_page *page, uint32_t offset, uint64_t value);
};
extern const struct speed_vendor_ops speed_vendor_amd, speed_vendor_vtd, speed_vendor_smmuv3;

static inline void speed_put64(unsigned char *at, uint64_t value)
{
    memcpy(at, &value, sizeof(value));
}

static inline uint64_t speed_get64(const unsigned char *at)
{
    uint64_t value;

    memcpy(&value, at, sizeof(value));
    return value;
}

/* What a machine has. 0 means the value given. */
struct speed_machine_config {
    enum speed_vendor vendor;
    uint32_t devices;    /* with PASIDs, ATS and page requests; 1 */
    uint32_t plain;      /* attached besides, without any of these; 0 */
    uint32_t bonds;      /* of each of the devices, under PASIDs; 1 */
    uint32_t spaces;     /* address spaces; 1. A PASID's is its number modulo this */
    bool threads;        /* run handlers: what these saw is not summed up */
    bool same_pasids;    /* the devices' PASIDs are the same numbers; else all differ */
    uint32_t credits;    /* of each device; 32 */
    uint32_t ring_log2;  /* request ring; fits all credits */
    uint32_t queue_log2; /* command ring; 12 */
    uint32_t pasid_bits; /* of the devices; 20 */
    uint32_t id_first;   /* 8; behind 65535 comes 0 */
    uint64_t settle_ns;  /* of struct uiommu_unit_config, but 0 is none at all */
    const struct uiommu_aspace_ops *ops; /* NULL: the handler below */
    void *user;                          /* of the spaces; with ops only */
};

struct speed_machine {
    struct speed_machine_config config;
    const struct speed_vendor_ops *vendor;
    struct speed_page page;
    struct uiommu *u;
    struct uiommu_pasid_space *pasids;
    struct uiommu_unit *unit;
    struct uiommu_device **device; /* devices, then plain ones */
    struct uiommu_port **port;
    struct uiommu_aspace **space;
    struct uiommu_bond_ref *bond; /* [device * bonds + bond] */
    uint32_t *pasid;              /* the same; with same_pasids [bond] alone */
    uint64_t *table;              /* a page: root of all tables */
    unsigned char *ring;          /* of requests */
    uint32_t put;                 /* into it, for ever */
    double start_ns;              /* what create and start of the unit took */
    bool at_once;            /* commands are carried out at the doorbell: until told otherwise */
    struct speed_sums asked; /* wanting an answer, since the last check */
    struct speed_sums got;   /* answered */
    struct speed_sums seen;  /* groups that the handler below was shown: count, id, pasid */
};

const struct speed_vendor_ops *speed_vendor_of(enum speed_vendor vendor);
/* For vendors' create(). */
void speed_machine_unit(const struct speed_machine *m, struct uiommu_unit_config *unit);
/* Make, start, attach, bind. NULL: speed_say() said why. */
struct speed_machine *speed_machine_open(const struct speed_machine_config *config);
/* All of that undone; false: some of it was refused. Groups are all answered. */
bool speed_machine_close(struct speed_machine *m);

uint32_t speed_machine_id(const struct speed_machine *m, uint32_t device);
uint32_t speed_machine_pasid(const struct speed_machine *m, uint32_t device, uint32_t bond);
/* One request into the ring, noted for the check where it is the last of its group. The unit sees
 * it with the next show. */
void speed_machine_put(struct speed_machine *m, const struct speed_ask *ask);
/* The same, of a bond. */
void speed_machine_ask(struct speed_machine *m, uint32_t device, uint32_t bond, uint32_t index,
                       uint64_t address, bool last);
void speed_machine_show(struct speed_machine *m);
/* Slots of the ring that can be filled. */
uint32_t speed_machine_room(const struct speed_machine *m);
/* The register that tells of commands: changes when there are more. */
uint32_t speed_machine_doorbell(const struct speed_machine *m);
/* Service until nothing is left to do now. */
bool speed_machine_serve(struct speed_machine *m);
/* Commands so far are carried out, and what was answered is what was asked; false: speed_say()
 * said what differs. */
bool speed_machine_check(struct speed_machine *m);
/* The handler: all is mapped. It adds up what it is shown, as the floors' do. */
uiommu_code speed_machine_fault(void *user, const struct uiommu_group *group);
void speed_sums_add(struct speed_sums *sums, uint32_t id, uint32_t pasid, uint32_t index,
                    uint32_t code);
bool speed_sums_same(const struct speed_sums *asked, const struct speed_sums *got);

#endif
