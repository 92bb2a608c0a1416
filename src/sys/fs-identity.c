/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/fs-identity.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The effective set is filled up from the permitted one: of this thread only. */
static int raise_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};

	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		data[i].effective = data[i].permitted;
	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

void fs_identity_leave(const struct fs_identity *back)
{
	(void)setfsgid(back->gid);
	(void)setfsuid(back->uid);
	(void)raise_capabilities();
}

int fs_identity_enter(uid_t uid, gid_t gid, struct fs_identity *ret, struct error *err)
{
	struct fs_identity back = {
		.gid = (gid_t)setfsgid(gid),
		.uid = (uid_t)setfsuid(uid),
	};
	/* The calls tell the id before them, so they are asked again whether they worked. */
	int r = (uid_t)setfsuid((uid_t)-1) != uid || (gid_t)setfsgid((gid_t)-1) != gid
			? -EPERM
			: raise_capabilities();
	if (r < 0) {
		fs_identity_leave(&back);
		return error_set(err, r, "make files as user %u", uid);
	}
	*ret = back;
	return 0;
}
