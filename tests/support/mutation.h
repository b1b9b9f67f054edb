/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUTATION_H
#define MUTATION_H
/*
 * Programs that tests/mutate runs: the library with many mutants of one file in it, and tests that
 * have a number each. mutation_serve.c is the main of all of them.
 */
#include <stdbool.h>
#include <stdint.h>

#define MUTATION_PLACES 65536u

/* The mutant that runs; 0: none. From the environment (MUTANT), or as the server is told. */
extern int mutation_now;
/* A byte for each place: functions that have mutants, or basic blocks where clang counts them. */
extern uint8_t *mutation_seen;

/* The addresses of the blocks, if there are any. */
void mutation_cover_list(void);

/* A line for each test: "test NAME"; what else tells them apart comes after these. */
void mutation_list(void);
/* Tests can run one after the other in one process. */
extern const bool mutation_together;
/* Runs a test; false: it is skipped. Says why it fails and exits with 1. */
bool mutation_item(unsigned long number);

#endif
