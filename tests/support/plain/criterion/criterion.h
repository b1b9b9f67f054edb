/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UIOMMU_TESTS_PLAIN_CRITERION_H
#define UIOMMU_TESTS_PLAIN_CRITERION_H
/*
 * As much of Criterion's interface as the tests here use, for machines that do not have it: the
 * same sources become plain mains. Each test runs in a process of its own, as there.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct plain_extra {
    int unused; /* So that a test may give nothing. */
    void (*init)(void);
    void (*fini)(void);
    double timeout; /* seconds; 0: a minute */
    bool disabled;
};

struct plain_test {
    const char *suite;
    const char *name; /* NULL: the suite itself */
    const char *file;
    void (*run)(void);
    struct plain_extra extra;
    struct plain_test *next;
};

void plain_add(struct plain_test *test);
/* A check with the text of what it wanted; message may be NULL. fatal: the test ends here. */
__attribute__((format(printf, 6, 7))) void plain_check(bool good, bool fatal, const char *file,
                                                       int line, const char *wanted,
                                                       const char *message, ...);

/* The test ends here and counts as skipped. */
_Noreturn __attribute__((format(printf, 1, 2))) void plain_skip(const char *why, ...);

#define PLAIN_REGISTER(id, suite_, name_, run_, ...)                                               \
    __attribute__((constructor)) static void id##_add(void)                                        \
    {                                                                                              \
        static struct plain_test test = {.suite = suite_,                                          \
                                         .name = name_,                                            \
                                         .file = __FILE__,                                         \
                                         .run = run_,                                              \
                                         .extra = {.unused = 0, __VA_ARGS__}};                     \
                                                                                                   \
        plain_add(&test);                                                                          \
    }

#define TestSuite(suite_, ...)                                                                     \
    PLAIN_REGISTER(plain_suite_##suite_, #suite_, NULL, NULL, __VA_ARGS__)
#define Test(suite_, name_, ...)                                                                   \
    static void plain_##suite_##_##name_(void);                                                    \
    PLAIN_REGISTER(plain_##suite_##_##name_, #suite_, #name_, plain_##suite_##_##name_,            \
                   __VA_ARGS__)                                                                    \
    static void plain_##suite_##_##name_(void)

/* The message, if one is given, begins with a literal. */
#define PLAIN_CHECK(good, fatal, wanted, ...)                                                      \
    plain_check(good, fatal, __FILE__, __LINE__, wanted, " " __VA_ARGS__)

#define cr_skip_test(...)    plain_skip(__VA_ARGS__)
#define cr_assert(cond, ...) PLAIN_CHECK((cond) ? true : false, true, #cond, __VA_ARGS__)
#define cr_expect(cond, ...) PLAIN_CHECK((cond) ? true : false, false, #cond, __VA_ARGS__)
#define cr_assert_fail(...)  PLAIN_CHECK(false, true, "not to come here", __VA_ARGS__)

#define PLAIN_TWO(a, op, b, fatal, ...) PLAIN_CHECK((a)op(b), fatal, #a " " #op " " #b, __VA_ARGS__)
#define cr_assert_eq(a, b, ...)         PLAIN_TWO(a, ==, b, true, __VA_ARGS__)
#define cr_assert_neq(a, b, ...)        PLAIN_TWO(a, !=, b, true, __VA_ARGS__)
#define cr_assert_gt(a, b, ...)         PLAIN_TWO(a, >, b, true, __VA_ARGS__)
#define cr_assert_geq(a, b, ...)        PLAIN_TWO(a, >=, b, true, __VA_ARGS__)
#define cr_assert_lt(a, b, ...)         PLAIN_TWO(a, <, b, true, __VA_ARGS__)
#define cr_assert_leq(a, b, ...)        PLAIN_TWO(a, <=, b, true, __VA_ARGS__)
#define cr_expect_eq(a, b, ...)         PLAIN_TWO(a, ==, b, false, __VA_ARGS__)
#define cr_expect_neq(a, b, ...)        PLAIN_TWO(a, !=, b, false, __VA_ARGS__)
#define cr_expect_gt(a, b, ...)         PLAIN_TWO(a, >, b, false, __VA_ARGS__)
#define cr_expect_geq(a, b, ...)        PLAIN_TWO(a, >=, b, false, __VA_ARGS__)
#define cr_expect_lt(a, b, ...)         PLAIN_TWO(a, <, b, false, __VA_ARGS__)
#define cr_expect_leq(a, b, ...)        PLAIN_TWO(a, <=, b, false, __VA_ARGS__)

#define cr_assert_not(cond, ...)   PLAIN_CHECK((cond) ? false : true, true, "not " #cond, __VA_ARGS__)
#define cr_assert_null(p, ...)     PLAIN_TWO(p, ==, NULL, true, __VA_ARGS__)
#define cr_assert_not_null(p, ...) PLAIN_TWO(p, !=, NULL, true, __VA_ARGS__)
#define cr_expect_not(cond, ...)                                                                   \
    PLAIN_CHECK((cond) ? false : true, false, "not " #cond, __VA_ARGS__)
#define cr_expect_null(p, ...)     PLAIN_TWO(p, ==, NULL, false, __VA_ARGS__)
#define cr_expect_not_null(p, ...) PLAIN_TWO(p, !=, NULL, false, __VA_ARGS__)

#define cr_assert_str_eq(a, b, ...)                                                                \
    PLAIN_CHECK(strcmp(a, b) == 0, true, #a " reads as " #b, __VA_ARGS__)
#define cr_assert_str_neq(a, b, ...)                                                               \
    PLAIN_CHECK(strcmp(a, b) != 0, true, #a " reads not as " #b, __VA_ARGS__)
#define cr_expect_str_eq(a, b, ...)                                                                \
    PLAIN_CHECK(strcmp(a, b) == 0, false, #a " reads as " #b, __VA_ARGS__)
#define cr_assert_arr_eq(a, b, bytes, ...)                                                         \
    PLAIN_CHECK(memcmp(a, b, bytes) == 0, true, #a " is as " #b, __VA_ARGS__)

#endif
