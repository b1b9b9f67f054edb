/* SPDX-License-Identifier: BSD-2-Clause */
/* Input, memory, clock, and what bounds every call. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEP_NS 250u /* Every host op takes so long: a loop that polls ends at its deadline. */

uint32_t fuzz_u8(struct fuzz_input *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->at++;
}

uint32_t fuzz_u16(struct fuzz_input *in)
{
    uint32_t low = fuzz_u8(in);

    return low | fuzz_u8(in) << 8;
}

uint32_t fuzz_u32(struct fuzz_input *in)
{
    uint32_t low = fuzz_u16(in);

    return low | fuzz_u16(in) << 16;
}

uint64_t fuzz_u64(struct fuzz_input *in)
{
    uint64_t low = fuzz_u32(in);

    return low | (uint64_t)fuzz_u32(in) << 32;
}

uint32_t fuzz_below(struct fuzz_input *in, uint32_t n)
{
    return fuzz_u8(in) % n;
}

void fuzz_fail(const char *what, const char *where, int line)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", where, line, what);
    abort();
}

/* One host op more. */
static void step(struct fuzz_host *h)
{
    h->steps++;
    h->now += STEP_NS;
    if (h->call != NULL && (h->steps > h->most_steps || h->now - h->call_at > h->most_ns)) {
        fprintf(stderr, "%s: %llu host ops, %llu ns\n", h->call, (unsigned long long)h->steps,
                (unsigned long long)(h->now - h->call_at));
        fuzz_fail("a call ends", __FILE__, __LINE__);
    }
    if (h->moment != NULL)
        h->moment(h->owner);
}

void fuzz_enter(struct fuzz_host *h, const char *call)
{
    FUZZ_CHECK(h->call == NULL);
    h->call = call;
    h->call_at = h->now;
    h->steps = 0;
}

void fuzz_leave(struct fuzz_host *h)
{
    h->call = NULL;
}

/* ---- memory: each piece is the sanitizer's own, to the byte ---- */

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, bytes)   ((void)(at), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(at, bytes) ((void)(at), (void)(bytes))
#endif

/* Large pieces are kept from one input to the next: getting them anew is most of the time. */
#define LARGE UINT64_C(0x4000)
static struct kept {
    void *cpu;
    uint64_t bytes, align;
} kept[64];

static struct kept *kept_find(uint64_t bytes, uint64_t align)
{
    uint32_t i;

    for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        if (bytes == 0 ? kept[i].cpu == NULL : kept[i].bytes == bytes && kept[i].align >= align)
            return &kept[i];
    }
    return NULL;
}

static void *memory_get(uint64_t bytes, uint64_t align)
{
    struct kept *k = bytes >= LARGE ? kept_find(bytes, align) : NULL;
    void *cpu = NULL;

    if (k != NULL) {
        cpu = k->cpu;
        memset(k, 0, sizeof(*k));
        ASAN_UNPOISON_MEMORY_REGION(cpu, (size_t)bytes);
    } else if (posix_memalign(&cpu, (size_t)align, (size_t)bytes) != 0) {
        return NULL;
    }
    memset(cpu, 0, (size_t)bytes);
    return cpu;
}

static void memory_put(void *cpu, uint64_t bytes)
{
    struct kept *k = bytes >= LARGE ? kept_find(0, 0) : NULL;

    if (k == NULL) {
        free(cpu);
        return;
    }
    k->cpu = cpu;
    k->bytes = bytes;
    k->align = (uintptr_t)cpu & (~(uintptr_t)cpu + 1u);
    ASAN_POISON_MEMORY_REGION(cpu, (size_t)bytes);
}

static struct fuzz_region *region_get(struct fuzz_host *h, uint64_t bytes, uint64_t align)
{
    struct fuzz_region *r;

    FUZZ_CHECK(!h->no_memory);
    FUZZ_CHECK(bytes != 0 && bytes <= UINT64_C(1) << 32);
    if (h->regions == FUZZ_REGIONS || bytes > UINT64_C(64) << 20)
        return NULL;
    if (h->fail_in != 0 && --h->fail_in == 0)
        return NULL;
    r = &h->region[h->regions];
    r->cpu = memory_get(bytes, align < 64 ? 64 : align);
    if (r->cpu == NULL)
        return NULL;
    r->bytes = bytes;
    r->bus = 0;
    h->regions++;
    return r;
}

static void region_put(struct fuzz_host *h, void *cpu, uint64_t bytes)
{
    uint32_t i = h->regions;

    while (i != 0 && h->region[i - 1].cpu != cpu)
        i--;
    FUZZ_CHECK(i != 0);
    FUZZ_CHECK(h->region[i - 1].bytes == bytes);
    memory_put(cpu, bytes);
    h->regions--;
    h->region[i - 1] = h->region[h->regions];
}

static uiommu_err mem_get(void *ctx, uint64_t bytes, uint64_t align, uint64_t limit,
                          struct uiommu_mem *out)
{
    struct fuzz_host *h = ctx;
    struct fuzz_region *r;
    uint64_t bus;

