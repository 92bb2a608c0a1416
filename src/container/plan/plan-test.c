/* SPDX-License-Identifier: Apache-2.0 */
#include "container/plan/plan.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/test.h"

/* A plan with something in every list. */
static struct plan *rich_plan(void)
{
	struct plan *p = plan_new();
	p->id = plan_text(p, "4f9c");
	p->fd_count = 3;
	*plan_add(p, &p->argv) = plan_text(p, "sh");
	*plan_add(p, &p->argv) = plan_text(p, "");
	*plan_add(p, &p->env) = plan_textf(p, "N=%d", 7);
	p->cwd = plan_text(p, "/srv");
	p->user.user = plan_text(p, "redis:redis");
	*plan_add(p, &p->user.groups) = 44;
	*plan_add(p, &p->user.group_names) = plan_text(p, "video");
	p->caps[PLAN_CAPS_EFFECTIVE] = 0xa80425fb;
	struct plan_rlimit *r = plan_add(p, &p->rlimits);
	r->resource = RLIMIT_NOFILE;
	r->soft = 1024;
	r->hard = UINT64_MAX;
	p->seccomp = plan_bytes(p, "\6\0\0\0\0\0\377\177", 8);
	p->seccomp_len = 8;
	p->namespaces[PLAN_NS_USER].mode = PLAN_NS_MODE_NEW;
	p->namespaces[PLAN_NS_NET] = (struct plan_namespace){ PLAN_NS_MODE_FD, 2 };
	*plan_add(p, &p->uid_maps) = (struct id_range){ 0, 0x70000000, 65536 };
	*plan_add(p, &p->gid_maps) = (struct id_range){ 0, 0x70000000, 65536 };
	p->root.type = PLAN_ROOT_OVERLAY;
	*plan_add(p, &p->root.layers) = 0;
	p->root.state_fd = 1;
	struct plan_mount *m = plan_add_mount(p, PLAN_MOUNT_TMPFS, "/tmp");
	*plan_add(p, &m->options) = plan_text(p, "size=1m");
	struct plan_device *d = plan_add(p, &p->devices);
	*d = (struct plan_device){ plan_text(p, "/dev/null"), S_IFCHR, 1, 3, 0666, 0, 0 };
	struct plan_file *f = plan_add(p, &p->files);
	*f = (struct plan_file){ plan_text(p, "/etc/hosts"), plan_bytes(p, "a\0b", 3), 3, 0644 };
	*plan_add(p, &p->masked) = plan_text(p, "/proc/kcore");
	*plan_add(p, &p->sysctls) =
		(struct plan_sysctl){ plan_text(p, "net.x"), plan_text(p, "1") };
	p->cgroup.path = plan_text(p, "berth/4f9c");
	p->cgroup.pids = 2048;
	struct plan_device_rule *rule = plan_add(p, &p->cgroup.devices);
	*rule = (struct plan_device_rule){ true, 'c', 1, PLAN_DEVICE_ANY, PLAN_DEVICE_READ };
	return p;
}

static void a_plan_survives_the_way_through_bytes(void **state)
{
	(void)state;
	auto_plan *p = rich_plan();
	auto_strbuf bytes = STRBUF_INIT(PLAN_BYTES_MAX);
	struct error err = { 0 };
	assert_int_equal(plan_encode(p, &bytes, &err), 0);

	auto_plan *q = NULL;
	assert_int_equal(plan_decode(bytes.data, bytes.len, &q, &err), 0);
	assert_string_equal(q->argv.items[0], "sh");
	assert_string_equal(q->argv.items[1], "");
	assert_string_equal(q->env.items[0], "N=7");
	assert_string_equal(q->user.group_names.items[0], "video");
	assert_int_equal(q->user.groups.items[0], 44);
	assert_true(q->rlimits.items[0].hard == UINT64_MAX);
	assert_int_equal(q->namespaces[PLAN_NS_NET].fd, 2);
	assert_string_equal(q->mounts.items[0].options.items[0], "size=1m");
	assert_memory_equal(q->files.items[0].data, "a\0b", 3);
	assert_null(q->hostname);
	assert_true(q->cgroup.memory_bytes == PLAN_LIMIT_NONE);
	assert_true(q->cgroup.devices.items[0].minor == PLAN_DEVICE_ANY);

	auto_strbuf again = STRBUF_INIT(PLAN_BYTES_MAX);
	assert_int_equal(plan_encode(q, &again, &err), 0);
	assert_int_equal(again.len, bytes.len);
	assert_memory_equal(again.data, bytes.data, bytes.len);
}

