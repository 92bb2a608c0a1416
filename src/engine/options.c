/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/options.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <json-c/json_object_iterator.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/json.h"
#include "instance/vm-spares.h"

#define CONFIG_DEFAULT "/etc/berth/berth.json"
#define CONFIG_MAX (1u << 20)

/* One setting: the name of its option and of its key in the file, and how a text sets it. */
struct setting {
	const char *name;
	const char *value; /* what the help calls it */
	const char *help;
	int (*set)(struct engine_options *options, const char *text, struct error *err);
};

static void replace(char **field, const char *text)
{
	free(*field);
	*field = xstrdup(text);
}

/* A path in the file or on the command line means the same wherever the engine was started. */
static int set_path(char **field, const char *text, struct error *err)
{
	if (text[0] != '/')
		return error_say(err, EINVAL, "'%s' is no absolute path", text);
	replace(field, text);
	return 0;
}

static int set_state(struct engine_options *options, const char *text, struct error *err)
{
	return set_path(&options->state_dir, text, err);
}

static int set_run(struct engine_options *options, const char *text, struct error *err)
{
	return set_path(&options->run_dir, text, err);
}

static int set_socket(struct engine_options *options, const char *text, struct error *err)
{
	const char *path = strncmp(text, "unix://", 7) == 0 ? text + 7 : text;
	return set_path(&options->socket, path, err);
}

static int set_pid_file(struct engine_options *options, const char *text, struct error *err)
{
	return set_path(&options->pid_file, text, err);
}

static int set_log_file(struct engine_options *options, const char *text, struct error *err)
{
	return set_path(&options->log_file, text, err);
}

static int set_group(struct engine_options *options, const char *text, struct error *err)
{
	(void)err;
	replace(&options->group, text);
	return 0;
}

static int set_log_level(struct engine_options *options, const char *text, struct error *err)
{
	if (!log_parse_level(text, &options->log_level))
		return error_say(err, EINVAL, "'%s' is none of error, warning, info, debug", text);
	return 0;
}

static int set_store_mode(struct engine_options *options, const char *text, struct error *err)
{
	static const struct {
		const char *name;
		enum store_mode mode;
	} modes[] = {
		{ "auto", STORE_MODE_AUTO },
		{ "erofs", STORE_MODE_EROFS_FILE },
		{ "erofs-loop", STORE_MODE_EROFS_LOOP },
		{ "folder", STORE_MODE_FOLDER },
	};

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		if (strcmp(text, modes[i].name) == 0) {
			options->store_mode = modes[i].mode;
			return 0;
		}
	}
	return error_say(err, EINVAL, "'%s' is none of auto, erofs, erofs-loop, folder", text);
}

static int set_qemu(struct engine_options *options, const char *text, struct error *err)
{
	return set_path(&options->qemu, text, err);
}

static int set_guest_kernel(struct engine_options *options, const char *text, struct error *err)
{
	return set_path(&options->guest_kernel, text, err);
}

static int set_vm_spares(struct engine_options *options, const char *text, struct error *err)
{
	char *end;
	unsigned long count = strtoul(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || *end || count > VM_SPARES_MAX)
		return error_say(err, EINVAL, "'%s' is no number from 0 to %d", text,
				 VM_SPARES_MAX);
	options->vm_spares = (unsigned)count;
	return 0;
}

static int add_insecure_registry(struct engine_options *options, const char *text,
				 struct error *err)
{
	(void)err;
	strv_add(&options->insecure_registries, text);
	return 0;
}

static int add_token_server(struct engine_options *options, const char *text, struct error *err)
{
	(void)err;
	strv_add(&options->token_servers, text);
	return 0;
}

