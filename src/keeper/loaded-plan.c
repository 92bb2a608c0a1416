/* SPDX-License-Identifier: Apache-2.0 */
#include "keeper/loaded-plan.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "container/plan/plan.h"

int loaded_plan_read(int fd, struct loaded_plan *ret, struct error *err)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return error_set(err, errno, "look at the launch plan");
	if (!S_ISREG(st.st_mode) || st.st_size <= 0 || st.st_size > PLAN_BYTES_MAX)
		return error_say(err, EBADMSG, "the launch plan is of no possible size");
	size_t len = (size_t)st.st_size;
	auto_free char *bytes = xmalloc(len);
	ssize_t n = pread(fd, bytes, len, 0);
	if (n != (ssize_t)len)
		return error_set(err, n < 0 ? errno : EIO, "read the launch plan");
	int r = plan_decode(bytes, len, &ret->plan, err);
	if (r == 0)
		ret->bytes = take_ptr(bytes);
	return r;
}

void loaded_plan_done(struct loaded_plan *f)
{
	plan_free(f->plan);
	free(f->bytes);
	*f = (struct loaded_plan)LOADED_PLAN_NONE;
}
