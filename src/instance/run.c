/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/manager-internal.h"

#include <errno.h>

#include "base/clock.h"

/* One compound run. */
struct run {
	struct manager *m;
	const struct run_options *options;
	struct record *r;
	struct keeper *k;
	struct keeper_client client;
	struct start_timing timing;
};

static void tell(struct run *run, enum run_event_kind kind, const struct error *error,
		 int exit_code)
{
	const struct run_event event = {
		.kind = kind,
		.id = run->r ? run->r->id : "",
		.timing = kind == RUN_STARTED ? &run->timing : NULL,
		.error = error,
		.exit_code = exit_code,
	};
	run->options->event(&event, run->options->arg);
}

static bool client_left(const struct keeper_client *client)
{
	return client->done && client->end != KEEPER_ATTACH_END_EOF;
}

static bool is_over(const struct keeper *k, const void *arg)
{
	const struct keeper_client *client = arg;

	return client_left(client) || (k->exited && client->done);
}

static int start(struct run *run, struct error *err)
{
	const struct start_options options = {
		.timing = &run->timing,
		.direct = true,
		.foreground = !run->options->detach,
		.attach = run->options->detach ? NULL : &run->options->attach,
		.client = &run->client,
	};
	auto_verbs struct record *held = record_lock(run->r);
	return instance_start(run->m, run->r, &options, &run->k, err);
}

/*
 * This thread reads the keeper until the end, so nothing has to be handed over; a client that
 * leaves earlier leaves the instance to the watcher.
 */
static void go_on(struct run *run)
{
	struct keeper *k = run->k;

	(void)keeper_await(k, is_over, &run->client, true, 0);
	keeper_unwatch_client(k, &run->client);
	bool ended = k->exited;
	k->foreground = false;
	if (ended)
		instance_finish(run->m, run->r, k);
	struct error why = {};
	instance_complain(run->m, run->r, watcher_add(run->m->watcher, k, &why), &why);
	if (!ended)
		return;
	tell(run, RUN_STARTED, NULL, 0);
	tell(run, RUN_EXITED, NULL, run->r->exit_code);
}

static int run_all(struct run *run, struct json_object *request, struct error *err)
{
	int result = instance_create(run->m, run->options->name, request, true, &run->r, NULL, err);
	if (result < 0)
		return result;
	tell(run, RUN_CREATED, NULL, 0);
	result = start(run, err);
	if (result < 0)
		return result;
	if (run->options->detach)
		tell(run, RUN_STARTED, NULL, 0);
	else
		go_on(run);
	return 0;
}

int manager_run(struct manager *m, struct json_object *request, const struct run_options *options,
		struct error *err)
{
	struct run run = { .m = m, .options = options };
	struct error why = {};

	run.timing.count = 1;
	run.timing.phases[0].name = "received";
	run.timing.phases[0].at_ns =
		options->received_ns ? options->received_ns : clock_monotonic();
	int result = run_all(&run, request, &why);
	if (result < 0) {
		int code = run.r ? run.r->exit_code : 0;
		tell(&run, RUN_FAILED, &why, code == 126 || code == 127 ? code : 125);
		if (err)
			*err = why;
	}
	keeper_unref(run.k);
	record_unref(run.r);
	return result;
}
