/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>
#include <unistd.h>

#include "sva.h"

#define EVERY_NS   UINT64_C(100000000)
#define NS_PER_S   UINT64_C(1000000000)
#define BAR        30u
#define LOOK_TURNS 64u

static void draw(const struct sva *s, uint64_t now)
{
    uint64_t done = s->done * s->o.block_bytes;
    uint64_t took = now - s->started_ns;
    uint64_t rate, left;
    char bar[BAR + 1];
    uint32_t full;

    done = done < s->bytes ? done : s->bytes;
    full = s->bytes == 0 ? BAR : (uint32_t)(done * BAR / s->bytes);
    memset(bar, '.', BAR);
    memset(bar, '#', full);
    bar[BAR] = '\0';
    rate = took == 0 ? 0 : (uint64_t)((double)done * (double)NS_PER_S / (double)took);
    left = rate == 0 ? 0 : (s->bytes - done) / rate;
    (void)fprintf(
        stderr, "\r[%s] %3u%%  %llu.%llu of %llu.%llu MiB  %llu.%llu MiB/s  ETA %llu:%02llu ", bar,
        s->bytes == 0 ? 100 : (unsigned)(done * 100 / s->bytes), (unsigned long long)(done >> 20),
        (unsigned long long)((done >> 10) % 1024 / 103), (unsigned long long)(s->bytes >> 20),
        (unsigned long long)((s->bytes >> 10) % 1024 / 103), (unsigned long long)(rate >> 20),
        (unsigned long long)((rate >> 10) % 1024 / 103), (unsigned long long)(left / 60),
        (unsigned long long)(left % 60));
    (void)fflush(stderr);
}

/* On a terminal only, and not more often than eyes follow. */
void sva_progress(struct sva *s, bool last)
{
    uint64_t now;

    if (!s->show_progress || (!last && ++s->progress_turns % LOOK_TURNS != 0))
        return;
    now = uv_hrtime();
    if (!last && now - s->progress_ns < EVERY_NS)
        return;
    s->progress_ns = now;
    draw(s, now);
    if (last)
        (void)fputc('\n', stderr);
}
