/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/**
 * DOC: Small grammars that requests are written in
 */

/* No control bytes: fit for one line of any file that Berth writes. */
bool text_is_plain(const char *text);

/* Absolute, without parts "." and "..", at most PATH_MAX. */
bool path_is_clean_absolute(const char *path);

/* Docker's names of volumes, networks, instances: [a-zA-Z0-9][a-zA-Z0-9_.-]*, at most 255. */
bool name_is_valid(const char *name);

/* Host name: letters, digits, '-', '_', '.', at most 64, none of the last three first. */
bool hostname_is_valid(const char *name);

/* "80", "80-90"; 1 to 65535, or from 0 where @zero. */
bool port_range_is_valid(const char *text, bool zero);

/* Digits only, at most @max. */
bool number_parse(const char *text, uint64_t max, uint64_t *ret);

/* "0-3,5" */
bool cpu_list_is_valid(const char *text);

/* An IPv4 or IPv6 address. */
bool address_is_valid(const char *text);
