/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "container/request/request.h"

/**
 * DOC: Everything that a request mounts, as one list
 *
 * Docker has four ways to say it: Binds ("source:target:options", where a source without a leading
 * slash names a volume), Mounts, Tmpfs and anonymous volumes (the request's and the image's). The
 * list has them all as `struct container_mount`, each target once, parents before what lies below
 * them. As with Docker an anonymous volume gives way to any other mount of the same target, and any
 * other double is refused.
 */
struct container_mounts {
	struct container_mount *items;
	size_t count;
};

void container_mounts_done(struct container_mounts *mounts);
#define auto_container_mounts auto_(container_mounts_done) struct container_mounts

/**
 * container_mounts_collect() - make the list
 * @request:       the request
 * @image_volumes: paths that the image declares as volumes; NULL for none
 * @ret:           receives the list; untouched on failure
 *
 * Return: 0 or -EINVAL.
 */
must_check int container_mounts_collect(const struct container_request *request,
					const struct strv *image_volumes,
					struct container_mounts *ret, struct error *err);

/* As container_mounts_collect() without HostConfig.Tmpfs, which Docker does not show as mounts. */
must_check int container_mounts_shown(const struct container_request *request,
				      const struct strv *image_volumes,
				      struct container_mounts *ret, struct error *err);

/**
 * container_bind_parse() - read one "source:target[:options]"
 * @ret: receives the mount, bind or volume; untouched on failure
 *
 * Return: 0 or -EINVAL.
 */
must_check int container_bind_parse(const char *text, struct container_mount *ret,
				    struct error *err);

/**
 * container_tmpfs_parse() - read one of the request's tmpfs
 * @target:  path inside
 * @options: "size=64m,mode=1777,exec,ro", may be empty
 */
must_check int container_tmpfs_parse(const char *target, const char *options,
				     struct container_mount *ret, struct error *err);