    FUZZ_CHECK(align != 0 && (align & (align - 1)) == 0 && align <= UINT64_C(64) << 20);
    bus = (h->next_bus + align - 1) & ~(align - 1);
    if (bus + bytes - 1 > limit)
        return UIOMMU_E_NOMEM;
    r = region_get(h, bytes, align);
    if (r == NULL)
        return UIOMMU_E_NOMEM;
    r->bus = bus;
    h->next_bus = bus + bytes;
    out->cpu = r->cpu;
    out->bus = bus;
    out->bytes = bytes;
    return UIOMMU_OK;
}

static void mem_put(void *ctx, const struct uiommu_mem *mem)
{
    region_put(ctx, mem->cpu, mem->bytes);
}

static void *heap_get(void *ctx, size_t bytes)
{
    struct fuzz_region *r = region_get(ctx, bytes, 64);

    return r != NULL ? r->cpu : NULL;
}

static void heap_put(void *ctx, void *ptr, size_t bytes)
{
    region_put(ctx, ptr, bytes);
}

void *fuzz_host_cpu(struct fuzz_host *h, uint64_t bus, uint64_t bytes)
{
    uint32_t i;

    for (i = 0; i < h->regions; i++) {
        const struct fuzz_region *r = &h->region[i];

        if (r->bus != 0 && bus >= r->bus && bus - r->bus < r->bytes &&
            bytes <= r->bytes - (bus - r->bus))
            return (uint8_t *)r->cpu + (bus - r->bus);
    }
    return NULL;
}

/* ---- the other ops ---- */

static void from_device(void *ctx, const void *cpu, uint64_t bytes)
{
    (void)cpu;
    (void)bytes;
    step(ctx);
}

static uint32_t mmio_read32(void *ctx, uint64_t addr)
{
    struct fuzz_host *h = ctx;

    step(h);
    return h->read32(h->owner, (uint32_t)(addr - FUZZ_REG_BASE));
}

static uint64_t mmio_read64(void *ctx, uint64_t addr)
{
    struct fuzz_host *h = ctx;
    uint64_t low;

    FUZZ_CHECK((addr & 7) == 0);
    step(h);
    low = h->read32(h->owner, (uint32_t)(addr - FUZZ_REG_BASE));
    return low | (uint64_t)h->read32(h->owner, (uint32_t)(addr - FUZZ_REG_BASE) + 4u) << 32;
}

static void mmio_write32(void *ctx, uint64_t addr, uint32_t value)
{
    struct fuzz_host *h = ctx;

    step(h);
    h->write32(h->owner, (uint32_t)(addr - FUZZ_REG_BASE), value);
}

/* High half first: writing the low one is what tells stand-ins that something is to be done. */
static void mmio_write64(void *ctx, uint64_t addr, uint64_t value)
{
    struct fuzz_host *h = ctx;

    FUZZ_CHECK((addr & 7) == 0);
    step(h);
    h->write32(h->owner, (uint32_t)(addr - FUZZ_REG_BASE) + 4u, (uint32_t)(value >> 32));
    h->write32(h->owner, (uint32_t)(addr - FUZZ_REG_BASE), (uint32_t)value);
}

static uint64_t now_ns(void *ctx)
{
    struct fuzz_host *h = ctx;

    step(h);
    return h->now;
}

static uintptr_t self(void *ctx)
{
    (void)ctx;
    return 1;
}

static void log_line(void *ctx, enum uiommu_log_level level, const char *msg)
{
    struct fuzz_host *h = ctx;

    FUZZ_CHECK(level <= UIOMMU_LOG_INFO && strlen(msg) < 512 && strchr(msg, '\n') == NULL);
    h->lines++;
}

static void trace(void *ctx, const struct uiommu_trace *record)
{
    struct fuzz_host *h = ctx;

    FUZZ_CHECK(record->id > 0 && record->id < UIOMMU_TRACE_END);
    if (h->trace != NULL)
        h->trace(h->owner, record);
}

void fuzz_host_begin(struct fuzz_host *h, void *owner)
{
    memset(h, 0, sizeof(*h));
    h->owner = owner;
    h->now = 1000;
    h->next_bus = UINT64_C(0x10000000);
    h->most_steps = 2000000;
    h->most_ns = UINT64_C(1000000000);
    h->ops.size = sizeof(h->ops);
    h->ops.ctx = h;
    h->ops.mem_get = mem_get;
    h->ops.mem_put = mem_put;
    h->ops.heap_get = heap_get;
    h->ops.heap_put = heap_put;
    h->ops.mem_from_device = from_device;
    h->ops.mmio_read32 = mmio_read32;
    h->ops.mmio_read64 = mmio_read64;
    h->ops.mmio_write32 = mmio_write32;
    h->ops.mmio_write64 = mmio_write64;
    h->ops.now_ns = now_ns;
    h->ops.self = self;
    h->ops.log = log_line;
    h->ops.trace = trace;
}

void fuzz_host_end(struct fuzz_host *h, bool leak_allowed)
{
    FUZZ_CHECK(h->regions == 0 || leak_allowed);
    while (h->regions != 0) {
        h->regions--;
        memory_put(h->region[h->regions].cpu, h->region[h->regions].bytes);
    }
}
