/* SPDX-License-Identifier: Apache-2.0 */
/* The machine's description, its disks, its command line, the guest's plan. */
#include "vm/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/test.h"
#include "container/plan/plan.h"
#include "vm/disks.h"
#include "vm/guest-plan.h"
#include "vm/qemu-command.h"

static void a_description_survives_the_way(void **state)
{
	(void)state;
	auto_strbuf bytes = STRBUF_INIT(MACHINE_BYTES_MAX);
	auto_machine m, back;
	struct error err = { 0 };

	machine_init(&m);
	machine_init(&back);
	m.qemu = xstrdup("/usr/bin/qemu");
	m.cgroup = xstrdup("berth/1");
	strv_add(&m.argv, "qemu");
	strv_add(&m.argv, "-nodefaults");
	m.uid = 0x70000000;
	m.fd_count = 5;
	m.memory_max_bytes = 1 << 30;
	m.is_volatile = true;
	m.cpu_shares = 512;
	m.cpuset_cpus = xstrdup("0-1");
	strbuf_adds(&m.state, "state");
	m.root.layer_count = 1;
	m.root.layers[0] = (struct guest_layer){ { 0, 512 }, { 512, 512 } };
	assert_int_equal(machine_encode(&m, &bytes, &err), 0);
	assert_int_equal(machine_decode(bytes.data, bytes.len, &back, &err), 0);
	assert_string_equal(back.argv.items[1], "-nodefaults");
	assert_int_equal(back.uid, 0x70000000);
	assert_int_equal(back.template_fd, -1);
	assert_string_equal(strbuf_text(&back.state), "state");
	assert_true(back.is_volatile);
	assert_int_equal(back.cpu_shares, 512);
	assert_string_equal(back.cpuset_cpus, "0-1");
	assert_null(back.cpuset_mems);
	assert_int_equal(back.cpu_quota_us, m.cpu_quota_us);
	assert_int_equal(back.root.layers[0].data.start, 512);
}

static void a_cut_description_is_refused(void **state)
{
	(void)state;
	auto_strbuf bytes = STRBUF_INIT(MACHINE_BYTES_MAX);
	auto_machine m;
	struct error err = { 0 };

	machine_init(&m);
	strv_add(&m.argv, "qemu");
	assert_int_equal(machine_encode(&m, &bytes, &err), 0);
	for (size_t len = 0; len < bytes.len; len++) {
		auto_machine back;
		machine_init(&back);
		assert_int_equal(machine_decode(bytes.data, len, &back, &err), -EBADMSG);
	}
}

static void layers_lie_one_after_another(void **state)
{
	(void)state;
	auto_layers_disk d;
	struct error err = { 0 };

	layers_disk_init(&d);
	assert_int_equal(layers_disk_add(&d, 1024, 12, 4096, 13, &err), 0);
	assert_int_equal(layers_disk_add(&d, 512, 14, 1536, 15, &err), 0);
	assert_string_equal(strbuf_text(&d.descriptor), "# Disk DescriptorFile\n"
							"version=1\n"
							"CID=fffffffe\n"
							"parentCID=ffffffff\n"
							"createType=\"twoGbMaxExtentFlat\"\n"
							"RW 2 FLAT \"/dev/fdset/12\" 0\n"
							"RW 8 FLAT \"/dev/fdset/13\" 0\n"
							"RW 1 FLAT \"/dev/fdset/14\" 0\n"
							"RW 3 FLAT \"/dev/fdset/15\" 0\n");
	assert_int_equal(d.root.layer_count, 2);
	assert_int_equal(d.root.layers[1].data.start, 1024 + 4096 + 512);
	assert_int_equal(layers_disk_add(&d, 100, 16, 512, 17, &err), -EBADMSG);
}

