/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CONF_THEMES_H
#define CONF_THEMES_H
/* One theme a file. */
#include "suite.h"

extern const struct conf_theme conf_flow_theme;
extern const struct conf_theme conf_race_theme;
extern const struct conf_theme conf_lives_theme;
extern const struct conf_theme conf_unbind_theme;
extern const struct conf_theme conf_drain_theme;
extern const struct conf_theme conf_exit_theme;
extern const struct conf_theme conf_overflow_theme;
extern const struct conf_theme conf_reset_theme;
extern const struct conf_theme conf_markers_theme;
extern const struct conf_theme conf_credits_theme;
extern const struct conf_theme conf_groups_theme;
extern const struct conf_theme conf_devices_theme;
extern const struct conf_theme conf_stall_theme;
extern const struct conf_theme conf_commands_theme;
extern const struct conf_theme conf_invalidate_theme;
extern const struct conf_theme conf_badinput_theme;
extern const struct conf_theme conf_memory_theme;
extern const struct conf_theme conf_fairness_theme;
extern const struct conf_theme conf_pasid_theme;
extern const struct conf_theme conf_owner_theme;
extern const struct conf_theme conf_service_theme;
extern const struct conf_theme conf_hardware_theme;
extern const struct conf_theme conf_moments_theme;
extern const struct conf_theme conf_dump_theme;
extern const struct conf_theme conf_power_theme;
extern const struct conf_theme conf_host_theme;
extern const struct conf_theme conf_stage_theme;
extern const struct conf_theme conf_several_theme;

#endif
