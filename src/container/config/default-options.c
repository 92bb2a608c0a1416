/* SPDX-License-Identifier: Apache-2.0 */
#include "container/config/default-parts.h"

#include <errno.h>
#include <string.h>

static bool boolean(const char *text, bool *ret)
{
	if (strcmp(text, "true") == 0 || strcmp(text, "1") == 0)
		*ret = true;
	else if (strcmp(text, "false") == 0 || strcmp(text, "0") == 0)
		*ret = false;
	else
		return false;
	return true;
}

static int refuse(size_t at, const char *option, struct error *err)
{
	return error_say(err, EINVAL, "invalid --security-opt %zu: \"%.200s\"", at + 1, option);
}

static int read_seccomp(const char *value, struct security_options *ret)
{
	ret->unconfined_seccomp = strcmp(value, "unconfined") == 0;
	ret->seccomp_profile = NULL;
	if (!ret->unconfined_seccomp && strcmp(value, "builtin") != 0)
		ret->seccomp_profile = value;
	return *value ? 0 : -EINVAL;
}

/* 0, -EINVAL for a bad value, -ENOENT for an option that is not known. */
static int read_option(const char *name, size_t name_len, const char *value,
		       struct security_options *ret, struct error *err)
{
	const struct {
		const char *name;
		bool *flag;
	} flags[] = {
		{ "no-new-privileges", &ret->no_new_privileges },
		{ "writable-cgroups", &ret->writable_cgroups },
	};
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (strlen(flags[i].name) == name_len && memcmp(flags[i].name, name, name_len) == 0)
			return boolean(value ? value : "true", flags[i].flag) ? 0 : -EINVAL;

	if (!value)
		return -ENOENT;
	if (name_len == 7 && memcmp(name, "seccomp", 7) == 0)
		return read_seccomp(value, ret);
	if (name_len == 11 && memcmp(name, "systempaths", 11) == 0) {
		ret->unconfined_paths = strcmp(value, "unconfined") == 0;
		return ret->unconfined_paths ? 0 : -EINVAL;
	}
	if (name_len == 8 && memcmp(name, "apparmor", 8) == 0)
		return strcmp(value, "unconfined") == 0
			       ? 0
			       : error_say(err, ENOTSUP, "AppArmor is not supported on this host");
	if (name_len == 5 && memcmp(name, "label", 5) == 0)
		return strcmp(value, "disable") == 0
			       ? 0
			       : error_say(err, ENOTSUP, "SELinux is not supported on this host");
	return -ENOENT;
}

int security_options_read(const struct container_request *request, struct security_options *ret,
			  struct error *err)
{
	struct security_options options = { .no_new_privileges = !request->privileged };

	for (size_t i = 0; i < request->security_options.count; i++) {
		const char *option = request->security_options.items[i];
		size_t len = strcspn(option, "=:");
		int r = read_option(option, len, option[len] ? option + len + 1 : NULL, &options,
				    err);
		if (r == -ENOTSUP)
			return r;
		if (r < 0)
			return refuse(i, option, err);
	}
	*ret = options;
	return 0;
}
