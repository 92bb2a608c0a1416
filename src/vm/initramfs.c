/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/initramfs.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define TRAILER "TRAILER!!!"

struct entry {
	const char *path;
	mode_t mode;
	unsigned major;
	unsigned minor;
	const void *data;
	size_t len;
};

void initramfs_init(struct initramfs *fs, size_t cap)
{
	strbuf_init(&fs->out, cap);
	fs->next_inode = 1;
}

void initramfs_done(struct initramfs *fs)
{
	strbuf_done(&fs->out);
}

static void pad(struct strbuf *out)
{
	while (out->len % 4 != 0 && !out->overflow)
		strbuf_addc(out, '\0');
}

static void add(struct initramfs *fs, const struct entry *e)
{
	unsigned links = S_ISDIR(e->mode) ? 2 : 1;
	size_t name_size = strlen(e->path) + 1;
	const unsigned fields[] = {
		fs->next_inode++,
		e->mode,
		0,
		0,
		links,
		0,
		(unsigned)e->len,
		0,
		0,
		e->major,
		e->minor,
		(unsigned)name_size,
		0,
	};

	strbuf_adds(&fs->out, "070701");
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		strbuf_addf(&fs->out, "%08X", fields[i]);
	strbuf_add(&fs->out, e->path, name_size);
	pad(&fs->out);
	strbuf_add(&fs->out, e->data, e->len);
	pad(&fs->out);
}

void initramfs_add_dir(struct initramfs *fs, const char *path, mode_t mode)
{
	add(fs, &(struct entry){ .path = path, .mode = S_IFDIR | mode });
}

void initramfs_add_file(struct initramfs *fs, const char *path, mode_t mode, const void *data,
			size_t len)
{
	add(fs, &(struct entry){ .path = path, .mode = S_IFREG | mode, .data = data, .len = len });
}

void initramfs_add_device(struct initramfs *fs, const char *path, mode_t mode, unsigned major,
			  unsigned minor)
{
	add(fs, &(struct entry){
			.path = path, .mode = S_IFCHR | mode, .major = major, .minor = minor });
}

int initramfs_finish(struct initramfs *fs)
{
	add(fs, &(struct entry){ .path = TRAILER, .mode = 0 });
	return fs->out.overflow ? -EFBIG : 0;
}
