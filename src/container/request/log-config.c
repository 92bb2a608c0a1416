/* SPDX-License-Identifier: Apache-2.0 */
#include "container/request/log-config.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/macros.h"
#include "base/map.h"
#include "container/config/grammar.h"
#include "container/request/check.h"
#include "container/request/request.h"

#define MAX_FILES 1000u
/* What Docker gives the driver "local" where nothing is said. */
#define LOCAL_BYTES (20u << 20)
#define LOCAL_FILES 5u

enum driver_bits { JSON_FILE = 1, LOCAL = 2, JOURNALD = 4, NONE = 8, FILES = JSON_FILE | LOCAL };

static const struct {
	const char *name;
	enum driver_bits bit;
	enum log_driver driver;
} drivers[] = {
	{ "json-file", JSON_FILE, LOG_DRIVER_FILE },
	{ "local", LOCAL, LOG_DRIVER_FILE },
	{ "journald", JOURNALD, LOG_DRIVER_JOURNALD },
	{ "none", NONE, LOG_DRIVER_NONE },
};

static int read_max_size(const char *value, struct log_config *config)
{
	int64_t size;

	if (memory_size_parse(value, &size) < 0 || size <= 0)
		return -EINVAL;
	config->max_bytes = (uint64_t)size;
	return 0;
}

static int read_max_file(const char *value, struct log_config *config)
{
	uint64_t files;

	if (!number_parse(value, MAX_FILES, &files) || files == 0)
		return -EINVAL;
	config->max_files = (uint32_t)files;
	return 0;
}

/* Files are not compressed, so that they can be read while they are written. */
static int read_compress(const char *value, struct log_config *config)
{
	(void)config;
	return strcmp(value, "false") == 0 ? 0 : -EINVAL;
}

/* A program that writes faster than its log waits. */
static int read_mode(const char *value, struct log_config *config)
{
	(void)config;
	return strcmp(value, "blocking") == 0 ? 0 : -EINVAL;
}

static int read_tag(const char *value, struct log_config *config)
{
	static const char *const markers[] = { "{{.ID}}",          "{{.FullID}}",
					       "{{.Name}}",        "{{.ImageID}}",
					       "{{.ImageFullID}}", "{{.ImageName}}",
					       "{{.DaemonName}}" };

	for (const char *at = value; (at = strstr(at, "{{")); at += 2) {
		bool known = false;
		for (size_t i = 0; i < ARRAY_SIZE(markers); i++)
			known = known || strncmp(at, markers[i], strlen(markers[i])) == 0;
		if (!known)
			return -EINVAL;
	}
	config->tag = value;
	return text_is_plain(value) ? 0 : -EINVAL;
}

static int read_labels(const char *value, struct log_config *config)
{
	config->labels = value;
	return 0;
}

static int read_env(const char *value, struct log_config *config)
{
	config->env = value;
	return 0;
}

static const struct {
	const char *name;
	unsigned int drivers; /* enum driver_bits */
	int (*read)(const char *value, struct log_config *config);
} options[] = {
	{ "max-size", FILES, read_max_size },      { "max-file", FILES, read_max_file },
	{ "compress", FILES, read_compress },      { "mode", FILES | JOURNALD, read_mode },
	{ "tag", JSON_FILE | JOURNALD, read_tag }, { "labels", JSON_FILE | JOURNALD, read_labels },
	{ "env", JSON_FILE | JOURNALD, read_env },
};

const char *log_driver_name(const struct container_log *log)
{
	return log->type && *log->type ? log->type : "json-file";
}

static int read_option(const char *driver, enum driver_bits bit, const char *key, const char *value,
		       struct log_config *config, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		if (!(options[i].drivers & bit) || strcmp(options[i].name, key) != 0)
			continue;
		if (options[i].read(value, config) == 0)
			return 0;
		return error_say(err, EINVAL, "invalid value for %s: %.100s", key, value);
	}
	if (bit == NONE)
		return error_say(err, EINVAL, "invalid logging opts for driver none");
	return error_say(err, EINVAL, "unknown log opt '%.100s' for %s log driver", key, driver);
}

int log_config_read(const struct container_log *log, struct log_config *ret, struct error *err)
{
	const char *name = log_driver_name(log);
	size_t at = 0;
	size_t i = 0;

	while (i < ARRAY_SIZE(drivers) && strcmp(drivers[i].name, name) != 0)
		i++;
	if (i == ARRAY_SIZE(drivers))
		return error_say(err, EINVAL, "logger: no log driver named '%.100s' is registered",
				 name);

	struct log_config config = { .driver = drivers[i].driver, .max_files = 1 };
	if (drivers[i].bit == LOCAL) {
		config.max_bytes = LOCAL_BYTES;
		config.max_files = LOCAL_FILES;
	}
	const char *key;
	const char *value;
	while (log->options && (value = map_next(log->options, &at, &key))) {
		int r = read_option(name, drivers[i].bit, key, value, &config, err);
		if (r < 0)
			return r;
	}
	*ret = config;
	return 0;
}
