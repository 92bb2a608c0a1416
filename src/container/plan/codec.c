/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "container/plan/plan.h"

/*
 * One function describes each structure and serves both directions, so that writer and reader can
 * not drift apart: with a codec that reads, code_*() fill the field; with one that writes, they
 * append it. Numbers are little-endian as they lie in memory, since both ends are the same machine
 * (a guest has its host's architecture). Once something is wrong the codec stays failed and every
 * further call does nothing, so the descriptions need no checks of their own.
 */
struct codec {
	struct plan *plan;
	struct strbuf *out; /* set: this codec writes */
	const char *at;     /* reading: the next byte */
	size_t left;
	const char *fault; /* the first thing that was wrong */
};

#define PLAN_MAGIC 0x4e4c5042u /* "BPLN" */
#define PLAN_VERSION 2u
#define LIST_MAX 65536u

static void codec_fail(struct codec *c, const char *fault)
{
	if (!c->fault)
		c->fault = fault;
}

static void code_raw(struct codec *c, void *data, size_t len)
{
	if (c->fault)
		return;
	if (c->out) {
		strbuf_add(c->out, data, len);
		return;
	}
	if (c->left < len) {
		codec_fail(c, "it is cut short");
		return;
	}
	memcpy(data, c->at, len);
	c->at += len;
	c->left -= len;
}

static void code_u32(struct codec *c, uint32_t *v)
{
	code_raw(c, v, sizeof(*v));
}

static void code_i32(struct codec *c, int32_t *v)
{
	code_raw(c, v, sizeof(*v));
}

static void code_u64(struct codec *c, uint64_t *v)
{
	code_raw(c, v, sizeof(*v));
}

static void code_i64(struct codec *c, int64_t *v)
{
	code_raw(c, v, sizeof(*v));
}

static void code_bool(struct codec *c, bool *v)
{
	uint32_t n = *v;
	code_u32(c, &n);
	if (!c->fault && n > 1)
		codec_fail(c, "a yes or no is neither");
	*v = n == 1;
}

/* An enumerator below @count. */
static void code_enum(struct codec *c, uint32_t *v, uint32_t count)
{
	code_u32(c, v);
	if (!c->fault && *v >= count)
		codec_fail(c, "an enumerator is unknown");
}

/* An index of a descriptor, or PLAN_NO_FD where @optional. */
static void code_fd(struct codec *c, int32_t *v, bool optional)
{
	code_i32(c, v);
	if (c->fault || (optional && *v == PLAN_NO_FD))
		return;
	if (*v < 0 || (uint32_t)*v >= c->plan->fd_count)
		codec_fail(c, "an index of a descriptor is out of range");
}

/* Bytes with a NUL behind them; NULL is kept apart from none. */
static void code_bytes(struct codec *c, const void **v, uint32_t *len)
{
	uint32_t n = *v ? *len : UINT32_MAX;
	code_u32(c, &n);
	if (c->fault)
		return;
	if (n == UINT32_MAX) {
		*v = NULL;
		*len = 0;
		return;
	}
	if (c->out) {
		strbuf_add(c->out, *v, n);
		strbuf_addc(c->out, '\0');
		return;
	}
	if (c->left <= n || c->at[n] != '\0') {
		codec_fail(c, "a string is cut short");
		return;
	}
	*v = c->at;
	*len = n;
	c->at += n + 1;
	c->left -= (size_t)n + 1;
}

static void code_text(struct codec *c, const char **v)
{
	const void *data = *v;
	uint32_t len = *v ? (uint32_t)strlen(*v) : 0;
	code_bytes(c, &data, &len);
	if (c->fault)
		return;
	if (data && memchr(data, '\0', len))
		codec_fail(c, "a string holds a NUL");
	*v = data;
}

/* As code_text(), but NULL is refused. */
static void code_name(struct codec *c, const char **v)
{
	code_text(c, v);
	if (!c->fault && !*v)
		codec_fail(c, "a string is missing");
}

/* A path in the container: absolute. */
static void code_path(struct codec *c, const char **v)
{
	code_name(c, v);
	if (!c->fault && (*v)[0] != '/')
		codec_fail(c, "a path is not absolute");
}

