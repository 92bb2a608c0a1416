/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "store/layer/erofs-mount.h"
#include "store/layer/erofs-write.h"
#include "store/store-internal.h"

/*
 * Whether the kernel can mount an index is found out by mounting one and reading a file through it:
 * 512-byte blocks, the second device and mounting without a block device came with different
 * versions, and a distribution may lack any of them.
 */

#define CONTENT "berth"
#define PATHS 4200

static int write_probe(int tar_fd, int index_fd, struct error *err)
{
	static const char block[2 * TAR_BLOCK] = CONTENT;
	const uint8_t uuid[16] = { 0 };
	const struct erofs_options options = { sizeof(block), "", uuid };
	const struct tar_entry file = {
		.type = TAR_FILE,
		.path = "file",
		.mode = 0644,
		.size = strlen(CONTENT),
	};
	auto_tree *tree = tree_new();

	int r = write_full(tar_fd, block, sizeof(block));
	if (r < 0)
		return error_set(err, r, "write a probe");
	r = tree_add(tree, &file, 0, err);
	return r < 0 ? r : erofs_write(tree, &options, index_fd, err);
}

static bool reads_content(int mount_fd)
{
	char content[sizeof(CONTENT)] = "";

	auto_close int fd = openat(mount_fd, "file", O_RDONLY | O_CLOEXEC);
	return fd >= 0 && read_full(fd, content, sizeof(content)) == (ssize_t)strlen(CONTENT) &&
	       memcmp(content, CONTENT, strlen(CONTENT)) == 0;
}

bool store_probe_detached(int mount_fd)
{
	auto_close int clone =
		open_tree(mount_fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	return clone >= 0;
}

static bool try_mount(struct store *store, const char *index, const char *tar, bool loop,
		      struct error *why)
{
	auto_close int fd = erofs_mount(index, tar, loop, why);
	if (fd < 0)
		return false;
	if (!reads_content(fd)) {
		error_say(why, EIO, "an EROFS index was mounted, but a file in it cannot be read");
		return false;
	}
	store->detached_mounts = store_probe_detached(fd);
	return true;
}

static enum store_mode probe_files(struct store *store, const char *index_name,
				   const char *tar_name, struct error *why)
{
	char index[PATHS];
	char tar[PATHS];

	auto_close int index_fd =
		openat(store->tmp_fd, index_name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	auto_close int tar_fd = openat(store->tmp_fd, tar_name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (index_fd < 0 || tar_fd < 0) {
		error_set(why, errno, "make a probe");
		return STORE_MODE_FOLDER;
	}
	if (write_probe(tar_fd, index_fd, why) < 0)
		return STORE_MODE_FOLDER;

	snprintf(index, sizeof(index), "%s/tmp/%s", store->state_dir, index_name);
	snprintf(tar, sizeof(tar), "%s/tmp/%s", store->state_dir, tar_name);
	if (try_mount(store, index, tar, false, why))
		return STORE_MODE_EROFS_FILE;
	struct error second = { 0 };
	if (try_mount(store, index, tar, true, &second))
		return STORE_MODE_EROFS_LOOP;
	error_prefix(why, "by loop devices: %.200s; by files", second.text);
	return STORE_MODE_FOLDER;
}

enum store_mode store_probe(struct store *store, struct error *why)
{
	char index[TMP_NAME];
	char tar[TMP_NAME];

	tmp_name(index);
	tmp_name(tar);
	enum store_mode mode = probe_files(store, index, tar, why);
	(void)unlinkat(store->tmp_fd, index, 0);
	(void)unlinkat(store->tmp_fd, tar, 0);
	return mode;
}
