/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/vm-images.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fd.h"

struct vm_image *vm_image_new(const struct vm_spare_key *key)
{
	struct vm_image *image = xnew(struct vm_image);
	image->key = *key;
	image->key.is_volatile = false;
	image->disk_fd = -1;
	return image;
}

void vm_image_free(struct vm_image *image)
{
	if (!image)
		return;
	template_free(image->template);
	close_p(&image->disk_fd);
	free(image);
}

void vm_images_init(struct vm_images *images)
{
	*images = (struct vm_images){};
	(void)pthread_mutex_init(&images->lock, NULL);
}

void vm_images_done(struct vm_images *images)
{
	(void)vm_images_drop(images, NULL);
	(void)pthread_mutex_destroy(&images->lock);
}

/* Index of the one of this kind, or the count. */
static size_t find(const struct vm_images *images, const struct vm_spare_key *key)
{
	struct vm_spare_key wanted = *key;
	wanted.is_volatile = false;
	for (size_t i = 0; i < images->count; i++)
		if (vm_spare_key_equal(&images->items[i]->key, &wanted))
			return i;
	return images->count;
}

static struct vm_image *take_at(struct vm_images *images, size_t at)
{
	struct vm_image *image = images->items[at];
	memmove(images->items + at, images->items + at + 1,
		(--images->count - at) * sizeof(struct vm_image *));
	return image;
}

static struct vm_image *copy_of(const struct vm_image *image)
{
	auto_vm_image *copy = vm_image_new(&image->key);
	copy->template = template_copy(image->template);
	copy->disk_fd = fcntl(image->disk_fd, F_DUPFD_CLOEXEC, 3);
	return copy->template && copy->disk_fd >= 0 ? take_ptr(copy) : NULL;
}

struct vm_image *vm_images_get(struct vm_images *images, const struct vm_spare_key *key)
{
	struct vm_image *copy = NULL;
	(void)pthread_mutex_lock(&images->lock);
	size_t at = find(images, key);
	if (at < images->count) {
		struct vm_image *used = take_at(images, at);
		images->items[images->count++] = used;
		copy = copy_of(used);
	}
	(void)pthread_mutex_unlock(&images->lock);
	return copy;
}

bool vm_images_begin(struct vm_images *images, const struct vm_spare_key *key)
{
	(void)pthread_mutex_lock(&images->lock);
	bool wanted = !images->making && find(images, key) == images->count;
	images->making = images->making || wanted;
	(void)pthread_mutex_unlock(&images->lock);
	return wanted;
}

void vm_images_end(struct vm_images *images, struct vm_image *image_take)
{
	struct vm_image *oldest = NULL;
	(void)pthread_mutex_lock(&images->lock);
	images->making = false;
	if (image_take && images->count == VM_IMAGES_MAX)
		oldest = take_at(images, 0);
	if (image_take)
		images->items[images->count++] = image_take;
	(void)pthread_mutex_unlock(&images->lock);
	vm_image_free(oldest);
}

size_t vm_images_each(struct vm_images *images,
		      void (*visit)(const struct vm_image *image, void *arg), void *arg)
{
	(void)pthread_mutex_lock(&images->lock);
	size_t count = images->count;
	for (size_t i = 0; visit && i < count; i++)
		visit(images->items[i], arg);
	(void)pthread_mutex_unlock(&images->lock);
	return count;
}

uint64_t vm_image_bytes(const struct vm_image *image)
{
	struct stat st;
	uint64_t held =
		fstat(image->template->memory_fd, &st) == 0 ? (uint64_t)st.st_blocks * 512 : 0;
	return held + image->template->state.len;
}

size_t vm_images_drop(struct vm_images *images, const char *key)
{
	size_t dropped = 0;
	(void)pthread_mutex_lock(&images->lock);
	for (size_t i = 0; i < images->count;) {
		if (key && strcmp(images->items[i]->template->key, key) != 0) {
			i++;
			continue;
		}
		vm_image_free(take_at(images, i));
		dropped++;
	}
	(void)pthread_mutex_unlock(&images->lock);
	return dropped;
}