/*
 * Walks a list with @each. An item takes at least four bytes, so a count can not make a reader
 * allocate more than a small multiple of what was really sent.
 */
static void code_list_items(struct codec *c, void **items, uint32_t *count, uint32_t *size,
			    size_t item_size, void (*each)(struct codec *c, void *item))
{
	uint32_t n = *count;
	code_u32(c, &n);
	if (c->fault)
		return;
	if (n > LIST_MAX || (!c->out && n > c->left / sizeof(uint32_t))) {
		codec_fail(c, "a list is too long");
		return;
	}
	if (!c->out) {
		*items = n ? plan_alloc(c->plan, n * item_size) : NULL;
		*count = *size = n;
	}
	for (uint32_t i = 0; i < n && !c->fault; i++)
		each(c, (char *)*items + i * item_size);
}

#define code_list(c, list, each)                                                     \
	code_list_items((c), (void **)&(list)->items, &(list)->count, &(list)->size, \
			sizeof(*(list)->items), (each))

static void each_u32(struct codec *c, void *item)
{
	code_u32(c, item);
}

static void each_layer(struct codec *c, void *item)
{
	code_fd(c, item, false);
}

static void each_name(struct codec *c, void *item)
{
	code_name(c, item);
}

static void each_path(struct codec *c, void *item)
{
	code_path(c, item);
}

static void each_rlimit(struct codec *c, void *item)
{
	struct plan_rlimit *r = item;
	code_enum(c, &r->resource, 16);
	code_u64(c, &r->soft);
	code_u64(c, &r->hard);
	code_bool(c, &r->required);
}

static void each_id_map(struct codec *c, void *item)
{
	struct id_range *m = item;
	code_u32(c, &m->inside);
	code_u32(c, &m->outside);
	code_u32(c, &m->count);
	if (!c->fault && (m->count == 0 || m->inside > UINT32_MAX - m->count ||
			  m->outside > UINT32_MAX - m->count))
		codec_fail(c, "a range of ids overflows");
}

static void code_propagation(struct codec *c, uint32_t *v)
{
	code_u32(c, v);
	if (c->fault)
		return;
	uint32_t kind = *v & ~(uint32_t)MS_REC;
	if (kind != 0 && kind != MS_PRIVATE && kind != MS_SLAVE && kind != MS_SHARED &&
	    kind != MS_UNBINDABLE)
		codec_fail(c, "a mount propagation is unknown");
}

static void each_mount(struct codec *c, void *item)
{
	struct plan_mount *m = item;
	code_enum(c, &m->type, PLAN_MOUNT_COUNT);
	code_u32(c, &m->flags);
	code_path(c, &m->target);
	code_text(c, &m->source);
	code_fd(c, &m->source_fd, true);
	code_u64(c, &m->attr_set);
	code_u64(c, &m->attr_clear);
	code_propagation(c, &m->propagation);
	code_list(c, &m->options, each_name);
	if (c->fault)
		return;
	if (m->flags & ~(uint32_t)PLAN_MOUNT_FLAGS_ALL)
		codec_fail(c, "a flag of a mount is unknown");
	bool has_source = m->source_fd != PLAN_NO_FD || (m->source && m->source[0] == '/');
	if (m->type == PLAN_MOUNT_BIND && !has_source)
		codec_fail(c, "a bind mount has no absolute source");
}

static void each_device(struct codec *c, void *item)
{
	struct plan_device *d = item;
	code_path(c, &d->path);
	code_u32(c, &d->type);
	code_u32(c, &d->major);
	code_u32(c, &d->minor);
	code_u32(c, &d->mode);
	code_u32(c, &d->uid);
	code_u32(c, &d->gid);
	if (c->fault)
		return;
	if (d->type != S_IFCHR && d->type != S_IFBLK && d->type != S_IFIFO)
		codec_fail(c, "a device is of no known type");
	if (d->mode & ~07777u)
		codec_fail(c, "a device's mode is out of range");
}

static void each_file(struct codec *c, void *item)
{
	struct plan_file *f = item;
	code_path(c, &f->target);
	code_bytes(c, &f->data, &f->len);
	code_u32(c, &f->mode);
	if (!c->fault && f->mode & ~0777u)
		codec_fail(c, "a file's mode is out of range");
}

