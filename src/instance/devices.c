/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/devices.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/alloc.h"
#include "base/array.h"

#define DEPTH_MAX 8

void device_nodes_done(struct device_nodes *nodes)
{
	for (size_t i = 0; i < nodes->count; i++)
		free(nodes->items[i].path);
	free(nodes->items);
	*nodes = (struct device_nodes){};
}

static bool is_device(const struct stat *st)
{
	return S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode);
}

static void add_node(struct device_nodes *nodes, const char *path, const struct stat *st)
{
	struct runtime_device *node = array_add(nodes->items, nodes->count);

	node->type = S_ISBLK(st->st_mode) ? 'b' : 'c';
	node->path = xstrdup(path);
	node->major = major(st->st_rdev);
	node->minor = minor(st->st_rdev);
	node->mode = (struct optional_uint){ .set = true, .value = st->st_mode & 07777 };
	node->uid = (struct optional_uint){ .set = true };
	node->gid = (struct optional_uint){ .set = true };
}

static void closedir_p(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

/* What a container has of its own, and terminals that are in use on the host. */
static bool is_left_out(const char *name)
{
	static const char *const names[] = { "pts",    "shm",    "mqueue",  "fd",   "stdin",
					     "stdout", "stderr", "console", "ptmx", "tty" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return name[0] == '.';
}

/* Adds the nodes of host folder @from as @to. */
static int add_folder(struct device_nodes *nodes, const char *from, const char *to, int depth,
		      struct error *err)
{
	auto_(closedir_p) DIR *dir = depth < DEPTH_MAX ? opendir(from) : NULL;
	if (!dir)
		return error_set(err, depth < DEPTH_MAX ? errno : ELOOP, "list devices in %s",
				 from);

	for (const struct dirent *entry; (entry = readdir(dir));) {
		struct stat st;
		if (is_left_out(entry->d_name) ||
		    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		auto_free char *below_from = xasprintf("%s/%s", from, entry->d_name);
		auto_free char *below_to = xasprintf("%s/%s", to, entry->d_name);
		if (S_ISDIR(st.st_mode)) {
			int r = add_folder(nodes, below_from, below_to, depth + 1, err);
			if (r < 0)
				return r;
		} else if (is_device(&st)) {
			add_node(nodes, below_to, &st);
		}
	}
	return 0;
}

static int add_device(struct device_nodes *nodes, const struct container_device *device,
		      struct error *err)
{
	const char *inside = device->path ? device->path : device->host_path;
	struct stat st;

	if (!device->host_path || stat(device->host_path, &st) < 0)
		return error_set(err, device->host_path ? errno : EINVAL,
				 "error gathering device information while adding custom device "
				 "\"%s\"",
				 device->host_path ? device->host_path : "");
	if (S_ISDIR(st.st_mode))
		return add_folder(nodes, device->host_path, inside, 0, err);
	if (!is_device(&st))
		return error_say(err, EINVAL, "\"%s\" is not a device node", device->host_path);
	add_node(nodes, inside, &st);
	return 0;
}

int device_nodes_collect(const struct container_request *request, const char *dev,
			 struct device_nodes *ret, struct error *err)
{
	auto_device_nodes nodes = {};
	int r = request->privileged ? add_folder(&nodes, dev, "/dev", 0, err) : 0;

	for (size_t i = 0; r == 0 && i < request->device_count; i++)
		r = add_device(&nodes, &request->devices[i], err);
	if (r < 0)
		return r;
	*ret = nodes;
	nodes = (struct device_nodes){};
	return 0;
}
