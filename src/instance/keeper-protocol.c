/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/keeper-protocol.h"

#include <assert.h>

#include "base/macros.h"

static const char *const phase_names[] = {
	[KEEPER_PHASE_SPAWNED] = "spawned",   [KEEPER_PHASE_PLAN] = "plan",
	[KEEPER_PHASE_CLONED] = "cloned",     [KEEPER_PHASE_MAPPED] = "mapped",
	[KEEPER_PHASE_CGROUP] = "cgroup",     [KEEPER_PHASE_ROOT] = "root",
	[KEEPER_PHASE_VIEW] = "view",         [KEEPER_PHASE_MOUNTED] = "mounted",
	[KEEPER_PHASE_CONFINED] = "confined", [KEEPER_PHASE_EXECUTED] = "executed",
};
static_assert(ARRAY_SIZE(phase_names) == KEEPER_PHASE_COUNT, "every phase has a name");

const char *keeper_phase_name(uint32_t phase)
{
	return phase < ARRAY_SIZE(phase_names) ? phase_names[phase] : "?";
}
