/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "cli/verb.h"

/* The registry that login and logout mean, as the credentials' file names it; the caller's. */
char *login_server(const struct call *call);