static void each_sysctl(struct codec *c, void *item)
{
	struct plan_sysctl *s = item;
	code_name(c, &s->key);
	code_name(c, &s->value);
}

static void each_device_rule(struct codec *c, void *item)
{
	struct plan_device_rule *r = item;
	code_bool(c, &r->allow);
	code_u32(c, &r->type);
	code_i64(c, &r->major);
	code_i64(c, &r->minor);
	code_u32(c, &r->access);
	if (c->fault)
		return;
	if (r->type != 'a' && r->type != 'b' && r->type != 'c')
		codec_fail(c, "a device rule is of no known type");
	if (r->access & ~(uint32_t)PLAN_DEVICE_ALL)
		codec_fail(c, "a device rule's access is unknown");
	if (r->major < PLAN_DEVICE_ANY || r->major > UINT32_MAX || r->minor < PLAN_DEVICE_ANY ||
	    r->minor > UINT32_MAX)
		codec_fail(c, "a device rule's number is out of range");
}

static void code_user(struct codec *c, struct plan_user *u)
{
	code_text(c, &u->user);
	code_u32(c, &u->uid);
	code_u32(c, &u->gid);
	code_list(c, &u->groups, each_u32);
	code_list(c, &u->group_names, each_name);
}

static void code_streams(struct codec *c, struct plan_streams *s)
{
	code_bool(c, &s->terminal);
	code_u32(c, &s->rows);
	code_u32(c, &s->cols);
	code_bool(c, &s->stdin_open);
	code_bool(c, &s->stdin_once);
	code_u32(c, &s->log);
	code_u64(c, &s->log_max_bytes);
	code_u32(c, &s->log_max_files);
	code_bytes(c, &s->journal_fields, &s->journal_fields_len);
	if (!c->fault && s->log >= PLAN_LOG_COUNT)
		codec_fail(c, "the log is of no known kind");
}

static void code_process(struct codec *c, struct plan *p)
{
	code_text(c, &p->id);
	code_list(c, &p->argv, each_name);
	code_list(c, &p->env, each_name);
	code_text(c, &p->cwd);
	code_bool(c, &p->cwd_create);
	code_user(c, &p->user);
	for (int i = 0; i < PLAN_CAPS_COUNT; i++)
		code_u64(c, &p->caps[i]);
	code_bool(c, &p->no_new_privs);
	code_list(c, &p->rlimits, each_rlimit);
	code_bool(c, &p->oom_score_adj_set);
	code_i32(c, &p->oom_score_adj);
	code_u32(c, &p->umask);
	code_bytes(c, &p->seccomp, &p->seccomp_len);
	code_u32(c, &p->seccomp_flags);
	code_streams(c, &p->streams);
	code_bool(c, &p->own_work);
	if (c->fault)
		return;
	if (p->argv.count == 0)
		codec_fail(c, "it names no program");
	if (p->cwd && p->cwd[0] != '/')
		codec_fail(c, "the working folder is not absolute");
	if (p->umask & ~0777u)
		codec_fail(c, "the umask is out of range");
	if (p->seccomp_len % 8 != 0 || p->seccomp_len > 8 * 4096 || (p->seccomp && !p->seccomp_len))
		codec_fail(c, "the seccomp program is of no possible length");
}

static void code_namespaces(struct codec *c, struct plan *p)
{
	for (int i = 0; i < PLAN_NS_COUNT; i++) {
		struct plan_namespace *ns = &p->namespaces[i];
		code_enum(c, &ns->mode, PLAN_NS_MODE_COUNT);
		code_fd(c, &ns->fd, ns->mode != PLAN_NS_MODE_FD);
		if (!c->fault && ns->mode == PLAN_NS_MODE_FD &&
		    (i == PLAN_NS_USER || i == PLAN_NS_MOUNT))
			codec_fail(c, "a user or mount namespace can not be joined");
	}
	code_list(c, &p->uid_maps, each_id_map);
	code_list(c, &p->gid_maps, each_id_map);
	bool user_ns = p->namespaces[PLAN_NS_USER].mode == PLAN_NS_MODE_NEW;
	if (!c->fault && user_ns != (p->uid_maps.count > 0 && p->gid_maps.count > 0))
		codec_fail(c, "id maps and user namespace do not fit");
}

