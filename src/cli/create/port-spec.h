/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/json.h"

/**
 * DOC: -p and --expose
 *
 * Read into the Engine API's PortBindings and ExposedPorts, ranges port by port.
 */

/**
 * port_spec_publish() - take one -p
 * @text:     "[ADDRESS:][HOST]:INSIDE[/PROTOCOL]", each port also as a range; an IPv6 address in
 *            brackets; or "target=80,published=8080,protocol=tcp"
 * @bindings: object of lists that gets {"80/tcp": [{"HostIp": ..., "HostPort": ...}]}
 * @exposed:  object that gets the inner ports
 */
must_check int port_spec_publish(const char *text, struct json_object *bindings,
				 struct json_object *exposed, struct error *err);

/* Takes one --expose: "80", "80-90/udp". */
must_check int port_spec_expose(const char *text, struct json_object *exposed, struct error *err);
