/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_internal.h"

/*
 * RAM is an array of pages with a state each. In a world that is not coherent there are two
 * copies of the bytes, and only cache maintenance carries bytes between them: exactly those asked
 * for, not whole cache lines, so that a range one byte too short is seen.
 */

/* What hardware finds in new memory whose zeroes are still in the CPU's cache. */
#define STALE_BYTE 0xE5

bool model_ram_init(struct model_world *world, uint64_t base, uint64_t bytes, bool coherent)
{
    struct model_ram *ram = &world->ram;
    uint64_t pages = bytes >> MODEL_PAGE_SHIFT;

    if ((base & (MODEL_PAGE_BYTES - 1)) != 0 || (bytes & (MODEL_PAGE_BYTES - 1)) != 0 ||
        bytes > world->arena_bytes || bytes > UINT64_MAX - base) {
        return false;
    }
    ram->base = base;
    ram->bytes = bytes;
    ram->page_count = (uint32_t)pages;
    ram->pages =
        model_alloc(world, (size_t)pages * sizeof(*ram->pages), _Alignof(struct model_ram_page));
    ram->cpu = model_carve(world, (size_t)bytes, MODEL_PAGE_BYTES);
    ram->hw = coherent ? ram->cpu : model_carve(world, (size_t)bytes, MODEL_PAGE_BYTES);
    return ram->pages != NULL && ram->cpu != NULL && ram->hw != NULL;
}

static bool in_ram(const struct model_ram *ram, uint64_t bus, uint64_t bytes)
{
    return bytes > 0 && bus >= ram->base && bus - ram->base < ram->bytes &&
           bytes <= ram->bytes - (bus - ram->base);
}

static uint32_t page_of(const struct model_ram *ram, uint64_t bus)
{
    return (uint32_t)((bus - ram->base) >> MODEL_PAGE_SHIFT);
}

static uint64_t page_bus(const struct model_ram *ram, uint32_t page)
{
    return ram->base + ((uint64_t)page << MODEL_PAGE_SHIFT);
}

/* Give bytes that nobody wrote a defined value before anyone reads them. */
static void make_defined(struct model_ram *ram, uint32_t page, uint32_t last)
{
    for (; page <= last; page++) {
        size_t at = (size_t)page << MODEL_PAGE_SHIFT;

        if ((ram->pages[page].state & MODEL_RAM_ZEROED) != 0) {
            continue;
        }
        memset(ram->cpu + at, 0, MODEL_PAGE_BYTES);
        if (ram->hw != ram->cpu) {
            memset(ram->hw + at, 0, MODEL_PAGE_BYTES);
        }
        ram->pages[page].state |= MODEL_RAM_ZEROED;
    }
}

/* The first page >= from where pages in a row have none of the bits in avoid; page_count: none. */
static uint32_t find_run(const struct model_ram *ram, uint32_t from, uint32_t pages, uint64_t align,
                         uint64_t limit, uint8_t avoid)
{
    uint32_t first = from;

    while (first < ram->page_count && pages <= ram->page_count - first) {
        uint64_t bus = page_bus(ram, first);
        uint64_t up = (0u - bus) & (align - 1);
        uint32_t at;

        if (up != 0) {
            if (up >> MODEL_PAGE_SHIFT >= ram->page_count - first) {
                break;
            }
            first += (uint32_t)(up >> MODEL_PAGE_SHIFT);
            continue;
        }
        if (bus + ((uint64_t)pages << MODEL_PAGE_SHIFT) - 1 > limit) {
            break;
        }
        for (at = first; at < first + pages; at++) {
            if ((ram->pages[at].state & avoid) != 0) {
                break;
            }
        }
        if (at == first + pages) {
            return first;
        }
        first = at + 1;
    }
    return ram->page_count;
}

static uint32_t find_pages(const struct model_ram *ram, uint32_t pages, uint64_t align,
                           uint64_t limit)
{
    const uint8_t avoid[2] = {
        MODEL_RAM_GIVEN | MODEL_RAM_TAKEN | MODEL_RAM_FREED, /* Memory nobody had is taken first. */
        MODEL_RAM_GIVEN | MODEL_RAM_TAKEN,
    };
    unsigned round;

    for (round = 0; round < 2; round++) {
        uint32_t first = find_run(ram, ram->next, pages, align, limit, avoid[round]);

        if (first == ram->page_count) {
            first = find_run(ram, 0, pages, align, limit, avoid[round]);
        }
        if (first != ram->page_count) {
            return first;
        }
    }
    return ram->page_count;
}

