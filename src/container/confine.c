/* SPDX-License-Identifier: Apache-2.0 */
#include "container/confine.h"

#include <assert.h>
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container/plan/plan.h"
#include "container/user-lookup.h"
#include "sys/capability-sets.h"
#include "sys/seccomp.h"

/*
 * Sets the limits. What is above the hard limit held and was not asked for by the user is cut: the
 * caller has raised the hard limits before where it can.
 */
static int set_rlimits(const struct plan *plan, struct error *err)
{
	for (uint32_t i = 0; i < plan->rlimits.count; i++) {
		const struct plan_rlimit *want = &plan->rlimits.items[i];
		struct rlimit have, set = { .rlim_cur = want->soft, .rlim_max = want->hard };
		if (getrlimit((int)want->resource, &have) < 0)
			return error_set(err, errno, "read resource limit %u", want->resource);
		if (!want->required && set.rlim_max > have.rlim_max)
			set.rlim_max = have.rlim_max;
		if (!want->required && set.rlim_cur > set.rlim_max)
			set.rlim_cur = set.rlim_max;
		if (setrlimit((int)want->resource, &set) < 0)
			return error_set(err, errno, "set resource limit %u to %llu:%llu",
					 want->resource, (unsigned long long)want->soft,
					 (unsigned long long)want->hard);
	}
	return 0;
}

static int set_ids(const struct credentials *who, struct error *err)
{
	uint32_t groups[USER_GROUPS_MAX];
	static_assert(sizeof(gid_t) == sizeof(uint32_t), "groups are given as they are");
	if (setgroups(who->group_count, who->groups) < 0)
		return error_set(err, errno, "set supplementary groups");
	if (setresgid(who->gid, who->gid, who->gid) < 0)
		return error_set(err, errno, "set group id %u", who->gid);
	if (setresuid(who->uid, who->uid, who->uid) < 0)
		return error_set(err, errno, "set user id %u", who->uid);

	uid_t uid[3];
	gid_t gid[3];
	int count = getgroups(USER_GROUPS_MAX, groups);
	if (getresuid(&uid[0], &uid[1], &uid[2]) < 0 || getresgid(&gid[0], &gid[1], &gid[2]) < 0 ||
	    count < 0)
		return error_set(err, errno, "read the ids back");
	bool same = (size_t)count == who->group_count;
	for (int i = 0; i < 3; i++)
		same = same && uid[i] == who->uid && gid[i] == who->gid;
	/* The kernel keeps groups sorted. */
	for (size_t i = 0; same && i < who->group_count; i++) {
		bool found = false;
		for (int j = 0; j < count && !found; j++)
			found = groups[j] == who->groups[i];
		same = found;
	}
	return same ? 0 : error_say(err, EPERM, "the ids in force are not the ones asked for");
}

static int set_no_new_privs(struct error *err)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return error_set(err, errno, "set no_new_privs");
	return 0;
}

static int load_filter(const struct plan *plan, struct error *err)
{
	if (!plan->seccomp)
		return 0;
	return seccomp_load(plan->seccomp, plan->seccomp_len, plan->seccomp_flags, err);
}

int confine(const struct plan *plan, const struct credentials *who, struct error *err)
{
	const struct capability_sets caps = {
		.bounding = plan->caps[PLAN_CAPS_BOUNDING],
		.effective = plan->caps[PLAN_CAPS_EFFECTIVE],
		.permitted = plan->caps[PLAN_CAPS_PERMITTED],
		.inheritable = plan->caps[PLAN_CAPS_INHERITABLE],
		.ambient = plan->caps[PLAN_CAPS_AMBIENT],
	};
	(void)umask(plan->umask);
	int r = set_rlimits(plan, err);
	if (r == 0 && !plan->no_new_privs)
		r = load_filter(plan, err);
	if (r == 0)
		r = capability_bound(caps.bounding, err);
	if (r == 0 && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		r = error_set(err, errno, "keep capabilities over a change of user");
	if (r == 0)
		r = set_ids(who, err);
	if (r == 0)
		r = capability_apply(&caps, err);
	/* The change of ids took the signal, and made it as dumpable as the host's setting says. */
	if (r == 0 && (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 ||
		       prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0))
		r = error_set(err, errno, "set the death signal");
	if (r == 0 && plan->no_new_privs)
		r = set_no_new_privs(err);
	if (r == 0 && plan->no_new_privs)
		r = load_filter(plan, err);
	return r;
}