static const struct setting settings[] = {
	{ "state", "DIR", "records, images and instances (/var/lib/berth)", set_state },
	{ "run", "DIR", "sockets and what a restart of the host may lose (/run/berth)", set_run },
	{ "socket", "PATH", "socket of the API (RUN/berth.sock)", set_socket },
	{ "group", "NAME", "group that may use the socket beside root", set_group },
	{ "pid-file", "PATH", "file that holds the process id (RUN/berthd.pid)", set_pid_file },
	{ "log-file", "PATH", "log of an engine in the background (STATE/berthd.log)",
	  set_log_file },
	{ "log-level", "LEVEL", "error, warning, info or debug (info)", set_log_level },
	{ "store-mode", "MODE", "auto, erofs, erofs-loop or folder (auto)", set_store_mode },
	{ "qemu", "PATH", "QEMU of virtual machines (/usr/bin/qemu-system-x86_64)", set_qemu },
	{ "guest-kernel", "DIR", "unpacked kernel package (/usr/lib/berth/guest-kernel, else /)",
	  set_guest_kernel },
	{ "vm-spares", "NUMBER", "virtual machines that wait for a start, 0 to 8 (2)",
	  set_vm_spares },
	{ "insecure-registry", "HOST[:PORT]", "registry spoken to without TLS; may be repeated",
	  add_insecure_registry },
	{ "token-server", "HOST[:PORT]",
	  "server of another site that registries may name for logins; may be repeated",
	  add_token_server },
};

/* Options without a counterpart in the file; their numbers stand behind the settings'. */
enum plain_option {
	OPTION_CONFIG = ARRAY_SIZE(settings),
	OPTION_DAEMON,
	OPTION_READY_FD,
	OPTION_HELP,
	OPTION_VERSION,
	OPTION_COUNT,
};

static void print_help(void)
{
	printf("Usage: berthd [OPTION]...\n\n"
	       "The engine of Berth: owns images, networks, volumes and instances, and serves\n"
	       "the Docker Engine API on a unix socket.\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		char name[64];
		(void)snprintf(name, sizeof(name), "--%s %s", settings[i].name, settings[i].value);
		printf("  %-32s %s\n", name, settings[i].help);
	}
	printf("  %-32s %s\n", "--config FILE",
	       "settings as JSON, named as these options (" CONFIG_DEFAULT ")");
	printf("  %-32s %s\n", "--daemon", "go to the background once the socket listens");
	printf("  %-32s %s\n  %-32s %s\n", "--help", "print this", "--version",
	       "print the version");
}

static void fill_table(struct option table[OPTION_COUNT + 1])
{
	for (int i = 0; i < (int)ARRAY_SIZE(settings); i++)
		table[i] = (struct option){ settings[i].name, required_argument, NULL, i };
	table[OPTION_CONFIG] = (struct option){ "config", required_argument, NULL, OPTION_CONFIG };
	table[OPTION_DAEMON] = (struct option){ "daemon", no_argument, NULL, OPTION_DAEMON };
	table[OPTION_READY_FD] =
		(struct option){ "ready-fd", required_argument, NULL, OPTION_READY_FD };
	table[OPTION_HELP] = (struct option){ "help", no_argument, NULL, OPTION_HELP };
	table[OPTION_VERSION] = (struct option){ "version", no_argument, NULL, OPTION_VERSION };
	table[OPTION_COUNT] = (struct option){};
}

static int set_number(const char *text, int *ret, struct error *err)
{
	char *end;
	long value = strtol(text, &end, 10);
	if (end == text || *end || value < 3 || value > 1 << 20)
		return error_say(err, EINVAL, "'%s' is no descriptor", text);
	*ret = (int)value;
	return 0;
}

static int take_option(struct engine_options *options, int number, struct error *err)
{
	switch (number) {
	case OPTION_CONFIG:
		return set_path(&options->config, optarg, err);
	case OPTION_DAEMON:
		options->daemon = true;
		return 0;
	case OPTION_READY_FD:
		return set_number(optarg, &options->ready_fd, err);
	case OPTION_HELP:
		print_help();
		return 1;
	case OPTION_VERSION:
		printf("berthd %s\n", BERTH_VERSION);
		return 1;
	default:
		return settings[number].set(options, optarg, err);
	}
}

static int read_arguments(int argc, char **argv, struct engine_options *options, struct error *err)
{
	struct option table[OPTION_COUNT + 1];
	int number;

	fill_table(table);
	optind = 1;
	opterr = 0;
	while ((number = getopt_long(argc, argv, ":", table, NULL)) != -1) {
		if (number == '?' || number == ':')
			return error_say(err, EINVAL, "%s '%s', see berthd --help",
					 number == '?' ? "unknown option"
						       : "missing value of option",
					 argv[optind - 1]);
		int r = take_option(options, number, err);
		if (r < 0)
			return error_prefix(err, "option --%s", table[number].name);
		if (r > 0)
			return r;
	}
	if (optind < argc)
		return error_say(err, EINVAL, "unexpected argument '%s'", argv[optind]);
	return 0;
}