void *model_ram_get(struct model_world *world, uint64_t bytes, uint64_t align, uint64_t limit,
                    uint64_t *bus)
{
    struct model_ram *ram = &world->ram;
    uint32_t pages, first, page;
    size_t at;

    if (bytes == 0 || bytes > ram->bytes || (align & (align - 1)) != 0) {
        return NULL;
    }
    if (align < MODEL_PAGE_BYTES) {
        align = MODEL_PAGE_BYTES;
    }
    pages = (uint32_t)((bytes + MODEL_PAGE_BYTES - 1) >> MODEL_PAGE_SHIFT);
    first = find_pages(ram, pages, align, limit);
    if (first == ram->page_count) {
        return NULL;
    }
    for (page = first; page < first + pages; page++) {
        ram->pages[page].state = MODEL_RAM_ZEROED | MODEL_RAM_GIVEN;
        ram->pages[page].piece_first = first;
        ram->pages[page].piece_bytes = 0;
    }
    ram->pages[first].piece_bytes = bytes;
    ram->next = first + pages;
    ram->live_count++;
    ram->live_bytes += bytes;
    at = (size_t)first << MODEL_PAGE_SHIFT;
    if (ram->hw != ram->cpu) {
        memset(ram->hw + at, STALE_BYTE, (size_t)pages << MODEL_PAGE_SHIFT);
    }
    memset(ram->cpu + at, 0, (size_t)pages << MODEL_PAGE_SHIFT);
    *bus = page_bus(ram, first);
    return ram->cpu + at;
}

void model_ram_put(struct model_world *world, uint64_t bus, uint64_t bytes)
{
    struct model_ram *ram = &world->ram;
    uint32_t page, pages, first;

    if (!in_ram(ram, bus, bytes) || (bus & (MODEL_PAGE_BYTES - 1)) != 0) {
        model_report(world, "ram.put-wrong", "put back what was never a piece of RAM", bus, bytes);
        return;
    }
    first = page_of(ram, bus);
    if ((ram->pages[first].state & MODEL_RAM_GIVEN) == 0) {
        model_report(world, "ram.put-twice", "put back RAM that is not handed out", bus, bytes);
        return;
    }
    if (ram->pages[first].piece_first != first || ram->pages[first].piece_bytes != bytes) {
        model_report(world, "ram.put-wrong", "put back another size than was handed out", bus,
                     bytes);
        return;
    }
    pages = (uint32_t)((bytes + MODEL_PAGE_BYTES - 1) >> MODEL_PAGE_SHIFT);
    for (page = first; page < first + pages; page++) {
        ram->pages[page].state = MODEL_RAM_ZEROED | MODEL_RAM_FREED;
    }
    ram->live_count--;
    ram->live_bytes -= bytes;
}

/* The place of a CPU pointer in RAM; false and a report if it is elsewhere. */
static bool cpu_offset(struct model_world *world, const void *cpu, uint64_t bytes, size_t *offset)
{
    const struct model_ram *ram = &world->ram;
    uintptr_t at = (uintptr_t)cpu;
    uintptr_t start = (uintptr_t)ram->cpu;

    if (bytes == 0) {
        return false;
    }
    if (at < start || at - start >= ram->bytes || bytes > ram->bytes - (at - start)) {
        model_report(world, "ram.maintain-wrong", "cache maintenance outside RAM",
                     (uint64_t)at - (uint64_t)start, bytes);
        return false;
    }
    *offset = (size_t)(at - start);
    return true;
}

void model_ram_clean(struct model_world *world, const void *cpu, uint64_t bytes)
{
    struct model_ram *ram = &world->ram;
    size_t at;

    if (!cpu_offset(world, cpu, bytes, &at) || ram->hw == ram->cpu) {
        return;
    }
    make_defined(ram, (uint32_t)(at >> MODEL_PAGE_SHIFT),
                 (uint32_t)((at + (size_t)bytes - 1) >> MODEL_PAGE_SHIFT));
    memcpy(ram->hw + at, ram->cpu + at, (size_t)bytes);
}

void model_ram_invalidate(struct model_world *world, const void *cpu, uint64_t bytes)
{
    struct model_ram *ram = &world->ram;
    size_t at;

    if (!cpu_offset(world, cpu, bytes, &at) || ram->hw == ram->cpu) {
        return;
    }
    make_defined(ram, (uint32_t)(at >> MODEL_PAGE_SHIFT),
                 (uint32_t)((at + (size_t)bytes - 1) >> MODEL_PAGE_SHIFT));
    memcpy(ram->cpu + at, ram->hw + at, (size_t)bytes);
}

void *model_ram_cpu(struct model_world *world, uint64_t bus, uint64_t bytes)
{
    struct model_ram *ram = &world->ram;
    uint32_t page, last;

    if (!in_ram(ram, bus, bytes)) {
        return NULL;
    }
    last = page_of(ram, bus + bytes - 1);
    make_defined(ram, page_of(ram, bus), last);
    for (page = page_of(ram, bus); page <= last; page++) {
        if ((ram->pages[page].state & (MODEL_RAM_GIVEN | MODEL_RAM_FREED)) == 0) {
            ram->pages[page].state |= MODEL_RAM_TAKEN;
        }
    }
    return ram->cpu + (size_t)(bus - ram->base);
}

uint32_t model_ram_live(const struct model_world *world, uint64_t *bytes)
{
    if (bytes != NULL) {
        *bytes = world->ram.live_bytes;
    }
    return world->ram.live_count;
}

