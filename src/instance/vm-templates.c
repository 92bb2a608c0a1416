/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/alloc.h"
#include "base/json.h"
#include "instance/isolation-vm.h"
#include "instance/manager-internal.h"
#include "vm/template.h"

static int need_templates(struct manager *m, struct error *err)
{
	return m->options.templates
		       ? 0
		       : error_say(err, EOPNOTSUPP, "berth-guest is not installed beside berthd");
}

static void add_entry(struct json_object *list, const char *key, const char *image,
		      const struct machine_shape *shape, uint64_t size_bytes)
{
	struct json_object *entry = json_object_new_object();
	json_add_string(entry, "Key", key);
	json_add_string(entry, "Image", image);
	json_add(entry, "Memory", json_object_new_int64((int64_t)shape->memory_bytes));
	json_add(entry, "Cpus", json_object_new_int64(shape->cpus));
	json_add(entry, "Size", json_object_new_int64((int64_t)size_bytes));
	(void)json_object_array_add(list, entry);
}

static int list_size(const struct template_entry *entry, void *arg)
{
	add_entry(arg, entry->key, "", &entry->shape, entry->size_bytes);
	return 0;
}

static void list_image(const struct vm_image *image, void *arg)
{
	add_entry(arg, image->template->key, image->key.image_id, &image->key.shape,
		  vm_image_bytes(image));
}

int manager_templates_list(struct manager *m, struct json_object **ret, struct error *err)
{
	int result = need_templates(m, err);
	if (result < 0)
		return result;
	auto_json *list = json_object_new_array();
	result = templates_list(m->options.templates, list_size, list, err);
	if (result < 0)
		return result;
	vm_images_each(&m->vm_images, list_image, list);
	*ret = take_ptr(list);
	return 0;
}

int manager_templates_make(struct manager *m, int64_t memory_bytes, int64_t nano_cpus,
			   struct json_object **ret, struct error *err)
{
	auto_template *made = NULL;
	int result = need_templates(m, err);
	if (result < 0)
		return result;
	if (memory_bytes < 0 || nano_cpus < 0)
		return error_say(err, EINVAL,
				 "memory and processors of a template are not negative");
	const struct container_request request = { .memory_bytes = memory_bytes,
						   .nano_cpus = nano_cpus };
	const struct machine_shape shape = isolation_vm_shape(&request);
	result = templates_get(m->options.templates, &shape, &made, err);
	if (result < 0)
		return result;
	*ret = json_object_new_object();
	json_add_string(*ret, "Key", made->key);
	return 0;
}

int manager_templates_remove(struct manager *m, const char *key, struct json_object **ret,
			     struct error *err)
{
	size_t count = 0;
	int result = need_templates(m, err);
	if (result == 0)
		result = templates_remove(m->options.templates, key, &count, err);
	if (result < 0)
		return result;
	/* What was made of them must not outlive them. */
	count += vm_images_drop(&m->vm_images, key);
	vm_spares_drop(&m->vm_spares);
	*ret = json_object_new_object();
	json_add(*ret, "Removed", json_object_new_int64((int64_t)count));
	return 0;
}

void manager_describe_vm(struct manager *m, struct json_object *ret)
{
	json_add(ret, "images",
		 json_object_new_int64((int64_t)vm_images_each(&m->vm_images, NULL, NULL)));
	json_add(ret, "spares", json_object_new_int64((int64_t)vm_spares_ready(&m->vm_spares)));
}
