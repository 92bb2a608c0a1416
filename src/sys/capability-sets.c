/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/capability-sets.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAPABILITY_END 64

static bool bounding_has(int cap)
{
	return prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1;
}

uint64_t capability_all(void)
{
	static uint64_t known;
	for (int cap = 0; !known && cap < CAPABILITY_END; cap++) {
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0)
			continue;
		known = (1ULL << cap) - 1;
	}
	return known;
}

int capability_bound(uint64_t keep, struct error *err)
{
	/* Each of them, known or not: what the kernel knows is read back by capability_apply(). */
	for (int cap = 0; cap < CAPABILITY_END; cap++) {
		if (keep & (1ULL << cap))
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 && errno != EINVAL)
			return error_set(err, errno, "drop capability %d", cap);
	}
	return 0;
}

static int get_sets(struct capability_sets *ret)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };
	if (syscall(SYS_capget, &head, data) < 0)
		return -errno;
	ret->effective = data[0].effective | (uint64_t)data[1].effective << 32;
	ret->permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	ret->inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32;
	ret->bounding = ret->ambient = 0;
	for (int cap = 0; cap < CAPABILITY_END; cap++) {
		if (bounding_has(cap))
			ret->bounding |= 1ULL << cap;
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) == 1)
			ret->ambient |= 1ULL << cap;
	}
	return 0;
}

static int set_sets(const struct capability_sets *sets)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	for (int i = 0; i < 2; i++) {
		data[i].effective = (uint32_t)(sets->effective >> (32 * i));
		data[i].permitted = (uint32_t)(sets->permitted >> (32 * i));
		data[i].inheritable = (uint32_t)(sets->inheritable >> (32 * i));
	}
	return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}

int capability_apply(const struct capability_sets *sets, struct error *err)
{
	uint64_t all = capability_all();
	struct capability_sets want = { sets->bounding & all, sets->effective & all,
					sets->permitted & all, sets->inheritable & all,
					sets->ambient & all };
	int r = set_sets(&want);
	if (r < 0)
		return error_set(err, r, "set capabilities");
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return error_set(err, errno, "clear ambient capabilities");
	for (int cap = 0; cap < CAPABILITY_END; cap++) {
		if ((want.ambient & (1ULL << cap)) &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
			return error_set(err, errno, "raise ambient capability %d", cap);
	}

	struct capability_sets have = { 0 };
	r = get_sets(&have);
	if (r < 0)
		return error_set(err, r, "read capabilities back");
	if (have.effective != want.effective || have.permitted != want.permitted ||
	    have.inheritable != want.inheritable || have.ambient != want.ambient ||
	    (have.bounding & ~want.bounding))
		return error_say(err, EPERM,
				 "the capabilities in force are not the ones asked for");
	return 0;
}
