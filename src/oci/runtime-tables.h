/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/json-fields.h"

/**
 * DOC: The tables behind runtime-config.h, for its own source files
 */

extern const struct json_table runtime_config_table;
extern const struct json_table runtime_process_table;
extern const struct json_table runtime_id_map_table;
extern const struct json_table runtime_linux_table;
extern const struct json_table runtime_resources_table;
extern const struct json_table runtime_seccomp_table;
extern const struct json_table runtime_seccomp_rule_table;
