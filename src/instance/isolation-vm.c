/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/map.h"
#include "container/request-check.h"
#include "container/request-mounts.h"
#include "instance/isolation-plan.h"
#include "instance/keeper-protocol.h"
#include "instance/manager-internal.h"
#include "oci/image-config.h"
#include "store/image.h"
#include "vm/disks.h"
#include "vm/guest-plan.h"
#include "vm/machine.h"
#include "vm/template.h"

/**
 * DOC: Isolation by a kernel of its own
 *
 * The plan is the container's, turned into the guest's by guest-plan.h; beside it the keeper gets a
 * machine: a template's memory and state, the image's layers as one disk, the writable disk.
 */

_Static_assert(MACHINE_FD_FIRST == KEEPER_FD_FIRST + 1,
	       "the machine's descriptors follow its description");

#define START_TIMEOUT_MS 120000
#define WRITABLE_NAME "writable.ext4"
#define MEMORY_DEFAULT (256ULL << 20)
/* What a guest's kernel needs beside a limit that was asked for. */
#define MEMORY_OVERHEAD (96ULL << 20)
/* Steps of memory, so that limits that are about the same share a template. */
#define MEMORY_STEP (32ULL << 20)
/* What QEMU needs beside the guest's memory. */
#define QEMU_OVERHEAD (320LL << 20)
#define CPUS_MAX 64u
#define NANO_CPU 1000000000LL
#define CPU_PERIOD_US 100000

enum vm_place { PLACE_MEMORY = MACHINE_FD_FIRST, PLACE_WRITABLE, PLACE_LAYERS, PLACE_FILES };

static struct machine_shape shape_of(const struct container_request *request)
{
	struct machine_shape shape = { .memory_bytes = MEMORY_DEFAULT, .cpus = 1 };
	if (request->memory_bytes > 0) {
		uint64_t wanted = (uint64_t)request->memory_bytes + MEMORY_OVERHEAD;
		wanted = (wanted + MEMORY_STEP - 1) / MEMORY_STEP * MEMORY_STEP;
		shape.memory_bytes = wanted > MEMORY_DEFAULT ? wanted : MEMORY_DEFAULT;
	}
	if (request->nano_cpus > 0) {
		int64_t cpus = (request->nano_cpus + NANO_CPU - 1) / NANO_CPU;
		shape.cpus = cpus > CPUS_MAX ? CPUS_MAX : (uint32_t)cpus;
	}
	return shape;
}

static int writable_size(const struct container_request *request, uint64_t *ret, struct error *err)
{
	const char *text =
		request->storage_options ? map_get(request->storage_options, "size") : NULL;
	int64_t size = (int64_t)WRITABLE_BYTES_DEFAULT;
	if (text && (memory_size_parse(text, &size) < 0 || size <= 0))
		return error_say(err, EINVAL, "storage option size=%s is no size", text);
	*ret = (uint64_t)size / 4096 * 4096;
	return 0;
}

/* ---- What the request may not ask for ---------------------------------------------------------- */

static int refuse(struct error *err, const char *what, const char *why)
{
	return error_say(err, EOPNOTSUPP, "%s is not possible with isolation vm: %s", what, why);
}

static int check_mounts(const struct container_request *request, struct error *err)
{
	auto_container_mounts mounts = {};
	int result = container_mounts_collect(request, NULL, &mounts, err);
	for (size_t i = 0; result == 0 && i < mounts.count; i++) {
		if (mounts.items[i].type != CONTAINER_MOUNT_BIND)
			continue;
		auto_free char *what = xasprintf("mount %s", mounts.items[i].target);
		result = refuse(err, what,
				"the guest shares no folders of the host; use a tmpfs, or copy "
				"what is needed into the image");
	}
	return result;
}

static bool joins(const char *mode)
{
	return mode && (strcmp(mode, "host") == 0 || strncmp(mode, "container:", 10) == 0);
}

static int vm_check(struct manager *m, const struct record *r, const struct image_config *image,
		    struct error *err)
{
	const struct container_request *request = &r->request;
	uint64_t size;
	if (image->diff_id_count > GUEST_LAYERS_MAX)
		return refuse(err, "this image", "it has too many layers");
	if (joins(request->network_mode) || joins(request->pid_mode) || joins(request->ipc_mode))
		return refuse(err, "sharing a namespace", "the guest has a kernel of its own");
	if (request->device_count > 0)
		return refuse(err, "a device", "the host's devices are not in the guest");
	int result = writable_size(request, &size, err);
	if (result == 0)
		result = check_mounts(request, err);
	if (result == 0 && !m->options.templates)
		result = refuse(err, "a start", "berth-guest is not installed beside berthd");
	return result;
}