/* ---- hardware's side ---- */

void model_bus_inject_abort(struct model_world *world, uint64_t first, uint64_t last,
                            uint32_t count)
{
    struct model_ram *ram = &world->ram;
    unsigned i;

    for (i = 0; i < MODEL_ABORT_MAX; i++) {
        struct model_abort *abort = &ram->aborts[i];

        if (abort->count == 0 || (abort->first == first && abort->last == last)) {
            abort->first = first;
            abort->last = last;
            abort->count = count;
            ram->abort_armed = true;
            return;
        }
    }
    model_report(world, "ram.abort-table-full", "too many aborts injected at once", first, last);
}

static bool aborted(struct model_ram *ram, uint64_t bus, uint64_t last)
{
    bool armed = false;
    bool hit = false;
    unsigned i;

    if (!ram->abort_armed) {
        return false;
    }
    for (i = 0; i < MODEL_ABORT_MAX; i++) {
        struct model_abort *abort = &ram->aborts[i];

        if (!hit && abort->count > 0 && bus <= abort->last && last >= abort->first) {
            abort->count--;
            hit = true;
        }
        armed = armed || abort->count > 0;
    }
    ram->abort_armed = armed;
    return hit;
}

/* Whether the range is memory somebody owns: one live piece, or pages that a test took. */
static void check_owner(struct model_world *world, uint64_t bus, uint32_t bytes)
{
    const struct model_ram *ram = &world->ram;
    uint32_t page = page_of(ram, bus);
    uint32_t last = page_of(ram, bus + bytes - 1);
    uint32_t first = ram->pages[page].piece_first;

    if ((ram->pages[page].state & MODEL_RAM_GIVEN) != 0) {
        if (bus + bytes > page_bus(ram, first) + ram->pages[first].piece_bytes) {
            model_report(world, "ram.outside-piece",
                         "hardware reached beyond the end of a piece of RAM", bus, bytes);
        }
        return;
    }
    for (; page <= last; page++) {
        if ((ram->pages[page].state & MODEL_RAM_FREED) != 0) {
            model_report(world, "ram.use-after-free", "hardware used RAM that was given back", bus,
                         bytes);
            return;
        }
        if ((ram->pages[page].state & MODEL_RAM_TAKEN) == 0) {
            model_report(world, "ram.never-given", "hardware used RAM that nobody has", bus, bytes);
            return;
        }
    }
}

/* Where hardware finds the bytes; NULL: external abort. */
static uint8_t *bus_bytes(struct model_world *world, uint64_t bus, uint32_t bytes)
{
    struct model_ram *ram = &world->ram;

    if (!in_ram(ram, bus, bytes) || aborted(ram, bus, bus + bytes - 1)) {
        return NULL;
    }
    check_owner(world, bus, bytes);
    make_defined(ram, page_of(ram, bus), page_of(ram, bus + bytes - 1));
    return ram->hw + (size_t)(bus - ram->base);
}

bool model_bus_read(struct model_world *world, uint64_t bus, void *to, uint32_t bytes)
{
    const uint8_t *from = bus_bytes(world, bus, bytes);

    if (from == NULL) {
        return false;
    }
    memcpy(to, from, bytes);
    return true;
}

bool model_bus_write(struct model_world *world, uint64_t bus, const void *from, uint32_t bytes)
{
    uint8_t *to = bus_bytes(world, bus, bytes);

    if (to == NULL) {
        return false;
    }
    memcpy(to, from, bytes);
    return true;
}

static bool read_word(struct model_world *world, uint64_t bus, uint32_t bytes, uint64_t *word)
{
    uint8_t raw[8];
    uint32_t i;

    if (!model_bus_read(world, bus, raw, bytes)) {
        return false;
    }
    *word = 0;
    for (i = 0; i < bytes; i++) {
        *word |= (uint64_t)raw[i] << (8 * i);
    }
    return true;
}

static bool write_word(struct model_world *world, uint64_t bus, uint32_t bytes, uint64_t word)
{
    uint8_t raw[8];
    uint32_t i;

    for (i = 0; i < bytes; i++) {
        raw[i] = (uint8_t)(word >> (8 * i));
    }
    return model_bus_write(world, bus, raw, bytes);
}

bool model_bus_read64(struct model_world *world, uint64_t bus, uint64_t *word)
{
    return read_word(world, bus, 8, word);
}

bool model_bus_write64(struct model_world *world, uint64_t bus, uint64_t word)
{
    return write_word(world, bus, 8, word);
}

bool model_bus_read32(struct model_world *world, uint64_t bus, uint32_t *word)
{
    uint64_t wide = 0;

    if (!read_word(world, bus, 4, &wide)) {
        return false;
    }
    *word = (uint32_t)wide;
    return true;
}

bool model_bus_write32(struct model_world *world, uint64_t bus, uint32_t word)
{
    return write_word(world, bus, 4, word);
}