/* What the file lists is added to what the command line names. */
static int take_list(const char *key, struct json_object *value, struct strv *list,
		     struct error *err)
{
	if (!json_object_is_type(value, json_type_array))
		return error_say(err, EINVAL, "%s is no list", key);
	for (size_t i = 0; i < json_object_array_length(value); i++) {
		struct json_object *item = json_object_array_get_idx(value, i);
		if (!json_object_is_type(item, json_type_string))
			return error_say(err, EINVAL, "%s holds something that is no text", key);
		strv_add(list, json_object_get_string(item));
	}
	return 0;
}

static int take_key(struct engine_options *options, const char *key, struct json_object *value,
		    struct error *err)
{
	if (strcmp(key, "insecure-registries") == 0)
		return take_list(key, value, &options->insecure_registries, err);
	if (strcmp(key, "token-servers") == 0)
		return take_list(key, value, &options->token_servers, err);
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		if (strcmp(settings[i].name, key) != 0)
			continue;
		if (!json_object_is_type(value, json_type_string))
			return error_say(err, EINVAL, "%s is no text", key);
		int r = settings[i].set(options, json_object_get_string(value), err);
		return r < 0 ? error_prefix(err, "%s", key) : 0;
	}
	return error_say(err, EINVAL, "there is no setting '%s'", key);
}

static int read_config(struct engine_options *options, struct error *err)
{
	const char *path = options->config ? options->config : CONFIG_DEFAULT;
	auto_strbuf text = STRBUF_INIT(CONFIG_MAX);
	int r = read_file_at(AT_FDCWD, path, CONFIG_MAX, &text, err);
	if (r == -ENOENT && !options->config)
		return 0;

	auto_json *document = NULL;
	if (r == 0)
		r = json_parse(strbuf_text(&text), text.len, CONFIG_MAX, path, &document, err);
	if (r == 0 && !json_object_is_type(document, json_type_object))
		return error_say(err, EINVAL, "%s: no JSON object", path);
	if (r < 0)
		return r;
	if (!options->config)
		options->config = xstrdup(path);
	struct json_object_iterator end = json_object_iter_end(document);
	for (struct json_object_iterator at = json_object_iter_begin(document);
	     r == 0 && !json_object_iter_equal(&at, &end); json_object_iter_next(&at))
		r = take_key(options, json_object_iter_peek_name(&at),
			     json_object_iter_peek_value(&at), err);
	return r < 0 ? error_prefix(err, "%s", path) : 0;
}

static void fill_defaults(struct engine_options *options)
{
	if (!options->state_dir)
		options->state_dir = xstrdup("/var/lib/berth");
	if (!options->run_dir)
		options->run_dir = xstrdup("/run/berth");
	if (!options->socket)
		options->socket = xasprintf("%s/berth.sock", options->run_dir);
	if (!options->pid_file)
		options->pid_file = xasprintf("%s/berthd.pid", options->run_dir);
	if (!options->log_file)
		options->log_file = xasprintf("%s/berthd.log", options->state_dir);
}

void engine_options_done(struct engine_options *options)
{
	free(options->state_dir);
	free(options->run_dir);
	free(options->socket);
	free(options->pid_file);
	free(options->config);
	free(options->log_file);
	free(options->group);
	free(options->qemu);
	free(options->guest_kernel);
	strv_done(&options->insecure_registries);
	strv_done(&options->token_servers);
	*options = (struct engine_options){ .ready_fd = -1 };
}

int engine_options_read(int argc, char **argv, struct engine_options *ret, struct error *err)
{
	/* The command line is read twice: first for the file's place, then over what the file says. */
	auto_engine_options first = { .ready_fd = -1 };
	int r = read_arguments(argc, argv, &first, err);
	if (r != 0)
		return r;

	auto_engine_options options = { .ready_fd = -1,
					.log_level = LOG_LEVEL_INFO,
					.vm_spares = VM_SPARES_DEFAULT };
	options.config = take_ptr(first.config);
	r = read_config(&options, err);
	if (r == 0)
		r = read_arguments(argc, argv, &options, err);
	if (r < 0)
		return r;
	fill_defaults(&options);
	*ret = options;
	options = (struct engine_options){ .ready_fd = -1 };
	return 0;
}
