/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/verb.h"

/* Every verb; each is defined in its own file in cli/verb. */
extern const struct verb verb_ps;
extern const struct verb verb_version;
