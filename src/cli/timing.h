/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/json.h"

/**
 * timing_print() - print where the time of a start went, on standard error
 * @phases: the engine's list of {"phase": NAME, "ns": since the request came}
 */
void timing_print(struct json_object *phases);
