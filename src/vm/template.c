/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/template.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/path.h"
#include "vm/fingerprint.h"
#include "vm/guest-kernel.h"
#include "vm/machine.h"
#include "vm/template-boot.h"

#define FOLDER "templates"
#define MAKER_VERSION 1
#define TEMPLATES_MAX 64
#define TSC_STEP_KHZ 50000u

static const char *const usual_qemus[] = { "/usr/bin/qemu-system-x86_64", "/usr/libexec/qemu-kvm" };

struct templates {
	pthread_mutex_t lock; /* of everything below; held while a template boots */
	int dir_fd;
	int keeper_fd;
	char *qemu; /* NULL: not found */
	char *kernel_folder;
	char *guest_path;
	bool probed;
	enum qemu_accelerator accelerator;
	struct vm_probe probe;
	char reason[256];
	bool prepared;
	struct guest_kernel kernel;
	struct template *items[TEMPLATES_MAX];
	size_t count;
};

struct template *template_new(const struct machine_shape *shape)
{
	struct template *t = xnew(struct template);
	t->shape = *shape;
	t->memory_fd = -1;
	strbuf_init(&t->state, MACHINE_STATE_MAX);
	return t;
}

struct template *template_copy(const struct template *t)
{
	auto_template *copy = template_new(&t->shape);
	memcpy(copy->key, t->key, sizeof(copy->key));
	copy->memory_fd = fcntl(t->memory_fd, F_DUPFD_CLOEXEC, 3);
	strbuf_add(&copy->state, t->state.data, t->state.len);
	copy->talk = t->talk;
	copy->is_rooted = t->is_rooted;
	return copy->memory_fd < 0 || copy->state.overflow ? NULL : take_ptr(copy);
}

void template_free(struct template *t)
{
	if (!t)
		return;
	close_p(&t->memory_fd);
	strbuf_done(&t->state);
	free(t);
}

static char *find_qemu(const char *wanted)
{
	if (wanted)
		return access(wanted, X_OK) == 0 ? xstrdup(wanted) : NULL;
	for (size_t i = 0; i < ARRAY_SIZE(usual_qemus); i++)
		if (access(usual_qemus[i], X_OK) == 0)
			return xstrdup(usual_qemus[i]);
	return NULL;
}

/* Of an engine that was killed. */
static void remove_spare_disks(int dir_fd)
{
	int copy = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
	if (!dir)
		return;
	for (struct dirent *e = readdir(dir); e; e = readdir(dir))
		if (strncmp(e->d_name, SPARE_DISK_PREFIX, strlen(SPARE_DISK_PREFIX)) == 0)
			(void)unlinkat(dir_fd, e->d_name, 0);
	(void)closedir(dir);
}

int templates_new(const struct templates_options *options, struct templates **ret,
		  struct error *err)
{
	auto_free char *path = xasprintf("%s/" FOLDER, options->state_dir);
	int dir_fd = path_open_dir(path, 0700, err);
	if (dir_fd < 0)
		return dir_fd;
	remove_spare_disks(dir_fd);
	struct templates *t = xnew(struct templates);
	(void)pthread_mutex_init(&t->lock, NULL);
	t->dir_fd = dir_fd;
	t->keeper_fd = options->keeper_fd;
	t->qemu = find_qemu(options->qemu);
	t->kernel_folder = xstrdup_or_null(options->kernel_folder);
	t->guest_path = xstrdup(options->guest_path);
	t->kernel = (struct guest_kernel)GUEST_KERNEL_NONE;
	*ret = t;
	return 0;
}

void templates_free(struct templates *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->count; i++)
		template_free(t->items[i]);
	guest_kernel_done(&t->kernel);
	free(t->qemu);
	free(t->kernel_folder);
	free(t->guest_path);
	close_p(&t->dir_fd);
	(void)pthread_mutex_destroy(&t->lock);
	free(t);
}

static void unlock_p(pthread_mutex_t **lock)
{
	(void)pthread_mutex_unlock(*lock);
}

#define auto_locked auto_(unlock_p) pthread_mutex_t

static pthread_mutex_t *take_lock(struct templates *t)
{
	(void)pthread_mutex_lock(&t->lock);
	return &t->lock;
}

/* ---- What machines are started with ---------------------------------------------------------- */

/* Measured once for a host: the file's name holds for the processor, not for a boot. */
static void probe(struct templates *t)
{
	if (t->probed)
		return;
	t->probed = true;
	template_probe(t->keeper_fd, &t->probe);
	t->accelerator =
		accelerator_is_real(&t->probe, t->reason, sizeof(t->reason)) ? QEMU_KVM : QEMU_TCG;
}

