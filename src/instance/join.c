/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/join.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "container/request/check.h"
#include "instance/manager-internal.h"

void joined_done(struct joined *joined)
{
	free(joined->network);
	free(joined->pid);
	*joined = (struct joined){};
}

/* The name in "container:NAME", or NULL. */
static const char *named(const char *mode)
{
	return container_request_joins(mode) ? mode + strlen("container:") : NULL;
}

static int not_running(const char *what, const char *name, struct error *err)
{
	return error_say(err, EBUSY, "cannot join %s of a non running container: %s", what, name);
}

static int find_one(struct manager *m, const struct record *r, const char *mode, const char *what,
		    const char *file, char **ret, struct error *err)
{
	const char *name = named(mode);
	auto_instance_info info = {};

	if (!name)
		return 0;
	int result = manager_get(m, name, &info, err);
	if (result < 0)
		return result;
	if (strcmp(info.id, r->id) == 0)
		return error_say(err, EINVAL, "cannot join own %s", what);
	if (info.vm)
		return error_say(err, ENOTSUP,
				 "cannot join %s of %s: it is a virtual machine, which has a "
				 "kernel of its own",
				 what, name);
	if (info.pid <= 0)
		return not_running(what, name, err);
	*ret = xasprintf("/proc/%d/ns/%s", info.pid, file);
	return 0;
}

int joined_find(struct manager *m, const struct record *r, struct joined *ret, struct error *err)
{
	auto_joined joined = {};
	int result =
		find_one(m, r, r->request.network_mode, "network", "net", &joined.network, err);

	if (result == 0)
		result = find_one(m, r, r->request.pid_mode, "PID", "pid", &joined.pid, err);
	if (result < 0)
		return result;
	*ret = joined;
	joined = (struct joined){};
	return 0;
}

static bool still_runs(struct manager *m, const char *name)
{
	auto_record *other = NULL;
	if (roster_find(&m->roster, name, &other, NULL) < 0)
		return false;
	auto_keeper *k = record_keeper(m, other);
	/* the answer comes behind all that the keeper told before */
	if (!k || keeper_request(k, KEEPER_STATUS, 0, NULL, 0, NULL, 0, NULL, 0, NULL) < 0)
		return false;
	(void)pthread_mutex_lock(&k->lock);
	bool runs = !k->exited;
	(void)pthread_mutex_unlock(&k->lock);
	return runs;
}

int joined_confirm(struct manager *m, const struct record *r, struct error *err)
{
	const char *network = named(r->request.network_mode);
	const char *pid = named(r->request.pid_mode);

	if (network && !still_runs(m, network))
		return not_running("network", network, err);
	if (pid && !still_runs(m, pid))
		return not_running("PID", pid, err);
	return 0;
}