/* ---- The machine ------------------------------------------------------------------------------- */

/* The files of an image's layers, as the disk that the guest sees. */
struct vm_disks {
	struct layers_disk layers;
	int *fds; /* index and tar of each layer */
	uint32_t count;
};

static void vm_disks_done(struct vm_disks *d)
{
	for (uint32_t i = 0; i < d->count; i++)
		close_p(&d->fds[i]);
	free(d->fds);
	layers_disk_done(&d->layers);
}

static int size_of(int fd, uint64_t *ret, struct error *err)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return error_set(err, errno, "look at a layer");
	*ret = (uint64_t)st.st_size;
	return 0;
}

static int add_layer(struct vm_disks *d, const struct layer_files *files, struct error *err)
{
	uint64_t index_bytes = 0, tar_bytes = 0;
	int index_place = PLACE_FILES + (int)d->count;
	d->fds[d->count++] = files->index_fd;
	d->fds[d->count++] = files->tar_fd;
	int result = size_of(files->index_fd, &index_bytes, err);
	if (result == 0)
		result = size_of(files->tar_fd, &tar_bytes, err);
	/* A tar that ends within a sector is served with zeros behind it. */
	tar_bytes = (tar_bytes + 511) / 512 * 512;
	if (result == 0)
		result = layers_disk_add(&d->layers, index_bytes, index_place, tar_bytes,
					 index_place + 1, err);
	return result;
}

static int open_layers(struct manager *m, const struct image_config *image, struct vm_disks *ret,
		       struct error *err)
{
	layers_disk_init(&ret->layers);
	ret->fds = xcalloc(image->diff_id_count * 2 + 1, sizeof(*ret->fds));
	for (size_t i = image->diff_id_count; i > 0; i--) {
		struct layer_files files;
		int result =
			layer_open_files(m->options.store, &image->diff_ids[i - 1], &files, err);
		if (result == 0)
			result = add_layer(ret, &files, err);
		if (result < 0)
			return result;
	}
	return 0;
}

static int give_fd(struct launch *launch, int fd, int place, struct error *err)
{
	auto_close int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (copy < 0)
		return error_set(err, errno, "duplicate a descriptor");
	int32_t index = plan_fds_add_take(&launch->fds, copy);
	if (index < 0)
		return error_set(err, index, "add a descriptor to the machine");
	(void)take_fd(copy);
	if (index + KEEPER_FD_FIRST != place)
		return error_say(err, EINVAL, "descriptor %d of the machine is out of place",
				 place);
	return 0;
}

static void fill_command(struct manager *m, const struct record *r, const struct template *tmpl,
			 const struct vm_disks *disks, struct machine *ret)
{
	auto_free int *places = xcalloc(disks->count + 1, sizeof(*places));
	for (uint32_t i = 0; i < disks->count; i++)
		places[i] = PLACE_FILES + (int)i;
	const struct qemu_machine qemu = {
		.qemu = templates_qemu(m->options.templates),
		.accelerator = templates_accelerator(m->options.templates),
		.memory_bytes = tmpl->shape.memory_bytes,
		.cpus = tmpl->shape.cpus,
		.memory_fd = PLACE_MEMORY,
		.kernel_fd = -1,
		.initramfs_fd = -1,
		.layers_fd = PLACE_LAYERS,
		.file_fds = places,
		.file_count = disks->count,
		.writable_fd = PLACE_WRITABLE,
		.is_volatile = r->request.auto_remove,
	};
	qemu_command(&qemu, &ret->argv);
	ret->use_kvm = qemu.accelerator == QEMU_KVM;
}

static int describe(struct manager *m, const struct record *r, const struct plan *plan,
		    const struct template *tmpl, const struct vm_disks *disks, int *ret,
		    struct error *err)
{
	auto_machine machine;
	machine_init(&machine);
	machine.qemu = xstrdup(templates_qemu(m->options.templates));
	machine.cgroup = xasprintf("berth/%s", r->id);
	machine.uid = record_id_base(r);
	machine.fd_count = PLACE_FILES - MACHINE_FD_FIRST + disks->count;
	machine.memory_max_bytes = (int64_t)tmpl->shape.memory_bytes + QEMU_OVERHEAD;
	machine.cpu_quota_us = r->request.nano_cpus / (NANO_CPU / CPU_PERIOD_US);
	machine.is_volatile = r->request.auto_remove;
	machine.root = disks->layers.root;
	(void)snprintf(machine.hostname, sizeof(machine.hostname), "%s",
		       plan->hostname ? plan->hostname : "berth");
	strbuf_add(&machine.state, tmpl->state.data, tmpl->state.len);
	fill_command(m, r, tmpl, disks, &machine);

