/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/accelerator.h"

#include <errno.h>
#include <string.h>

#include "base/test.h"

static void a_host_without_the_device_is_told_so(void **state)
{
	(void)state;
	struct vm_probe probe = {};
	struct error err = {};
	char reason[256];
	int64_t took_ns = 7;
	assert_int_equal(accelerator_measure("/nonexistent/kvm", &took_ns, &err), -ENOENT);
	assert_int_equal(took_ns, 7);
	probe.error = err;
	assert_false(accelerator_is_real(&probe, reason, sizeof(reason)));
	assert_string_equal(reason, "this host has no /dev/kvm");
}

static void a_device_that_is_none_is_of_no_use(void **state)
{
	(void)state;
	struct vm_probe probe = {};
	char reason[256];
	int64_t took_ns;
	assert_true(accelerator_measure("/dev/null", &took_ns, &probe.error) < 0);
	assert_false(accelerator_is_real(&probe, reason, sizeof(reason)));
	assert_non_null(strstr(reason, "make a machine"));
}

static void hardware_is_known_by_its_speed(void **state)
{
	(void)state;
	const struct vm_probe probe = { .loop_ns = 700000 };
	char reason[256];
	assert_true(accelerator_is_real(&probe, reason, sizeof(reason)));
	assert_string_equal(reason, "a loop of 1000000 turns took 0.7 ms behind /dev/kvm");
}

static void an_emulated_device_is_known_by_its_speed(void **state)
{
	(void)state;
	const struct vm_probe probe = { .loop_ns = 1170000000 };
	char reason[256];
	assert_false(accelerator_is_real(&probe, reason, sizeof(reason)));
	assert_string_equal(reason, "a loop of 1000000 turns took 1170.0 ms behind /dev/kvm, "
				    "slower than QEMU translates");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_host_without_the_device_is_told_so),
		cmocka_unit_test(a_device_that_is_none_is_of_no_use),
		cmocka_unit_test(hardware_is_known_by_its_speed),
		cmocka_unit_test(an_emulated_device_is_known_by_its_speed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
