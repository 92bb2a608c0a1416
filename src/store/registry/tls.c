/* SPDX-License-Identifier: Apache-2.0 */
#include "store/registry/tls.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/strbuf.h"

#define CERTIFICATES_MAX (1u << 20)

static void closedir_p(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

/* Docker's folder is named as the reference writes the host: with the port where it has one. */
static char *folder_of(const char *certs_dir, const struct origin *origin)
{
	auto_free char *name = origin_text(origin);
	char *path = xasprintf("%s/%s", certs_dir, name);

	if (access(path, F_OK) == 0)
		return path;
	free(path);
	return xasprintf("%s/%s:%u", certs_dir, origin->host, origin->port);
}

bool tls_is_configured(const char *certs_dir, const struct origin *origin)
{
	if (!certs_dir)
		return false;
	auto_free char *folder = folder_of(certs_dir, origin);
	return access(folder, F_OK) == 0;
}

static bool ends_in(const char *name, const char *suffix)
{
	size_t len = strlen(name);
	size_t tail = strlen(suffix);

	return len > tail && strcmp(name + len - tail, suffix) == 0;
}

static int show_certificate(CURL *curl, const char *folder, const char *name, struct error *err)
{
	auto_free char *cert = xasprintf("%s/%s", folder, name);
	auto_free char *key = xasprintf("%s/%.*s.key", folder, (int)(strlen(name) - 5), name);

	if (access(key, R_OK) != 0)
		return error_set(err, errno, "open %s, the key of %s", key, name);
	(void)curl_easy_setopt(curl, CURLOPT_SSLCERT, cert);
	(void)curl_easy_setopt(curl, CURLOPT_SSLKEY, key);
	return 0;
}

/* The system's own authorities, as curl was built to find them. */
static int add_system_authorities(CURL *curl, struct strbuf *authorities, struct error *err)
{
	const char *path = NULL;

	(void)curl_easy_getinfo(curl, CURLINFO_CAINFO, &path);
	if (!path || access(path, R_OK) != 0)
		return 0;
	return read_file_at(AT_FDCWD, path, CERTIFICATES_MAX, authorities, err);
}

static int read_folder(CURL *curl, const char *folder, struct strbuf *authorities,
		       struct error *err)
{
	auto_(closedir_p) DIR *dir = opendir(folder);
	if (!dir)
		return errno == ENOENT ? 0 : error_set(err, errno, "open %s", folder);

	for (struct dirent *e; (e = readdir(dir));) {
		int r = 0;
		if (ends_in(e->d_name, ".crt"))
			r = read_file_at(dirfd(dir), e->d_name, CERTIFICATES_MAX, authorities, err);
		else if (ends_in(e->d_name, ".cert"))
			r = show_certificate(curl, folder, e->d_name, err);
		if (r < 0)
			return error_prefix(err, "%s", folder);
		strbuf_addc(authorities, '\n');
	}
	return 0;
}

int tls_set(CURL *curl, const char *certs_dir, const struct origin *origin, bool insecure,
	    struct error *err)
{
	(void)curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	(void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, insecure ? 0L : 1L);
	(void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, insecure ? 0L : 2L);
	if (!certs_dir)
		return 0;

	auto_free char *folder = folder_of(certs_dir, origin);
	auto_strbuf authorities = STRBUF_INIT(2 * CERTIFICATES_MAX);
	int r = read_folder(curl, folder, &authorities, err);
	if (r < 0 || strstr(strbuf_text(&authorities), "-----BEGIN") == NULL)
		return r;

	r = add_system_authorities(curl, &authorities, err);
	if (r < 0)
		return r;
	struct curl_blob blob = {
		.data = authorities.data,
		.len = authorities.len,
		.flags = CURL_BLOB_COPY,
	};
	if (curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &blob) != CURLE_OK)
		return error_say(err, ENOTSUP, "%s: certificate authorities cannot be used",
				 folder);
	return 0;
}
