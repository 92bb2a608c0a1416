/* SPDX-License-Identifier: Apache-2.0 */
#include "container/program.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "container/plan/plan.h"

#define PATH_DEFAULT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static const char *environment_get(const char *const *env, uint32_t count, const char *name)
{
	size_t len = strlen(name);
	for (uint32_t i = 0; i < count; i++) {
		if (strncmp(env[i], name, len) == 0 && env[i][len] == '=')
			return env[i] + len + 1;
	}
	return NULL;
}

/* Tries every folder of @path; an errno that says more than "not there" is kept. */
static int search(const char *path, const char *name, char **argv, char **env)
{
	int told = ENOENT;
	while (*path) {
		char full[PATH_MAX];
		size_t len = strcspn(path, ":");
		int n = snprintf(full, sizeof(full), "%.*s%s%s", (int)len, path, len ? "/" : "./",
				 name);
		path += len + (path[len] == ':');
		if (n < 0 || (size_t)n >= sizeof(full))
			continue;
		(void)execve(full, argv, env);
		if (errno == ENOENT || errno == ENOTDIR)
			continue;
		told = errno;
		if (told != EACCES)
			return told;
	}
	return told;
}

static int fail(const char *name, bool searched, int errnum, int *ret_exit_code, struct error *err)
{
	if (errnum == ENOENT || (errnum == ENOTDIR && searched)) {
		*ret_exit_code = 127;
		if (searched)
			return error_say(err, ENOENT,
					 "exec: \"%s\": executable file not found in $PATH", name);
		return error_say(err, ENOENT, "exec: \"%s\": stat %s: no such file or directory",
				 name, name);
	}
	*ret_exit_code = 126;
	if (errnum == EACCES)
		return error_say(err, EACCES, "exec: \"%s\": permission denied", name);
	return error_set(err, errnum, "exec: \"%s\"", name);
}

int program_execute(const struct plan *plan, const char *home, int *ret_exit_code,
		    struct error *err)
{
	uint32_t env_count = plan->env.count, arg_count = plan->argv.count;
	auto_free char **argv = xcalloc(arg_count + 1, sizeof(*argv));
	auto_free char **env = xcalloc(env_count + 2, sizeof(*env));
	auto_free char *home_text = NULL;
	for (uint32_t i = 0; i < arg_count; i++)
		argv[i] = (char *)(uintptr_t)plan->argv.items[i];
	for (uint32_t i = 0; i < env_count; i++)
		env[i] = (char *)(uintptr_t)plan->env.items[i];
	const char *const *names = plan->env.items;
	if (!environment_get(names, env_count, "HOME")) {
		home_text = xasprintf("HOME=%s", home);
		env[env_count] = home_text;
	}

	const char *name = argv[0];
	if (strchr(name, '/')) {
		(void)execve(name, argv, env);
		return fail(name, false, errno, ret_exit_code, err);
	}
	const char *path = environment_get(names, env_count, "PATH");
	int errnum = *name ? search(path ? path : PATH_DEFAULT, name, argv, env) : ENOENT;
	return fail(name, true, errnum, ret_exit_code, err);
}
