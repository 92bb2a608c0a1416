/* SPDX-License-Identifier: Apache-2.0 */
#include "container/request/mounts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/array.h"
#include "base/path.h"
#include "container/config/grammar.h"
#include "container/request/check.h"
#include "container/request/json.h"

void container_mounts_done(struct container_mounts *mounts)
{
	for (size_t i = 0; i < mounts->count; i++)
		container_mount_done(&mounts->items[i]);
	free(mounts->items);
	*mounts = (struct container_mounts){};
}

/* A target without doubled and trailing slashes; NULL where it is none. */
static char *clean_target(const char *path)
{
	if (!path_is_clean_absolute(path))
		return NULL;
	char *clean = xstrdup(path);
	char *out = clean;
	for (const char *in = path; *in; in++)
		if (*in != '/' || (in[1] != '/' && in[1] != '\0'))
			*out++ = *in;
	*out = '\0';
	if (out != clean)
		return clean;
	free(clean);
	return NULL;
}

/* ---- binds ------------------------------------------------------------------------------- */

static bool propagation_is_known(const char *word)
{
	static const char *const words[] = { "private", "rprivate", "shared",
					     "rshared", "slave",    "rslave" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return false;
}

static bool bind_option(const char *word, struct container_mount *m, bool *mode_seen)
{
	/* labels are for SELinux, consistency for other systems: both mean nothing here */
	static const char *const idle[] = {
		"z", "Z", "consistent", "delegated", "cached", "default"
	};

	if (strcmp(word, "ro") == 0 || strcmp(word, "rw") == 0) {
		m->read_only = word[1] == 'o';
		bool first = !*mode_seen;
		*mode_seen = true;
		return first;
	}
	if (strcmp(word, "nocopy") == 0) {
		m->volume.no_copy = true;
		return m->type == CONTAINER_MOUNT_VOLUME;
	}
	if (propagation_is_known(word)) {
		if (m->type != CONTAINER_MOUNT_BIND || m->bind.propagation)
			return false;
		m->bind.propagation = xstrdup(word);
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(idle); i++)
		if (strcmp(word, idle[i]) == 0)
			return true;
	return false;
}

static int bind_options(const char *text, struct container_mount *m, struct error *err)
{
	auto_strv words = {};
	bool mode_seen = false;

	strv_split(&words, text, ',');
	for (size_t i = 0; i < words.count; i++)
		if (!bind_option(words.items[i], m, &mode_seen))
			return error_say(err, EINVAL, "invalid mode: %.200s", text);
	return 0;
}

static int bind_parse(const char *text, struct container_mount *m, struct error *err)
{
	auto_strv parts = {};

	strv_split(&parts, text, ':');
	if (parts.count < 2 || parts.count > 3 || strv_contains(&parts, ""))
		return error_say(err, EINVAL, "invalid volume specification: '%.300s'", text);
	const char *source = parts.items[0];
	if (source[0] == '/') {
		m->type = CONTAINER_MOUNT_BIND;
		/* Docker's -v makes what is missing */
		m->bind.create_mountpoint = true;
		if (!path_is_clean_absolute(source))
			return error_say(err, EINVAL, "invalid volume specification: '%.300s'",
					 text);
	} else {
		m->type = CONTAINER_MOUNT_VOLUME;
		if (!name_is_valid(source) || !source[1])
			return error_say(err, EINVAL,
					 "\"%.200s\" includes invalid characters for a local "
					 "volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are "
					 "allowed. If you intended to pass a host directory, use "
					 "absolute path",
					 source);
	}
	m->source = xstrdup(source);
	m->target = clean_target(parts.items[1]);
	if (!m->target)
		return error_say(err, EINVAL,
				 "invalid volume specification: '%.200s': invalid mount config "
				 "for type \"%s\": invalid mount path: '%.100s'",
				 text, m->type == CONTAINER_MOUNT_BIND ? "bind" : "volume",
				 parts.items[1]);
	return parts.count == 3 ? bind_options(parts.items[2], m, err) : 0;
}

int container_bind_parse(const char *text, struct container_mount *ret, struct error *err)
{
	struct container_mount m = {};
	int r = bind_parse(text, &m, err);

	if (r < 0)
		container_mount_done(&m);
	else
		*ret = m;
	return r;
}

/* ---- tmpfs ------------------------------------------------------------------------------- */

/* What a caller may say about a tmpfs: flags, and numbers under a name. */
static bool tmpfs_word(const char *word)
{
	static const char *const flags[] = { "exec",  "noexec",  "suid",     "nosuid", "dev",
					     "nodev", "noatime", "relatime", "async" };
	static const char *const numbers[] = { "uid=", "gid=", "nr_inodes=", "nr_blocks=" };
	uint64_t value;

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (strcmp(word, flags[i]) == 0)
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		size_t len = strlen(numbers[i]);
		if (strncmp(word, numbers[i], len) == 0)
			return number_parse(word + len, UINT32_MAX - 1, &value);
	}
	return false;
}

