/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/strv.h"

/**
 * DOC: Challenges
 *
 * With 401 a server says how it wants to be spoken to: RFC 7235 (WWW-Authenticate), of which
 * registries use Basic (RFC 7617) and Bearer (RFC 6750) with a realm that hands out tokens.
 */
struct challenge {
	bool basic;
	bool bearer;
	char *realm;   /* of Bearer: URL of the token server; NULL where not given, as below */
	char *service; /* of Bearer */
	char *error;   /* of Bearer, such as "insufficient_scope" */
};

void challenge_done(struct challenge *c);
#define auto_challenge auto_(challenge_done) struct challenge

/**
 * challenge_parse() - read one WWW-Authenticate header
 * @header: its value: one challenge or several, joined by commas
 * @ret:    added to; the first challenge of each kind counts
 *
 * Return: 0; -EBADMSG where it is malformed: what was read before then stays.
 */
int challenge_parse(const char *header, struct challenge *ret);
