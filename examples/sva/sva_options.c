/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "sva.h"

#define GO_ON 0
#define GOOD  1
#define BAD   3

#define NAMES "smmuv3, amd, vtd"

/* In the order in which they are taken. */
static const struct sva_backend *const backends[] = {
#ifdef SVA_SMMUV3
    &sva_backend_smmuv3,
#endif
#ifdef SVA_AMD
    &sva_backend_amd,
#endif
#ifdef SVA_VTD
    &sva_backend_vtd,
#endif
};
#define BACKENDS ((uint32_t)(sizeof(backends) / sizeof(backends[0])))

enum {
    OPT_BACKEND = 256,
    OPT_DEVICES,
    OPT_CREDITS,
    OPT_QUEUE,
    OPT_BLOCK,
    OPT_KILL,
    OPT_UNBIND_AT,
    OPT_UNBIND,
    OPT_SEED,
    OPT_TRACE,
    OPT_BREAK,
};

static const struct option options[] = {
    {"backend", required_argument, NULL, OPT_BACKEND},
    {"devices", required_argument, NULL, OPT_DEVICES},
    {"credits", required_argument, NULL, OPT_CREDITS},
    {"queue-entries", required_argument, NULL, OPT_QUEUE},
    {"block", required_argument, NULL, OPT_BLOCK},
    {"kill-at", required_argument, NULL, OPT_KILL},
    {"unbind-at", required_argument, NULL, OPT_UNBIND_AT},
    {"unbind", required_argument, NULL, OPT_UNBIND},
    {"seed", required_argument, NULL, OPT_SEED},
    {"trace", required_argument, NULL, OPT_TRACE},
    {"break", required_argument, NULL, OPT_BREAK}, /* For tests: not in the help. */
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static const char help_begin[] =
    "Usage: uiommu-sva [OPTION]... FILE OUT\n"
    "Copy FILE to OUT by model DMA engines that share an address space with this program: every\n"
    "page they touch is a page request, every byte of OUT came through the IOMMU.\n"
    "\n"
    "      --backend NAME       the IOMMU: smmuv3, amd or vtd; all: one of each at once, and one\n"
    "                           address space under one PASID behind them (default: the first\n"
    "                           that this program was built with, of";
static const char help_end[] =
    ")\n"
    "      --devices N          engines, 1 to 64, in turn behind each IOMMU (default 4; 6 with "
    "all)\n"
    "      --credits N          page requests each may have outstanding, 1 to 512 (default: its\n"
    "                           share of the queue, at most 16)\n"
    "      --queue-entries N    of each page request queue: a power of two; smmuv3 16 to 65536,\n"
    "                           amd 256 to 32768, vtd 128 to 16384 (default 512)\n"
    "      --block KIB          copied at once by an engine: a multiple of 4, 4 to 1024\n"
    "                           (default 64)\n"
    "      --kill-at PERCENT    then the address space dies, 1 to 99\n"
    "      --unbind-at PERCENT  then devices are unbound, 1 to 99\n"
    "      --unbind N           so many of them (default all); the others copy the rest\n"
    "      --seed N             of everything the machine leaves to chance (default 1)\n"
    "      --trace FILE         write what happened, for chrome://tracing or Perfetto\n"
    "  -q, --quiet              only the verdict\n"
    "  -h, --help               this text\n"
    "\n"
    "Exit status: 0 good, 1 the verdict is bad, 2 bad usage or input.\n";

static int bad(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int bad(const char *format, ...)
{
    va_list args;

    (void)fputs("uiommu-sva: ", stderr);
    va_start(args, format);
    (void)vfprintf(stderr, format, args);
    va_end(args);
    (void)fputc('\n', stderr);
    return BAD;
}

static int number(const char *name, const char *text, uint64_t least, uint64_t most, uint64_t *out)
{
    char *end = NULL;

    errno = 0;
    *out = strtoull(text, &end, 0);
    if (errno != 0 || end == text || *end != '\0' || strchr(text, '-') != NULL || *out < least ||
        *out > most)
        return bad("--%s wants a number from %llu to %llu, not '%s'", name,
                   (unsigned long long)least, (unsigned long long)most, text);
    return GO_ON;
}

static int number32(const char *name, const char *text, uint32_t least, uint32_t most,
                    uint32_t *out)
{
    uint64_t wide = 0;
    int code = number(name, text, least, most, &wide);

    *out = (uint32_t)wide;
    return code;
}

static void help(void)
{
    uint32_t i;

    (void)fputs(help_begin, stdout);
    for (i = 0; i < BACKENDS; i++)
        (void)printf(" %s", backends[i]->name);
    (void)fputs(help_end, stdout);
}

static void take_backend(struct sva_options *o, const struct sva_backend *backend)
{
    o->backends[o->backend_count] = backend;
    o->backend_count++;
}

static int backend(struct sva_options *o, const char *name)
{
    bool all = strcmp(name, "all") == 0;
    uint32_t i;

    o->backend_count = 0;
    for (i = 0; i < BACKENDS; i++) {
        if (all || strcmp(backends[i]->name, name) == 0)
            take_backend(o, backends[i]);
    }
    if (o->backend_count > 0)
        return GO_ON;
    if (strcmp(name, "smmuv3") == 0 || strcmp(name, "amd") == 0 || strcmp(name, "vtd") == 0)
        return bad("%s was left out of this program; configure the build with it in -Dbackends",
                   name);
    return bad("no backend is named '%s'; there are " NAMES " and all", name);
}

static int broken(struct sva_options *o, const char *how)
{
    if (strcmp(how, "success-without-map") == 0)
        o->broken = SVA_BREAK_SUCCESS_WITHOUT_MAP;
    else if (strcmp(how, "wrong-page") == 0)
        o->broken = SVA_BREAK_WRONG_PAGE;
    else
        return bad("nothing to break is named '%s'", how);
    return GO_ON;
}

static int one(struct sva_options *o, int option, const char *arg)
{
    switch (option) {
    case OPT_BACKEND:
        return backend(o, arg);
    case OPT_DEVICES:
        return number32("devices", arg, 1, 64, &o->devices);
    case OPT_CREDITS:
        return number32("credits", arg, 1, 512, &o->credits);
    case OPT_QUEUE:
        return number32("queue-entries", arg, 16, 65536, &o->queue_entries);
    case OPT_BLOCK:
        return number32("block", arg, 4, 1024, &o->block_bytes);
    case OPT_KILL:
        return number32("kill-at", arg, 1, 99, &o->kill_at);
    case OPT_UNBIND_AT:
        return number32("unbind-at", arg, 1, 99, &o->unbind_at);
    case OPT_UNBIND:
        return number32("unbind", arg, 1, 64, &o->unbind);
    case OPT_SEED:
        return number("seed", arg, 0, UINT64_MAX, &o->seed);
    case OPT_TRACE:
        o->trace = arg;
        return GO_ON;
    case OPT_BREAK:
        return broken(o, arg);
    case 'q':
        o->quiet = true;
        return GO_ON;
    default:
        return GOOD;
    }
}

/* What one IOMMU can do another may not. */
static int each_backend(const struct sva_options *o)
{
    uint32_t i;

    for (i = 0; i < o->backend_count; i++) {
        const struct sva_backend *b = o->backends[i];

        if (o->queue_entries < b->queue_least || o->queue_entries > b->queue_most)
            return bad("--queue-entries %u: %s takes %u to %u", o->queue_entries, b->name,
                       b->queue_least, b->queue_most);
    }
    return GO_ON;
}

static int combinations(struct sva_options *o)
{
    if (o->devices == 0)
        o->devices = o->backend_count > 1 ? 2 * o->backend_count : 4;
    if (o->devices < o->backend_count)
        return bad("--devices %u is less than one behind each of %u IOMMUs", o->devices,
                   o->backend_count);
    if (o->kill_at != 0 && o->unbind_at != 0)
        return bad("--kill-at and --unbind-at exclude each other");
    if (o->unbind != 0 && o->unbind_at == 0)
        return bad("--unbind wants --unbind-at");
    if (o->unbind > o->devices)
        return bad("--unbind %u is more than there are devices", o->unbind);
    if ((o->queue_entries & (o->queue_entries - 1)) != 0)
        return bad("--queue-entries wants a power of two, not %u", o->queue_entries);
    if (o->block_bytes % 4 != 0)
        return bad("--block wants a multiple of 4, not %u", o->block_bytes);
    o->block_bytes *= 1024;
    return each_backend(o);
}

int sva_options_parse(struct sva_options *o, int argc, char **argv)
{
    int option, code;

    memset(o, 0, sizeof(*o));
    take_backend(o, backends[0]);
    o->queue_entries = 512;
    o->block_bytes = 64;
    o->seed = 1;
    opterr = 0;
    while ((option = getopt_long(argc, argv, ":qh", options, NULL)) != -1) {
        if (option == ':')
            return bad("%s wants a value (try --help)", argv[optind - 1]);
        if (option == '?')
            return bad("unknown or ambiguous option %s (try --help)", argv[optind - 1]);
        if (option == 'h') {
            help();
            return GOOD;
        }
        code = one(o, option, optarg);
        if (code != GO_ON)
            return code;
    }
    if (argc - optind != 2)
        return bad("wants FILE and OUT (try --help)");
    o->file = argv[optind];
    o->out = argv[optind + 1];
    return combinations(o);
}
