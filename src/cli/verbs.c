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
	&verb_ps,
	&verb_version,
	NULL,
};
