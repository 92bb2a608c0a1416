/* SPDX-License-Identifier: Apache-2.0 */
#include "container/config/default-config.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/array.h"
#include "container/config/capabilities.h"

static void make_environment(const struct strv *base, const struct container_exec *exec,
			     struct strv *ret)
{
	strv_copy(ret, base);
	if (exec->tty && !env_get(ret, "TERM"))
		strv_add(ret, "TERM=xterm");
	for (size_t i = 0; i < exec->env.count; i++) {
		if (strchr(exec->env.items[i], '='))
			env_set(ret, exec->env.items[i]);
		else
			env_unset(ret, exec->env.items[i]);
	}
}

static void copy_limits(const struct runtime_process *from, struct runtime_process *to)
{
	for (size_t i = 0; i < from->rlimit_count; i++)
		*array_add(to->rlimits, to->rlimit_count) = from->rlimits[i];
	to->oom_score_adj = from->oom_score_adj;
	to->user.umask = from->user.umask;
	if (from->capabilities)
		to->capabilities = xmemdup(from->capabilities, sizeof(*from->capabilities));
}

static bool has_own_users(const struct runtime_config *config)
{
	return config->linux_.uid_map_count > 0;
}

int container_exec_make(const struct runtime_config *config,
			const struct container_identity *container,
			const struct container_exec *exec, struct runtime_process *ret,
			struct container_identity *identity, struct error *err)
{
	const struct runtime_process *base = config->process;

	if (exec->args.count == 0)
		return error_say(err, EINVAL, "No exec command specified");
	if (exec->working_dir && exec->working_dir[0] != '/')
		return error_say(err, EINVAL, "Cwd must be an absolute path");

	struct runtime_process process = {
		.terminal = exec->tty,
		.no_new_privileges = base->no_new_privileges && !exec->privileged,
		.cwd = xstrdup(exec->working_dir ? exec->working_dir : base->cwd),
	};
	strv_copy(&process.args, &exec->args);
	make_environment(&base->env, exec, &process.env);
	copy_limits(base, &process);
	if (exec->privileged) {
		uint64_t set = has_own_users(config) ? CAPABILITY_ALL : capabilities_held();
		if (!process.capabilities)
			process.capabilities = xnew(struct runtime_capabilities);
		process.capabilities->bounding = set;
		process.capabilities->effective = set;
		process.capabilities->permitted = set;
	}
	*identity = (struct container_identity){
		.user = exec->user ? exec->user : container->user,
		.groups = container->groups,
	};
	*ret = process;
	return 0;
}
