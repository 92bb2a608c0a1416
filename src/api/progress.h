/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "api/http/http.h"
#include "base/json.h"

/**
 * DOC: Docker's progress messages
 *
 * Long work on images answers by a stream of JSON objects, one a line, that clients turn into
 * progress bars or plain lines. The head of the response is sent with the first message: what fails
 * before it is an ordinary error with its status, what fails after it is a message too.
 */

/* Sends one message, after the head if it is the first; takes @take over. 0, or -EPIPE. */
must_check int progress_send(struct http_request *rq, bool *begun, struct json_object *take);

/* {"status":…,"id":…} or {"stream":…}; @id may be NULL. */
struct json_object *progress_status(const char *status, const char *id);
struct json_object *progress_text(const char *text);

/* {"status":…,"progressDetail":{…},"progress":"[==>   ]  1MB/2MB","id":…}; total 0: not known. */
struct json_object *progress_bar(const char *status, const char *id, uint64_t done, uint64_t total);

/* {"errorDetail":{"message":…},"error":…} */
struct json_object *progress_error(const char *message);

/* Ends a handler: a failure after the first message is sent as one. */
int progress_end(struct http_request *rq, bool begun, int result, const struct error *err);

/* The twelve digits by which Docker's clients name a layer. */
#define SHORT_ID 13
const char *short_digest(const char *digest, char ret[SHORT_ID]);
