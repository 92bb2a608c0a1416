/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/manager-internal.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/ident.h"
#include "base/json.h"
#include "base/signals.h"
#include "container/config/default-config.h"
#include "container/request/check.h"
#include "container/request/json.h"
#include "instance/available.h"
#include "instance/names.h"
#include "store/image/image.h"
#include "store/store.h"

static int take_command(struct record *r, const struct image_config *image, struct error *err)
{
	auto_strv words = {};
	int result = container_command(&r->request, image, &words, err);
	if (result < 0)
		return result;
	r->path = xstrdup(words.items[0]);
	for (size_t i = 1; i < words.count; i++)
		strv_add(&r->args, words.items[i]);
	return 0;
}

static void add_labels(struct strv *ret, const struct map *labels, const struct map *over)
{
	size_t position = 0;
	const char *key;
	const char *value;

	while (labels && (value = map_next(labels, &position, &key)))
		if (!over || !map_get(over, key))
			strv_addf(ret, "%s=%s", key, value);
}

static int stop_signal_of(const struct container_request *request,
			  const struct image_settings *image)
{
	const char *text = request->stop_signal ? request->stop_signal : image->stop_signal;
	int number = text ? signal_parse(text) : 0;
	return number > 0 ? number : SIGTERM;
}

/* Fills the record from the request, which is parsed and checked here. */
static int take_request(struct record *r, const char *name, struct json_object *request,
			struct error *err)
{
	int result = container_request_parse(request, &r->request, err);
	if (result == 0)
		result = container_request_check(&r->request, err);
	if (result == 0)
		result = available_check(&r->request, request, err);
	if (result == 0 && !r->request.image)
		result = error_say(err, EINVAL, "no image given");
	if (result == 0 && name)
		result = name_check(name, err);
	if (result < 0)
		return result == -EBADMSG ? error_say(err, EINVAL, "%s", err ? err->text : "")
					  : result;

	r->request_text = json_text(request);
	r->name = xstrdup_or_null(name);
	r->vm = container_request_vm(&r->request);
	r->created_ns = clock_now();
	ident_random_hex(r->id, INSTANCE_ID_LEN);
	return 0;
}

static int take_image(struct manager *m, struct record *r, const struct image *image,
		      struct error *err)
{
	int result = image_load_config(m->options.store, &image->id, &r->image, err);
	if (result < 0)
		return result;
	const struct image_config *config = r->image;

	r->image_id = xstrdup(image->id.text);
	r->stop_signal = stop_signal_of(&r->request, &config->settings);
	result = take_command(r, config, err);
	if (result < 0)
		return result;
	add_labels(&r->labels, config->settings.labels, r->request.labels);
	add_labels(&r->labels, r->request.labels, NULL);
	return isolation_of(r)->check(m, r, config, err);
}

static int make_folder(struct manager *m, const struct record *r, struct error *err)
{
	if (!r->vm && spares_take(&m->spares, m->state_fd, r->id) == 0)
		return 0;
	if (mkdirat(m->state_fd, r->id, 0700) < 0)
		return error_set(err, errno, "make the folder of instance %s", r->id);
	return 0;
}

static int make_known(struct manager *m, struct record *r, struct error *err)
{
	int result = roster_add(&m->roster, r, err);
	if (result < 0)
		return result;
	result = record_insert(m->options.db, r, err);
	if (result == 0) {
		result = make_folder(m, r, err);
		if (result < 0)
			(void)!record_delete(m->options.db, r, NULL);
	}
	if (result < 0)
		roster_remove(&m->roster, r);
	return result;
}

int instance_create(struct manager *m, const char *name, struct json_object *request, bool direct,
		    struct record **ret, struct strv *warnings, struct error *err)
{
	auto_record *r = record_new();
	(void)warnings;

	r->manager = m;
	int result = take_request(r, name && name[0] == '/' ? name + 1 : name, request, err);
	if (result < 0)
		return result;

	/* The lease keeps the image until the record names it. */
	auto_store_lease *lease = store_lease_new(m->options.store);
	auto_image *image = NULL;
	result = image_acquire(lease, r->request.image, &image, err);
	if (result == 0)
		result = take_image(m, r, image, err);
	/* QEMU runs as the first of them, whatever the guest's users are */
	if (result == 0 && (r->vm || !container_request_host_users(&r->request)))
		result = roster_take_slot(&m->roster, r, err);
	if (result < 0)
		return result;

	if (direct)
		r->state = STATE_STARTING; /* nobody knows it yet */
	result = make_known(m, r, err);
	if (result < 0) {
		roster_free_slot(&m->roster, r);
		return result;
	}
	manager_tell(m, r, "create", 0, 0, NULL);
	*ret = take_ptr(r);
	return 0;
}

int manager_create(struct manager *m, const char *name, struct json_object *request,
		   char ret_id[INSTANCE_ID_LEN + 1], struct strv *warnings, struct error *err)
{
	auto_record *r = NULL;
	int result = instance_create(m, name, request, false, &r, warnings, err);
	if (result == 0)
		memcpy(ret_id, r->id, INSTANCE_ID_LEN + 1);
	return result;
}
