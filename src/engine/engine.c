/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/api.h"
#include "base/alloc.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/log.h"
#include "base/path.h"
#include "engine/options.h"
#include "engine/service.h"
#include "instance/manager.h"
#include "store/db.h"
#include "store/registry/registry.h"
#include "store/store.h"
#include "vm/template.h"

#define STOP_TIMEOUT_MS 5000
#define CERTS_DIR "/etc/berth/certs.d"

/* Everything that lives as long as the engine. */
struct engine {
	struct engine_options *options;
	int lock_fd;
	int listen_fd;
	bool activated;
	int keeper_fd;
	struct db *db;
	struct store *store;
	struct templates *templates;
	struct manager *manager;
	struct registry_client *registry;
	struct api *api;
};

/* ---- The process ---------------------------------------------------------------------------- */

/* Signals that end the engine are taken by the main thread alone, by sigwait(). */
static void block_signals(sigset_t *ret)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };

	(void)sigemptyset(ret);
	(void)sigaddset(ret, SIGTERM);
	(void)sigaddset(ret, SIGINT);
	(void)pthread_sigmask(SIG_BLOCK, ret, NULL);
	(void)sigaction(SIGPIPE, &ignore, NULL);
	(void)sigaction(SIGHUP, &ignore, NULL);
}

/* Two arenas and early trimming: a thread a connection must not cost an arena each. */
static void limit_memory(void)
{
	(void)mallopt(M_ARENA_MAX, 2);
	(void)mallopt(M_TRIM_THRESHOLD, 256 * 1024);
	(void)mallopt(M_MMAP_THRESHOLD, 128 * 1024);
}

static int enter_mount_namespace(struct error *err)
{
	if (unshare(CLONE_NEWNS) < 0)
		return error_set(err, errno, "make a mount namespace");
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return error_set(err, errno, "separate the mounts from the host's");
	return 0;
}

/* ---- The keeper's program ------------------------------------------------------------------- */

/* The path of a program that was installed with this one. */
static int find_program(const char *name, char **ret, struct error *err)
{
	static const char *const beside[] = { "", "../libexec/berth/", "../lib/berth/" };
	char own[PATH_MAX];

	ssize_t n = readlink("/proc/self/exe", own, sizeof(own) - 1);
	if (n < 0)
		return error_set(err, errno, "find this program");
	own[n] = '\0';
	char *slash = strrchr(own, '/');
	*slash = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(beside); i++) {
		auto_free char *path = xasprintf("%s/%s%s", own, beside[i], name);
		if (access(path, R_OK) == 0) {
			*ret = take_ptr(path);
			return 0;
		}
	}
	return error_say(err, ENOENT, "%s is not beside berthd in %s", name, own);
}

/*
 * A sealed copy, made once: neither a container that reaches its keeper's /proc/PID/exe nor an
 * update of the package changes what keepers execute, and nothing is looked up at a start.
 */
