/* SPDX-License-Identifier: Apache-2.0 */
#include "instance/state.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "base/test.h"

static void each_state_is_read_back_from_its_name(void **state)
{
	(void)state;
	for (int i = 0; i < STATE_COUNT; i++) {
		enum instance_state read;
		assert_true(state_parse(state_name((enum instance_state)i), &read));
		assert_int_equal(read, i);
	}
	enum instance_state unchanged = STATE_DEAD;
	assert_false(state_parse("asleep", &unchanged));
	assert_int_equal(unchanged, STATE_DEAD);
}

static void no_verb_acts_on_what_is_being_removed_but_remove(void **state)
{
	(void)state;
	for (int verb = 0; verb < VERB_COUNT; verb++) {
		enum state_answer answer = state_allows(STATE_REMOVING, (enum instance_verb)verb);
		assert_int_equal(answer, verb == VERB_REMOVE ? STATE_ALLOWED : STATE_REFUSED);
	}
}

static void starting_what_runs_and_stopping_what_ended_changes_nothing(void **state)
{
	(void)state;
	assert_int_equal(state_allows(STATE_RUNNING, VERB_START), STATE_UNCHANGED);
	assert_int_equal(state_allows(STATE_EXITED, VERB_STOP), STATE_UNCHANGED);
	assert_int_equal(state_allows(STATE_CREATED, VERB_STOP), STATE_UNCHANGED);
}

static void only_an_instance_that_does_not_run_is_removed(void **state)
{
	(void)state;
	for (int s = 0; s < STATE_COUNT; s++) {
		bool allowed = state_allows((enum instance_state)s, VERB_REMOVE) == STATE_ALLOWED;
		/* what waits for its next start counts as running, as with Docker */
		bool runs = state_has_keeper((enum instance_state)s) || s == STATE_RESTARTING;
		assert_int_equal(allowed, !runs);
	}
}

static void exec_needs_a_program_that_runs_and_is_not_paused(void **state)
{
	(void)state;
	assert_int_equal(state_allows(STATE_RUNNING, VERB_EXEC), STATE_ALLOWED);
	assert_int_equal(state_allows(STATE_PAUSED, VERB_EXEC), STATE_REFUSED);
	assert_int_equal(state_allows(STATE_EXITED, VERB_EXEC), STATE_REFUSED);
	assert_int_equal(state_allows(STATE_PAUSED, VERB_UNPAUSE), STATE_ALLOWED);
	assert_int_equal(state_allows(STATE_PAUSED, VERB_PAUSE), STATE_REFUSED);
	assert_int_equal(state_allows(STATE_PAUSED, VERB_RESIZE), STATE_ALLOWED);
	assert_int_equal(state_allows(STATE_RUNNING, VERB_UNPAUSE), STATE_REFUSED);
}

#define IN(state) (1U << STATE_##state)

/* Each verb with the states in which it may be tried, and those in which there is nothing to do. */
static const struct {
	enum instance_verb verb;
	unsigned int allowed, unchanged;
} expected[] = {
	{ VERB_START, IN(CREATED) | IN(EXITED), IN(STARTING) | IN(RUNNING) | IN(RESTARTING) },
	{ VERB_STOP, IN(STARTING) | IN(RUNNING) | IN(PAUSED) | IN(STOPPING) | IN(RESTARTING),
	  IN(CREATED) | IN(EXITED) | IN(DEAD) },
	{ VERB_KILL, IN(STARTING) | IN(RUNNING) | IN(PAUSED) | IN(STOPPING) | IN(RESTARTING), 0 },
	{ VERB_PAUSE, IN(RUNNING), 0 },
	{ VERB_UNPAUSE, IN(PAUSED), 0 },
	{ VERB_RESTART, ~(IN(REMOVING) | IN(DEAD)), 0 },
	{ VERB_ATTACH, ~(IN(PAUSED) | IN(RESTARTING) | IN(REMOVING) | IN(DEAD)), 0 },
	{ VERB_EXEC, IN(RUNNING) | IN(STOPPING), 0 },
	{ VERB_RESIZE, IN(RUNNING) | IN(PAUSED) | IN(STOPPING), 0 },
	{ VERB_RENAME, ~(IN(REMOVING) | IN(DEAD)), 0 },
	{ VERB_UPDATE, ~(IN(REMOVING) | IN(DEAD)), 0 },
	{ VERB_TOP, IN(RUNNING) | IN(PAUSED) | IN(STOPPING), 0 },
	{ VERB_STATS, ~(IN(REMOVING) | IN(DEAD)), 0 },
	{ VERB_COPY, ~(IN(STARTING) | IN(REMOVING) | IN(DEAD)), 0 },
	{ VERB_EXPORT, ~(IN(STARTING) | IN(REMOVING) | IN(DEAD)), 0 },
	{ VERB_DIFF, ~(IN(STARTING) | IN(REMOVING) | IN(DEAD)), 0 },
	{ VERB_COMMIT, ~(IN(STARTING) | IN(REMOVING) | IN(DEAD)), 0 },
	{ VERB_REMOVE, IN(CREATED) | IN(EXITED) | IN(REMOVING) | IN(DEAD), 0 },
};
static_assert(ARRAY_SIZE(expected) == VERB_COUNT, "each verb is listed");

