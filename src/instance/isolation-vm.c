/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/ident.h"
#include "base/map.h"
#include "base/process.h"
#include "container/plan/plan.h"
#include "container/request/check.h"
#include "container/request/mounts.h"
#include "instance/isolation-plan.h"
#include "instance/isolation-vm.h"
#include "instance/keeper-protocol.h"
#include "instance/manager-internal.h"
#include "oci/image-config.h"
#include "store/image/image.h"
#include "vm/disks.h"
#include "vm/guest-plan.h"
#include "vm/machine.h"
#include "vm/template-boot.h"
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
#define MEMORY_DEFAULT (256ULL << 20)
/* Steps of memory, so that limits that are about the same share a template. */
#define MEMORY_STEP (32ULL << 20)
#define CPUS_MAX 64u
#define NANO_CPU 1000000000LL
#define CPU_PERIOD_US 100000
#define PRACTICE_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

enum vm_place { PLACE_MEMORY = MACHINE_FD_FIRST, PLACE_WRITABLE, PLACE_LAYERS, PLACE_FILES };

int64_t vm_whole_cpus(const struct container_request *request)
{
	int64_t period_us = request->cpu_period_us > 0 ? request->cpu_period_us : CPU_PERIOD_US;

	if (request->nano_cpus > 0)
		return (request->nano_cpus + NANO_CPU - 1) / NANO_CPU;
	return request->cpu_quota_us > 0 ? (request->cpu_quota_us + period_us - 1) / period_us : 0;
}

struct machine_shape isolation_vm_shape(const struct container_request *request)
{
	struct machine_shape shape = { .memory_bytes = MEMORY_DEFAULT, .cpus = 1 };
	if (request->memory_bytes > 0) {
		uint64_t wanted = (uint64_t)request->memory_bytes + VM_MEMORY_OVERHEAD;
		wanted = (wanted + MEMORY_STEP - 1) / MEMORY_STEP * MEMORY_STEP;
		shape.memory_bytes = wanted > MEMORY_DEFAULT ? wanted : MEMORY_DEFAULT;
	}
	int64_t cpus = vm_whole_cpus(request);
	if (cpus > 0)
		shape.cpus = cpus > CPUS_MAX ? CPUS_MAX : (uint32_t)cpus;
	return shape;
}

static int writable_size(const struct container_request *request, uint64_t *ret, struct error *err)
{
	const char *text =
		request->storage_options ? map_get(request->storage_options, "size") : NULL;
	int64_t size = (int64_t)WRITABLE_BYTES_DEFAULT;
	if (request->storage_options && (!text || map_count(request->storage_options) > 1))
		return error_say(err, EINVAL, "size is the only storage option of a machine");
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
	if (joins(request->network_mode) || joins(request->pid_mode) || joins(request->ipc_mode) ||
	    joins(request->uts_mode))
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

/* Whose machine it is. */
struct vm_owner {
	char *cgroup;
	uint32_t uid;
	const char *hostname;
	bool is_spare;
	bool is_volatile;
	const struct plan_cgroup
		*limits; /* of what is measured in the host's processors; or NULL */
	int frozen_fd;   /* where it becomes a template: receives its state; else 0 */
};

static void fill_limits(const struct plan_cgroup *limits, struct machine *ret)
{
	ret->cpu_quota_us = limits->cpu_quota_us;
	ret->cpu_period_us = limits->cpu_period_us;
	ret->cpu_shares = limits->cpu_shares;
	ret->blkio_weight = limits->blkio_weight;
	ret->cpuset_cpus = limits->cpuset_cpus ? xstrdup(limits->cpuset_cpus) : NULL;
	ret->cpuset_mems = limits->cpuset_mems ? xstrdup(limits->cpuset_mems) : NULL;
}

static void fill_command(struct manager *m, const struct vm_owner *owner,
			 const struct template *tmpl, const struct vm_disks *disks,
			 struct machine *ret)
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
		.keeps_memory = ret->make_template,
		.kernel_fd = -1,
		.initramfs_fd = -1,
		.layers_fd = PLACE_LAYERS,
		.file_fds = places,
		.file_count = disks->count,
		.writable_fd = PLACE_WRITABLE,
		.is_volatile = owner->is_volatile,
	};
	qemu_command(&qemu, &ret->argv);
	ret->use_kvm = qemu.accelerator == QEMU_KVM;
}

