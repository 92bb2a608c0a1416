/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

/**
 * DOC: Text for a terminal
 *
 * Names, labels, command lines and messages may come from an image, an instance, a guest or a
 * registry. Shown on a terminal as they are, their escape sequences would move the cursor, change what
 * stands there, or make the terminal type an answer. Each control character becomes a '?'.
 */

/**
 * printable_make() - replace the control characters of a text
 * @text: @len bytes, changed in place; UTF-8 otherwise stays as it is
 * @keep: control characters that stay, such as "\n\t"; a return before a line's end stays with '\n'
 *
 * Control characters are those below the blank, DEL, and U+0080 to U+009F.
 */
void printable_make(char *text, size_t len, const char *keep);
