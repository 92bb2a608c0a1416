/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/json.h"
#include "container/request/request.h"

/**
 * DOC: A request as Docker's JSON
 *
 * Docker knows the same data in two shapes. The create document has Config's fields at the top and
 * HostConfig as one of them; the answer of inspect has "Config" and "HostConfig" side by side. The
 * record of an instance keeps the create document. Reading is strict about types and ignores keys
 * that Berth does not know, as Docker does: clients of a newer version send more. Keys that Berth
 * knows but cannot do are kept and refused by container_request_check().
 */

/**
 * container_request_parse() - read a create document
 * @document: Config's fields with "HostConfig" among them
 * @ret:      receives the request; untouched on failure
 *
 * Checks types only; the caller goes on with container_request_check().
 *
 * Return: 0; -EBADMSG; -ENOTSUP for a key that asks for what Berth does not have.
 */
must_check int container_request_parse(struct json_object *document, struct container_request *ret,
				       struct error *err);

/* Gives keys of a client's create document that differ in case alone their own spelling. */
void container_request_fold(struct json_object *document);

/* Whether a value asks for anything: not null, false, 0, "" or empty. */
bool container_request_asks(struct json_object *value);

/* The create document; released by the caller. */
struct json_object *container_request_json(const struct container_request *request);

/* Inspect's "Config" and "HostConfig", every key present as in Docker's answers. */
struct json_object *container_request_config_json(const struct container_request *request);
struct json_object *container_request_host_config_json(const struct container_request *request);

/* Releases what one mount holds and leaves it empty; makes @ret, empty before, a copy. */
void container_mount_done(struct container_mount *mount);
void container_mount_copy(const struct container_mount *from, struct container_mount *ret);
