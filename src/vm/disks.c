/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/disks.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/ident.h"
#include "base/process.h"

#define SECTOR 512u
#define DESCRIPTOR_MAX (64u << 10)
#define MKFS "/sbin/mkfs.ext4"
#define MKFS_TIMEOUT_MS 60000

void layers_disk_init(struct layers_disk *d)
{
	*d = (struct layers_disk){ 0 };
	strbuf_init(&d->descriptor, DESCRIPTOR_MAX);
	/* QEMU's reader takes the line after an empty one twice: there must be none. */
	strbuf_adds(&d->descriptor, "# Disk DescriptorFile\n"
				    "version=1\n"
				    "CID=fffffffe\n"
				    "parentCID=ffffffff\n"
				    "createType=\"twoGbMaxExtentFlat\"\n");
}

void layers_disk_done(struct layers_disk *d)
{
	strbuf_done(&d->descriptor);
}

static void add_extent(struct layers_disk *d, uint64_t bytes, int fd, struct guest_extent *ret)
{
	strbuf_addf(&d->descriptor, "RW %llu FLAT \"/dev/fdset/%d\" 0\n",
		    (unsigned long long)(bytes / SECTOR), fd);
	*ret = (struct guest_extent){ .start = d->end_bytes, .length = bytes };
	d->end_bytes += bytes;
}

int layers_disk_add(struct layers_disk *d, uint64_t index_bytes, int index_fd, uint64_t tar_bytes,
		    int tar_fd, struct error *err)
{
	if (d->root.layer_count == GUEST_LAYERS_MAX)
		return error_say(err, E2BIG, "a machine takes at most %u layers", GUEST_LAYERS_MAX);
	if (index_bytes == 0 || tar_bytes == 0 || index_bytes % SECTOR || tar_bytes % SECTOR)
		return error_say(err, EBADMSG, "a layer's files have no whole sectors");

	struct guest_layer *layer = &d->root.layers[d->root.layer_count++];
	add_extent(d, index_bytes, index_fd, &layer->index);
	add_extent(d, tar_bytes, tar_fd, &layer->data);
	return d->descriptor.overflow ? error_say(err, E2BIG, "too many layers") : 0;
}

/* Makes the empty disk of a size, visible by a rename when it is whole. */
static int make_empty(int templates_fd, const char *name, uint64_t size_bytes, struct error *err)
{
	char suffix[9];
	ident_random_hex(suffix, 8);
	auto_free char *temporary = xasprintf(".%s.%s", name, suffix);
	auto_close int fd =
		openat(templates_fd, temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_set(err, errno, "make %s", temporary);
	int rc = ftruncate(fd, (off_t)size_bytes) < 0 ? error_set(err, errno, "size %s", temporary)
						      : 0;

	auto_free char *path = xasprintf("/proc/%d/fd/%d", (int)getpid(), fd);
	char *const argv[] = {
		(char *)MKFS, (char *)"-q",
		(char *)"-F", (char *)"-m0",
		(char *)"-E", (char *)"lazy_itable_init=1,lazy_journal_init=1,nodiscard",
		(char *)"-O", (char *)"^resize_inode",
		(char *)"-J", (char *)"size=4",
		path,         NULL
	};
	auto_strbuf output = STRBUF_INIT(4096);
	if (rc == 0 && access(MKFS, X_OK) < 0)
		rc = error_say(err, ENOENT, "no %s (install e2fsprogs)", MKFS);
	if (rc == 0)
		rc = process_run(argv, MKFS_TIMEOUT_MS, &output, err);
	if (rc > 0)
		rc = error_say(err, EIO, "%s failed: %s", MKFS, strbuf_text(&output));
	if (rc == 0 && renameat(templates_fd, temporary, templates_fd, name) < 0)
		rc = error_set(err, errno, "name %s", name);
	if (rc < 0)
		(void)unlinkat(templates_fd, temporary, 0);
	return rc;
}

/* Copies what a sparse file holds, sharing blocks where the file system can. */
static int copy_sparse(int from, int to, uint64_t size_bytes, struct error *err)
{
	if (ioctl(to, FICLONE, from) == 0)
		return 0;
	if (ftruncate(to, (off_t)size_bytes) < 0)
		return error_set(err, errno, "size the writable disk");
	for (off_t at = 0;;) {
		off_t start = lseek(from, at, SEEK_DATA);
		if (start < 0)
			return errno == ENXIO ? 0 : error_set(err, errno, "read the disk to copy");
		off_t end = lseek(from, start, SEEK_HOLE);
		off_t in = start, out = start;
		while (in < end) {
			ssize_t n = copy_file_range(from, &in, to, &out, (size_t)(end - in), 0);
			if (n <= 0)
				return error_set(err, n < 0 ? errno : EIO, "copy a disk");
		}
		at = end;
	}
}

/* Held by the open file itself, which QEMU gets: as long as the machine lives, whoever ends. */
static int lock_disk(int fd, struct error *err)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return error_say(err, EBUSY, "another machine still uses the writable disk");
	return error_set(err, errno, "lock the writable disk");
}

int writable_disk_make(int templates_fd, int dir_fd, const char *name, uint64_t size_bytes,
		       struct error *err)
{
	if (size_bytes < WRITABLE_BYTES_MIN || size_bytes > WRITABLE_BYTES_MAX)
		return error_say(err, EINVAL, "a writable disk of %llu bytes is not possible",
				 (unsigned long long)size_bytes);
	auto_close int existing = openat(dir_fd, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (existing >= 0) {
		int rc = lock_disk(existing, err);
		return rc < 0 ? rc : take_fd(existing);
	}

	auto_free char *empty = xasprintf("empty-%llu.ext4", (unsigned long long)size_bytes);
	auto_close int from = openat(templates_fd, empty, O_RDONLY | O_CLOEXEC);
	if (from < 0) {
		int rc = make_empty(templates_fd, empty, size_bytes, err);
		if (rc < 0)
			return rc;
		from = openat(templates_fd, empty, O_RDONLY | O_CLOEXEC);
	}
	if (from < 0)
		return error_set(err, errno, "open %s", empty);

	return writable_disk_copy(from, dir_fd, name, size_bytes, err);
}

int writable_disk_copy(int from, int dir_fd, const char *name, uint64_t size_bytes,
		       struct error *err)
{
	auto_free char *temporary = xasprintf(".%s", name);
	auto_close int to = openat(dir_fd, temporary,
				   O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return error_set(err, errno, "make the writable disk");
	int rc = copy_sparse(from, to, size_bytes, err);
	if (rc == 0 && renameat(dir_fd, temporary, dir_fd, name) < 0)
		rc = error_set(err, errno, "name the writable disk");
	if (rc == 0)
		rc = lock_disk(to, err);
	return rc < 0 ? rc : take_fd(to);
}