/* The arguments, one a line, as they stand in golden/NAME. */
static void assert_golden(const struct strv *argv, const char *name)
{
	auto_strbuf now = STRBUF_INIT(1 << 16), golden = STRBUF_INIT(1 << 16);
	auto_free char *path = xasprintf(TEST_SOURCE_DIR "/golden/%s", name);
	struct error err = { 0 };

	for (size_t i = 0; i < argv->count; i++)
		strbuf_addf(&now, "%s\n", argv->items[i]);
	if (getenv("BERTH_GOLDEN_WRITE"))
		assert_int_equal(
			write_file_at(AT_FDCWD, path, now.data, now.len, 0644, false, &err), 0);
	assert_int_equal(read_file_at(AT_FDCWD, path, 1 << 16, &golden, &err), 0);
	assert_string_equal(strbuf_text(&now), strbuf_text(&golden));
}

static void the_command_lines_are_the_golden_ones(void **state)
{
	(void)state;
	auto_strv boot = {}, clone = {}, kvm = {};
	const int files[] = { 12, 13 };
	struct qemu_machine m = { .qemu = "/usr/bin/qemu-system-x86_64",
				  .memory_bytes = 256 << 20,
				  .cpus = 1,
				  .memory_fd = 9,
				  .keeps_memory = true,
				  .kernel_fd = 10,
				  .initramfs_fd = 11,
				  .tsc_khz = 2000000,
				  .layers_fd = -1,
				  .writable_fd = -1 };
	qemu_command(&m, &boot);
	assert_golden(&boot, "boot.txt");

	m.kernel_fd = m.initramfs_fd = -1;
	m.keeps_memory = false;
	m.writable_fd = 10;
	m.layers_fd = 11;
	m.file_fds = files;
	m.file_count = 2;
	qemu_command(&m, &clone);
	assert_golden(&clone, "clone.txt");

	m.accelerator = QEMU_KVM;
	m.cpus = 4;
	m.is_volatile = true;
	qemu_command(&m, &kvm);
	assert_golden(&kvm, "clone-kvm-volatile.txt");
}

static void a_guests_plan_needs_nothing_of_the_host(void **state)
{
	(void)state;
	struct error err = { 0 };
	auto_plan *p = plan_new();
	*plan_add(p, &p->argv) = plan_text(p, "/bin/true");
	p->namespaces[PLAN_NS_USER].mode = PLAN_NS_MODE_NEW;
	p->namespaces[PLAN_NS_MOUNT].mode = PLAN_NS_MODE_NEW;
	p->namespaces[PLAN_NS_NET].mode = PLAN_NS_MODE_NEW;
	p->cgroup.cpu_quota_us = 50000;
	p->cgroup.memory_bytes = 1 << 20;

	assert_int_equal(guest_plan_adapt(p, 3, true, &err), 0);
	assert_int_equal(p->namespaces[PLAN_NS_USER].mode, PLAN_NS_MODE_HOST);
	assert_int_equal(p->namespaces[PLAN_NS_NET].mode, PLAN_NS_MODE_HOST);
	assert_int_equal(p->root.layers.count, 3);
	assert_int_equal(p->root.layers.items[2], 2);
	assert_int_equal(p->root.state_fd, 3);
	assert_int_equal(p->fd_count, 4);
	assert_int_equal(p->cgroup.cpu_quota_us, PLAN_LIMIT_NONE);
	assert_int_equal(p->cgroup.memory_bytes, 1 << 20);
}

static void a_plan_with_a_hosts_folder_is_refused(void **state)
{
	(void)state;
	struct error err = { 0 };
	auto_plan *p = plan_new();
	plan_add_mount(p, PLAN_MOUNT_BIND, "/data");
	assert_int_equal(guest_plan_adapt(p, 1, false, &err), -EOPNOTSUPP);
	assert_string_equal(err.text, "mount /data: isolation vm shares no folders of the host");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_description_survives_the_way),
		cmocka_unit_test(a_cut_description_is_refused),
		cmocka_unit_test(layers_lie_one_after_another),
		cmocka_unit_test(the_command_lines_are_the_golden_ones),
		cmocka_unit_test(a_guests_plan_needs_nothing_of_the_host),
		cmocka_unit_test(a_plan_with_a_hosts_folder_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
