/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/guest-kernel.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/strbuf.h"
#include "vm/fingerprint.h"
#include "vm/initramfs.h"
#include "vm/kernel-image.h"
#include "vm/kernel-modules.h"
#include "vm/machine-names.h"

#define IMAGE_PREFIX "vmlinuz-"
#define INITRAMFS_MAX (64u << 20)
#define GUEST_MAX (32u << 20)
#define KERNEL_PACKED_MAX (128u << 20)
#define SIGNATURE_MARK "~Module signature appended~\n"
#define MAKER_VERSION 1

static const char *const usual_folders[] = { "/usr/lib/berth/guest-kernel", "" };

/* Loaded in this order; what they need comes before them. '?': may be missing. */
static const char *const module_names[] = {
	"virtio_mmio", "virtio_blk",  "?virtio_console", "erofs",
	"overlay",     "?virtio_net", "?ext4",           NULL,
};

struct found {
	char *image;
	char *modules;
	char release[64];
};

static void found_done(struct found *f)
{
	free(f->image);
	free(f->modules);
}

void guest_kernel_done(struct guest_kernel *k)
{
	close_p(&k->kernel_fd);
	close_p(&k->initramfs_fd);
}

/* Whether release @a is to be taken rather than @b. */
static bool is_better(const char *a, const char *b)
{
	bool a_cloud = strstr(a, "cloud"), b_cloud = strstr(b, "cloud");
	return a_cloud != b_cloud ? a_cloud : strverscmp(a, b) > 0;
}

static bool is_new_enough(const char *release)
{
	int major = 0, minor = 0;
	if (sscanf(release, "%d.%d", &major, &minor) != 2)
		return false;
	return major > GUEST_RELEASE_MIN_MAJOR ||
	       (major == GUEST_RELEASE_MIN_MAJOR && minor >= GUEST_RELEASE_MIN_MINOR);
}

static char *find_modules_of(const char *folder, const char *release)
{
	static const char *const places[] = { "lib/modules", "usr/lib/modules" };
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		auto_free char *path = xasprintf("%s/%s/%s", folder, places[i], release);
		struct stat st;
		if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
			return take_ptr(path);
	}
	return NULL;
}

static void look_in(const char *folder, struct found *best)
{
	auto_free char *boot = xasprintf("%s/boot", folder);
	DIR *dir = opendir(boot);
	if (!dir)
		return;
	for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
		const char *release = e->d_name + strlen(IMAGE_PREFIX);
		if (strncmp(e->d_name, IMAGE_PREFIX, strlen(IMAGE_PREFIX)) != 0 ||
		    strlen(release) >= sizeof(best->release) || !is_new_enough(release) ||
		    (best->image && !is_better(release, best->release)))
			continue;
		char *modules = find_modules_of(folder, release);
		if (!modules)
			continue;
		found_done(best);
		best->image = xasprintf("%s/%s", boot, e->d_name);
		best->modules = modules;
		(void)snprintf(best->release, sizeof(best->release), "%s", release);
	}
	(void)closedir(dir);
}

static int find_kernel(const char *folder, struct found *ret, struct error *err)
{
	if (folder)
		look_in(folder, ret);
	for (size_t i = 0; !folder && !ret->image && i < ARRAY_SIZE(usual_folders); i++)
		look_in(usual_folders[i], ret);
	if (!ret->image)
		return error_say(
			err, ENOENT,
			"no guest kernel of release %d.%d or newer %s%s: run './dev setup', "
			"or install linux-image-cloud-amd64",
			GUEST_RELEASE_MIN_MAJOR, GUEST_RELEASE_MIN_MINOR,
			folder ? "in " : "is installed", folder ? folder : "");
	return 0;
}

/* A signature is only checked at a cost: these modules come from the package that we boot. */
static size_t without_signature(const uint8_t *data, size_t len)
{
	size_t mark = strlen(SIGNATURE_MARK), info = 12;
	if (len < mark + info || memcmp(data + len - mark, SIGNATURE_MARK, mark) != 0)
		return len;
	const uint8_t *size = data + len - mark - 4;
	size_t signature =
		(size_t)size[0] << 24 | (size_t)size[1] << 16 | (size_t)size[2] << 8 | size[3];
	return signature <= len - mark - info ? len - mark - info - signature : len;
}