static void code_root(struct codec *c, struct plan_root *r)
{
	code_enum(c, &r->type, PLAN_ROOT_COUNT);
	code_list(c, &r->layers, each_layer);
	code_fd(c, &r->state_fd, true);
	code_bool(c, &r->idmap);
	code_bool(c, &r->read_only);
	code_bool(c, &r->is_volatile);
	code_propagation(c, &r->propagation);
	if (c->fault)
		return;
	if (r->type != PLAN_ROOT_NONE &&
	    (r->layers.count == 0 || r->layers.count > PLAN_LAYERS_MAX))
		codec_fail(c, "the root has no layer, or too many");
	if (r->type == PLAN_ROOT_FOLDER && r->layers.count != 1)
		codec_fail(c, "a folder as root is one layer");
}

static void code_cgroup(struct codec *c, struct plan_cgroup *g)
{
	code_text(c, &g->path);
	code_i64(c, &g->memory_bytes);
	code_i64(c, &g->memory_swap_bytes);
	code_i64(c, &g->memory_low_bytes);
	code_i64(c, &g->cpu_quota_us);
	code_i64(c, &g->cpu_period_us);
	code_i64(c, &g->cpu_shares);
	code_i64(c, &g->pids);
	code_i64(c, &g->blkio_weight);
	code_i64(c, &g->memory_swappiness);
	code_text(c, &g->cpuset_cpus);
	code_text(c, &g->cpuset_mems);
	code_bool(c, &g->oom_kill_disable);
	code_bool(c, &g->filter_devices);
	code_list(c, &g->devices, each_device_rule);
}

static void code_plan(struct codec *c, struct plan *p)
{
	uint32_t magic = PLAN_MAGIC, version = PLAN_VERSION;
	code_u32(c, &magic);
	code_u32(c, &version);
	if (!c->fault && (magic != PLAN_MAGIC || version != PLAN_VERSION))
		codec_fail(c, "it is none, or of another version");
	code_u32(c, &p->fd_count);
	if (!c->fault && p->fd_count > PLAN_FDS_MAX)
		codec_fail(c, "it names too many descriptors");
	code_process(c, p);
	code_namespaces(c, p);
	code_text(c, &p->hostname);
	code_text(c, &p->domainname);
	code_root(c, &p->root);
	code_list(c, &p->mounts, each_mount);
	code_list(c, &p->devices, each_device);
	code_list(c, &p->files, each_file);
	code_list(c, &p->masked, each_path);
	code_list(c, &p->read_only, each_path);
	code_list(c, &p->sysctls, each_sysctl);
	code_cgroup(c, &p->cgroup);
	code_bool(c, &p->init);
	code_bool(c, &p->loopback);
	code_u32(c, &p->stop_signal);
	code_u32(c, &p->stop_timeout_ms);
	if (!c->fault && p->stop_signal > 64)
		codec_fail(c, "the stop signal is out of range");
}

int plan_encode(const struct plan *p, struct strbuf *ret, struct error *err)
{
	/* Writing only reads the plan; the codec's other direction is why it can not say so. */
	struct plan copy = *p;
	struct codec c = { .plan = &copy, .out = ret };
	code_plan(&c, &copy);
	if (c.fault)
		return error_say(err, EINVAL, "encode launch plan: %s", c.fault);
	if (ret->overflow)
		return error_say(err, E2BIG, "encode launch plan: it is larger than %zu bytes",
				 ret->cap);
	return 0;
}

int plan_decode(const void *data, size_t len, struct plan **ret, struct error *err)
{
	if (len > PLAN_BYTES_MAX)
		return error_say(err, EBADMSG, "decode launch plan: it is larger than %u bytes",
				 PLAN_BYTES_MAX);
	auto_plan *p = plan_new();
	struct codec c = { .plan = p, .at = data, .left = len };
	code_plan(&c, p);
	if (!c.fault && c.left)
		codec_fail(&c, "something stands behind its end");
	if (c.fault)
		return error_say(err, EBADMSG, "decode launch plan: %s", c.fault);
	*ret = take_ptr(p);
	return 0;
}
