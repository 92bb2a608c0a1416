/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry-tool: the registry client and a store, without an engine. For tests of what a hostile
 * registry can do and for measuring a pull.
 *
 *	registry-tool --state DIR [OPTION..] pull|push|describe|tags REFERENCE..
 *	registry-tool [OPTION..] login HOST
 *
 * Several references are pulled at once, each in a thread. Each result is a line of JSON on standard
 * output; a failure is {"error":…,"code":…} and makes the exit status 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/path.h"
#include "store/db.h"
#include "store/registry/registry.h"
#include "store/store.h"

struct tool {
	const char *state;
	const char *platform;
	struct registry_config config;
	struct strv insecure;
	struct strv token_servers;
	struct auth auth;
	bool verbose;
	bool folders;
	unsigned cancel_after; /* calls of the progress function; 0: never */
	atomic_uint told;

	struct registry_client *client;
	struct store *store;
};

struct job {
	struct tool *tool;
	const char *verb;
	const char *text;
	pthread_t thread;
	struct error err;
	struct json_object *result;
};

static bool on_progress(void *context, const struct registry_progress *p)
{
	static const char *const phases[] = {
		[REGISTRY_WAITING] = "waiting",   [REGISTRY_DOWNLOADING] = "downloading",
		[REGISTRY_COMPLETE] = "complete", [REGISTRY_EXISTS] = "exists",
		[REGISTRY_RETRYING] = "retrying", [REGISTRY_UPLOADING] = "uploading",
		[REGISTRY_UPLOADED] = "uploaded", [REGISTRY_MOUNTED] = "mounted",
	};
	struct tool *tool = context;

	if (tool->verbose)
		(void)fprintf(stderr, "%.12s %s %llu/%llu %s\n", digest_hex(p->digest),
			      phases[p->phase], (unsigned long long)p->done_bytes,
			      (unsigned long long)p->total_bytes, p->from ? p->from : "");
	unsigned told = atomic_fetch_add(&tool->told, 1) + 1;
	return tool->cancel_after == 0 || told < tool->cancel_after;
}

static int pull(struct job *job, const struct reference *ref, const struct registry_options *o)
{
	struct tool *tool = job->tool;
	struct registry_pulled pulled = {};
	struct platform platform;

	if (tool->platform && platform_parse(tool->platform, &platform, &job->err) < 0)
		return -EINVAL;
	int r = registry_pull(tool->client, tool->store, ref, tool->platform ? &platform : NULL, o,
			      &pulled, &job->err);
	if (r < 0)
		return r;
	json_add_string(job->result, "image", pulled.image.text);
	json_add_string(job->result, "manifest", pulled.manifest.text);
	json_add_string(job->result, "digest", pulled.digest.text);
	json_add_bool(job->result, "up_to_date", pulled.up_to_date);
	return 0;
}

static int push(struct job *job, const struct reference *ref, const struct registry_options *o)
{
	struct registry_pushed pushed = {};

	int r = registry_push(job->tool->client, job->tool->store, ref, o, &pushed, &job->err);
	if (r == 0)
		json_add_string(job->result, "digest", pushed.digest.text);
	return r;
}

static int describe(struct job *job, const struct reference *ref, const struct registry_options *o)
{
	struct registry_description d = {};
	auto_strv platforms = {};

	int r = registry_describe(job->tool->client, ref, o, &d, &job->err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < d.platform_count; i++)
		strv_add_take(&platforms, platform_text(&d.platforms[i]));
	json_add_string(job->result, "digest", d.digest.text);
	json_add_string(job->result, "media_type", d.media_type);
	json_add_strings(job->result, "platforms", &platforms);
	registry_description_done(&d);
	return 0;
}

static int tags(struct job *job, const struct reference *ref, const struct registry_options *o)
{
	auto_strv list = {};
	int r = registry_tags(job->tool->client, ref, o, &list, &job->err);

	if (r == 0)
		json_add_strings(job->result, "tags", &list);
	return r;
}

static int login(struct job *job)
{
	char *token = NULL;
	int r = registry_login(job->tool->client, job->text, &job->tool->auth, &token, &job->err);

	if (r == 0)
		json_add_string(job->result, "token", token);
	secret_free(token);
	return r;
}

static int work(struct job *job)
{
	static const struct {
		const char *verb;
		int (*run)(struct job *job, const struct reference *ref,
			   const struct registry_options *o);
	} verbs[] = {
		{ "pull", pull }, { "push", push }, { "describe", describe }, { "tags", tags }
	};
	const struct registry_options options = {
		.auth = &job->tool->auth,
		.progress = on_progress,
		.context = job->tool,
	};
	auto_reference ref = {};

	if (strcmp(job->verb, "login") == 0)
		return login(job);
	int r = reference_parse(job->text, &ref, &job->err);
	if (r < 0)
		return r;
	reference_default_tag(&ref);
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (strcmp(job->verb, verbs[i].verb) == 0)
			return verbs[i].run(job, &ref, &options);
	return error_say(&job->err, EINVAL, "there is no verb '%s'", job->verb);
}

static void *run_job(void *context)
{
	struct job *job = context;
	int64_t start = clock_monotonic();
	int r = work(job);

	if (r < 0) {
		json_add_string(job->result, "error", job->err.text);
		json_add_string(job->result, "code", strerrorname_np(-r));
	}
	json_add_int(job->result, "us", (clock_monotonic() - start) / 1000);
	return NULL;
}

