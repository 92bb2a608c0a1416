/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "api/fake/fake.h"
#include "base/alloc.h"
#include "instance/files.h"
#include "oci/image-settings.h"

/* The files of the instance "web": one, "/etc/motd", which says "hello". */

struct copy_out {
	char unused;
};

static int check(const char *ref, const char *path, struct error *err)
{
	if (strcmp(ref, "web") != 0)
		return error_say(err, ENOENT, "No such container: %s", ref);
	if (strcmp(path, "/etc/motd") != 0)
		return error_say(err, ENOENT, "Could not find the file %s in container web", path);
	return 0;
}

int manager_path_stat(struct manager *m, const char *ref, const char *path, struct path_stat *ret,
		      struct error *err)
{
	(void)m;
	int r = check(ref, path, err);
	if (r < 0)
		return r;
	*ret = (struct path_stat){
		.name = xstrdup("motd"),
		.link = xstrdup(""),
		.size = 5,
		.mode = S_IFREG | S_ISUID | 0644,
	};
	return 0;
}

void path_stat_done(struct path_stat *stat)
{
	free(stat->name);
	free(stat->link);
}

int manager_copy_out(struct manager *m, const char *ref, const char *path, struct path_stat *stat,
		     struct copy_out **ret, struct error *err)
{
	int r = manager_path_stat(m, ref, path, stat, err);
	if (r == 0)
		*ret = xnew(struct copy_out);
	return r;
}

int manager_export(struct manager *m, const char *ref, struct copy_out **ret, struct error *err)
{
	(void)m;
	int r = check(ref, "/etc/motd", err);
	if (r == 0)
		*ret = xnew(struct copy_out);
	return r;
}

int copy_out_write(struct copy_out *out, tar_sink_fn sink, void *context, struct error *err)
{
	(void)out;
	return sink(context, "hello", 5, err);
}

void copy_out_free(struct copy_out *out)
{
	free(out);
}

struct copy_in {
	size_t bytes;
};

int manager_copy_in(struct manager *m, const char *ref, const char *path,
		    const struct copy_in_options *options, struct copy_in **ret, struct error *err)
{
	(void)m;
	(void)options;
	if (strcmp(path, "/etc") != 0)
		return check(ref, path, err);
	*ret = xnew(struct copy_in);
	return 0;
}

int copy_in_write(struct copy_in *in, const void *data, size_t len, struct error *err)
{
	(void)data;
	(void)err;
	in->bytes += len;
	return 0;
}

int copy_in_finish(struct copy_in *in, struct error *err)
{
	(void)err;
	fake_asked.body_bytes = in->bytes;
	return 0;
}

void copy_in_free(struct copy_in *in)
{
	free(in);
}

int manager_changes(struct manager *m, const char *ref,
		    int (*visit)(const char *path, enum change_kind kind, void *arg), void *arg,
		    struct error *err)
{
	(void)m;
	int r = check(ref, "/etc/motd", err);
	return r < 0 ? r : visit("/etc/motd", CHANGE_ADDED, arg);
}

int manager_commit(struct manager *m, const char *ref, const struct commit_options *options,
		   struct digest *ret, struct error *err)
{
	auto_image_settings settings = { 0 };

	(void)m;
	int r = check(ref, "/etc/motd", err);
	if (r == 0)
		r = options->change(&settings, options->arg, err);
	if (r < 0)
		return r;
	(void)snprintf(fake_asked.name, sizeof(fake_asked.name), "%s",
		       settings.cmd.count ? settings.cmd.items[0] : "");
	return digest_parse(FAKE_IMAGE, ret, err);
}

int manager_disk_usage(struct manager *m, const char *ref, int64_t *ret, struct error *err)
{
	(void)m;
	(void)ref;
	(void)err;
	*ret = 1000;
	return 0;
}
