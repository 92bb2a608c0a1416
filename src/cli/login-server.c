/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/login-server.h"

#include <string.h>

#include "base/alloc.h"
#include "oci/auth-config.h"

char *login_server(const struct call *call)
{
	const char *text = call->operand_count > 0 ? call->operands[0] : "docker.io";
	const char *scheme = strstr(text, "://");

	text = scheme ? scheme + 3 : text;
	auto_free char *host = xstrndup(text, strcspn(text, "/"));
	return auth_server_of_domain(host);
}