static void every_verb_is_answered_in_every_state_as_it_is_listed(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		for (int s = 0; s < STATE_COUNT; s++) {
			enum state_answer wanted = STATE_REFUSED;
			if (expected[i].allowed & (1U << s))
				wanted = STATE_ALLOWED;
			else if (expected[i].unchanged & (1U << s))
				wanted = STATE_UNCHANGED;
			if (state_allows((enum instance_state)s, expected[i].verb) != wanted)
				fail_msg("%s while %s", verb_name(expected[i].verb),
					 state_name((enum instance_state)s));
		}
	}
}

static void every_refusal_names_the_instance_or_the_way_out(void **state)
{
	(void)state;
	for (int s = 0; s < STATE_COUNT; s++) {
		for (int verb = 0; verb < VERB_COUNT; verb++) {
			struct error err = {};
			if (state_allows((enum instance_state)s, (enum instance_verb)verb) !=
			    STATE_REFUSED)
				continue;
			assert_int_equal(state_refuse((enum instance_state)s,
						      (enum instance_verb)verb, "web", &err),
					 -EBUSY);
			assert_true(strstr(err.text, "web") || strstr(err.text, "unpause"));
		}
	}
}

static void every_state_but_the_first_is_reached_and_left(void **state)
{
	(void)state;
	for (int to = 0; to < STATE_COUNT; to++) {
		bool reached = to == STATE_CREATED;
		bool left = false;
		for (int from = 0; from < STATE_COUNT; from++) {
			reached |= from != to && state_may_become((enum instance_state)from,
								  (enum instance_state)to);
			left |= from != to && state_may_become((enum instance_state)to,
							       (enum instance_state)from);
		}
		assert_true(reached && left);
	}
}

static void every_state_can_reach_removal(void **state)
{
	(void)state;
	for (int s = 0; s < STATE_COUNT; s++) {
		bool seen[STATE_COUNT] = { false };
		seen[s] = true;
		for (int round = 0; round < STATE_COUNT; round++)
			for (int from = 0; from < STATE_COUNT; from++)
				for (int to = 0; seen[from] && to < STATE_COUNT; to++)
					if (state_may_become((enum instance_state)from,
							     (enum instance_state)to))
						seen[to] = true;
		assert_true(seen[STATE_REMOVING]);
	}
}

static void an_ended_instance_runs_again_only_by_way_of_starting(void **state)
{
	(void)state;
	assert_false(state_may_become(STATE_EXITED, STATE_RUNNING));
	assert_false(state_may_become(STATE_CREATED, STATE_RUNNING));
	assert_true(state_may_become(STATE_EXITED, STATE_STARTING));
	assert_true(state_may_become(STATE_STARTING, STATE_RUNNING));
}

static void a_refusal_says_what_the_instance_does_in_dockers_words(void **state)
{
	(void)state;
	struct error err;
	assert_int_equal(state_refuse(STATE_EXITED, VERB_KILL, "web", &err), -EBUSY);
	assert_non_null(strstr(err.text, "container is not running"));
	assert_int_equal(state_refuse(STATE_PAUSED, VERB_EXEC, "web", &err), -EBUSY);
	assert_string_equal(err.text, "Container web is paused, unpause the container before exec");
	assert_int_equal(state_refuse(STATE_RUNNING, VERB_REMOVE, "web", &err), -EBUSY);
	assert_non_null(strstr(err.text, "force remove"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_state_is_read_back_from_its_name),
		cmocka_unit_test(no_verb_acts_on_what_is_being_removed_but_remove),
		cmocka_unit_test(starting_what_runs_and_stopping_what_ended_changes_nothing),
		cmocka_unit_test(only_an_instance_that_does_not_run_is_removed),
		cmocka_unit_test(exec_needs_a_program_that_runs_and_is_not_paused),
		cmocka_unit_test(every_verb_is_answered_in_every_state_as_it_is_listed),
		cmocka_unit_test(every_refusal_names_the_instance_or_the_way_out),
		cmocka_unit_test(every_state_but_the_first_is_reached_and_left),
		cmocka_unit_test(every_state_can_reach_removal),
		cmocka_unit_test(an_ended_instance_runs_again_only_by_way_of_starting),
		cmocka_unit_test(a_refusal_says_what_the_instance_does_in_dockers_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
