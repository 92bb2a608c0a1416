/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/isolation-plan.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/path.h"
#include "container/config/compile.h"
#include "container/request/mounts.h"
#include "instance/manager-internal.h"
#include "instance/files-internal.h"
#include "instance/root-view.h"
#include "instance/usage-internal.h"
#include "oci/image-config.h"
#include "store/image/image.h"

#define START_TIMEOUT_MS 60000

static int add_fd(struct plan_fds *fds, int fd, struct error *err)
{
	auto_close int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (copy < 0)
		return error_set(err, errno, "duplicate a descriptor");
	int32_t index = plan_fds_add_take(fds, copy);
	if (index < 0)
		return error_set(err, index, "add a descriptor to the launch plan");
	(void)take_fd(copy);
	return index;
}

static int add_root(struct plan *plan, const struct record *r, const struct image_layers *layers,
		    int state_fd, struct plan_fds *fds, struct error *err)
{
	int result = writable_layer_make(r, state_fd, err);

	plan->root.type = PLAN_ROOT_OVERLAY;
	plan->root.is_volatile = r->request.auto_remove;
	for (size_t i = 0; result >= 0 && i < layers->count; i++) {
		result = add_fd(fds, layers->fds[i], err);
		*(int32_t *)plan_add(plan, &plan->root.layers) = result;
	}
	if (result >= 0)
		result = plan->root.state_fd = add_fd(fds, state_fd, err);
	return result < 0 ? result : 0;
}

static int container_start(struct manager *m, struct record *r, int state_fd, struct launch *ret,
			   struct error *err)
{
	struct digest image_id;
	auto_plan *plan = NULL;
	int result = isolation_load_image(m, r, err);
	if (result == 0)
		result = digest_parse(r->image_id, &image_id, err);
	if (result == 0)
		result = image_layers_get(m->options.store, &image_id, &ret->layers, err);
	if (result == 0)
		result = isolation_make_plan(m, r, &ret->fds, &plan, err);
	if (result == 0)
		result = add_root(plan, r, ret->layers, state_fd, &ret->fds, err);
	if (result < 0)
		return result;
	plan->fd_count = ret->fds.count;
	return isolation_seal_plan(plan, &ret->plan_fd, err);
}

static int container_check(struct manager *m, const struct record *r,
			   const struct image_config *image, struct error *err)
{
	(void)m;
	(void)image;
	auto_container_mounts mounts = {};
	if (r->request.storage_options)
		return error_say(err, EOPNOTSUPP,
				 "a limit on what is written (StorageOpt) is not possible with "
				 "isolation container: its files lie in a folder of the host's own "
				 "disk");
	return container_mounts_collect(&r->request, NULL, &mounts, err);
}

const struct isolation isolation_container = {
	.name = "container",
	.check = container_check,
	.start = container_start,
	.exec = isolation_exec,
	.signal = keeper_signal,
	.resize = keeper_resize,
	.pause = keeper_pause,
	.unpause = keeper_resume,
	.files = &container_files,
	.processes = container_processes,
	.usage = container_usage,
	.limit = container_limit,
	.start_timeout_ms = START_TIMEOUT_MS,
};
