/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit_firmware.h"

#include <uiommu/fdt.h>

#include <time.h>

/*
 * Device trees of 2 MiB that are made to cost the reader time: of each kind of node as many as fit,
 * each with as much as fits. All that is in them is asked for, once.
 */

#define SECONDS   5.0 /* Of processor time, sanitizers and busy machines included. */
#define STRUCTURE 64u
#define STRINGS   (UIOMMU_FDT_MAX - 1024u)

static struct tree {
    uint8_t *bytes;
    uint32_t at;
    uint32_t strings; /* Used of them. */
} tree;

static bool room(uint32_t bytes)
{
    return tree.at + bytes + 4096 < STRINGS;
}

static void cell(uint32_t value)
{
    put_cell(tree.bytes + tree.at, value);
    tree.at += 4;
}

static void node(const char *name)
{
    cell(1);
    strcpy((char *)tree.bytes + tree.at, name);
    tree.at += ((uint32_t)strlen(name) + 4) & ~3u;
}

static void leave(void)
{
    cell(2);
}

/* The property's header; its value follows. */
static void property(const char *name, uint32_t bytes)
{
    uint32_t at = 0;

    while (at < tree.strings && strcmp((char *)tree.bytes + STRINGS + at, name) != 0)
        at += (uint32_t)strlen((char *)tree.bytes + STRINGS + at) + 1;
    if (at == tree.strings) {
        strcpy((char *)tree.bytes + STRINGS + at, name);
        tree.strings += (uint32_t)strlen(name) + 1;
    }
    cell(3);
    cell(bytes);
    cell(at);
}

static void cells(const char *name, uint32_t count, const uint32_t *values)
{
    uint32_t i;

    property(name, 4 * count);
    for (i = 0; i < count; i++)
        cell(values[i]);
}

static void one(const char *name, uint32_t value)
{
    cells(name, 1, &value);
}

static void text(const char *name, const char *value)
{
    uint32_t bytes = (uint32_t)strlen(value) + 1;

    property(name, bytes);
    strcpy((char *)tree.bytes + tree.at, value);
    tree.at += (bytes + 3) & ~3u;
}

static void begin(void)
{
    tree.bytes = calloc(1, UIOMMU_FDT_MAX);
    tree.at = STRUCTURE;
    tree.strings = 0;
    node("");
    one("#address-cells", 1);
    one("#size-cells", 1);
}

static void unit(uint32_t n)
{
    const uint32_t reg[] = {0x10000000 + 0x20000 * n, 0x20000};

    node("u");
    text("compatible", "arm,smmu-v3");
    cells("reg", 2, reg);
    one("phandle", n + 1);
    one("#iommu-cells", 1);
    leave();
}

/* Everything a host would ask for, and how long that took. */
static double seconds(uint32_t *things)
{
    const uint32_t header[] = {0xd00dfeed, UIOMMU_FDT_MAX, STRUCTURE, STRINGS, 40, 17, 16,
                               0,          tree.strings,   0};
    struct uiommu_fdt_walk walk = {0}, none = {0};
    struct uiommu_fdt_unit u;
    struct uiommu_fdt_host h;
    struct uiommu_fdt_map m;
    struct uiommu_fdt_device d;
    struct uiommu_fdt_region r;
    struct uiommu_fw_match match;
    struct uiommu_fdt fdt;
    clock_t start;
    uint32_t i, cursor;

    leave();
    cell(9);
    for (i = 0; i < 10; i++)
        put_cell(tree.bytes + 4 * i, header[i]);
    put_cell(tree.bytes + 36, tree.at - STRUCTURE);
    start = clock();
    *things = 0;
    cr_assert_eq(uiommu_fdt_open(&fdt, tree.bytes, UIOMMU_FDT_MAX), UIOMMU_OK);
    for (i = 0; uiommu_fdt_next_unit(&fdt, &walk, &u); i++)
        cr_assert_eq(u.place.verdict == UIOMMU_FW_SKIPPED, i >= UIOMMU_FDT_UNITS, "unit %u", i);
    *things += i;
    walk = none;
    while (uiommu_fdt_next_host(&fdt, &walk, &h)) {
        for (cursor = 0; uiommu_fdt_next_map(&fdt, &h, &cursor, &m);)
            ++*things;
        *things += 1u + (uiommu_fdt_find(&fdt, &h, 0x1234, &match) == UIOMMU_OK);
    }
    walk = none;
    while (uiommu_fdt_next_device(&fdt, &walk, &d))
        ++*things;
    walk = none;
    while (uiommu_fdt_next_region(&fdt, &walk, &r))
        ++*things;
    free(tree.bytes);
    return (double)(clock() - start) / CLOCKS_PER_SEC;
}

