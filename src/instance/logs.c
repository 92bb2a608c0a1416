/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>

#include "container/request/log-config.h"
#include "instance/journal-reader.h"
#include "instance/log-attributes.h"
#include "instance/manager-internal.h"
#include "oci/image-config.h"
#include "store/image/image.h"

int log_walk(struct manager *m, const struct record *r, const struct log_query *query, int ended_fd,
	     log_visit visit, void *arg, struct error *err)
{
	struct log_config config;
	int result = log_config_read(&r->request.log, &config, err);
	if (result < 0)
		return result;
	if (config.driver == LOG_DRIVER_NONE)
		return error_say(err, EOPNOTSUPP,
				 "configured logging driver does not support reading");
	if (config.driver == LOG_DRIVER_JOURNALD)
		return journal_read(r->id, query, ended_fd, visit, arg, err);

	auto_close int dir =
		openat(m->state_fd, r->id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return error_set(err, errno, "open the log of container %s", r->id);
	return log_read(dir, query, ended_fd, visit, arg, err);
}

int manager_log_attributes(struct manager *m, const char *ref, struct strv *ret, struct error *err)
{
	auto_record *r = NULL;
	struct log_config config;
	struct digest id;
	auto_image_config *image = NULL;

	int result = roster_find(&m->roster, ref, &r, err);
	if (result == 0)
		result = log_config_read(&r->request.log, &config, err);
	if (result < 0)
		return result;
	if (config.driver == LOG_DRIVER_NONE)
		return error_say(err, EOPNOTSUPP,
				 "configured logging driver does not support reading");
	/* an image that was removed by force leaves what the request says */
	if (config.env && digest_parse(r->image_id, &id, NULL) == 0)
		(void)!image_load_config(m->options.store, &id, &image, NULL);
	auto_roster held = roster_lock(&m->roster); /* of the name */
	log_attributes(r, &config, image, ret);
	return 0;
}

int manager_logs(struct manager *m, const char *ref, const struct log_query *query, log_visit visit,
		 void *arg, struct error *err)
{
	auto_record *r = NULL;
	int result = roster_find(&m->roster, ref, &r, err);
	if (result < 0)
		return result;

	/* The wait begins before the log is opened, so that no end is missed. */
	struct instance_wait *wait = query->follow ? wait_begin(m, r, WAIT_AT_REST) : NULL;
	result = log_walk(m, r, query, wait ? wait_fd(wait) : -1, visit, arg, err);
	if (wait)
		wait_free(wait);
	return result;
}
