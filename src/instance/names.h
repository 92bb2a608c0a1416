/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"

/**
 * DOC: Names of instances
 *
 * A name is what Docker takes: a letter or digit, then at least one more of letters, digits, '_',
 * '.' and '-'. An instance that is given none gets "adjective_surname" of two random words; the
 * caller asks again while the name is taken, and from the fourth try on a number is appended, so
 * that a free name is always found.
 */

#define INSTANCE_NAME_MAX 128

/**
 * name_check() - whether @name may be given to an instance
 * Return: 0 or -EINVAL.
 */
must_check int name_check(const char *name, struct error *err);

/* Writes a random name; @attempt counts from 0. */
void name_random(unsigned int attempt, char ret[INSTANCE_NAME_MAX + 1]);
