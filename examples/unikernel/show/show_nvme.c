/* SPDX-License-Identifier: BSD-2-Clause */
#include "show.h"
const struct show_row show_nvme[] = { {NULL, NULL}, };
