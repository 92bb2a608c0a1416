/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/verbs.h"

const struct verb_group verb_groups[] = {
	{ "container", "Manage instances" },
	{ "context", "Manage the engines that berth talks to" },
	{ "image", "Manage images" },
	{ "system", "Manage the engine" },
	{},
};

const struct verb *const verbs[] = {
	&verb_attach, &verb_create,  &verb_exec,    &verb_kill, &verb_logs, &verb_pause,
	&verb_ps,     &verb_rename,  &verb_restart, &verb_rm,   &verb_run,  &verb_start,
	&verb_stop,   &verb_unpause, &verb_version, &verb_wait, NULL,
};
