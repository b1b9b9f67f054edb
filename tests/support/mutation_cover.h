/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MUTATION_COVER_H
#define MUTATION_COVER_H
/*
 * Which basic blocks of the library were reached, from clang's -fsanitize-coverage. The blocks of
 * programs that fork are kept in the file that MUTATION_COVER names.
 */

/* Forget what was reached so far. */
void mutation_cover_begin(void);
/* A line: a hexadecimal digit for four blocks. */
void mutation_cover_print(void);

#endif
