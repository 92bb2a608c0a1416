/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/verb.h"

/**
 * DOC: Images and registries, as several verbs need them
 */

/**
 * image_auth_header() - the header line with the user's credentials for an image's registry
 * @reference: of the image
 * @ret:       appended to: "X-Registry-Auth: ...\r\n"; nothing where there are none
 */
must_check int image_auth_header(const struct call *call, const char *reference, struct strbuf *ret,
				 struct error *err);

/* Path of Docker's file of credentials where --config names its folder, else NULL. The caller's. */
char *image_auth_path(const struct call *call);

struct image_pull {
	const char *reference;
	const char *platform; /* or NULL */
	bool all_tags;
	int fd; /* where to show the progress; -1 = nowhere */
};

/* Pulls an image and shows how it goes on. */
must_check int image_pull(const struct call *call, const struct image_pull *pull,
			  struct error *err);
