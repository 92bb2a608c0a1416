/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "cli/files/unpack.h"
#include "fuzz.h"

/*
 * An archive that cp got out of an instance. The target folder lies in another one, in which nothing
 * else may appear, and holds a link that leads out of it.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char outer_path[] = "/tmp/berth-fuzz-XXXXXX";
	struct error err = {};
	struct stat before;
	struct stat after;

	if (!mkdtemp(outer_path))
		return 0;
	auto_close int outer = open(outer_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	FUZZ_CHECK(mkdirat(outer, "in", 0755) == 0);
	FUZZ_CHECK(mkdirat(outer, "secret", 0755) == 0);
	FUZZ_CHECK(symlinkat("../secret", outer, "in/way") == 0);
	auto_close int dir = openat(outer, "in", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)fstat(outer, &before);
	const struct unpack_options options = { .dir_fd = dir, .base = "", .name = "" };
	auto_unpack *u = unpack_new(&options);
	if (unpack_write(u, data, size, &err) == 0)
		(void)!unpack_finish(u, &err);

	/* a folder that had an entry made or removed has another time or count of links */
	(void)fstat(outer, &after);
	FUZZ_CHECK(before.st_nlink == after.st_nlink);
	FUZZ_CHECK(before.st_mtim.tv_sec == after.st_mtim.tv_sec &&
		   before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
	FUZZ_CHECK(unlinkat(outer, "secret", AT_REMOVEDIR) == 0);
	FUZZ_CHECK(path_remove_tree_at(AT_FDCWD, outer_path, &err) == 0);
	return 0;
}
