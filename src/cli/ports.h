/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/json.h"

/**
 * ports_text() - published and exposed ports as lists show them
 * @ports: the engine's array of {IP, PrivatePort, PublicPort, Type}
 * @ret:   appended to: "0.0.0.0:8080->80/tcp, 443/tcp", runs of ports as ranges
 */
void ports_text(struct json_object *ports, struct strbuf *ret);
