/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads and writes are done by libuv's pool as fast as it can, but delivered at a virtual time
 * drawn when they were submitted, in its order. A delivery that is due before the pool is through
 * stops the clock. So what a run does depends on its seed and never on the disk.
 */
#include <stdlib.h>
#include <string.h>

#include "sva.h"

#define LATENCY_LEAST_NS  20000u
#define LATENCY_SPREAD_NS 80000u

struct sva_disk_op *sva_disk_op_new(uint32_t bufs)
{
    struct sva_disk_op *op = calloc(1, sizeof(*op) + bufs * sizeof(op->bufs[0]));

    if (op == NULL)
        abort(); /* A few hundred bytes of the host's own memory. */
    op->count = bufs;
    return op;
}

static void insert(struct sva_disk *disk, struct sva_disk_op *op)
{
    struct sva_disk_op **at = &disk->first;

    while (*at != NULL && (*at)->due <= op->due)
        at = &(*at)->next;
    op->next = *at;
    *at = op;
}

static void take_out(struct sva_disk *disk, struct sva_disk_op *op)
{
    struct sva_disk_op **at = &disk->first;

    while (*at != NULL && *at != op)
        at = &(*at)->next;
    if (*at != NULL)
        *at = op->next;
}

static void start(struct sva *s, struct sva_disk_op *op);

/* What is left of the buffers after so many bytes. */
static void advance(struct sva_disk_op *op, size_t bytes)
{
    uint32_t i;

    for (i = 0; i < op->count; i++) {
        size_t part = op->bufs[i].len < bytes ? op->bufs[i].len : bytes;

        op->bufs[i].base += part;
        op->bufs[i].len -= part;
        bytes -= part;
    }
}

static bool all_moved(const struct sva_disk_op *op)
{
    uint32_t i;

    for (i = 0; i < op->count; i++) {
        if (op->bufs[i].len != 0)
            return false;
    }
    return true;
}

static void on_done(uv_fs_t *request)
{
    struct sva_disk_op *op = request->data;
    struct sva *s = op->sva;
    ssize_t result = request->result;

    uv_fs_req_cleanup(request);
    s->disk.in_pool--;
    if (result > 0) {
        op->moved += (uint64_t)result;
        advance(op, (size_t)result);
        if (!all_moved(op)) {
            start(s, op);
            return;
        }
    } else if (result < 0) {
        op->error = (int)result;
    } else if (!all_moved(op)) {
        op->error = UV_EOF;
    }
    op->done = true;
    if (s->disk.blocked)
        sva_run_unblock(s);
}

/* libuv writes all it is given, but reads at most so many buffers. */
static void start(struct sva *s, struct sva_disk_op *op)
{
    uint32_t first = 0;
    int err;

    while (first + 1 < op->count && op->bufs[first].len == 0)
        first++;
    op->request.data = op;
    if (op->kind == SVA_DISK_READ)
        err = uv_fs_read(&s->loop, &op->request, op->file, &op->bufs[first], op->count - first,
                         op->offset + (int64_t)op->moved, on_done);
    else
        err = uv_fs_write(&s->loop, &op->request, op->file, &op->bufs[first], op->count - first,
                          op->offset + (int64_t)op->moved, on_done);
    if (err < 0) {
        op->error = err;
        op->done = true;
        return;
    }
    s->disk.in_pool++;
}

void sva_disk_submit(struct sva *s, struct sva_disk_op *op)
{
    op->sva = s;
    op->due = model_now(s->machine->world) + LATENCY_LEAST_NS + sva_choose(s, LATENCY_SPREAD_NS);
    insert(&s->disk, op);
    if (op->kind == SVA_DISK_WAIT)
        op->done = true;
    else
        start(s, op);
}

bool sva_disk_run(struct sva *s)
{
    struct sva_disk_op *op;

    while ((op = s->disk.first) != NULL && op->due <= model_now(s->machine->world)) {
        if (!op->done)
            return false;
        s->disk.first = op->next;
        s->stirred = true;
        op->deliver(op);
    }
    return true;
}

void sva_disk_hold(struct sva *s, struct sva_disk_op *op)
{
    take_out(&s->disk, op);
    op->due = UINT64_MAX;
    insert(&s->disk, op);
}

void sva_disk_release(struct sva *s, struct sva_disk_op *op, uint64_t after_ns)
{
    take_out(&s->disk, op);
    op->due = model_now(s->machine->world) + after_ns;
    insert(&s->disk, op);
}
