/* SPDX-License-Identifier: Apache-2.0 */
#include "container/config/compile-parts.h"

#include <errno.h>
#include <linux/mount.h>
#include <string.h>

#define REC (1u << 14) /* MS_REC */

/* A word that sets or clears an attribute, alone or (with "r" before it) also below. */
struct attribute {
	const char *word;
	uint64_t set;
	uint64_t clear;
};

static const struct attribute attributes[] = {
	{ "ro", MOUNT_ATTR_RDONLY, 0 },
	{ "rw", 0, MOUNT_ATTR_RDONLY },
	{ "nosuid", MOUNT_ATTR_NOSUID, 0 },
	{ "suid", 0, MOUNT_ATTR_NOSUID },
	{ "nodev", MOUNT_ATTR_NODEV, 0 },
	{ "dev", 0, MOUNT_ATTR_NODEV },
	{ "noexec", MOUNT_ATTR_NOEXEC, 0 },
	{ "exec", 0, MOUNT_ATTR_NOEXEC },
	{ "nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0 },
	{ "symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW },
	{ "nodiratime", MOUNT_ATTR_NODIRATIME, 0 },
	{ "diratime", 0, MOUNT_ATTR_NODIRATIME },
	{ "noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME },
	{ "strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME },
	{ "relatime", MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME },
};

struct flag {
	const char *word;
	uint32_t flags;
	uint32_t propagation;
};

static const struct flag flags[] = {
	{ "bind", 0, 0 },
	{ "rbind", PLAN_MOUNT_RECURSIVE, 0 },
	{ "idmap", PLAN_MOUNT_IDMAP, 0 },
	{ "ridmap", PLAN_MOUNT_IDMAP | PLAN_MOUNT_RECURSIVE, 0 },
	{ "idmap=try", PLAN_MOUNT_IDMAP_OPTIONAL, 0 },
	{ "ridmap=try", PLAN_MOUNT_IDMAP_OPTIONAL | PLAN_MOUNT_RECURSIVE, 0 },
	{ "defaults", 0, 0 },
	{ "private", 0, 1u << 18 },
	{ "rprivate", 0, 1u << 18 | REC },
	{ "slave", 0, 1u << 19 },
	{ "rslave", 0, 1u << 19 | REC },
	{ "shared", 0, 1u << 20 },
	{ "rshared", 0, 1u << 20 | REC },
	{ "unbindable", 0, 1u << 17 },
	{ "runbindable", 0, 1u << 17 | REC },
};

/* Words of other runtimes' or of mount(8) that would change what is mounted: never passed over. */
static const char *const refused[] = { "remount", "copy-symlink", "src-nofollow", "tmpcopyup",
				       "sync",    "dirsync",      "mand",         "loop",
				       "user",    "users" };

static bool apply_attribute(const char *word, struct plan_mount *m)
{
	bool recursive = false;

	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
			const struct attribute *a = &attributes[i];
			if (strcmp(a->word, word) != 0)
				continue;
			m->attr_set = (m->attr_set & ~a->clear & ~a->set) | a->set;
			m->attr_clear = (m->attr_clear & ~a->set) | a->clear;
			if (recursive)
				m->flags |= PLAN_MOUNT_ATTR_RECURSIVE;
			return true;
		}
		if (word[0] != 'r')
			return false;
		word++;
		recursive = true;
	}
	return false;
}

static bool apply_flag(const char *word, struct plan_mount *m)
{
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (strcmp(flags[i].word, word) != 0)
			continue;
		m->flags |= flags[i].flags;
		if (flags[i].propagation)
			m->propagation = flags[i].propagation;
		return true;
	}
	return false;
}

static int apply_option(const char *word, struct plan_mount *m, struct plan *p, struct error *err)
{
	if (apply_attribute(word, m) || apply_flag(word, m))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		if (strcmp(refused[i], word) == 0)
			return error_say(err, ENOTSUP, "mount option '%s' is not supported", word);
	if (m->type == PLAN_MOUNT_BIND)
		return error_say(err, EINVAL, "a bind mount has no option '%s'", word);
	*plan_add(p, &m->options) = plan_text(p, word);
	return 0;
}

static bool is_bind(const struct runtime_mount *m)
{
	return (m->type && strcmp(m->type, "bind") == 0) || strv_contains(&m->options, "bind") ||
	       strv_contains(&m->options, "rbind");
}

static int mount_type(const struct runtime_mount *m)
{
	static const struct {
		const char *name;
		int type;
	} types[] = {
		{ "proc", PLAN_MOUNT_PROC },      { "sysfs", PLAN_MOUNT_SYSFS },
		{ "tmpfs", PLAN_MOUNT_TMPFS },    { "devpts", PLAN_MOUNT_DEVPTS },
		{ "mqueue", PLAN_MOUNT_MQUEUE },  { "cgroup", PLAN_MOUNT_CGROUP },
		{ "cgroup2", PLAN_MOUNT_CGROUP },
	};

	if (is_bind(m))
		return PLAN_MOUNT_BIND;
	for (size_t i = 0; m->type && i < ARRAY_SIZE(types); i++) {
		if (strcmp(types[i].name, m->type) != 0)
			continue;
		bool dev = types[i].type == PLAN_MOUNT_TMPFS && strcmp(m->destination, "/dev") == 0;
		return dev ? PLAN_MOUNT_DEV : types[i].type;
	}
	return -ENOTSUP;
}

static int compile_mount(const struct runtime_mount *m, struct plan *p, struct error *err)
{
	int type = mount_type(m);
	if (type < 0)
		return error_say(err, ENOTSUP, "file system type '%s' is not supported",
				 m->type ? m->type : "");
	if (type == PLAN_MOUNT_BIND && (!m->source || m->source[0] != '/'))
		return error_say(err, EINVAL, "a bind mount needs an absolute source");
	if (m->uid_map_count > 0 || m->gid_map_count > 0)
		return error_say(err, ENOTSUP, "id mappings of its own are not supported");

	struct plan_mount *out = plan_add(p, &p->mounts);
	out->type = (uint32_t)type;
	out->source_fd = PLAN_NO_FD;
	if (type == PLAN_MOUNT_BIND)
		out->source = plan_text(p, m->source);
	/* the specification's older texts let a destination be relative to "/" */
	out->target = m->destination[0] == '/' ? plan_text(p, m->destination)
					       : plan_textf(p, "/%s", m->destination);
	for (size_t i = 0; i < m->options.count; i++) {
		int r = apply_option(m->options.items[i], out, p, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int compile_mounts(const struct runtime_config *config, struct plan *p, struct error *err)
{
	for (size_t i = 0; i < config->mount_count; i++) {
		int r = compile_mount(&config->mounts[i], p, err);
		if (r < 0)
			return error_prefix(err, "mount '%s'", config->mounts[i].destination);
	}
	return 0;
}