static bool tmpfs_mode(const char *text, uint32_t *ret)
{
	uint32_t mode = 0;

	for (; *text; text++) {
		if (*text < '0' || *text > '7')
			return false;
		mode = mode << 3 | (uint32_t)(*text - '0');
		if (mode > 07777)
			return false;
	}
	*ret = mode;
	return true;
}

static bool tmpfs_option(const char *word, struct container_mount *m)
{
	if (!*word)
		return true;
	if (strcmp(word, "ro") == 0 || strcmp(word, "rw") == 0) {
		m->read_only = word[1] == 'o';
		return true;
	}
	if (strncmp(word, "size=", 5) == 0)
		return memory_size_parse(word + 5, &m->tmpfs.size_bytes) == 0;
	if (strncmp(word, "mode=", 5) == 0)
		return word[5] && tmpfs_mode(word + 5, &m->tmpfs.mode);
	if (!tmpfs_word(word))
		return false;
	if (strcmp(word, "async") != 0)
		strv_add(&m->tmpfs.options, word);
	return true;
}

int container_tmpfs_parse(const char *target, const char *options, struct container_mount *ret,
			  struct error *err)
{
	auto_strv words = {};
	struct container_mount m = { .type = CONTAINER_MOUNT_TMPFS };
	int r = 0;

	m.target = clean_target(target);
	if (!m.target)
		r = error_say(err, EINVAL, "invalid tmpfs path: '%.300s'", target);
	strv_split(&words, options, ',');
	for (size_t i = 0; r == 0 && i < words.count; i++)
		if (!tmpfs_option(words.items[i], &m))
			r = error_say(err, EINVAL, "invalid tmpfs option \"%.100s\"",
				      words.items[i]);
	if (r < 0)
		container_mount_done(&m);
	else
		*ret = m;
	return r;
}

/* ---- mounts ------------------------------------------------------------------------------ */

static int invalid(const struct container_mount *m, const char *why, struct error *err)
{
	static const char *const types[] = { "bind", "volume", "tmpfs" };

	return error_say(err, EINVAL, "invalid mount config for type \"%s\": %s", types[m->type],
			 why);
}

static int check_bind(const struct container_mount *m, struct error *err)
{
	if (!m->source)
		return invalid(m, "field Source must not be empty", err);
	if (!path_is_clean_absolute(m->source))
		return invalid(m, "source path must be an absolute path without '..'", err);
	if (m->bind.propagation && !propagation_is_known(m->bind.propagation))
		return invalid(m, "invalid propagation", err);
	if (m->bind.read_only_non_recursive && m->bind.read_only_force_recursive)
		return invalid(m, "ReadOnlyNonRecursive and ReadOnlyForceRecursive are in conflict",
			       err);
	return 0;
}

static int check_volume(const struct container_mount *m, struct error *err)
{
	const char *subpath = m->volume.subpath;

	if (m->source && !name_is_valid(m->source))
		return invalid(m, "volume name is not valid", err);
	if (subpath && !path_is_plain_relative(subpath))
		return invalid(m, "subpath must be a relative path within the volume", err);
	if (m->volume.driver && strcmp(m->volume.driver, "local") != 0)
		return error_say(err, ENOTSUP, "volume driver \"%s\" is not supported",
				 m->volume.driver);
	return 0;
}

static int check_tmpfs(const struct container_mount *m, struct error *err)
{
	if (m->source)
		return invalid(m, "field Source must not be specified", err);
	if (m->tmpfs.size_bytes < 0 || m->tmpfs.mode > 07777)
		return invalid(m, "size or mode is out of range", err);
	for (size_t i = 0; i < m->tmpfs.options.count; i++)
		if (!tmpfs_word(m->tmpfs.options.items[i]))
			return invalid(m, "invalid option", err);
	return 0;
}

static int mount_check(const struct container_mount *m, struct error *err)
{
	if (!m->target)
		return invalid(m, "field Target must not be empty", err);
	switch (m->type) {
	case CONTAINER_MOUNT_BIND:
		return check_bind(m, err);
	case CONTAINER_MOUNT_VOLUME:
		return check_volume(m, err);
	default:
		return check_tmpfs(m, err);
	}
}

