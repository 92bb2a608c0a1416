/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/verb.h"

/**
 * DOC: What lies at a path inside an instance
 *
 * The archive requests of the engine tell it in the header X-Docker-Container-Path-Stat, as base 64
 * of a JSON object.
 */
struct path_stat {
	char *name; /* last part of the path */
	char *link; /* target of a symbolic link, from the root of the instance; else "" */
	int64_t size;
	bool is_dir;
	bool is_link;
};

void path_stat_done(struct path_stat *s);
#define auto_path_stat auto_(path_stat_done) struct path_stat

/* Reads the header of a response. */
must_check int path_stat_read(const struct http_response *response, struct path_stat *ret,
			      struct error *err);

/* Asks for a path; -ENOENT where nothing lies there, or there is no such instance. */
must_check int path_stat_get(const struct call *call, const char *instance, const char *path,
			     struct path_stat *ret, struct error *err);

/* Starts @url as the archive request for a path. */
void path_stat_url(struct strbuf *url, const char *instance, const char *path);
