/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SELFTEST_SMMUV3_STAGE2_H
#define SELFTEST_SMMUV3_STAGE2_H
/* Tables of stage 2 for the self-tests: three levels of 4 KiB, 39 bits, one 2 MiB at IPA. */
#include "selftest_smmuv3.h"

#define NONE  MODEL_SMMUV3_NONE
#define IPA   UINT64_C(0x1080000000) /* Of the start of RAM */
#define VMID  7u
#define S2_RW UINT64_C(0x7FF) /* page, normal memory, S2AP, SH, AF */
#define S2_RO UINT64_C(0x77F)
/* T0SZ=25 SL0=1 IR=OR=1 SH=3 TG=4K PS=48 AA64 S2R VMID=7 */
#define S2_D2       UINT64_C(0x040D355900000007)
#define S2_FAULT    UINT64_C(0x0000008000000000) /* S2 in an event */
#define CLASS_TT    UINT64_C(0x0000010000000000)
#define CLASS_IN    UINT64_C(0x0000020000000000)
#define RNW         UINT64_C(0x0000000800000000)
#define EV(id)      (UINT64_C(0x0000020800000000) | (id))
#define IPA_OF(bus) ((bus)-SELFTEST_RAM_BASE + IPA)

struct stage2 {
    uint64_t top, mid, low;
};

static inline void s2_put(struct bench *b, const struct stage2 *s2, uint64_t ipa, uint64_t desc)
{
    put64(b, s2->top + 8 * (ipa >> 30 & 511), s2->mid | 3);
    put64(b, s2->mid + 8 * (ipa >> 21 & 511), s2->low | 3);
    put64(b, s2->low + 8 * (ipa >> 12 & 511), desc);
}

static inline void put_ste2(struct bench *b, uint32_t sid, const uint64_t word[4])
{
    unsigned i;

    for (i = 4; i > 0; i--) {
        put64(b, b->strtab + 64 * (uint64_t)sid + 8 * (i - 1), word[i - 1]);
    }
    push(b, (uint64_t)sid << 32 | 3, 1);
    do_sync(b);
}

static inline struct bench *bench2_with(void *memory, size_t bytes, uint64_t seed,
                                        struct model_smmuv3_config *config, struct stage2 *s2)
{
    struct bench *b;

    config->s2p = true;
    b = bench_with(memory, bytes, seed, config);
    s2->top = bench_ram(b, 4096, 4096);
    s2->mid = bench_ram(b, 4096, 4096);
    s2->low = bench_ram(b, 4096, 4096);
    return b;
}

static inline struct bench *bench2(void *memory, size_t bytes, uint64_t seed, struct stage2 *s2)
{
    struct model_smmuv3_config config;

    model_smmuv3_defaults(&config);
    config.httu = 2;
    return bench2_with(memory, bytes, seed, &config, s2);
}

/* Config 6, SHCFG=1, EATS=1 */
static inline void ste6(struct bench *b, uint64_t d2, uint64_t ttb)
{
    const uint64_t word[4] = {0xD, UINT64_C(0x0000100010000000), d2, ttb};

    put_ste2(b, SID, word);
}

/* One page of data at its IPA. */
static inline void bench2_map(struct bench *b, const struct stage2 *s2)
{
    s2_put(b, s2, IPA_OF(b->data), b->data | S2_RW);
    ste6(b, S2_D2, s2->top);
}

static inline enum model_dma_result dma2(struct bench *b, uint32_t access)
{
    return dma(b, NONE, IPA_OF(b->data), access);
}

static inline void s2_tlbi(struct bench *b)
{
    push(b, (uint64_t)VMID << 32 | 0x28, 0);
    do_sync(b);
}

/* The last event; its IPA apart, which event_is() masks. */
static inline bool event2_is(struct bench *b, uint32_t slot, uint64_t d0, uint64_t d1, uint64_t d2,
                             uint64_t ipa)
{
    return event_is(b, slot, d0, d1, d2, 0) && event_word(b, slot, 3) == (ipa & ~UINT64_C(0xFFF));
}

#endif