static int prepare(struct templates *t, struct error *err)
{
	if (!t->qemu)
		return error_say(err, ENOENT,
				 "isolation vm needs QEMU: install qemu-system-x86 (./dev setup)");
	if (t->prepared)
		return 0;
	const struct guest_kernel_options options = { .folder = t->kernel_folder,
						      .guest_path = t->guest_path,
						      .cache_fd = t->dir_fd };
	int rc = guest_kernel_prepare(&options, &t->kernel, err);
	if (rc < 0)
		return error_prefix(err, "isolation vm");
	probe(t);
	t->prepared = true;
	return 0;
}

void templates_describe(struct templates *t, struct templates_info *ret)
{
	auto_locked *held = take_lock(t);
	(void)held;
	struct error err = { 0 };
	*ret = (struct templates_info){ 0 };
	if (prepare(t, &err) < 0)
		memcpy(ret->missing, err.text, sizeof(ret->missing));
	probe(t);
	ret->accelerator = t->accelerator;
	ret->kvm_loop_ns = t->probe.loop_ns;
	memcpy(ret->reason, t->reason, sizeof(ret->reason));
	(void)snprintf(ret->kernel, sizeof(ret->kernel), "%s", t->kernel.release);
	(void)snprintf(ret->qemu, sizeof(ret->qemu), "%s", t->qemu ? t->qemu : "");
}

const char *templates_qemu(const struct templates *t)
{
	return t->qemu;
}

enum qemu_accelerator templates_accelerator(struct templates *t)
{
	auto_locked *held = take_lock(t);
	(void)held;
	probe(t);
	return t->accelerator;
}

int templates_fd(const struct templates *t)
{
	return t->dir_fd;
}

/* ---- Keys and files -------------------------------------------------------------------------- */

static int make_key(struct templates *t, const struct machine_shape *shape, char *ret,
		    struct error *err)
{
	const struct qemu_machine machine = {
		.qemu = t->qemu,
		.accelerator = t->accelerator,
		.memory_bytes = shape->memory_bytes,
		.cpus = shape->cpus,
		.layers_fd = -1,
		.writable_fd = -1,
	};
	struct fingerprint base, key;
	fingerprint_init(&base, MAKER_VERSION);
	fingerprint_add_text(&base, t->kernel.key);
	int rc = fingerprint_add_file(&base, t->qemu, err);
	if (rc < 0)
		return rc;

	/* The first half is the same for all shapes: what begins otherwise is stale. */
	char first[FINGERPRINT_TEXT], second[FINGERPRINT_TEXT];
	fingerprint_text(&base, first);
	fingerprint_init(&key, (accelerator_tsc_khz() + TSC_STEP_KHZ / 2) / TSC_STEP_KHZ);
	auto_strv argv = { 0 };
	qemu_command(&machine, &argv);
	for (size_t i = 0; i < argv.count; i++)
		fingerprint_add_text(&key, argv.items[i]);
	fingerprint_text(&key, second);
	(void)snprintf(ret, TEMPLATE_KEY_TEXT, "%.16s%.16s-%u", first, second, shape->cpus);
	return 0;
}

static void remove_stale(struct templates *t, const char *key)
{
	int copy = openat(t->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
	if (!dir)
		return;
	for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
		const char *dot = strrchr(e->d_name, '.');
		if (dot && (strcmp(dot, ".memory") == 0 || strcmp(dot, ".state") == 0) &&
		    strncmp(e->d_name, key, 16) != 0)
			(void)unlinkat(t->dir_fd, e->d_name, 0);
	}
	(void)closedir(dir);
}

/* Copies what a sparse file holds. */
static int copy_memory(int from, int to, uint64_t size, struct error *err)
{
	if (ftruncate(to, (off_t)size) < 0)
		return error_set(err, errno, "size a template's memory");
	auto_free char *piece = xmalloc(1 << 20);
	for (off_t at = 0;;) {
		off_t start = lseek(from, at, SEEK_DATA);
		if (start < 0)
			return errno == ENXIO ? 0
					      : error_set(err, errno, "read a template's memory");
		off_t end = lseek(from, start, SEEK_HOLE);
		for (at = start; at < end;) {
			size_t want = end - at < 1 << 20 ? (size_t)(end - at) : 1 << 20;
			ssize_t n = pread(from, piece, want, at);
			if (n <= 0 || pwrite(to, piece, (size_t)n, at) != n)
				return error_set(err, n < 0 ? errno : EIO,
						 "copy a template's memory");
			at += n;
		}
	}
}

