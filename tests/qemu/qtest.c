/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "qtest.h"

#define ARGS     112
#define LINE     512u
#define REPLY_MS 60000 /* QEMU answers within that or counts as gone. */

struct qtest {
    struct qtest_config config;
    int sock, monitor, ram, trace;
    pid_t pid;
    bool alive;
    char in[LINE];
    size_t in_used;
    char line[LINE];
    FILE *lines;
};

/* ---- the protocol: a line out, a line back ---- */

static void gone(struct qtest *q, const char *why)
{
    if (q->alive) {
        fprintf(stderr, "qtest: QEMU is gone: %s\n", why);
    }
    q->alive = false;
}

/* One line of QEMU's; interrupts that it tells of by the way are left out. */
static bool reply(struct qtest *q, char *out)
{
    struct pollfd wait = {q->sock, POLLIN, 0};

    for (;;) {
        char *end = memchr(q->in, '\n', q->in_used);
        ssize_t got;

        if (end != NULL) {
            size_t bytes = (size_t)(end - q->in);

            memcpy(out, q->in, bytes);
            out[bytes] = 0;
            q->in_used -= bytes + 1;
            memmove(q->in, end + 1, q->in_used);
            if (strncmp(out, "IRQ ", 4) != 0) {
                return true;
            }
            continue;
        }
        if (q->in_used == sizeof(q->in) || poll(&wait, 1, REPLY_MS) != 1) {
            return false;
        }
        got = read(q->sock, q->in + q->in_used, sizeof(q->in) - q->in_used);
        if (got <= 0) {
            return false;
        }
        q->in_used += (size_t)got;
    }
}

static uint64_t ask(struct qtest *q, const char *line)
{
    size_t bytes = strlen(line);
    char answer[LINE + 1];

    if (!q->alive) {
        return UINT64_MAX;
    }
    if (send(q->sock, line, bytes, MSG_NOSIGNAL) != (ssize_t)bytes || !reply(q, answer)) {
        gone(q, "no answer");
        return UINT64_MAX;
    }
    if (strncmp(answer, "OK", 2) != 0) {
        gone(q, answer);
        return UINT64_MAX;
    }
    return answer[2] == ' ' ? strtoull(answer + 3, NULL, 0) : 0;
}

uint32_t qtest_read32(struct qtest *q, uint64_t addr)
{
    char line[LINE];

    snprintf(line, sizeof(line), "readl 0x%" PRIx64 "\n", addr);
    return (uint32_t)ask(q, line);
}

uint64_t qtest_read64(struct qtest *q, uint64_t addr)
{
    char line[LINE];

    snprintf(line, sizeof(line), "readq 0x%" PRIx64 "\n", addr);
    return ask(q, line);
}

void qtest_write32(struct qtest *q, uint64_t addr, uint32_t value)
{
    char line[LINE];

    snprintf(line, sizeof(line), "writel 0x%" PRIx64 " 0x%" PRIx32 "\n", addr, value);
    (void)ask(q, line);
}

void qtest_write64(struct qtest *q, uint64_t addr, uint64_t value)
{
    char line[LINE];

    snprintf(line, sizeof(line), "writeq 0x%" PRIx64 " 0x%" PRIx64 "\n", addr, value);
    (void)ask(q, line);
}

void qtest_out32(struct qtest *q, uint32_t port, uint32_t value)
{
    char line[LINE];

    snprintf(line, sizeof(line), "outl 0x%" PRIx32 " 0x%" PRIx32 "\n", port, value);
    (void)ask(q, line);
}

uint32_t qtest_in32(struct qtest *q, uint32_t port)
{
    char line[LINE];

    snprintf(line, sizeof(line), "inl 0x%" PRIx32 "\n", port);
    return (uint32_t)ask(q, line);
}

void qtest_clock(struct qtest *q, uint64_t ns)
{
    char line[LINE];

    snprintf(line, sizeof(line), "clock_step %" PRIu64 "\n", ns);
    (void)ask(q, line);
}

bool qtest_alive(const struct qtest *q)
{
    return q->alive;
}

/* ---- starting and stopping ---- */

/* In the child: memory and trace files are reached by descriptors that it inherits. */
static void become(struct qtest *q, int sock, int monitor)
{
    char object[LINE], trace[64], patterns[LINE], chardev[64];
    const char *args[ARGS];
    char *save = NULL, *name;
    size_t n = 0, i;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(sock, 0);
    dup2(sock, 1);
    snprintf(object, sizeof(object),
             "memory-backend-file,id=ram,size=%" PRIu64 ",mem-path=/proc/self/fd/%d,share=on",
             q->config.ram_bytes, q->ram);
    snprintf(chardev, sizeof(chardev), "socket,id=mon,fd=%d", monitor);
    snprintf(trace, sizeof(trace), "/proc/self/fd/%d", q->trace);
    snprintf(patterns, sizeof(patterns), "%s", q->config.trace);
    args[n++] = q->config.program;
    for (i = 0; q->config.args[i] != NULL && n < ARGS - 32; i++) {
        args[n++] = q->config.args[i];
    }
    for (name = strtok_r(patterns, ",", &save); name != NULL && n < ARGS - 16;
         name = strtok_r(NULL, ",", &save)) {
        args[n++] = "-trace";
        args[n++] = name;
    }
    args[n++] = "-D";
    args[n++] = trace;
    args[n++] = "-object";
    args[n++] = object;
    args[n++] = "-chardev";
    args[n++] = chardev;
    args[n++] = "-mon";
    args[n++] = "mon,mode=control";
    args[n++] = "-accel";
    args[n++] = "qtest";
    args[n++] = "-qtest";
    args[n++] = "stdio";
    args[n++] = "-qtest-log";
    args[n++] = "/dev/null";
    args[n] = NULL;
    execvp(args[0], (char *const *)(uintptr_t)args);
    _exit(127);
}

