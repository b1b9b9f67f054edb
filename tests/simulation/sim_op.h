/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef SIM_OP_H
#define SIM_OP_H
#ifdef __cplusplus
extern "C" {
#endif

/* What a virtual CPU is about to do. */
enum sim_op {
    SIM_OP_PEEK,  /* reads a word, and may be waiting for it to change */
    SIM_OP_LOAD,  /* reads a word */
    SIM_OP_STORE, /* writes it */
    SIM_OP_RMW,   /* both */
    SIM_OP_FENCE, /* orders what it shares with devices */
    SIM_OP_PAUSE, /* waits: somebody else must go on */
    SIM_OP_CLOCK, /* looks at the clock */
    SIM_OP_WORLD, /* uses hardware */
    SIM_OP_LOCAL, /* concerns nobody else: interrupts kept away, or let in */
    SIM_OP_ORDER, /* orders words */
    SIM_OP_DMA,   /* orders memory that devices reach */
    SIM_OP_WOKEN, /* goes on: what it waited for is there */
};
/* A scheduling point; nothing where no virtual CPU runs. */
void sim_point(enum sim_op op, const void *word);

#ifdef __cplusplus
}
#endif
#endif