static int make_initramfs(const char *modules_dir, const struct strbuf *guest,
			  struct initramfs *ret, struct error *err)
{
	auto_kernel_modules modules = { 0 };
	int rc = kernel_modules_load(modules_dir, module_names, &modules, err);
	if (rc < 0)
		return rc;
	initramfs_add_dir(ret, "dev", 0755);
	initramfs_add_device(ret, "dev/console", 0600, 5, 1);
	initramfs_add_dir(ret, "modules", 0700);
	for (size_t i = 0; i < modules.count; i++) {
		const struct kernel_module *m = &modules.items[i];
		auto_free char *path = xasprintf(GUEST_MODULE_FORMAT, (unsigned)i);
		initramfs_add_file(ret, path + 1, 0400, m->data,
				   without_signature(m->data, m->len));
	}
	initramfs_add_file(ret, "init", 0700, guest->data, guest->len);
	rc = initramfs_finish(ret);
	return rc < 0 ? error_say(err, -rc, "the initramfs is too big") : 0;
}

static int make_files(const struct found *found, const struct strbuf *guest, int cache_fd,
		      const char *kernel_name, const char *initramfs_name, struct error *err)
{
	auto_strbuf packed = STRBUF_INIT(KERNEL_PACKED_MAX);
	auto_strbuf image = STRBUF_INIT(KERNEL_IMAGE_MAX);
	auto_initramfs initramfs;
	initramfs_init(&initramfs, INITRAMFS_MAX);

	int rc = read_file_at(AT_FDCWD, found->image, KERNEL_PACKED_MAX, &packed, err);
	if (rc == 0)
		rc = kernel_image_extract(packed.data, packed.len, &image, err);
	if (rc < 0)
		return error_prefix(err, "%s", found->image);
	rc = make_initramfs(found->modules, guest, &initramfs, err);
	if (rc == 0)
		rc = write_file_at(cache_fd, initramfs_name, initramfs.out.data, initramfs.out.len,
				   0644, false, err);
	if (rc == 0)
		rc = write_file_at(cache_fd, kernel_name, image.data, image.len, 0644, false, err);
	return rc;
}

static int open_files(int cache_fd, const char *kernel_name, const char *initramfs_name,
		      struct guest_kernel *ret)
{
	auto_close int kernel = openat(cache_fd, kernel_name, O_RDONLY | O_CLOEXEC);
	auto_close int initramfs = openat(cache_fd, initramfs_name, O_RDONLY | O_CLOEXEC);
	if (kernel < 0 || initramfs < 0)
		return -ENOENT;
	ret->kernel_fd = take_fd(kernel);
	ret->initramfs_fd = take_fd(initramfs);
	return 0;
}

/* Removes what was made of an older kernel or guest. */
static void remove_stale(int cache_fd, const char *kernel_name, const char *initramfs_name)
{
	int copy = openat(cache_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
	if (!dir)
		return;
	for (struct dirent *e = readdir(dir); e; e = readdir(dir))
		if ((strncmp(e->d_name, "kernel-", 7) == 0 ||
		     strncmp(e->d_name, "initramfs-", 10) == 0) &&
		    strcmp(e->d_name, kernel_name) != 0 && strcmp(e->d_name, initramfs_name) != 0)
			(void)unlinkat(cache_fd, e->d_name, 0);
	(void)closedir(dir);
}

int guest_kernel_prepare(const struct guest_kernel_options *options, struct guest_kernel *ret,
			 struct error *err)
{
	auto_(found_done) struct found found = { 0 };
	auto_strbuf guest = STRBUF_INIT(GUEST_MAX);
	int rc = find_kernel(options->folder, &found, err);
	if (rc == 0)
		rc = read_file_at(AT_FDCWD, options->guest_path, GUEST_MAX, &guest, err);
	struct fingerprint key;
	fingerprint_init(&key, MAKER_VERSION);
	fingerprint_add(&key, guest.data, guest.len);
	if (rc == 0)
		rc = fingerprint_add_file(&key, found.image, err);
	if (rc < 0)
		return rc;

	char text[GUEST_KEY_TEXT];
	fingerprint_text(&key, text);
	auto_free char *kernel_name = xasprintf("kernel-%s", text);
	auto_free char *initramfs_name = xasprintf("initramfs-%s", text);
	if (open_files(options->cache_fd, kernel_name, initramfs_name, ret) < 0) {
		rc = make_files(&found, &guest, options->cache_fd, kernel_name, initramfs_name,
				err);
		if (rc == 0)
			rc = open_files(options->cache_fd, kernel_name, initramfs_name, ret);
		if (rc < 0)
			return error_prefix(
				err, "make the guest's kernel ready (./dev setup, or installing "
				     "linux-image-cloud-amd64 again, brings a whole one)");
		remove_stale(options->cache_fd, kernel_name, initramfs_name);
	}
	memcpy(ret->key, text, sizeof(text));
	memcpy(ret->release, found.release, sizeof(ret->release));
	return 0;
}
