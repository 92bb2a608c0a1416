/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"
#include "instance/vm-spares.h"
#include "vm/template.h"

/**
 * DOC: Templates of images
 *
 * A template of a size (vm/template.h) is frozen where its guest is ready, and a clone of it still
 * has to find its disks, mount every layer and the writable file system, and read the first pages of
 * what it runs: more than half of a start. So behind the first start of an image one more clone does
 * that once and is frozen as well, together with its writable disk as it was at that moment. Later
 * starts of the image with the same size of machine and disk are clones of that one.
 *
 * Nothing of an instance is in it: the plan that was carried out in it to read those pages has no
 * environment, no names and no files of an instance, and every clone gets entropy of its own. An
 * instance that has a writable disk already starts from the template of its size.
 *
 * They are kept in memory while the engine runs, at most VM_IMAGES_MAX; the one that was used least
 * recently gives way.
 */

#define VM_IMAGES_MAX 4

struct vm_image {
	struct vm_spare_key key; /* is_volatile is always false: it shapes nothing here */
	struct template *template;
	int disk_fd; /* the writable disk at that moment; has no name */
};

struct vm_image *vm_image_new(const struct vm_spare_key *key);
void vm_image_free(struct vm_image *image);
DEFINE_AUTO(struct vm_image, vm_image_free);
#define auto_vm_image auto_(vm_image_freep) struct vm_image

struct vm_images {
	pthread_mutex_t lock;
	struct vm_image *items[VM_IMAGES_MAX]; /* the one used longest ago first */
	size_t count;
	bool making; /* one is being made */
};

void vm_images_init(struct vm_images *images);
void vm_images_done(struct vm_images *images);

/* A handle on the template of this kind, the caller's; NULL where there is none. */
struct vm_image *vm_images_get(struct vm_images *images, const struct vm_spare_key *key);

/* Whether one of this kind should be made; after true, vm_images_end() has to be called. */
bool vm_images_begin(struct vm_images *images, const struct vm_spare_key *key);

/* Adds what was made (@image_take), or NULL where it failed. */
void vm_images_end(struct vm_images *images, struct vm_image *image_take);

/* Tells of each (@visit may be NULL), under their lock. Return: how many there are. */
size_t vm_images_each(struct vm_images *images,
		      void (*visit)(const struct vm_image *image, void *arg), void *arg);

/* What it holds of this host's memory. */
uint64_t vm_image_bytes(const struct vm_image *image);

/* Forgets those that were made from the template of this key, or all (NULL). Return: how many. */
size_t vm_images_drop(struct vm_images *images, const char *key);
