/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "engine/engine.h"
#include "engine/options.h"
#include "engine/service.h"

int main(int argc, char **argv)
{
	auto_engine_options options = { .ready_fd = -1 };
	struct error err = {};

	int r = engine_options_read(argc, argv, &options, &err);
	if (r > 0)
		return EXIT_SUCCESS;
	if (r < 0) {
		(void)fprintf(stderr, "berthd: %s\n", err.text);
		return EXIT_FAILURE;
	}
	if (options.daemon) {
		r = service_spawn(&options, argc, argv, &err);
		if (r != 0)
			(void)fprintf(stderr, "berthd: %s\n", err.text);
		return r;
	}

	r = engine_run(&options, &err);
	if (r < 0) {
		service_failed(&options, &err);
		log_event(LOG_LEVEL_ERROR, "engine did not come up", "error", err.text, NULL);
	}
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
