/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/verb.h"

/* Every verb; each is defined in its own file in cli/verb. */
extern const struct verb verb_attach;
extern const struct verb verb_create;
extern const struct verb verb_exec;
extern const struct verb verb_kill;
extern const struct verb verb_logs;
extern const struct verb verb_pause;
extern const struct verb verb_ps;
extern const struct verb verb_rename;
extern const struct verb verb_restart;
extern const struct verb verb_rm;
extern const struct verb verb_run;
extern const struct verb verb_start;
extern const struct verb verb_stop;
extern const struct verb verb_unpause;
extern const struct verb verb_version;
extern const struct verb verb_wait;
