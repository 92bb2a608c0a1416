/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/fd.h"

/* Larger inputs are no business of a corpus that every checkout carries. */
#define INPUT_MAX (1u << 20)

/* replay FOLDER: runs the target once over each file of the folder, and over nothing at all. */
int main(int argc, char **argv)
{
	if (argc != 2) {
		(void)fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	DIR *dir = opendir(argv[1]);
	if (!dir) {
		perror(argv[1]);
		return 1;
	}

	int count = 0;
	(void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	for (struct dirent *e; (e = readdir(dir));) {
		if (e->d_type != DT_REG)
			continue;
		auto_strbuf input = STRBUF_INIT(INPUT_MAX);
		struct error err = {};
		if (read_file_at(dirfd(dir), e->d_name, INPUT_MAX, &input, &err) < 0) {
			(void)fprintf(stderr, "%s\n", err.text);
			return 1;
		}
		(void)LLVMFuzzerTestOneInput((const uint8_t *)strbuf_text(&input), input.len);
		count++;
	}
	(void)closedir(dir);
	(void)printf("%d inputs\n", count);
	return count > 0 ? 0 : 1;
}
