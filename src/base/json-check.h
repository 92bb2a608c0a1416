/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "base/error.h"

/**
 * json_check() - refuse what json-c would let pass
 *
 * Walks the text once without building anything: nesting deeper than @depth_max and an object with
 * the same key twice (compared after unescaping) are refused, and so is a zero byte, as itself or
 * written as an escape, which would cut a C string short, as well as the quotes and words that json-c
 * knows beyond RFC 8259 ('text', NaN, Infinity), and text that is not UTF-8. Everything else about the syntax is left to json-c.
 *
 * Return: 0 or -EBADMSG.
 */
must_check int json_check(const char *text, size_t len, int depth_max, struct error *err);