static int new_memory(uint64_t size, struct error *err)
{
	auto_close int fd = memfd_create("berth-template", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
		return error_set(err, errno, "make a template's memory");
	return take_fd(fd);
}

static int seal(int fd, struct error *err)
{
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		return error_set(err, errno, "seal a template's memory");
	return 0;
}

static int load(struct templates *t, struct template *item, struct error *err)
{
	auto_free char *memory_name = xasprintf("%s.memory", item->key);
	auto_free char *state_name = xasprintf("%s.state", item->key);
	auto_close int from = openat(t->dir_fd, memory_name, O_RDONLY | O_CLOEXEC);
	struct stat st;
	if (from < 0 || fstat(from, &st) < 0)
		return error_set(err, errno, "open %s", memory_name);
	if ((uint64_t)st.st_size != item->shape.memory_bytes)
		return error_say(err, EBADMSG, "%s has another size", memory_name);
	int rc = read_file_at(t->dir_fd, state_name, MACHINE_STATE_MAX, &item->state, err);
	if (rc < 0)
		return rc;
	auto_close int memory = new_memory(item->shape.memory_bytes, err);
	if (memory < 0)
		return memory;
	rc = copy_memory(from, memory, item->shape.memory_bytes, err);
	if (rc == 0)
		rc = seal(memory, err);
	if (rc == 0)
		item->memory_fd = take_fd(memory);
	return rc;
}

/* The state's file comes last: where it is missing, there is no template. */
static int save(struct templates *t, const struct template *item, struct error *err)
{
	auto_free char *memory_name = xasprintf("%s.memory", item->key);
	auto_free char *state_name = xasprintf("%s.state", item->key);
	auto_close int to = openat(t->dir_fd, memory_name,
				   O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return error_set(err, errno, "make %s", memory_name);
	int rc = copy_memory(item->memory_fd, to, item->shape.memory_bytes, err);
	if (rc == 0)
		rc = write_file_at(t->dir_fd, state_name, item->state.data, item->state.len, 0600,
				   false, err);
	return rc;
}

int template_memory(const struct machine_shape *shape, int from, struct error *err)
{
	auto_close int fd = new_memory(shape->memory_bytes, err);
	if (fd < 0)
		return fd;
	int rc = from >= 0 ? copy_memory(from, fd, shape->memory_bytes, err) : 0;
	return rc < 0 ? rc : take_fd(fd);
}

int template_fill(struct template *t, int memory_fd_take, int state_fd, struct error *err)
{
	auto_close int memory = memory_fd_take;
	struct stat st;
	int rc = seal(memory, err);
	if (rc < 0 || fstat(state_fd, &st) < 0)
		return rc < 0 ? rc : error_set(err, errno, "look at the state");
	if (!strbuf_reserve(&t->state, (size_t)st.st_size) ||
	    pread(state_fd, t->state.data, (size_t)st.st_size, 0) != st.st_size)
		return error_say(err, EIO, "cannot read the state");
	t->state.len = (size_t)st.st_size;
	t->memory_fd = take_fd(memory);
	return 0;
}

static int boot(struct templates *t, struct template *item, struct error *err)
{
	const struct template_boot request = { .keeper_fd = t->keeper_fd,
					       .qemu = t->qemu,
					       .accelerator = t->accelerator,
					       .kernel = &t->kernel,
					       .shape = item->shape };
	auto_close int memory = template_memory(&item->shape, -1, err);
	auto_close int state = memfd_create("berth-state", MFD_CLOEXEC);
	if (memory < 0 || state < 0)
		return memory < 0 ? memory : error_set(err, errno, "make a memory file");
	int rc = template_boot(&request, memory, state, &item->talk, err);
	if (rc == 0)
		rc = template_fill(item, take_fd(memory), state, err);
	return rc < 0 ? rc : save(t, item, err);
}

static int hand_out(const struct template *item, struct template **ret, struct error *err)
{
	*ret = template_copy(item);
	return *ret ? 0 : error_say(err, EMFILE, "no descriptor for a template's memory");
}

int templates_get(struct templates *t, const struct machine_shape *shape, struct template **ret,
		  struct error *err)
{
	auto_locked *held = take_lock(t);
	(void)held;
	for (size_t i = 0; i < t->count; i++)
		if (t->items[i]->shape.memory_bytes == shape->memory_bytes &&
		    t->items[i]->shape.cpus == shape->cpus)
			return hand_out(t->items[i], ret, err);
	int rc = prepare(t, err);
	if (rc < 0)
		return rc;
	if (t->count == TEMPLATES_MAX)
		return error_say(err, ENOSPC, "there are too many templates of other sizes");

	auto_template *item = template_new(shape);
	item->talk.received = 1; /* READY */
	rc = make_key(t, shape, item->key, err);
	if (rc < 0)
		return rc;
	struct error ignored;
	if (load(t, item, &ignored) < 0) {
		remove_stale(t, item->key);
		strbuf_clear(&item->state);
		rc = boot(t, item, err);
	}
	if (rc == 0)
		rc = hand_out(item, ret, err);
	if (rc == 0)
		t->items[t->count++] = take_ptr(item);
	return rc;
}

/* ---- What is kept ------------------------------------------------------------------------------ */

/* Reads the name of a state's file; false where it is another file's. */
static bool parse_state_name(const char *name, char key[TEMPLATE_KEY_TEXT], uint32_t *ret_cpus)
{
	const char *dot = strrchr(name, '.');
	const char *dash = strchr(name, '-');
	if (!dot || strcmp(dot, ".state") != 0 || !dash || dash - name != FINGERPRINT_TEXT - 1 ||
	    (size_t)(dot - name) >= TEMPLATE_KEY_TEXT)
		return false;
	memcpy(key, name, (size_t)(dot - name));
	key[dot - name] = '\0';
	*ret_cpus = (uint32_t)strtoul(dash + 1, NULL, 10);
	return *ret_cpus > 0;
}

static uint64_t size_on_disk(int dir_fd, const char *name, uint64_t *ret_length)
{
	struct stat st;
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	*ret_length = (uint64_t)st.st_size;
	return (uint64_t)st.st_blocks * 512;
}

static bool fill_entry(struct templates *t, const char *name, struct template_entry *ret)
{
	uint64_t ignored;
	*ret = (struct template_entry){ 0 };
	if (!parse_state_name(name, ret->key, &ret->shape.cpus))
		return false;
	auto_free char *memory = xasprintf("%s.memory", ret->key);
	ret->size_bytes = size_on_disk(t->dir_fd, memory, &ret->shape.memory_bytes) +
			  size_on_disk(t->dir_fd, name, &ignored);
	return ret->shape.memory_bytes > 0;
}

int templates_list(struct templates *t, int (*visit)(const struct template_entry *entry, void *arg),
		   void *arg, struct error *err)
{
	auto_locked *held = take_lock(t);
	(void)held;
	int copy = openat(t->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
	if (!dir)
		return error_set(err, errno, "read the folder of templates");
	int rc = 0;
	for (struct dirent *e = readdir(dir); rc >= 0 && e; e = readdir(dir)) {
		struct template_entry entry;
		if (fill_entry(t, e->d_name, &entry))
			rc = visit(&entry, arg);
	}
	(void)closedir(dir);
	return rc < 0 ? rc : 0;
}

struct removal {
	struct templates *t;
	const char *key;
	size_t count;
};

static void forget(struct templates *t, const char *key)
{
	for (size_t i = 0; i < t->count; i++) {
		if (strcmp(t->items[i]->key, key) != 0)
			continue;
		template_free(t->items[i]);
		t->items[i] = t->items[--t->count];
		return;
	}
}

static int remove_entry(const struct template_entry *entry, void *arg)
{
	struct removal *r = arg;
	if (r->key && strcmp(r->key, entry->key) != 0)
		return 0;
	auto_free char *memory = xasprintf("%s.memory", entry->key);
	auto_free char *state = xasprintf("%s.state", entry->key);
	/* The state goes first: without it there is no template. */
	(void)unlinkat(r->t->dir_fd, state, 0);
	(void)unlinkat(r->t->dir_fd, memory, 0);
	forget(r->t, entry->key);
	r->count++;
	return 0;
}

int templates_remove(struct templates *t, const char *key, size_t *ret_count, struct error *err)
{
	struct removal removal = { t, key, 0 };
	int rc = templates_list(t, remove_entry, &removal, err);
	if (rc == 0 && key && removal.count == 0)
		rc = error_say(err, ENOENT, "No such template: %s", key);
	if (rc == 0)
		*ret_count = removal.count;
	return rc;
}
