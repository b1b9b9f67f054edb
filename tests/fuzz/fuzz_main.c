/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs a target without a fuzzer: on files, on every file below folders, or on its standard input.
 * That is also what AFL++ starts. A target aborts where a property does not hold.
 */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MOST ((size_t)1 << 20)

static uint8_t bytes[MOST];
static unsigned long ran;

static void run(FILE *from, const char *name)
{
    size_t n = fread(bytes, 1, sizeof(bytes), from);
    uint8_t *exact = malloc(n == 0 ? 1 : n);

    if (exact == NULL) {
        fprintf(stderr, "%s: no memory\n", name);
        exit(2);
    }
    memcpy(exact, bytes, n); /* So that a sanitizer sees a read beyond. */
    if (getenv("FUZZ_VERBOSE") != NULL)
        fprintf(stderr, "%s\n", name);
    (void)LLVMFuzzerTestOneInput(exact, n);
    free(exact);
    ran++;
}

static int run_path(const char *path);

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int run_folder(const char *path)
{
    struct dirent **list;
    int n = scandir(path, &list, NULL, by_name), i, bad = n < 0;
    char name[4096];

    for (i = 0; i < n; i++) {
        if (list[i]->d_name[0] != '.') {
            snprintf(name, sizeof(name), "%s/%s", path, list[i]->d_name);
            bad |= run_path(name);
        }
        free(list[i]);
    }
    if (n >= 0)
        free(list);
    return bad;
}

static int run_path(const char *path)
{
    struct stat st;
    FILE *from;

    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return run_folder(path);
    from = fopen(path, "rb");
    if (from == NULL) {
        perror(path);
        return 1;
    }
    run(from, path);
    fclose(from);
    return 0;
}

int main(int argc, char **argv)
{
    int i, bad = 0;

    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        printf("usage: %s [file or folder]...\n"
               "Runs the target on each input, without any on its standard input.\n"
               "FUZZ_VERBOSE=1 names each one before it runs.\n",
               argv[0]);
        return 0;
    }
    if (argc == 1)
        run(stdin, "standard input");
    for (i = 1; i < argc; i++)
        bad |= run_path(argv[i]);
    if (argc > 1 && ran == 0) {
        fprintf(stderr, "%s: no input found\n", argv[0]);
        bad = 1;
    }
    printf("%lu passed, 0 failed, 0 skipped\n", ran);
    return bad;
}
