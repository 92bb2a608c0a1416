/* SPDX-License-Identifier: Apache-2.0 */
#include "store/tar/unpack-object.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/alloc.h"
#include "store/tree/internal.h"

#define PROC_PATH 32

static bool is_inside(const struct tar_unpack_options *o, uint32_t id)
{
	return o->id_count == 0 || (id >= o->id_base && id - o->id_base < o->id_count);
}

int unpack_id(const struct tar_unpack_options *o, uint32_t id, uint32_t *ret, struct error *err)
{
	if (o->id_count && id >= o->id_count)
		return error_say(err, EINVAL, "owner %u is none that the instance has", id);
	*ret = o->id_base + id;
	return 0;
}

int unpack_check_owner(const struct tar_unpack_options *o, int fd, const char *what,
		       struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_set(err, errno, "look at '%s'", what);
	if (!is_inside(o, st.st_uid) || !is_inside(o, st.st_gid))
		return error_say(err, EACCES, "'%s' belongs to no user of the instance", what);
	return 0;
}

/* Capabilities hold for the root of the tree's own ids, and for nobody on the host. */
static void *shift_capability(const struct tar_unpack_options *o, const void *value, size_t *len)
{
	struct vfs_ns_cap_data *data;

	if (o->id_base == 0 || *len != XATTR_CAPS_SZ_2)
		return xmemdup(value, *len);
	data = xnew(struct vfs_ns_cap_data);
	memcpy(data, value, XATTR_CAPS_SZ_2);
	uint32_t flags = le32toh(data->magic_etc) & VFS_CAP_FLAGS_MASK;
	data->magic_etc = htole32(VFS_CAP_REVISION_3 | flags);
	data->rootid = htole32(o->id_base);
	*len = XATTR_CAPS_SZ_3;
	return data;
}

static void *shift_acl(const struct tar_unpack_options *o, const void *value, size_t len)
{
	char *copy = xmemdup(value, len);
	struct posix_acl_xattr_entry *entry =
		(void *)(copy + sizeof(struct posix_acl_xattr_header));

	for (size_t at = sizeof(struct posix_acl_xattr_header); at + sizeof(*entry) <= len;
	     at += sizeof(*entry), entry++) {
		uint16_t tag = le16toh(entry->e_tag);
		if (tag == ACL_USER || tag == ACL_GROUP)
			entry->e_id = htole32(le32toh(entry->e_id) + o->id_base);
	}
	return copy;
}

static int set_xattr(const struct tar_unpack_options *o, const char *path,
		     const struct tar_xattr *x, struct error *err)
{
	size_t len = x->len;
	auto_free void *value = NULL;

	/* Not "trusted": those are not the instance's to have. */
	if (!tree_keeps_xattr(x->name) || strncmp(x->name, "trusted.", 8) == 0)
		return 0;
	if (strcmp(x->name, "security.capability") == 0)
		value = shift_capability(o, x->value, &len);
	else if (strncmp(x->name, "system.posix_acl_", 17) == 0)
		value = shift_acl(o, x->value, len);
	else
		value = xmemdup(x->value, len);
	if (setxattr(path, x->name, value, len, 0) == 0 || errno == ENOTSUP || errno == EPERM ||
	    errno == EINVAL)
		return 0;
	return error_set(err, errno, "set attribute '%s'", x->name);
}

/* Owner first: a change of owner drops set-id bits and capabilities. */
int unpack_apply(const struct tar_unpack_options *o, int fd, mode_t type, const struct tar_entry *e,
		 struct error *err)
{
	const struct timespec times[] = {
		{ .tv_nsec = UTIME_OMIT },
		{ .tv_sec = e->mtime_sec, .tv_nsec = e->mtime_nsec },
	};
	char path[PROC_PATH];
	struct stat st;
	uint32_t uid;
	uint32_t gid;

	if (fstat(fd, &st) < 0 || (st.st_mode & S_IFMT) != type)
		return error_say(err, EBUSY, "it was exchanged while it was made");
	int r = unpack_check_owner(o, fd, e->path, err);
	if (r == 0)
		r = unpack_id(o, o->own ? o->uid : e->uid, &uid, err);
	if (r == 0)
		r = unpack_id(o, o->own ? o->gid : e->gid, &gid, err);
	if (r < 0)
		return r;
	if (fchownat(fd, "", uid, gid, AT_EMPTY_PATH) < 0)
		return error_set(err, errno, "set its owner");
	/* The magic link leads to this very object, which is no symbolic link. */
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (type != S_IFLNK && chmod(path, e->mode & 07777) < 0)
		return error_set(err, errno, "set its mode");
	for (size_t i = 0; type != S_IFLNK && i < e->xattr_count && r == 0; i++)
		r = set_xattr(o, path, &e->xattrs[i], err);
	if (r == 0 && utimensat(fd, "", times, AT_EMPTY_PATH) < 0)
		r = error_set(err, errno, "set its time");
	return r;
}
