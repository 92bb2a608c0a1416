/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/create/options.h"

/**
 * DOC: What run and create share
 */

/* Exit status of run and create where the engine refuses. */
#define RUN_FAILED 125

/* What comes first: refuses a --cidfile that exists already, pulls with --pull=always. */
must_check int create_prepare(const struct call *call, struct error *err);

/* Keeps the id in the file of --cidfile; nothing without that. */
must_check int cidfile_write(const char *path, const char *id, struct error *err);

/**
 * create_pull() - get the image as --pull says
 * @missing: the engine said that it has no such image
 *
 * Return: 1 where it was pulled and the request should be sent (again); 0 where nothing was to be
 *         done; a negative errno.
 */
must_check int create_pull(const struct call *call, bool missing, struct error *err);

/* True for the engine's word that there is no such image. */
bool create_lacks_image(const char *text);

/**
 * create_instance() - POST /containers/create, pulling where needed
 * @ret_id: receives the id, the caller's; warnings are printed
 */
must_check int create_instance(const struct call *call, struct json_object *body, char **ret_id,
			       struct error *err);

/* Tells a failure of run or create with a hint; gives @status back. */
int create_fail(const struct call *call, const struct error *err, int status);
