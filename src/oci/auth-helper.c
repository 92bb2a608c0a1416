/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/auth-helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/process.h"

static const char *const folders[] = { "/usr/local/bin", "/usr/bin", "/bin", "/opt/bin",
				       "/snap/bin" };

/* A helper may ask its user to unlock a key ring. */
#define HELPER_TIMEOUT_MS 120000
#define HELPER_OUTPUT_MAX (64u << 10)

/* What a helper calls the user where the secret is an identity token. */
#define TOKEN_USER "<token>"

static int find_helper(const char *name, char **ret, struct error *err)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789._-");
	if (len == 0 || name[len] || len > 64)
		return error_say(err, EINVAL, "'%.64s' is no name of a credential helper", name);

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		auto_free char *path = xasprintf("%s/docker-credential-%s", folders[i], name);
		if (access(path, X_OK) != 0)
			continue;
		*ret = take_ptr(path);
		return 0;
	}
	return error_say(err, ENOPKG, "credential helper docker-credential-%s is not installed",
			 name);
}

/* Everything up to the end or the deadline; -ETIMEDOUT then. */
static int read_output(int fd, struct strbuf *output)
{
	int64_t deadline = clock_monotonic() + HELPER_TIMEOUT_MS * NSEC_PER_MSEC;

	for (;;) {
		int64_t left = (deadline - clock_monotonic()) / NSEC_PER_MSEC;
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int r = left <= 0 ? 0 : poll(&p, 1, (int)left);
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			return r < 0 ? -errno : -ETIMEDOUT;
		if (!strbuf_reserve(output, 4096))
			return -EFBIG;
		ssize_t n = read(fd, output->data + output->len, 4096);
		if (n <= 0)
			return n < 0 ? -errno : 0;
		output->len += (size_t)n;
		output->data[output->len] = '\0';
	}
}

static int run_helper(const char *path, const char *verb, const char *input, struct strbuf *output,
		      struct error *err)
{
	auto_close int in = fd_memory("berth-credentials", input, strlen(input));
	if (in < 0)
		return error_set(err, in, "run %s", path);
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_set(err, errno, "run %s", path);
	auto_close int reader = ends[0];
	auto_close int writer = ends[1];

	char *argv[] = { (char *)path, (char *)verb, NULL };
	const struct process_fd fds[] = { { in, 0 }, { writer, 1 }, { 2, 2 } };
	pid_t pid = -1;
	int r = process_spawn(path, argv, environ, fds, ARRAY_SIZE(fds), &pid, err);
	if (r < 0)
		return r;
	close_p(&writer);
	r = read_output(reader, output);
	if (r < 0)
		(void)kill(pid, SIGKILL);

	int status = 0;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (r < 0)
		return error_set(err, r, "run %s %s", path, verb);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
}

/* Runs a verb; on failure the helper's own words, one line of them, are the error. */
static int ask(const char *name, const char *verb, const char *input, struct strbuf *output,
	       struct error *err)
{
	auto_free char *path = NULL;
	int r = find_helper(name, &path, err);
	if (r < 0)
		return r;
	r = run_helper(path, verb, input, output, err);
	if (r <= 0)
		return r;

	const char *said = strbuf_text(output);
	if (strstr(said, "credentials not found"))
		return error_say(err, ENOENT, "%s knows no credentials", path);
	return error_say(err, EPROTO, "%s %s failed: %.*s", path, verb, (int)strcspn(said, "\r\n"),
			 said);
}

int auth_helper_get(const char *name, const char *server, struct auth *ret, struct error *err)
{
	auto_strbuf output = STRBUF_INIT(HELPER_OUTPUT_MAX);
	auto_json *o = NULL;
	const char *username = NULL;
	const char *secret = NULL;

	int r = ask(name, "get", server, &output, err);
	if (r == 0 && (json_parse(strbuf_text(&output), output.len, HELPER_OUTPUT_MAX,
				  "the credential helper's answer", &o, err) < 0 ||
		       json_get_string(o, "Username", &username, err) < 0 ||
		       json_get_string(o, "Secret", &secret, err) < 0))
		r = -EPROTO;
	if (r == 0) {
		bool token = username && strcmp(username, TOKEN_USER) == 0;
		auth_done(ret);
		ret->server = xstrdup(server);
		ret->username = token ? NULL : xstrdup_or_null(username);
		*(token ? &ret->identity_token : &ret->password) = xstrdup_or_null(secret);
	}
	if (output.data)
		explicit_bzero(output.data, output.size);
	return r;
}

int auth_helper_store(const char *name, const struct auth *a, struct error *err)
{
	auto_json *o = json_object_new_object();
	auto_strbuf output = STRBUF_INIT(HELPER_OUTPUT_MAX);

	json_add_string(o, "ServerURL", a->server);
	json_add_string(o, "Username", a->identity_token ? TOKEN_USER : a->username);
	json_add_string(o, "Secret", a->identity_token ? a->identity_token : a->password);
	char *input = json_text(o);
	int r = ask(name, "store", input, &output, err);
	secret_free(input);
	return r;
}

int auth_helper_erase(const char *name, const char *server, struct error *err)
{
	auto_strbuf output = STRBUF_INIT(HELPER_OUTPUT_MAX);

	return ask(name, "erase", server, &output, err);
}
