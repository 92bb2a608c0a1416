/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * DOC: What every unit test includes
 *
 * cmocka needs four headers before its own. A test is a `static void name_is_a_sentence(void
 * **state)` listed once in the `const struct CMUnitTest` array of its file's main().
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/macros.h"

/*
 * A private folder for one test, removed with all it holds at the end of scope:
 *	auto_test_dir int dir = test_dir();
 * test_dir_path() gives its absolute path (static storage, valid until the next call).
 */
int test_dir(void);
const char *test_dir_path(int dir_fd);
void test_dir_done(int *dir_fd);
#define auto_test_dir auto_(test_dir_done)

/* Writes a small file below @dir_fd, making the folders before it; fails the test on error. */
void test_write(int dir_fd, const char *path, const char *text);