/* ---- the list ---------------------------------------------------------------------------- */

static const struct container_mount *find(const struct container_mounts *mounts, const char *target)
{
	for (size_t i = 0; i < mounts->count; i++)
		if (strcmp(mounts->items[i].target, target) == 0)
			return &mounts->items[i];
	return NULL;
}

static int add_consume(struct container_mounts *mounts, struct container_mount *m,
		       struct error *err)
{
	if (find(mounts, m->target)) {
		int r = error_say(err, EINVAL, "Duplicate mount point: %s", m->target);
		container_mount_done(m);
		return r;
	}
	*array_add(mounts->items, mounts->count) = *m;
	return 0;
}

static int collect_mounts(const struct container_request *request, struct container_mounts *mounts,
			  struct error *err)
{
	for (size_t i = 0; i < request->mount_count; i++) {
		int r = mount_check(&request->mounts[i], err);
		if (r < 0)
			return r;
		char *target = clean_target(request->mounts[i].target);
		if (!target)
			return invalid(&request->mounts[i], "invalid mount path", err);
		struct container_mount m = {};
		container_mount_copy(&request->mounts[i], &m);
		free(m.target);
		m.target = target;
		r = add_consume(mounts, &m, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int collect_texts(const struct container_request *request, struct container_mounts *mounts,
			 struct error *err)
{
	size_t position = 0;
	const char *target;
	const char *options;
	int r = 0;

	for (size_t i = 0; r == 0 && i < request->binds.count; i++) {
		struct container_mount m = {};
		r = container_bind_parse(request->binds.items[i], &m, err);
		if (r == 0)
			r = add_consume(mounts, &m, err);
	}
	while (r == 0 && request->tmpfs &&
	       (options = map_next(request->tmpfs, &position, &target))) {
		struct container_mount m = {};
		r = container_tmpfs_parse(target, options, &m, err);
		if (r == 0)
			r = add_consume(mounts, &m, err);
	}
	return r;
}

static int collect_anonymous(const struct strv *targets, struct container_mounts *mounts,
			     struct error *err)
{
	for (size_t i = 0; targets && i < targets->count; i++) {
		struct container_mount m = { .type = CONTAINER_MOUNT_VOLUME };
		m.target = clean_target(targets->items[i]);
		if (!m.target)
			return error_say(err, EINVAL, "invalid volume specification: '%.300s'",
					 targets->items[i]);
		if (find(mounts, m.target))
			free(m.target);
		else
			*array_add(mounts->items, mounts->count) = m;
	}
	return 0;
}

/* Fewer parts first, as Docker sorts: "/a" is mounted before "/a/b". */
static int by_depth(const void *a, const void *b)
{
	const struct container_mount *x = a;
	const struct container_mount *y = b;
	size_t depth_x = 0;
	size_t depth_y = 0;

	for (const char *c = x->target; *c; c++)
		depth_x += *c == '/';
	for (const char *c = y->target; *c; c++)
		depth_y += *c == '/';
	if (depth_x != depth_y)
		return depth_x < depth_y ? -1 : 1;
	return strcmp(x->target, y->target);
}

int container_mounts_collect(const struct container_request *request,
			     const struct strv *image_volumes, struct container_mounts *ret,
			     struct error *err)
{
	auto_container_mounts mounts = {};
	int r = collect_mounts(request, &mounts, err);

	if (r == 0)
		r = collect_texts(request, &mounts, err);
	if (r == 0)
		r = collect_anonymous(&request->anonymous_volumes, &mounts, err);
	if (r == 0)
		r = collect_anonymous(image_volumes, &mounts, err);
	if (r < 0)
		return r;
	if (mounts.count > 1)
		qsort(mounts.items, mounts.count, sizeof(*mounts.items), by_depth);
	*ret = mounts;
	mounts = (struct container_mounts){};
	return 0;
}

int container_mounts_shown(const struct container_request *request,
			   const struct strv *image_volumes, struct container_mounts *ret,
			   struct error *err)
{
	struct container_mounts mounts;
	size_t kept = 0;
	int r = container_mounts_collect(request, image_volumes, &mounts, err);
	if (r < 0)
		return r;

	for (size_t i = 0; i < mounts.count; i++) {
		struct container_mount *m = &mounts.items[i];
		if (m->type == CONTAINER_MOUNT_TMPFS && request->tmpfs &&
		    map_get(request->tmpfs, m->target))
			container_mount_done(m);
		else
			mounts.items[kept++] = *m;
	}
	mounts.count = kept;
	*ret = mounts;
	return 0;
}
