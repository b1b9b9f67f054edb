/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FILE and OUT. A run that ends early leaves blocks of OUT untouched: those are told from copied
 * ones by a pattern that OUT is filled with before such a run.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sva.h"

#define MODE  0644
#define CHUNK (1u << 20)
#define WORD  UINT64_C(0x9e3779b97f4a7c15)

static int refuse(const char *path, const char *why)
{
    (void)fprintf(stderr, "uiommu-sva: %s: %s\n", path, why);
    return 2;
}

static int stat_of(uv_loop_t *loop, uv_file file, uv_stat_t *out)
{
    uv_fs_t request;
    int err = uv_fs_fstat(loop, &request, file, NULL);

    *out = request.statbuf;
    uv_fs_req_cleanup(&request);
    return err;
}

static int open_file(uv_loop_t *loop, const char *path, int flags)
{
    uv_fs_t request;
    int file = uv_fs_open(loop, &request, path, flags, MODE, NULL);

    uv_fs_req_cleanup(&request);
    return file;
}

static bool same(const uv_stat_t *a, const uv_stat_t *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Through links as well, and before anything is cut off. */
int sva_input_open(struct sva *s)
{
    uv_stat_t in, out;
    int file = open_file(&s->loop, s->o.file, O_RDONLY);

    if (file < 0)
        return refuse(s->o.file, uv_strerror(file));
    s->file = file;
    if (stat_of(&s->loop, s->file, &in) != 0 || !S_ISREG(in.st_mode))
        return refuse(s->o.file, S_ISDIR(in.st_mode) ? "is a directory" : "is not a regular file");
    file = open_file(&s->loop, s->o.out, O_RDWR);
    if (file == UV_ENOENT) {
        file = open_file(&s->loop, s->o.out, O_RDWR | O_CREAT);
        s->out_made = file >= 0;
    }
    if (file < 0)
        return refuse(s->o.out, uv_strerror(file));
    s->out = file;
    if (stat_of(&s->loop, s->out, &out) != 0)
        return refuse(s->o.out, "cannot be looked at");
    if (same(&in, &out))
        return refuse(s->o.out, "is FILE itself");
    if (!S_ISREG(out.st_mode) && !S_ISCHR(out.st_mode))
        return refuse(s->o.out, "is neither a file nor a character device");
    s->out_regular = S_ISREG(out.st_mode);
    s->bytes = in.st_size;
    s->blocks = (s->bytes + s->o.block_bytes - 1) / s->o.block_bytes;
    s->written = calloc(s->blocks + 1, sizeof(s->written[0]));
    s->again = calloc((size_t)s->o.devices * SVA_JOBS, sizeof(s->again[0]));
    return s->written == NULL || s->again == NULL ? refuse(s->o.file, "is too big") : 0;
}

int sva_input_trace(struct sva *s, FILE **out)
{
    uv_stat_t trace, other;
    int file;

    *out = NULL;
    if (s->o.trace == NULL)
        return 0;
    file = open_file(&s->loop, s->o.trace, O_WRONLY | O_CREAT);
    if (file < 0)
        return refuse(s->o.trace, uv_strerror(file));
    if (stat_of(&s->loop, file, &trace) != 0 || stat_of(&s->loop, s->file, &other) != 0 ||
        same(&trace, &other))
        return refuse(s->o.trace, "is FILE itself");
    if (stat_of(&s->loop, s->out, &other) != 0 || same(&trace, &other))
        return refuse(s->o.trace, "is OUT itself");
    *out = fopen(s->o.trace, "w");
    if (*out == NULL)
        return refuse(s->o.trace, "cannot be written");
    return 0;
}

/* ---- the pattern ---- */

static void pattern(uint8_t *to, uint64_t offset, size_t bytes)
{
    size_t i;

    for (i = 0; i < bytes; i++) {
        uint64_t at = offset + i;

        to[i] = (uint8_t)((((at >> 3) + 1) * WORD) >> (8 * (at & 7)));
    }
}

static ssize_t move(struct sva *s, bool write, uv_file file, void *bytes, size_t count,
                    uint64_t offset)
{
    uv_buf_t buf = uv_buf_init(bytes, (unsigned)count);
    ssize_t done = 0;

    while (buf.len > 0) {
        uv_fs_t request;
        ssize_t n =
            write ? uv_fs_write(&s->loop, &request, file, &buf, 1, (int64_t)offset + done, NULL)
                  : uv_fs_read(&s->loop, &request, file, &buf, 1, (int64_t)offset + done, NULL);

        uv_fs_req_cleanup(&request);
        if (n < 0)
            return n;
        if (n == 0)
            break;
        done += n;
        buf.base += n;
        buf.len -= (size_t)n;
    }
    return done;
}

static int fill_out(struct sva *s)
{
    uint8_t *chunk = malloc(CHUNK);
    uint64_t at = 0;
    ssize_t n = 0;

    if (chunk == NULL)
        return UV_ENOMEM;
    while (at < s->bytes && n >= 0) {
        size_t part = s->bytes - at < CHUNK ? (size_t)(s->bytes - at) : CHUNK;

        pattern(chunk, at, part);
        n = move(s, true, s->out, chunk, part, at);
        at += part;
    }
    free(chunk);
    return n < 0 ? (int)n : 0;
}

int sva_input_prepare(struct sva *s)
{
    uv_fs_t request;
    int err = 0;

    if (s->out_regular) {
        err = uv_fs_ftruncate(&s->loop, &request, s->out, 0, NULL);
        uv_fs_req_cleanup(&request);
        if (err == 0 && s->o.kill_at == 0 && s->o.unbind_at == 0) {
            err = uv_fs_ftruncate(&s->loop, &request, s->out, (int64_t)s->bytes, NULL);
            uv_fs_req_cleanup(&request);
        }
    }
    if (err == 0 && (s->o.kill_at != 0 || s->o.unbind_at != 0))
        err = fill_out(s);
    return err == 0 ? 0 : refuse(s->o.out, uv_strerror(err));
}

/* ---- afterwards ---- */

static void verify_block(struct sva *s, uint64_t block, uint8_t *want, uint8_t *got)
{
    uint64_t at = block * s->o.block_bytes;
    size_t bytes = s->bytes - at < s->o.block_bytes ? (size_t)(s->bytes - at) : s->o.block_bytes;

    if (!s->written[block])
        pattern(want, at, bytes);
    else if (move(s, false, s->file, want, bytes, at) != (ssize_t)bytes)
        sva_fail(s, "%s: cannot be read again", s->o.file);
    if (move(s, false, s->out, got, bytes, at) != (ssize_t)bytes)
        sva_fail(s, "%s: cannot be read back", s->o.out);
    else if (memcmp(want, got, bytes) != 0)
        sva_fail(s, "block %llu of OUT is %s", (unsigned long long)block,
                 s->written[block] ? "not FILE's" : "not untouched");
}

void sva_input_verify(struct sva *s)
{
    bool partly = s->o.kill_at != 0 || s->o.unbind_at != 0;
    uint8_t *want = malloc(s->o.block_bytes);
    uint8_t *got = malloc(s->o.block_bytes);
    uint64_t block;
    uv_stat_t out;

    if (!s->out_regular)
        sva_fail(s, "%s: cannot be read back", s->o.out);
    else if (stat_of(&s->loop, s->out, &out) != 0 || out.st_size != s->bytes)
        sva_fail(s, "%s: has another size than FILE", s->o.out);
    for (block = 0; block < s->blocks && s->out_regular && want != NULL && got != NULL; block++) {
        if (s->written[block] || partly)
            verify_block(s, block, want, got);
        else
            sva_fail(s, "block %llu was not copied", (unsigned long long)block);
    }
    free(want);
    free(got);
}

static int close_file(struct sva *s, uv_file file)
{
    uv_fs_t request;
    int err = file < 0 ? 0 : uv_fs_close(&s->loop, &request, file, NULL);

    if (file >= 0)
        uv_fs_req_cleanup(&request);
    return err;
}

void sva_input_undo(struct sva *s)
{
    uv_fs_t request;

    if (s->out_made) {
        (void)uv_fs_unlink(&s->loop, &request, s->o.out, NULL);
        uv_fs_req_cleanup(&request);
    }
}

void sva_input_close(struct sva *s)
{
    int err = close_file(s, s->out);

    if (err != 0)
        sva_disk_fail(s, s->o.out, uv_strerror(err));
    (void)close_file(s, s->file);
    free(s->written);
    free(s->again);
}