	auto_strbuf bytes = STRBUF_INIT(MACHINE_BYTES_MAX);
	int result = machine_encode(&machine, &bytes, err);
	if (result < 0)
		return result;
	*ret = fd_memory("berth-machine", bytes.data, bytes.len);
	return *ret < 0 ? error_set(err, *ret, "write the machine's description") : 0;
}

/* QEMU takes only a descriptor whose mode is the one that it wants. */
static int read_only_memory(const struct strbuf *bytes, struct error *err)
{
	auto_close int fd = fd_memory("berth-layers", bytes->data, bytes->len);
	if (fd < 0)
		return error_set(err, fd, "write the layers' disk");
	auto_free char *path = xasprintf("/proc/self/fd/%d", fd);
	int copy = open(path, O_RDONLY | O_CLOEXEC);
	return copy < 0 ? error_set(err, errno, "open the layers' disk") : copy;
}

static int give_machine(struct manager *m, const struct record *r, int state_fd,
			const struct plan *plan, const struct template *tmpl,
			const struct vm_disks *disks, struct launch *ret, struct error *err)
{
	uint64_t size = 0;
	int result = writable_size(&r->request, &size, err);
	if (result < 0)
		return result;
	auto_close int writable = writable_disk_make(templates_fd(m->options.templates), state_fd,
						     WRITABLE_NAME, size, err);
	auto_close int layers = read_only_memory(&disks->layers.descriptor, err);
	auto_close int machine = -1;
	if (writable < 0 || layers < 0)
		return writable < 0 ? writable : layers;

	result = describe(m, r, plan, tmpl, disks, &machine, err);
	if (result == 0)
		result = give_fd(ret, machine, KEEPER_FD_FIRST, err);
	if (result == 0)
		result = give_fd(ret, tmpl->memory_fd, PLACE_MEMORY, err);
	if (result == 0)
		result = give_fd(ret, writable, PLACE_WRITABLE, err);
	if (result == 0)
		result = give_fd(ret, layers, PLACE_LAYERS, err);
	for (uint32_t i = 0; result == 0 && i < disks->count; i++)
		result = give_fd(ret, disks->fds[i], PLACE_FILES + (int)i, err);
	return result;
}

static int vm_start(struct manager *m, struct record *r, int state_fd, struct launch *ret,
		    struct error *err)
{
	struct digest image_id;
	auto_plan *plan = NULL;
	auto_plan_fds joined = {};
	auto_(vm_disks_done) struct vm_disks disks = {};
	const struct machine_shape shape = shape_of(&r->request);
	const struct template *tmpl = NULL;

	int result = templates_get(m->options.templates, &shape, &tmpl, err);
	if (result == 0)
		result = isolation_load_image(m, r, err);
	if (result == 0)
		result = digest_parse(r->image_id, &image_id, err);
	if (result == 0)
		result = image_layers_get(m->options.store, &image_id, &ret->layers, err);
	if (result == 0)
		result = isolation_make_plan(m, r, &joined, &plan, err);
	if (result == 0)
		result = open_layers(m, r->image, &disks, err);
	if (result == 0)
		result = guest_plan_adapt(plan, disks.layers.root.layer_count,
					  r->request.auto_remove, err);
	if (result == 0)
		result = give_machine(m, r, state_fd, plan, tmpl, &disks, ret, err);
	return result < 0 ? result : isolation_seal_plan(plan, &ret->plan_fd, err);
}

#define ON_A_DISK "its files lie on a disk that only the machine itself mounts"

const struct isolation isolation_vm = {
	.name = "vm",
	.keeper_argument = KEEPER_ARG_VM,
	.check = vm_check,
	.start = vm_start,
	.exec = isolation_exec,
	.signal = keeper_signal,
	.resize = keeper_resize,
	.pause = keeper_pause,
	.unpause = keeper_resume,
	.start_timeout_ms = START_TIMEOUT_MS,
	.refusals = {
		[VERB_COPY] = ON_A_DISK,
		[VERB_EXPORT] = ON_A_DISK,
		[VERB_DIFF] = ON_A_DISK,
		[VERB_COMMIT] = ON_A_DISK,
		[VERB_UPDATE] = "a machine gets its memory and processors when it starts",
		[VERB_TOP] = "the processes are the guest's own",
	},
};