/* The most memory this program had; rusage would count that of who started it. */
static int64_t peak_rss_kib(void)
{
	auto_strbuf status = STRBUF_INIT(65536);
	long long kib = -1;

	if (read_file_at(AT_FDCWD, "/proc/self/status", 65536, &status, NULL) == 0) {
		const char *line = strstr(strbuf_text(&status), "VmHWM:");
		if (line)
			(void)sscanf(line, "VmHWM: %lld", &kib);
	}
	return kib;
}

static int run_jobs(struct tool *tool, const char *verb, char **texts, size_t count)
{
	struct job *jobs = xcalloc(count, sizeof(*jobs));
	int status = 0;

	for (size_t i = 0; i < count; i++) {
		jobs[i] = (struct job){ .tool = tool,
					.verb = verb,
					.text = texts[i],
					.result = json_object_new_object() };
		if (pthread_create(&jobs[i].thread, NULL, run_job, &jobs[i]) != 0)
			abort();
	}
	for (size_t i = 0; i < count; i++) {
		(void)pthread_join(jobs[i].thread, NULL);
		status |= jobs[i].err.code != 0;
		json_add_int(jobs[i].result, "rss_kib", peak_rss_kib());
		auto_free char *line = json_text(jobs[i].result);
		(void)printf("%s\n", line);
		json_put_p(&jobs[i].result);
	}
	free(jobs);
	return status;
}

static int number(const char *text)
{
	return (int)strtol(text, NULL, 10);
}

/* One letter for each option; see the table in main(). */
static void set_option(struct tool *tool, int letter, char *value)
{
	switch (letter) {
	case 's':
		tool->state = value;
		break;
	case 'P':
		tool->platform = value;
		break;
	case 'c':
		tool->config.certs_dir = value;
		break;
	case 'i':
		strv_add(&tool->insecure, value);
		break;
	case 't':
		strv_add(&tool->token_servers, value);
		break;
	case 'u':
		tool->auth.username = xstrdup(value);
		break;
	case 'p':
		tool->auth.password = xstrdup(value);
		break;
	case 'I':
		tool->auth.identity_token = xstrdup(value);
		break;
	case 'S':
		tool->auth.server = xstrdup(value);
		break;
	case 'w':
		tool->config.stall_timeout_ms = number(value);
		tool->config.answer_timeout_ms = 2 * number(value);
		break;
	case 'a':
		tool->config.attempts = (unsigned)number(value);
		break;
	case 'b':
		tool->config.backoff_ms = number(value);
		break;
	case 'j':
		tool->config.parallel = (unsigned)number(value);
		break;
	case 'x':
		tool->cancel_after = (unsigned)number(value);
		break;
	case 'f':
		tool->folders = true;
		break;
	case 'v':
		tool->verbose = true;
		break;
	default:
		exit(2);
	}
}

static int with_store(struct tool *tool, const char *verb, char **texts, size_t count)
{
	struct error err = {};
	auto_free char *path = xasprintf("%s/berth.db", tool->state);
	auto_db *db = NULL;
	auto_store *store = NULL;
	struct store_options options = {
		.state_dir = tool->state,
		.mode = tool->folders ? STORE_MODE_FOLDER : STORE_MODE_AUTO,
	};

	if (path_make_dirs(tool->state, 0700, &err) < 0 || db_open(path, &db, &err) < 0) {
		(void)fprintf(stderr, "registry-tool: %s\n", err.text);
		return 2;
	}
	options.db = db;
	if (store_open(&options, &store, &err) < 0) {
		(void)fprintf(stderr, "registry-tool: %s\n", err.text);
		return 2;
	}
	tool->store = store;
	return run_jobs(tool, verb, texts, count);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "state", required_argument, NULL, 's' },
		{ "platform", required_argument, NULL, 'P' },
		{ "certs", required_argument, NULL, 'c' },
		{ "insecure", required_argument, NULL, 'i' },
		{ "token-server", required_argument, NULL, 't' },
		{ "user", required_argument, NULL, 'u' },
		{ "password", required_argument, NULL, 'p' },
		{ "identity-token", required_argument, NULL, 'I' },
		{ "server", required_argument, NULL, 'S' },
		{ "stall-ms", required_argument, NULL, 'w' },
		{ "attempts", required_argument, NULL, 'a' },
		{ "backoff-ms", required_argument, NULL, 'b' },
		{ "parallel", required_argument, NULL, 'j' },
		{ "cancel-after", required_argument, NULL, 'x' },
		{ "folders", no_argument, NULL, 'f' },
		{ "verbose", no_argument, NULL, 'v' },
		{},
	};
	struct tool tool = {};

	for (int letter; (letter = getopt_long(argc, argv, "", options, NULL)) != -1;)
		set_option(&tool, letter, optarg);
	if (argc - optind < 2) {
		(void)fprintf(stderr, "usage: registry-tool [OPTION..] VERB REFERENCE..\n");
		return 2;
	}
	(void)sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	tool.config.insecure = &tool.insecure;
	tool.config.token_servers = &tool.token_servers;
	tool.client = registry_client_new(&tool.config);
	char **texts = &argv[optind + 1];
	size_t count = (size_t)(argc - optind - 1);
	int status = tool.state ? with_store(&tool, argv[optind], texts, count)
				: run_jobs(&tool, argv[optind], texts, count);
	registry_client_free(tool.client);
	strv_done(&tool.insecure);
	strv_done(&tool.token_servers);
	auth_done(&tool.auth);
	return status;
}