/* So many come of it: no more than the reader's bounds. 0: as many as there are. */
static void bounded(const char *what, uint32_t want)
{
    uint32_t things = 0;
    double took = seconds(&things);

    printf("%-28s %7.3f s, %u things\n", what, took, (unsigned)things);
    cr_assert_lt(took, SECONDS, "%s", what);
    cr_assert(want == 0 ? things > UIOMMU_FDT_MAPS : things == want, "%s: %u", what, things);
}

TestSuite(firmware_hostile, .timeout = 120);

Test(firmware_hostile, units)
{
    uint32_t n;

    begin();
    for (n = 0; room(128); n++)
        unit(n);
    bounded("units", 0);
}

/* One map as long as the tree, and each entry leads somewhere else. */
Test(firmware_hostile, map)
{
    uint32_t n, count = (STRINGS - 16384) / 16;

    begin();
    for (n = 0; n < 8; n++)
        unit(n);
    node("h");
    text("device_type", "pci");
    property("iommu-map", 16 * count);
    for (n = 0; n < count; n++) {
        cell(n);
        cell(n % 9 + 1);
        cell(n);
        cell(1);
    }
    leave();
    bounded("iommu-map", 8 + 1 + UIOMMU_FDT_MAPS);
}

/* Bridges below a path of buses, each with as many properties as the rest leaves room for. */
Test(firmware_hostile, bridges)
{
    const uint32_t reg[] = {0x1000, 0x1000};
    uint32_t level, i;

    begin();
    unit(0);
    for (level = 0; level < 28; level++) {
        node("b");
        for (i = 0; i < 2600; i++)
            property("x", 0);
        property("ranges", 0);
        one("#address-cells", 1);
        one("#size-cells", 1);
    }
    while (room(128)) {
        node("h");
        text("device_type", "pci");
        cells("reg", 2, reg);
        leave();
    }
    for (level = 0; level < 28; level++)
        leave();
    bounded("bridges", 1 + UIOMMU_FDT_HOSTS);
}

static void devices(uint32_t streams, uint32_t phandles)
{
    uint32_t i, n;

    begin();
    for (n = 0; n < 8; n++)
        unit(n);
    for (n = 0; room(64 + 8 * streams); n++) {
        node("d");
        one("phandle", n + 100);
        property("iommus", 8 * streams);
        for (i = 0; i < streams; i++) {
            cell((n + i) % phandles + 1);
            cell(i);
        }
        leave();
    }
    bounded("devices", 0);
}

Test(firmware_hostile, devices)
{
    devices(1, 8);
    devices(64, 8);
    devices(2000, 8);
    devices(4, 1u << 20); /* Most phandles are nobody's. */
}

static void regions(uint32_t devices)
{
    const uint32_t reg[] = {0x1000, 0x1000};
    uint32_t i, n;

    begin();
    unit(0);
    node("d");
    one("phandle", 99);
    leave();
    node("reserved-memory");
    property("ranges", 0);
    for (n = 0; room(96 + 12 * devices); n++) {
        node("r");
        cells("reg", 2, reg);
        property("iommu-addresses", 12 * devices);
        for (i = 0; i < devices; i++) {
            cell(99);
            cell(0x1000);
            cell(0x1000);
        }
        leave();
    }
    leave();
    bounded("regions", 1 + UIOMMU_FDT_REGIONS);
}

Test(firmware_hostile, regions)
{
    regions(1);
    regions(64);
    regions(5000);
}

/* Units whose interrupts all name other controllers. */
Test(firmware_hostile, interrupts)
{
    const uint32_t reg[] = {0x10000, 0x20000};
    uint32_t i, n, pass;

    for (pass = 0; pass < 2; pass++) {
        begin();
        for (n = 0; n < 60; n++) {
            node("u");
            text("compatible", "arm,smmu-v3");
            cells("reg", 2, reg);
            property("interrupts-extended", 2 * 4 * 64);
            for (i = 0; i < 64; i++) {
                cell(i + 1);
                cell(i);
            }
            property("interrupt-names", 16384);
            tree.at += 16384;
            leave();
        }
        for (n = 1; room(64); n++) {
            node("c");
            if (n < 65 || pass == 0) {
                one("phandle", n);
                one("#interrupt-cells", 1);
            }
            leave();
        }
        bounded("interrupts", 60);
    }
}

/* A name as long as the tree, above many nodes. */
Test(firmware_hostile, names)
{
    const uint32_t reg[] = {0x1000, 0x1000};
    char *name = calloc(1, UIOMMU_FDT_MAX / 2);

    memset(name, 'n', UIOMMU_FDT_MAX / 2 - 1);
    begin();
    unit(0);
    node(name);
    property("ranges", 0);
    while (room(128)) {
        node("h");
        text("device_type", "pci");
        cells("reg", 2, reg);
        leave();
    }
    leave();
    bounded("names", 1);
    free(name);
}
