/* SPDX-License-Identifier: BSD-2-Clause */
#include "suite.h"

/*
 * What is skipped, and why; sections are those of the vendor's sheet of hardware facts. The suite
 * fails where a test is skipped that is not listed here, and where one is listed that passes.
 */

/* Of every vendor: some ways a machine can be leave nothing to test. */
const struct bench_skip conf_skips[] = {
    {"markers: a believed one confirms the stop", "swallowed/", "no Stop Markers"},
    {"markers: a believed one saves the second barrier", "swallowed/", "no Stop Markers"},
    {"markers: one from before the life is not of it", "swallowed/", "no Stop Markers"},
    {"markers: forged and believed", "swallowed/", "no Stop Markers"},
    {"markers: after a life that ended without one", "swallowed/", "no Stop Markers"},
    {"markers: once seen, an overflow does not void it", "swallowed/", "no Stop Markers"},
    {"markers: one that comes before the stop", "swallowed/", "no Stop Markers"},
    {"markers: a neighbour's reset", "swallowed/", "no Stop Markers"},
    {"overflow: a flood is answered once each", "/large/", "the ring is too large to fill"},
    {"service: unbind makes service due", "/poll/", "a polling host is not woken"},
};
const uint32_t conf_skip_count = sizeof(conf_skips) / sizeof(conf_skips[0]);

const struct bench_skip bench_skips_amd[] = {
    {"stall: ", "", "faulting accesses are never held (amd 10: page requests are all there is)"},
    {"hardware: an abort of the ", "",
     "a log that cannot be written stops as by an overflow (amd 8, 9)"},
    {"flow: answers of handlers wait for room", "/small/",
     "no ring is smaller (amd 2: CmdBufBase)"},
    {"flow: respond() into a full command ring", "/small/", "no ring is smaller (amd 2)"},
};
const uint32_t bench_skip_count_amd = sizeof(bench_skips_amd) / sizeof(bench_skips_amd[0]);

const struct bench_skip bench_skips_vtd[] = {
    {"stall: ", "", "faulting accesses are never held (vtd 11: page requests are all there is)"},
    {"hardware: an abort of the ", "",
     "records are registers; a page request queue has no error but PRO (vtd 5, 11)"},
    {"race: a request arrives after the barrier", "/prompt", "PD proves the arrival (vtd 7.8)"},
    {"overflow: during the settle time", "/prompt", "nothing settles: PD proves it (vtd 12.1)"},
    {"overflow: a device that sends again, in the rest", "/prompt",
     "nothing settles: PD proves it (vtd 12.1)"},
    {"lives: the second late request poisons", "", "hardware answers without an entry (vtd 11.2)"},
    {"lives: a restart does not free what late", "",
     "hardware answers without an entry (vtd 11.2)"},
    {"lives: nor does a reset of before them", "", "hardware answers without an entry (vtd 11.2)"},
    {"lives: a word after them", "", "hardware answers without an entry (vtd 11.2)"},
};
const uint32_t bench_skip_count_vtd = sizeof(bench_skips_vtd) / sizeof(bench_skips_vtd[0]);