/* Say this to the monitor, and wait for that. */
static bool tell_monitor(struct qtest *q, const char *command, const char *until)
{
    struct pollfd wait = {q->monitor, POLLIN, 0};
    char line[LINE], answer[4096];
    size_t used = 0, bytes;
    ssize_t got;

    bytes = (size_t)snprintf(line, sizeof(line), "{\"execute\": \"%s\"}\n", command);
    if (send(q->monitor, line, bytes, MSG_NOSIGNAL) != (ssize_t)bytes) {
        return false;
    }
    for (;;) {
        if (used == sizeof(answer) - 1 || poll(&wait, 1, REPLY_MS) != 1) {
            return false;
        }
        got = read(q->monitor, answer + used, sizeof(answer) - 1 - used);
        if (got <= 0) {
            return false;
        }
        used += (size_t)got;
        answer[used] = 0;
        if (strstr(answer, until) != NULL) {
            return true;
        }
    }
}

static bool launch(struct qtest *q)
{
    int pair[2], monitor[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 ||
        socketpair(AF_UNIX, SOCK_STREAM, 0, monitor) != 0) {
        return false;
    }
    fflush(NULL);
    q->pid = fork();
    if (q->pid == 0) {
        close(pair[0]);
        close(monitor[0]);
        become(q, pair[1], monitor[1]);
    }
    close(pair[1]);
    close(monitor[1]);
    q->sock = pair[0];
    q->monitor = monitor[0];
    fcntl(q->monitor, F_SETFD, FD_CLOEXEC);
    fcntl(q->sock, F_SETFD, FD_CLOEXEC);
    q->in_used = 0;
    q->alive = q->pid > 0;
    qtest_clock(q, 1); /* It is up when it answers. */
    if (q->alive && !tell_monitor(q, "qmp_capabilities", "\"return\"")) {
        gone(q, "no monitor");
    }
    return q->alive;
}

static void land(struct qtest *q)
{
    int status;

    if (q->pid > 0) {
        kill(q->pid, SIGKILL);
        while (waitpid(q->pid, &status, 0) < 0 && errno == EINTR) {
        }
        close(q->sock);
        close(q->monitor);
    }
    q->pid = 0;
    q->alive = false;
}

struct qtest *qtest_start(const struct qtest_config *config)
{
    struct qtest *q = calloc(1, sizeof(*q));

    if (q == NULL) {
        return NULL;
    }
    q->config = *config;
    q->ram = memfd_create("qtest-ram", 0);
    q->trace = memfd_create("qtest-trace", 0);
    if (q->ram < 0 || q->trace < 0 || ftruncate(q->ram, (off_t)config->ram_bytes) != 0 ||
        !launch(q)) {
        fprintf(stderr, "qtest: %s does not start\n", config->program);
        qtest_stop(q);
        return NULL;
    }
    return q;
}

void qtest_stop(struct qtest *q)
{
    land(q);
    if (q->lines != NULL) {
        fclose(q->lines);
    }
    if (q->ram >= 0) {
        close(q->ram);
    }
    if (q->trace >= 0) {
        close(q->trace);
    }
    free(q);
}

bool qtest_again(struct qtest *q)
{
    if (q->alive && !tell_monitor(q, "system_reset", "\"RESET\"")) {
        gone(q, "no reset");
    }
    return q->alive;
}

bool qtest_map(struct qtest *q, uint64_t offset, void *to, size_t bytes)
{
    return mmap(to, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, q->ram, (off_t)offset) ==
           to;
}

/* ---- trace ---- */

const char *qtest_trace(struct qtest *q)
{
    char path[64];
    size_t bytes;
    char *text;

    if (q->lines == NULL) {
        snprintf(path, sizeof(path), "/proc/self/fd/%d", q->trace);
        q->lines = fopen(path, "r");
    }
    if (q->lines == NULL) {
        return NULL;
    }
    clearerr(q->lines);
    if (fgets(q->line, sizeof(q->line), q->lines) == NULL) {
        return NULL;
    }
    bytes = strlen(q->line);
    if (q->line[bytes - 1] == '\n') {
        q->line[bytes - 1] = 0;
    }
    /* Some builds put "PID@TIME:" before the name. */
    text = strchr(q->line, '@') != NULL ? strchr(q->line, ':') : NULL;
    return text != NULL ? text + 1 : q->line;
}
