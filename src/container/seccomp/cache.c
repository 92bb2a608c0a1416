/* SPDX-License-Identifier: Apache-2.0 */
#include "container/seccomp/seccomp.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/json-fields.h"
#include "oci/runtime-tables.h"

/* Part of every key: a program is only as good as the compiler that made it. */
#define COMPILER_VERSION "berth-seccomp-1 " BERTH_VERSION "\n"
#define FILE_MAX (1u << 20)
#define NAME_TEXT 32
#define ENTRIES_MAX 64

/* A program kept in a file: this head, the key, the instructions. */
struct file_head {
	uint64_t flags;
	uint32_t key_len;
	uint32_t count;
};

struct entry {
	char *key;
	struct seccomp_program program;
};

struct seccomp_cache {
	pthread_mutex_t lock;
	int dir_fd;
	struct entry entries[ENTRIES_MAX];
	size_t entry_count;
};

struct seccomp_cache *seccomp_cache_new(int dir_fd)
{
	struct seccomp_cache *cache = xnew(struct seccomp_cache);

	pthread_mutex_init(&cache->lock, NULL);
	cache->dir_fd = dir_fd;
	return cache;
}

static void entry_done(struct entry *e)
{
	free(e->key);
	seccomp_program_done(&e->program);
}

void seccomp_cache_free(struct seccomp_cache *cache)
{
	if (!cache)
		return;
	for (size_t i = 0; i < cache->entry_count; i++)
		entry_done(&cache->entries[i]);
	pthread_mutex_destroy(&cache->lock);
	free(cache);
}

static char *key_of(const struct runtime_seccomp *profile)
{
	auto_json *document = json_write(&runtime_seccomp_table, profile);
	auto_free char *text = json_text(document);

	return xasprintf(COMPILER_VERSION "%s", text);
}

/* ---- files ------------------------------------------------------------------------------- */

/* FNV-1a; the key itself stands in the file, so two keys with one name do no harm. */
static void name_of(const char *key, char ret[NAME_TEXT])
{
	uint64_t hash = 0xcbf29ce484222325;

	for (; *key; key++)
		hash = (hash ^ (unsigned char)*key) * 0x100000001b3;
	(void)snprintf(ret, NAME_TEXT, "%016llx.bpf", (unsigned long long)hash);
}

static bool load(int dir_fd, const char *key, struct seccomp_program *ret)
{
	auto_strbuf content = STRBUF_INIT(FILE_MAX);
	struct file_head head;
	char name[NAME_TEXT];
	size_t key_len = strlen(key);

	name_of(key, name);
	if (dir_fd < 0 || read_file_at(dir_fd, name, FILE_MAX, &content, NULL) < 0 ||
	    content.len < sizeof(head))
		return false;
	memcpy(&head, content.data, sizeof(head));
	size_t code_len = (size_t)head.count * sizeof(struct sock_filter);
	if (head.key_len != key_len || head.count == 0 || head.count > BPF_MAXINSNS ||
	    content.len != sizeof(head) + key_len + code_len ||
	    memcmp(content.data + sizeof(head), key, key_len) != 0)
		return false;

	ret->flags = head.flags;
	ret->count = head.count;
	ret->instructions = xmemdup(content.data + sizeof(head) + key_len, code_len);
	return true;
}

static void save(int dir_fd, const char *key, const struct seccomp_program *program)
{
	auto_strbuf content = STRBUF_INIT(FILE_MAX);
	const struct file_head head = {
		.flags = program->flags,
		.key_len = (uint32_t)strlen(key),
		.count = (uint32_t)program->count,
	};
	char name[NAME_TEXT];

	strbuf_add(&content, &head, sizeof(head));
	strbuf_adds(&content, key);
	strbuf_add(&content, program->instructions,
		   program->count * sizeof(*program->instructions));
	if (dir_fd < 0 || content.overflow)
		return;
	name_of(key, name);
	/* only time is lost where it cannot be kept */
	int ignored = write_file_at(dir_fd, name, content.data, content.len, 0600, false, NULL);
	(void)ignored;
}

/* ---- memory ------------------------------------------------------------------------------ */

static void copy(const struct seccomp_program *from, struct seccomp_program *ret)
{
	*ret = *from;
	ret->instructions = xmemdup(from->instructions, from->count * sizeof(*from->instructions));
}

static const struct seccomp_program *find(const struct seccomp_cache *cache, const char *key)
{
	for (size_t i = 0; i < cache->entry_count; i++)
		if (strcmp(cache->entries[i].key, key) == 0)
			return &cache->entries[i].program;
	return NULL;
}

static void keep(struct seccomp_cache *cache, const char *key,
		 const struct seccomp_program *program)
{
	if (cache->entry_count == ENTRIES_MAX) {
		entry_done(&cache->entries[0]);
		cache->entry_count--;
		memmove(cache->entries, cache->entries + 1,
			cache->entry_count * sizeof(*cache->entries));
	}
	struct entry *e = &cache->entries[cache->entry_count++];
	e->key = xstrdup(key);
	copy(program, &e->program);
}

/* With the lock held. */
static int get(struct seccomp_cache *cache, const struct runtime_seccomp *profile,
	       struct seccomp_program *ret, struct error *err)
{
	auto_free char *key = key_of(profile);
	const struct seccomp_program *known = find(cache, key);

	if (known) {
		copy(known, ret);
		return 0;
	}
	int r = seccomp_compile(profile, ret, err);
	if (r == 0)
		keep(cache, key, ret);
	return r;
}

int seccomp_cache_get(struct seccomp_cache *cache, const struct runtime_seccomp *profile,
		      struct seccomp_program *ret, struct error *err)
{
	pthread_mutex_lock(&cache->lock);
	int r = get(cache, profile, ret, err);
	pthread_mutex_unlock(&cache->lock);
	return r;
}

static int get_default(struct seccomp_cache *cache, uint64_t capabilities,
		       struct seccomp_program *ret, struct error *err)
{
	char short_key[NAME_TEXT];
	(void)snprintf(short_key, sizeof(short_key), "%016llx", (unsigned long long)capabilities);
	const struct seccomp_program *known = find(cache, short_key);
	if (known) {
		copy(known, ret);
		return 0;
	}

	struct runtime_seccomp profile;
	seccomp_profile_default(capabilities, &profile);
	auto_free char *key = key_of(&profile);
	int r = 0;
	if (!load(cache->dir_fd, key, ret)) {
		r = seccomp_compile(&profile, ret, err);
		if (r == 0)
			save(cache->dir_fd, key, ret);
	}
	runtime_seccomp_done(&profile);
	if (r == 0)
		keep(cache, short_key, ret);
	return r;
}

int seccomp_cache_get_default(struct seccomp_cache *cache, uint64_t capabilities,
			      struct seccomp_program *ret, struct error *err)
{
	pthread_mutex_lock(&cache->lock);
	int r = get_default(cache, capabilities, ret, err);
	pthread_mutex_unlock(&cache->lock);
	return r;
}
