/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/root.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/blkpg.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "sys/mounts.h"

/* Makes partition @number of a disk. */
static int add_partition(int disk, int number, const struct guest_extent *extent, struct error *err)
{
	struct blkpg_partition part = { .start = (long long)extent->start,
					.length = (long long)extent->length,
					.pno = number };
	struct blkpg_ioctl_arg arg = { .op = BLKPG_ADD_PARTITION,
				       .datalen = sizeof(part),
				       .data = &part };
	if (ioctl(disk, BLKPG, &arg) < 0)
		return error_set(err, errno, "add part %d of the layers' disk", number);
	return 0;
}

static int mount_layer(const char *disk, int number, struct error *err)
{
	auto_free char *source = xasprintf("source=%s%d", disk, number);
	auto_free char *device = xasprintf("device=%s%d", disk, number + 1);
	const char *const options[] = { source, device, "ro" };
	int fd = mount_new("erofs", options, ARRAY_SIZE(options), MOUNT_ATTR_RDONLY, err);
	return fd < 0 ? error_prefix(err, "layer %d", number / 2) : fd;
}

static int mount_writable(const char *disk, struct error *err)
{
	auto_free char *source = xasprintf("source=%s", disk);
	const char *const options[] = { source, "noinit_itable" };
	auto_close int mounted =
		mount_new("ext4", options, ARRAY_SIZE(options), MOUNT_ATTR_NOATIME, err);
	if (mounted < 0)
		return error_prefix(err, "writable disk");
	if (mkdir("/writable", 0700) < 0 && errno != EEXIST)
		return error_set(err, errno, "make /writable");
	auto_close int target = open("/writable", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (target < 0)
		return error_set(err, errno, "open /writable");
	int rc = mount_attach(mounted, target, err);
	if (rc < 0)
		return rc;
	int fd = open("/writable", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? error_set(err, errno, "open /writable") : fd;
}

/* An overlay of this kernel takes only layers that are attached somewhere. */
static int attach_layer(int mounted, uint32_t number, struct error *err)
{
	auto_free char *path = xasprintf("/layer%u", number);
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return error_set(err, errno, "make %s", path);
	auto_close int target = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (target < 0)
		return error_set(err, errno, "open %s", path);
	return mount_attach(mounted, target, err);
}

int root_mount(const struct boot_disks *disks, const struct guest_root *root,
	       struct root_disks *ret, struct error *err)
{
	auto_close int disk = open(disks->layers, O_RDONLY | O_CLOEXEC);
	if (disk < 0)
		return error_set(err, errno, "open %s", disks->layers);

	ret->count = 0;
	for (uint32_t i = 0; i < root->layer_count; i++) {
		int number = (int)(2 * i + 1);
		int rc = add_partition(disk, number, &root->layers[i].index, err);
		if (rc == 0)
			rc = add_partition(disk, number + 1, &root->layers[i].data, err);
		int fd = rc < 0 ? rc : mount_layer(disks->layers, number, err);
		if (fd < 0)
			return fd;
		ret->fds[ret->count++] = fd;
		rc = attach_layer(fd, i, err);
		if (rc < 0)
			return rc;
	}

	int fd = mount_writable(disks->writable, err);
	if (fd < 0)
		return fd;
	ret->fds[ret->count++] = fd;
	return 0;
}

void root_sync(const struct root_disks *disks)
{
	if (disks->count > 0)
		(void)syncfs(disks->fds[disks->count - 1]);
}
