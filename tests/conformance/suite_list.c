/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf_themes.h"

const struct conf_theme *const conf_themes[] = {
    &conf_flow_theme,    &conf_race_theme,     &conf_lives_theme,      &conf_unbind_theme,
    &conf_drain_theme,   &conf_exit_theme,     &conf_overflow_theme,   &conf_reset_theme,
    &conf_markers_theme, &conf_credits_theme,  &conf_groups_theme,     &conf_devices_theme,
    &conf_stall_theme,   &conf_commands_theme, &conf_invalidate_theme, &conf_fairness_theme,
    &conf_pasid_theme,   &conf_owner_theme,    &conf_service_theme,    &conf_hardware_theme,
    &conf_memory_theme,  &conf_badinput_theme, &conf_moments_theme,    &conf_dump_theme,
    &conf_power_theme,   &conf_host_theme,     &conf_stage_theme,      &conf_several_theme,
};
const uint32_t conf_theme_count = sizeof(conf_themes) / sizeof(conf_themes[0]);