static void every_cut_plan_is_refused(void **state)
{
	(void)state;
	auto_plan *p = rich_plan();
	auto_strbuf bytes = STRBUF_INIT(PLAN_BYTES_MAX);
	assert_int_equal(plan_encode(p, &bytes, NULL), 0);
	for (size_t len = 0; len < bytes.len; len++) {
		/* An own allocation of the exact size lets ASan see a read behind the end. */
		char *cut = malloc(len ? len : 1);
		memcpy(cut, bytes.data, len);
		struct plan *q = NULL;
		struct error err = { 0 };
		assert_int_equal(plan_decode(cut, len, &q, &err), -EBADMSG);
		assert_null(q);
		free(cut);
	}
}

static void no_changed_byte_makes_the_reader_leave_its_bounds(void **state)
{
	(void)state;
	static const unsigned char values[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
	auto_plan *p = rich_plan();
	auto_strbuf bytes = STRBUF_INIT(PLAN_BYTES_MAX);
	assert_int_equal(plan_encode(p, &bytes, NULL), 0);
	for (size_t at = 0; at < bytes.len; at++) {
		for (size_t v = 0; v < sizeof(values); v++) {
			char old = bytes.data[at];
			bytes.data[at] = (char)values[v];
			auto_plan *q = NULL;
			if (plan_decode(bytes.data, bytes.len, &q, NULL) == 0)
				assert_true(q->argv.count > 0);
			bytes.data[at] = old;
		}
	}
}

struct refusal {
	void (*spoil)(struct plan *p);
	const char *text;
};

static void spoil_argv(struct plan *p)
{
	p->argv.count = 0;
}

static void spoil_fd(struct plan *p)
{
	p->root.layers.items[0] = 3;
}

static void spoil_enum(struct plan *p)
{
	p->mounts.items[0].type = PLAN_MOUNT_COUNT;
}

static void spoil_flag(struct plan *p)
{
	p->mounts.items[0].flags = 1u << 30;
}

static void spoil_path(struct plan *p)
{
	p->masked.items[0] = "proc/kcore";
}

static void spoil_map(struct plan *p)
{
	p->uid_maps.items[0].outside = UINT32_MAX - 10;
}

static void spoil_user_ns(struct plan *p)
{
	p->namespaces[PLAN_NS_USER].mode = PLAN_NS_MODE_HOST;
}

static void spoil_seccomp(struct plan *p)
{
	p->seccomp_len = 7;
}

static void spoil_log(struct plan *p)
{
	p->streams.log = PLAN_LOG_COUNT;
}

static void what_does_not_hold_together_is_refused(void **state)
{
	(void)state;
	static const struct refusal refusals[] = {
		{ spoil_argv, "names no program" },
		{ spoil_fd, "out of range" },
		{ spoil_enum, "enumerator is unknown" },
		{ spoil_flag, "flag of a mount" },
		{ spoil_path, "not absolute" },
		{ spoil_map, "range of ids" },
		{ spoil_user_ns, "id maps" },
		{ spoil_seccomp, "seccomp program" },
		{ spoil_log, "log is of no known kind" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		auto_plan *p = rich_plan();
		refusals[i].spoil(p);
		auto_strbuf bytes = STRBUF_INIT(PLAN_BYTES_MAX);
		struct error err = { 0 };
		assert_int_equal(plan_encode(p, &bytes, &err), -EINVAL);
		assert_non_null(strstr(err.text, refusals[i].text));
	}
}

static void a_long_list_in_few_bytes_is_refused(void **state)
{
	(void)state;
	/* magic, version, no descriptors, no id, then a count of arguments with nothing behind. */
	uint32_t words[] = { 0x4e4c5042, 2, 0, UINT32_MAX, 60000 };
	struct plan *p = NULL;
	struct error err = { 0 };
	assert_int_equal(plan_decode(words, sizeof(words), &p, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "too long"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plan_survives_the_way_through_bytes),
		cmocka_unit_test(every_cut_plan_is_refused),
		cmocka_unit_test(no_changed_byte_makes_the_reader_leave_its_bounds),
		cmocka_unit_test(what_does_not_hold_together_is_refused),
		cmocka_unit_test(a_long_list_in_few_bytes_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
