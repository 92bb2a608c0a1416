/* SPDX-License-Identifier: Apache-2.0 */
#include "store/tar/tree-xattr.h"

#include <endian.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/alloc.h"
#include "store/tree/internal.h"
#include "store/tree/tree.h"

#define LIST_MAX (64u << 10)
#define VALUE_MAX (64u << 10)

void tar_tree_xattrs_done(struct tar_tree_xattrs *xattrs)
{
	for (size_t i = 0; i < xattrs->count; i++) {
		free((char *)xattrs->items[i].name);
		free((void *)xattrs->items[i].value);
	}
	free(xattrs->items);
	*xattrs = (struct tar_tree_xattrs){ 0 };
}

/*
 * Capabilities that were set within a user namespace name its root; written for an image they are
 * plain ones again.
 */
static void shift_capability(void *value, size_t *len)
{
	struct vfs_ns_cap_data *data = value;

	if (*len != XATTR_CAPS_SZ_3)
		return;
	uint32_t magic = le32toh(data->magic_etc);
	if ((magic & VFS_CAP_REVISION_MASK) != VFS_CAP_REVISION_3)
		return;
	data->magic_etc = htole32(VFS_CAP_REVISION_2 | (magic & VFS_CAP_FLAGS_MASK));
	*len = XATTR_CAPS_SZ_2;
}

static void shift_acl(const struct tar_tree_options *options, void *value, size_t len)
{
	struct posix_acl_xattr_header *header = value;
	struct posix_acl_xattr_entry *entry = (void *)(header + 1);

	for (size_t at = sizeof(*header); at + sizeof(*entry) <= len;
	     at += sizeof(*entry), entry++) {
		uint16_t tag = le16toh(entry->e_tag);
		uint32_t id = le32toh(entry->e_id);
		if ((tag == ACL_USER || tag == ACL_GROUP) && id >= options->id_shift)
			entry->e_id = htole32(id - options->id_shift);
	}
}

static void shift(const struct tar_tree_options *options, const char *name, void *value,
		  size_t *len)
{
	if (options->id_shift == 0)
		return;
	if (strcmp(name, "security.capability") == 0)
		shift_capability(value, len);
	else if (strncmp(name, "system.posix_acl_", strlen("system.posix_acl_")) == 0)
		shift_acl(options, value, *len);
}

static int read_one(const char *path, const char *name, const struct tar_tree_options *options,
		    struct tar_tree_xattrs *ret, struct error *err)
{
	auto_free char *value = xmalloc(VALUE_MAX);

	ssize_t n = getxattr(path, name, value, VALUE_MAX);
	if (n < 0)
		return errno == ENODATA ? 0 : error_set(err, errno, "read '%s'", name);
	if (strcmp(name, TREE_OPAQUE_NAME) == 0) {
		ret->opaque = options->convert_whiteouts && n == 1 && value[0] == 'y';
		return 0;
	}

	size_t len = (size_t)n;
	shift(options, name, value, &len);
	ret->items = xreallocarray(ret->items, ret->count + 1, sizeof(*ret->items));
	ret->items[ret->count++] = (struct tar_xattr){
		.name = xstrdup(name),
		.value = xmemdup(value, len),
		.len = len,
	};
	return 0;
}

int tar_tree_xattrs_read(int path_fd, const struct tar_tree_options *options,
			 struct tar_tree_xattrs *ret, struct error *err)
{
	auto_free char *names = xmalloc(LIST_MAX);
	char path[32];
	int r = 0;

	/* The magic link leads to the object itself, also where that is a symbolic link. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", path_fd);
	ssize_t n = listxattr(path, names, LIST_MAX);
	if (n < 0)
		return errno == ENOTSUP ? 0 : error_set(err, errno, "list");
	for (const char *name = names; name < names + n && r == 0; name += strlen(name) + 1) {
		if (tree_keeps_xattr(name) || strcmp(name, TREE_OPAQUE_NAME) == 0)
			r = read_one(path, name, options, ret, err);
	}
	return r;
}