static int describe(struct manager *m, const struct vm_owner *owner, const struct template *tmpl,
		    const struct vm_disks *disks, int *ret, struct error *err)
{
	auto_machine machine;
	machine_init(&machine);
	machine.qemu = xstrdup(templates_qemu(m->options.templates));
	machine.cgroup = xstrdup(owner->cgroup);
	machine.uid = owner->uid;
	machine.fd_count = PLACE_FILES - MACHINE_FD_FIRST + disks->count;
	machine.memory_max_bytes = (int64_t)tmpl->shape.memory_bytes + VM_QEMU_OVERHEAD;
	if (owner->limits)
		fill_limits(owner->limits, &machine);
	machine.is_spare = owner->is_spare;
	machine.is_volatile = owner->is_volatile;
	machine.make_template = owner->frozen_fd > 0;
	machine.template_fd = PLACE_FILES + (int)disks->count;
	machine.talk = tmpl->talk;
	machine.is_rooted = tmpl->is_rooted;
	machine.root = disks->layers.root;
	(void)snprintf(machine.hostname, sizeof(machine.hostname), "%s", owner->hostname);
	strbuf_add(&machine.state, tmpl->state.data, tmpl->state.len);
	fill_command(m, owner, tmpl, disks, &machine);

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

static int give_machine(struct manager *m, int writable, const struct vm_owner *owner,
			const struct template *tmpl, const struct vm_disks *disks,
			struct launch *ret, struct error *err)
{
	auto_close int layers = read_only_memory(&disks->layers.descriptor, err);
	auto_close int machine = -1;
	if (layers < 0)
		return layers;

	int result = describe(m, owner, tmpl, disks, &machine, err);
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
	if (result == 0 && owner->frozen_fd > 0)
		result = give_fd(ret, owner->frozen_fd, PLACE_FILES + (int)disks->count, err);
	return result;
}

/* The guest's plan; @ret_limits: what the host's group has to hold instead. */
static int make_plan(struct manager *m, const struct record *r, struct plan **ret,
		     struct plan_cgroup *ret_limits, struct error *err)
{
	auto_plan_fds joined = {};
	auto_plan *plan = NULL;
	int result = isolation_make_plan(m, r, &joined, &plan, err);
	if (result == 0)
		*ret_limits = plan->cgroup;
	if (result == 0)
		result = guest_plan_adapt(plan, (uint32_t)r->image->diff_id_count,
					  r->request.auto_remove, err);
	if (result == 0)
		*ret = take_ptr(plan);
	return result;
}

static const char *hostname_of(const struct plan *plan)
{
	return plan->hostname ? plan->hostname : "berth";
}

/*
 * What a machine begins as: a clone of its image's template with a copy of that one's disk, or a clone
 * of the template of its size with the instance's own disk or an empty one.
 */
struct beginning {
	struct vm_image *image;
	struct template *own;            /* of its size */
	const struct template *template; /* one of both */
	int writable_fd;
};

static void beginning_done(struct beginning *b)
{
	vm_image_free(b->image);
	template_free(b->own);
	close_p(&b->writable_fd);
}

static int begin(struct manager *m, const struct vm_spare_key *key, int dir_fd, const char *disk,
		 struct beginning *ret, struct error *err)
{
	if (faccessat(dir_fd, disk, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		ret->image = vm_images_get(&m->vm_images, key);
	if (ret->image) {
		ret->template = ret->image->template;
		ret->writable_fd =
			writable_disk_copy(ret->image->disk_fd, dir_fd, disk, key->disk_bytes, err);
		return ret->writable_fd < 0 ? ret->writable_fd : 0;
	}
	int result = templates_get(m->options.templates, &key->shape, &ret->own, err);
	if (result < 0)
		return result;
	ret->template = ret->own;
	ret->writable_fd = writable_disk_make(templates_fd(m->options.templates), dir_fd, disk,
					      key->disk_bytes, err);
	return ret->writable_fd < 0 ? ret->writable_fd : 0;
}

static int start_new(struct manager *m, struct record *r, int state_fd,
		     const struct vm_spare_key *key, const struct vm_owner *owner,
		     struct launch *ret, struct error *err)
{
	auto_(vm_disks_done) struct vm_disks disks = {};
	auto_(beginning_done) struct beginning b = { .writable_fd = -1 };

	int result = open_layers(m, r->image, &disks, err);
	if (result == 0)
		result = begin(m, key, state_fd, VM_WRITABLE_NAME, &b, err);
	return result < 0 ? result
			  : give_machine(m, b.writable_fd, owner, b.template, &disks, ret, err);
}

static int key_of(const struct record *r, struct vm_spare_key *ret, struct error *err)
{
	*ret = (struct vm_spare_key){ .shape = isolation_vm_shape(&r->request),
				      .is_volatile = r->request.auto_remove };
	(void)snprintf(ret->image_id, sizeof(ret->image_id), "%s", r->image_id);
	return writable_size(&r->request, &ret->disk_bytes, err);
}

/* Limits that the group of a spare does not have. */
static bool has_host_limits(const struct container_request *request)
{
	return request->nano_cpus || request->cpu_quota_us || request->cpu_shares ||
	       request->blkio_weight || request->cpuset_cpus || request->cpuset_mems;
}

/* Whether the instance starts for the first time, and any machine of its kind will do. */
static bool may_take_spare(const struct record *r, int state_fd)
{
	return !has_host_limits(&r->request) &&
	       faccessat(state_fd, VM_WRITABLE_NAME, F_OK, AT_SYMLINK_NOFOLLOW) < 0;
}

static int take_spare(struct manager *m, struct record *r, int state_fd,
		      const struct vm_spare_key *key, struct launch *ret)
{
	struct vm_spares *spares = &m->vm_spares;
	struct vm_spare *spare = may_take_spare(r, state_fd) ? vm_spares_take(spares, key) : NULL;
	if (!spare)
		return -ENOENT;
	if (renameat(spares->templates_fd, spare->disk, state_fd, VM_WRITABLE_NAME) < 0) {
		vm_spare_free(spares, spare);
		return -errno;
	}
	spare->disk[0] = '\0';
	ret->spare = spare;
	return 0;
}

static int vm_start(struct manager *m, struct record *r, int state_fd, struct launch *ret,
		    struct error *err)
{
	struct digest image_id;
	struct vm_spare_key key;
	auto_plan *plan = NULL;
	struct plan_cgroup limits;
	auto_free char *cgroup = xasprintf("berth/%s", r->id);

	int result = isolation_load_image(m, r, err);
	if (result == 0)
		result = digest_parse(r->image_id, &image_id, err);
	if (result == 0)
		result = image_layers_get(m->options.store, &image_id, &ret->layers, err);
	if (result == 0)
		result = make_plan(m, r, &plan, &limits, err);
	if (result == 0)
		result = key_of(r, &key, err);
	if (result < 0)
		return result;
	const struct vm_owner owner = {
		.cgroup = cgroup,
		.uid = record_id_base(r),
		.hostname = hostname_of(plan),
		.is_volatile = r->request.auto_remove,
		.limits = &limits,
	};
	if (take_spare(m, r, state_fd, &key, ret) < 0)
		result = start_new(m, r, state_fd, &key, &owner, ret, err);
	return result < 0 ? result : isolation_seal_plan(plan, &ret->plan_fd, err);
}

/* Of no limits but the memory's: it does no work of the instance's. */
int vm_launch_for_work(struct manager *m, struct record *r, struct launch *ret, struct error *err)
{
	struct vm_spare_key key;
	auto_free char *cgroup = xasprintf("berth/%s", r->id);
	const struct vm_owner owner = {
		.cgroup = cgroup,
		.uid = record_id_base(r),
		.hostname = "berth",
	};

	if (mkdirat(m->state_fd, r->id, 0700) < 0 && errno != EEXIST)
		return error_set(err, errno, "make the instance's folder");
	auto_close int state_fd =
		openat(m->state_fd, r->id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (state_fd < 0)
		return error_set(err, errno, "open the instance's folder");
	int result = isolation_load_image(m, r, err);
	if (result == 0)
		result = key_of(r, &key, err);
	key.shape = (struct machine_shape){ .memory_bytes = MEMORY_DEFAULT, .cpus = 1 };
	return result < 0 ? result : start_new(m, r, state_fd, &key, &owner, ret, err);
}

/* ---- Spares ------------------------------------------------------------------------------------ */

/*
 * What is practised: the instance's own way, to a program that does nothing. Another instance will run
 * where this was, so what is only this one's is left out.
 */
static int make_practice(struct manager *m, const struct record *r, int *ret, struct error *err)
{
	auto_plan *plan = NULL;
	struct plan_cgroup limits;
	int result = make_plan(m, r, &plan, &limits, err);
	if (result < 0)
		return result;
	plan->argv.count = 0;
	*plan_add(plan, &plan->argv) = plan_text(plan, "true");
	plan->env.count = 0;
	*plan_add(plan, &plan->env) = plan_text(plan, "PATH=" PRACTICE_PATH);
	plan->hostname = plan->domainname = NULL;
	for (uint32_t i = 0; i < plan->files.count; i++)
		plan->files.items[i].len = 0;
	plan->streams = (struct plan_streams){ 0 };
	plan->user.user = NULL;
	plan->cwd = NULL;
	return isolation_seal_plan(plan, ret, err);
}

static int spawn_spare(struct manager *m, const struct launch *launch, struct vm_spare *spare,
		       struct error *err)
{
	int ends[2];
	char path[64];
	char *const argv[] = { (char *)"berth-keeper", (char *)"spare", (char *)KEEPER_ARG_SPARE,
			       NULL };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_set(err, errno, "make a socket pair");
	spare->socket = ends[0];
	auto_close int theirs = ends[1];
	auto_free struct process_fd *fds =
		xcalloc(launch->fds.count + KEEPER_FD_FIRST, sizeof(*fds));
	size_t count = 0;
	fds[count++] = (struct process_fd){ launch->plan_fd, KEEPER_FD_PLAN };
	/* The places of those that come with the instance must not be taken by others. */
	for (int place = KEEPER_FD_CONTROL; place < KEEPER_FD_FIRST; place++)
		fds[count++] = (struct process_fd){ theirs, place };
	for (uint32_t i = 0; i < launch->fds.count; i++)
		fds[count++] =
			(struct process_fd){ launch->fds.items[i], KEEPER_FD_FIRST + (int)i };
	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), m->options.keeper_fd);
	int result = process_spawn(path, argv, NULL, fds, count, &spare->pid, err);
	if (result < 0)
		return result;
	spare->pidfd = pidfd_open(spare->pid, 0);
	return spare->pidfd < 0 ? error_set(err, errno, "open the spare's process") : 0;
}

static int make_spare(struct manager *m, struct record *r, uint32_t uid, struct vm_spare *spare,
		      struct error *err)
{
	char name[9];
	auto_launch launch = LAUNCH_INIT;
	auto_(vm_disks_done) struct vm_disks disks = {};
	auto_(beginning_done) struct beginning b = { .writable_fd = -1 };

	ident_random_hex(name, 8);
	auto_free char *cgroup = xasprintf("berth/spare-%s", name);
	const struct vm_owner owner = {
		.cgroup = cgroup,
		.uid = uid,
		.hostname = "berth",
		.is_spare = true,
		.is_volatile = r->request.auto_remove,
	};
	int result = key_of(r, &spare->key, err);
	if (result == 0)
		result = isolation_load_image(m, r, err);
	if (result == 0)
		result = open_layers(m, r->image, &disks, err);
	if (result == 0)
		result = make_practice(m, r, &launch.plan_fd, err);
	if (result < 0)
		return result;
	(void)snprintf(spare->disk, sizeof(spare->disk), SPARE_DISK_PREFIX "%s.ext4", name);
	result = begin(m, &spare->key, templates_fd(m->options.templates), spare->disk, &b, err);
	if (result == 0)
		result = give_machine(m, b.writable_fd, &owner, b.template, &disks, &launch, err);
	return result < 0 ? result : spawn_spare(m, &launch, spare, err);
}

/* ---- Templates of images ----------------------------------------------------------------------- */

/* Has a machine run in @t's memory and frozen by a keeper; @t becomes what it then is. */
static int freeze(struct manager *m, const struct launch *launch, int state_fd, struct template *t,
		  struct error *err)
{
	auto_free struct process_fd *fds = xcalloc(launch->fds.count + 4, sizeof(*fds));
	size_t count = 0;
	fds[count++] = (struct process_fd){ launch->plan_fd, KEEPER_FD_PLAN };
	for (uint32_t i = 0; i < launch->fds.count; i++)
		fds[count++] =
			(struct process_fd){ launch->fds.items[i], KEEPER_FD_FIRST + (int)i };
	int result = template_freeze(m->options.keeper_fd, fds, count, &t->talk, err);
	if (result < 0)
		return result;
	strbuf_clear(&t->state);
	t->is_rooted = true;
	return template_fill(t, take_fd(t->memory_fd), state_fd, err);
}

/* One that goes on from where @base is, in memory of its own. */
static struct template *template_like(const struct template *base, struct error *err)
{
	auto_template *t = template_copy(base);
	int memory = t ? template_memory(&base->shape, base->memory_fd, err) : -1;
	if (memory < 0)
		return NULL;
	close_p(&t->memory_fd);
	t->memory_fd = memory;
	return take_ptr(t);
}

/* A disk without a name: it is gone with the last handle on it. */
static int make_nameless_disk(struct manager *m, const char *name, uint64_t size_bytes,
			      struct error *err)
{
	int folder = templates_fd(m->options.templates);
	auto_free char *file = xasprintf(SPARE_DISK_PREFIX "%s.ext4", name);
	int fd = writable_disk_make(folder, folder, file, size_bytes, err);
	(void)unlinkat(folder, file, 0);
	return fd;
}

static int make_image(struct manager *m, struct record *r, struct vm_image *ret, struct error *err)
{
	char name[9];
	auto_launch launch = LAUNCH_INIT;
	auto_(vm_disks_done) struct vm_disks disks = {};
	auto_template *base = NULL;

	int result = isolation_load_image(m, r, err);
	if (result == 0)
		result = templates_get(m->options.templates, &ret->key.shape, &base, err);
	if (result == 0)
		result = open_layers(m, r->image, &disks, err);
	if (result == 0)
		result = make_practice(m, r, &launch.plan_fd, err);
	if (result < 0)
		return result;

	ident_random_hex(name, 8);
	auto_free char *cgroup = xasprintf("berth/spare-%s", name);
	ret->template = template_like(base, err);
	ret->disk_fd = make_nameless_disk(m, name, ret->key.disk_bytes, err);
	auto_close int state = memfd_create("berth-state", MFD_CLOEXEC);
	if (!ret->template || ret->disk_fd < 0 || state < 0)
		return error_say(err, ENOMEM, "no room for the template of an image");
	const struct vm_owner owner = {
		.cgroup = cgroup,
		.uid = vm_spares_uid(&m->vm_spares),
		.hostname = "berth",
		.is_spare = true,
		.frozen_fd = state,
	};
	result = give_machine(m, ret->disk_fd, &owner, ret->template, &disks, &launch, err);
	return result < 0 ? result : freeze(m, &launch, state, ret->template, err);
}

static void prepare_image(struct manager *m, struct record *r, const struct vm_spare_key *key)
{
	struct error why = {};
	if (!vm_images_begin(&m->vm_images, key))
		return;
	auto_vm_image *image = vm_image_new(key);
	int result = make_image(m, r, image, &why);
	instance_complain(m, r, result, &why);
	vm_images_end(&m->vm_images, result == 0 ? take_ptr(image) : NULL);
}

static void prepare_next(struct manager *m, struct record *r, struct keeper *k)
{
	struct error why = {};
	uint32_t uid;
	(void)k;
	struct vm_spare_key key;
	if (key_of(r, &key, &why) < 0)
		return;
	prepare_image(m, r, &key);
	if (!vm_spares_begin(&m->vm_spares, &key, &uid))
		return;
	struct vm_spare *spare = xnew(struct vm_spare);
	spare->pidfd = spare->socket = -1;
	if (make_spare(m, r, uid, spare, &why) < 0) {
		/* The next start does without, and tells what is wrong if it is. */
		vm_spare_free(&m->vm_spares, spare);
		spare = NULL;
	}
	vm_spares_end(&m->vm_spares, spare);
}

static void vm_started(struct manager *m, struct record *r)
{
	struct error why = {};
	if (!has_host_limits(&r->request))
		instance_complain(m, r, manager_spawn(m, r, NULL, prepare_next, &why), &why);
}

const struct isolation isolation_vm = {
	.name = "vm",
	.keeper_argument = KEEPER_ARG_VM,
	.check = vm_check,
	.start = vm_start,
	.exec = isolation_exec,
	.started = vm_started,
	.signal = keeper_signal,
	.resize = keeper_resize,
	.pause = keeper_pause,
	.unpause = keeper_resume,
	.start_timeout_ms = START_TIMEOUT_MS,
	.files = &vm_files,
	.processes = vm_processes,
	.usage = vm_usage,
	.limit = vm_limit,
};