static int seal_keeper(struct error *err)
{
	auto_free char *path = NULL;
	int r = find_program("berth-keeper", &path, err);
	if (r < 0)
		return r;
	auto_close int from = open(path, O_RDONLY | O_CLOEXEC);
	if (from < 0)
		return error_set(err, errno, "open %s", path);
	struct stat st;
	auto_close int copy = memfd_create("berth-keeper", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (copy < 0 || fstat(from, &st) < 0)
		return error_set(err, errno, "copy berth-keeper");
	for (off_t left = st.st_size; left > 0;) {
		ssize_t n = sendfile(copy, from, NULL, (size_t)left);
		if (n <= 0)
			return error_set(err, n < 0 ? errno : EIO, "copy berth-keeper");
		left -= n;
	}
	if (fchmod(copy, 0500) < 0 ||
	    fcntl(copy, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return error_set(err, errno, "seal the copy of berth-keeper");
	return take_fd(copy);
}

/* ---- The parts ------------------------------------------------------------------------------ */

static int open_folders(struct engine *e, struct error *err)
{
	int r = path_make_dirs(e->options->state_dir, 0700, err);
	if (r == 0)
		r = path_make_dirs(e->options->run_dir, 0755, err);
	if (r == 0 && e->options->ready_fd >= 0)
		r = service_detach(e->options, err);
	if (r < 0)
		return r;
	e->lock_fd = service_lock(e->options->state_dir, err);
	return e->lock_fd < 0 ? e->lock_fd : 0;
}

static int open_store(struct engine *e, struct error *err)
{
	auto_free char *path = xasprintf("%s/berth.db", e->options->state_dir);
	int r = db_open(path, &e->db, err);
	if (r < 0)
		return r;
	const struct store_options options = {
		.state_dir = e->options->state_dir,
		.db = e->db,
		.mode = e->options->store_mode,
	};
	return store_open(&options, &e->store, err);
}

static void complain(const char *id, const struct error *err, void *arg)
{
	(void)arg;
	log_event(LOG_LEVEL_ERROR, "instance", "id", id, "error", err->text, NULL);
}

/* Nothing is looked for before the first machine: an engine without QEMU serves containers. */
static int open_templates(struct engine *e, struct error *err)
{
	auto_free char *guest = NULL;
	struct error why = {};

	if (find_program("berth-guest", &guest, &why) < 0) {
		log_event(LOG_LEVEL_WARNING, "no virtual machines", "reason", why.text, NULL);
		return 0;
	}
	const struct templates_options options = {
		.state_dir = e->options->state_dir,
		.qemu = e->options->qemu,
		.kernel_folder = e->options->guest_kernel,
		.guest_path = guest,
		.keeper_fd = e->keeper_fd,
	};
	return templates_new(&options, &e->templates, err);
}

static int open_manager(struct engine *e, struct error *err)
{
	e->keeper_fd = seal_keeper(err);
	if (e->keeper_fd < 0)
		return e->keeper_fd;
	int r = open_templates(e, err);
	if (r < 0)
		return r;
	const struct manager_options options = {
		.state_dir = e->options->state_dir,
		.run_dir = e->options->run_dir,
		.store = e->store,
		.db = e->db,
		.keeper_fd = e->keeper_fd,
		.templates = e->templates,
		.vm_spares = e->options->vm_spares,
		.complain = complain,
	};
	return manager_new(&options, &e->manager, err);
}

static void describe_vm(struct json_object *ret, void *arg)
{
	struct engine *e = arg;
	struct templates_info info;
	manager_describe_vm(e->manager, ret);
	templates_describe(e->templates, &info);
	json_add_string(ret, "accelerator", info.accelerator == QEMU_KVM ? "kvm" : "tcg");
	json_add_string(ret, "reason", info.reason);
	json_add_string(ret, "qemu", info.qemu);
	json_add_string(ret, "kernel", info.kernel);
	json_add_string(ret, "missing", info.missing);
}

static int serve(struct engine *e, struct error *err)
{
	const struct registry_config registry = {
		.certs_dir = CERTS_DIR,
		.insecure = &e->options->insecure_registries,
		.token_servers = &e->options->token_servers,
	};
	e->registry = registry_client_new(&registry);
	const struct api_options options = {
		.listen_fd = e->listen_fd,
		.manager = e->manager,
		.store = e->store,
		.registry = e->registry,
		.state_dir = e->options->state_dir,
		.describe_vm = e->templates ? describe_vm : NULL,
		.describe_vm_arg = e,
	};
	return api_start(&options, &e->api, err);
}

static void write_pid(const struct engine *e)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%d\n", getpid());

	(void)!write_file_at(AT_FDCWD, e->options->pid_file, text, (size_t)n, 0644, false, NULL);
}

static int start(struct engine *e, struct error *err)
{
	int r = open_folders(e, err);
	if (r == 0)
		r = enter_mount_namespace(err);
	if (r < 0)
		return r;
	e->listen_fd = service_listen(e->options, &e->activated, err);
	r = e->listen_fd < 0 ? e->listen_fd : open_store(e, err);
	if (r == 0)
		r = open_manager(e, err);
	if (r == 0)
		r = serve(e, err);
	if (r == 0)
		write_pid(e);
	return r;
}

/* Instances and their keepers go on. */
static void stop(struct engine *e)
{
	bool idle = !e->api || api_stop(e->api, STOP_TIMEOUT_MS);

	if (e->lock_fd >= 0)
		(void)unlink(e->options->pid_file);
	if (!e->activated && e->listen_fd >= 0)
		(void)unlink(e->options->socket);
	if (!idle)
		_exit(0); /* a handler still uses what would be released here */
	registry_client_free(e->registry);
	manager_free(e->manager);
	templates_free(e->templates);
	store_close(e->store);
	db_close(e->db);
	close_p(&e->keeper_fd);
	close_p(&e->listen_fd);
	close_p(&e->lock_fd);
}

int engine_run(struct engine_options *options, struct error *err)
{
	struct engine e = { .options = options, .lock_fd = -1, .listen_fd = -1, .keeper_fd = -1 };
	sigset_t ending;
	int number = 0;

	limit_memory();
	block_signals(&ending);
	log_set_level(options->log_level);
	int r = start(&e, err);
	if (r == 0) {
		(void)malloc_trim(0);
		service_ready(options);
		log_event(LOG_LEVEL_INFO, "engine serves", "version", BERTH_VERSION, "socket",
			  options->socket, "state", options->state_dir, "store",
			  store_mode_name(store_mode(e.store)), NULL);
		(void)sigwait(&ending, &number);
		service_stopping();
		log_event(LOG_LEVEL_INFO, "engine ends; instances go on", "signal",
			  sigabbrev_np(number), NULL);
	}
	stop(&e);
	return r;
}
