/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/macros.h"
#include "store/tree/internal.h"

static bool begins(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

enum tree_name tree_classify(const char *path)
{
	const char *name = path;

	for (;;) {
		const char *slash = strchr(name, '/');
		if (begins(name, TREE_META_PREFIX))
			return !slash && strcmp(name, TREE_OPAQUE_MARKER) == 0 ? TREE_NAME_MARKER
									       : TREE_NAME_DROPPED;
		if (begins(name, TREE_WHITEOUT_PREFIX))
			return slash ? TREE_NAME_REFUSED : TREE_NAME_MARKER;
		if (!slash)
			return TREE_NAME_PLAIN;
		name = slash + 1;
	}
}

bool tree_keeps_xattr(const char *name)
{
	if (begins(name, "trusted.overlay.") || begins(name, "user.overlay."))
		return false;
	return (begins(name, "user.") && name[strlen("user.")] != '\0') ||
	       (begins(name, "trusted.") && name[strlen("trusted.")] != '\0') ||
	       strcmp(name, "security.capability") == 0 ||
	       strcmp(name, "system.posix_acl_access") == 0 ||
	       strcmp(name, "system.posix_acl_default") == 0;
}

bool tree_keeps_device(bool character, uint32_t major, uint32_t minor)
{
	static const struct {
		uint32_t major;
		uint32_t minor;
	} kept[] = {
		{ 1, 3 },    /* null */
		{ 1, 5 },    /* zero */
		{ 1, 7 },    /* full */
		{ 1, 8 },    /* random */
		{ 1, 9 },    /* urandom */
		{ 5, 0 },    /* tty */
		{ 5, 1 },    /* console */
		{ 5, 2 },    /* ptmx */
		{ 10, 200 }, /* net/tun */
		{ 10, 229 }, /* fuse */
	};

	for (size_t i = 0; character && i < ARRAY_SIZE(kept); i++) {
		if (kept[i].major == major && kept[i].minor == minor)
			return true;
	}
	return false;
}
