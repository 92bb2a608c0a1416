/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/alloc.h"
#include "cli/image-pull.h"
#include "cli/login-server.h"
#include "cli/verbs.h"
#include "oci/auth-config.h"

static int run(struct call *call)
{
	auto_auth_config *config = NULL;
	auto_free char *path = image_auth_path(call);
	auto_free char *server = login_server(call);
	struct error err = {};

	int r = auth_config_load(path, &config, &err);
	if (r == 0)
		r = auth_config_erase(config, server, &err);
	if (r < 0)
		return call_fail(call, server, &err);
	(void)printf(r == 1 ? "Not logged in to %s\n" : "Removing login credentials for %s\n",
		     server);
	return 0;
}

const struct verb verb_logout = {
	.names = (const char *const[]){ "logout", NULL },
	.operands = "[SERVER]",
	.help = "Log out from a registry",
	.operands_max = 1,
	.local = true,
	.common = true,
	.run = run,
};
