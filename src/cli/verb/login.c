/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "cli/document.h"
#include "cli/image-pull.h"
#include "cli/login-server.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "oci/auth-config.h"

#define SECRET_MAX 16384

struct login_options {
	const char *password;
	const char *username;
	bool password_stdin;
};

static const struct option options[] = {
	{ "password", 'p', OPTION_TEXT, offsetof(struct login_options, password),
	  "Password or token (others on this host can see it)" },
	{ "password-stdin", 0, OPTION_FLAG, offsetof(struct login_options, password_stdin),
	  "Read the password or token from standard input" },
	{ "username", 'u', OPTION_TEXT, offsetof(struct login_options, username), "User name" },
	{},
};

static int ask_username(struct auth *a, struct error *err)
{
	char line[256];

	if (!terminal_is_input())
		return error_say(err, ENOTTY,
				 "cannot perform an interactive login from a non TTY device");
	(void)fputs("Username: ", stderr);
	if (!fgets(line, sizeof(line), stdin))
		return error_say(err, EIO, "no user name was given");
	line[strcspn(line, "\r\n")] = '\0';
	if (!*line)
		return error_say(err, EINVAL, "username is required");
	a->username = xstrdup(line);
	return 0;
}

static int read_password(struct auth *a, struct error *err)
{
	char secret[SECRET_MAX];

	ssize_t n = read_full(STDIN_FILENO, secret, sizeof(secret) - 1);
	if (n < 0)
		return error_set(err, (int)n, "read the password");
	secret[n] = '\0';
	secret[strcspn(secret, "\r\n")] = '\0';
	a->password = xstrdup(secret);
	explicit_bzero(secret, sizeof(secret));
	return 0;
}

static int ask_password(struct auth *a, struct error *err)
{
	char secret[SECRET_MAX];

	int r = terminal_read_secret("Password: ", secret, sizeof(secret), err);
	if (r == 0)
		a->password = xstrdup(secret);
	explicit_bzero(secret, sizeof(secret));
	return r;
}

static int collect(const struct login_options *o, struct auth *a, struct error *err)
{
	int r = 0;

	if (o->password && o->password_stdin)
		return error_say(err, EINVAL,
				 "conflicting options: cannot specify both --password and "
				 "--password-stdin");
	if (o->password_stdin && !o->username)
		return error_say(err, EINVAL, "the --password-stdin option requires --username");
	if (o->username)
		a->username = xstrdup(o->username);
	else
		r = ask_username(a, err);
	if (r < 0)
		return r;
	if (o->password_stdin)
		return read_password(a, err);
	if (!o->password)
		return ask_password(a, err);
	(void)fputs("WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n",
		    stderr);
	a->password = xstrdup(o->password);
	return 0;
}

/* Lets the registry judge the credentials; a token that it gives takes the password's place. */
static int check(const struct call *call, struct auth *a, struct error *err)
{
	auto_json *body = auth_json(a);
	auto_json *answer = NULL;

	int r = api_json(call->api, "POST", "/auth", body, API_TIMEOUT_MS, &answer, err);
	if (r < 0)
		return r;
	const char *token = document_text(answer, "IdentityToken");
	if (*token) {
		secret_free(take_ptr(a->password));
		a->identity_token = xstrdup(token);
	}
	return 0;
}

static int run(struct call *call)
{
	auto_auth_config *config = NULL;
	auto_auth auth = {};
	auto_free char *path = image_auth_path(call);
	struct error err = {};

	auth.server = login_server(call);
	int r = collect(call->options, &auth, &err);
	if (r == 0)
		r = check(call, &auth, &err);
	if (r == 0)
		r = auth_config_load(path, &config, &err);
	if (r == 0)
		r = auth_config_store(config, &auth, &err);
	if (r < 0)
		return call_fail(call, auth.server, &err);
	(void)puts("Login Succeeded");
	return 0;
}

const struct verb verb_login = {
	.names = (const char *const[]){ "login", NULL },
	.operands = "[SERVER]",
	.help = "Log in to a registry",
	.details = "Without SERVER this is Docker Hub. The credentials are kept where Docker keeps "
		   "them, ~/.docker/config.json or its credential helper.",
	.options = { .tables = { options } },
	.options_size = sizeof(struct login_options),
	.operands_max = 1,
	.common = true,
	.run = run,
};
