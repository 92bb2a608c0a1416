/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"
#include "base/macros.h"
#include "base/map.h"
#include "base/strv.h"

/**
 * DOC: Image settings: how an image wants to be run
 *
 * The part of an image configuration named "config", which is also "Config" in Docker's API.
 * Strings are the image's word: free of NUL, bounded by the size of the document, nothing more.
 * Durations are nanoseconds, as Docker writes them.
 */

/* Docker's HEALTHCHECK; 0 stands for "the default". */
struct image_healthcheck {
	struct strv test; /* "NONE" | "CMD", args… | "CMD-SHELL", command; empty inherits */
	int64_t interval_ns;
	int64_t timeout_ns;
	int64_t start_period_ns;
	int64_t start_interval_ns;
	int64_t retries;
};

struct image_settings {
	char *user; /* NULL where not given, as with each string here */
	struct strv exposed_ports;
	struct strv env;
	struct strv entrypoint;
	struct strv cmd;
	struct strv volumes;
	char *working_dir;
	struct map *labels; /* char * to char *; NULL where there are none */
	char *stop_signal;
	struct image_healthcheck *healthcheck; /* NULL where there is none */
	struct strv on_build;
	struct strv shell;
	bool args_escaped;
};

/* Replaces @to (initialised) by a copy. */
void image_settings_copy(struct image_settings *to, const struct image_settings *from);
void image_settings_done(struct image_settings *s);
#define auto_image_settings auto_(image_settings_done) struct image_settings

/* Sets one label; the map is made where there was none. */
void image_settings_set_label(struct image_settings *s, const char *key, const char *value);

/* The "Config" object; the caller owns it. */
struct json_object *image_settings_json(const struct image_settings *s);

/**
 * image_settings_parse() - read a "Config" object
 * @o:   the object; borrowed
 * @ret: receives the settings, which image_settings_done() releases; untouched on failure
 *
 * Return: 0 or -EBADMSG.
 */
must_check int image_settings_parse(struct json_object *o, struct image_settings *ret,
				    struct error *err);
