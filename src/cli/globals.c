/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/verb.h"

static const struct option global_table[] = {
	{ "config", 0, OPTION_TEXT, offsetof(struct globals, config_dir),
	  "Folder of the client's configuration files", .words = WORDS_FOLDER },
	{ "context", 'c', OPTION_TEXT, offsetof(struct globals, context),
	  "Context to use, over BERTH_HOST and the one chosen by 'berth context use'",
	  .words = WORDS_CONTEXT },
	{ "debug", 'D', OPTION_FLAG, offsetof(struct globals, debug),
	  "Tell each request to the engine and its answer" },
	{ "host", 'H', OPTION_LIST, offsetof(struct globals, hosts),
	  "Engine to connect to: unix://PATH, tcp://ADDRESS:PORT or ssh://USER@HOST" },
	{ "log-level", 'l', OPTION_TEXT, offsetof(struct globals, log_level),
	  "With 'debug' the same as -D", .preset = "info",
	  .choices = "debug|info|warn|error|fatal" },
	{ "version", 'v', OPTION_FLAG, offsetof(struct globals, version),
	  "Print the version and quit" },
	{},
};

const struct option_set global_options = { .tables = { global_table }, .stop_at_operand = true };
