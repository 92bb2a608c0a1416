/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/json.h"

/**
 * DOC: -v and --mount
 *
 * Read into the forms of the Engine API: Binds and Volumes for -v, Mounts for --mount. What is
 * relative ("./data") is made absolute here, since only the client knows its folder.
 */

/**
 * mount_spec_volume() - take one -v
 * @text:    "/inside", "SOURCE:/inside" or "SOURCE:/inside:MODE"
 * @binds:   what has a source is added here
 * @volumes: what has none becomes a member here
 */
must_check int mount_spec_volume(const char *text, struct strv *binds, struct json_object *volumes,
				 struct error *err);

/* Reads one --mount, "type=bind,source=/x,target=/y,readonly", into an object of Mounts. */
must_check int mount_spec_parse(const char *text, struct json_object **ret, struct error *err);

/* Parts a line at its commas as CSV: a part in double quotes may hold commas. */
must_check int mount_spec_split(const char *text, struct strv *ret, struct error *err);
