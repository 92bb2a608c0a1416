/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/kernel-modules.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/map.h"
#include "base/strbuf.h"
#include "base/strv.h"
#include "vm/decompress.h"

#define MODULE_MAX (32U << 20)
#define DEPTH_MAX 16

/* One load: where modules lie, which are built in, and what is loaded already. */
struct loader {
	struct map *paths;   /* name -> path of its file */
	struct map *builtin; /* name -> anything */
	struct map *seen;    /* name -> anything */
	struct kernel_modules *ret;
};

void kernel_modules_done(struct kernel_modules *modules)
{
	for (size_t i = 0; i < modules->count; i++) {
		free(modules->items[i].name);
		free(modules->items[i].data);
	}
	free(modules->items);
	*modules = (struct kernel_modules){ 0 };
}

/* "/x/virtio-blk.ko.xz" gives "virtio_blk"; NULL where it is not a module's file. */
static char *module_name(const char *path)
{
	const char *base = strrchr(path, '/');
	base = base ? base + 1 : path;
	const char *end = strstr(base, ".ko");
	if (!end || end == base || (end[3] != '\0' && end[3] != '.'))
		return NULL;

	char *name = xstrndup(base, (size_t)(end - base));
	for (char *p = name; *p; p++)
		if (*p == '-')
			*p = '_';
	return name;
}

static int find_modules(const char *dir, struct map *ret, struct error *err)
{
	char *const roots[] = { (char *)dir, NULL };
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	if (!tree)
		return error_set(err, errno, "open %s", dir);

	for (FTSENT *entry = fts_read(tree); entry; entry = fts_read(tree)) {
		auto_free char *name = NULL;
		if (entry->fts_info == FTS_F)
			name = module_name(entry->fts_path);
		if (name)
			map_set(ret, name, xstrdup(entry->fts_path));
	}
	(void)fts_close(tree);
	if (map_count(ret) == 0)
		return error_say(err, ENOENT, "no kernel modules in %s", dir);
	return 0;
}

static void read_builtin(const char *dir, struct map *ret)
{
	auto_free char *path = xasprintf("%s/modules.builtin", dir);
	auto_strbuf text = STRBUF_INIT(1U << 20);
	if (read_file_at(AT_FDCWD, path, text.cap, &text, NULL) < 0)
		return; /* then every module must be a file */

	auto_strv lines = { 0 };
	strv_split(&lines, strbuf_text(&text), '\n');
	for (size_t i = 0; i < lines.count; i++) {
		auto_free char *name = module_name(lines.items[i]);
		if (name)
			map_set(ret, name, (void *)"");
	}
}

static int read_module(const char *path, struct kernel_module *ret, struct error *err)
{
	auto_strbuf file = STRBUF_INIT(MODULE_MAX);
	int rc = read_file_at(AT_FDCWD, path, file.cap, &file, err);
	if (rc < 0)
		return rc;

	if (!decompress_knows(file.data, file.len)) {
		ret->len = file.len;
		ret->data = strbuf_take(&file);
		return 0;
	}
	auto_strbuf object = STRBUF_INIT(MODULE_MAX);
	rc = decompress(file.data, file.len, &object, err);
	if (rc < 0)
		return error_prefix(err, "unpack %s", path);
	ret->len = object.len;
	ret->data = strbuf_take(&object);
	return 0;
}

/* The value of "key=" among the NUL-separated strings of a .modinfo section. */
static const char *modinfo_value(const char *info, size_t len, const char *key)
{
	size_t key_len = strlen(key);
	while (len > 0) {
		size_t n = strnlen(info, len);
		if (n == len)
			return NULL;
		if (n >= key_len && memcmp(info, key, key_len) == 0)
			return info + key_len;
		info += n + 1;
		len -= n + 1;
	}
	return NULL;
}

static int section_at(const char *data, size_t len, unsigned index, Elf64_Shdr *ret)
{
	Elf64_Ehdr head;
	memcpy(&head, data, sizeof(head));
	if (index >= head.e_shnum || head.e_shoff > len ||
	    (len - head.e_shoff) / sizeof(*ret) <= index)
		return -EBADMSG;
	memcpy(ret, data + head.e_shoff + index * sizeof(*ret), sizeof(*ret));
	if (ret->sh_type != SHT_NOBITS &&
	    (ret->sh_offset > len || ret->sh_size > len - ret->sh_offset))
		return -EBADMSG;
	return 0;
}

int kernel_module_depends(const void *data, size_t len, const char **ret, struct error *err)
{
	Elf64_Ehdr head;
	Elf64_Shdr names;
	if (len < sizeof(head) || memcmp(data, ELFMAG, SELFMAG) != 0)
		return error_say(err, EBADMSG, "not a kernel module");
	memcpy(&head, data, sizeof(head));
	if (section_at(data, len, head.e_shstrndx, &names) < 0)
		return error_say(err, EBADMSG, "kernel module without names of sections");

	for (unsigned i = 0; i < head.e_shnum; i++) {
		Elf64_Shdr section;
		if (section_at(data, len, i, &section) < 0)
			break;
		const char *name = (const char *)data + names.sh_offset + section.sh_name;
		if (section.sh_name >= names.sh_size || names.sh_size - section.sh_name < 9 ||
		    memcmp(name, ".modinfo", 9) != 0)
			continue;
		*ret = modinfo_value((const char *)data + section.sh_offset, section.sh_size,
				     "depends=");
		if (!*ret)
			*ret = "";
		return 0;
	}
	return error_say(err, EBADMSG, "kernel module without .modinfo");
}

static int load_one(struct loader *loader, const char *wanted, int depth, struct error *err)
{
	bool optional = wanted[0] == '?';
	auto_free char *file_name = xasprintf("%s.ko", wanted + optional);
	auto_free char *name = module_name(file_name);
	if (!name || map_get(loader->seen, name) || map_get(loader->builtin, name))
		return 0;
	if (depth > DEPTH_MAX)
		return error_say(err, ELOOP, "kernel module %s needs too many others", name);
	const char *path = map_get(loader->paths, name);
	if (!path)
		return optional ? 0 : error_say(err, ENOENT, "no kernel module %s", name);
	map_set(loader->seen, name, (void *)"");

	struct kernel_module module = { 0 };
	int rc = read_module(path, &module, err);
	if (rc < 0)
		return rc;
	auto_free void *data = module.data;
	const char *depends;
	rc = kernel_module_depends(data, module.len, &depends, err);
	if (rc < 0)
		return error_prefix(err, "read %s", path);

	auto_strv needed = { 0 };
	strv_split(&needed, depends, ',');
	for (size_t i = 0; i < needed.count; i++) {
		rc = needed.items[i][0] ? load_one(loader, needed.items[i], depth + 1, err) : 0;
		if (rc < 0)
			return error_prefix(err, "load %s", name);
	}

	struct kernel_modules *all = loader->ret;
	all->items = xreallocarray(all->items, all->count + 1, sizeof(*all->items));
	all->items[all->count++] = (struct kernel_module){ .name = take_ptr(name),
							   .data = take_ptr(data),
							   .len = module.len };
	return 0;
}

int kernel_modules_load(const char *dir, const char *const names[], struct kernel_modules *ret,
			struct error *err)
{
	auto_map *paths = map_new(free);
	auto_map *builtin = map_new(NULL);
	auto_map *seen = map_new(NULL);
	auto_kernel_modules modules = { 0 };
	struct loader loader = { paths, builtin, seen, &modules };

	int rc = find_modules(dir, paths, err);
	if (rc < 0)
		return rc;
	read_builtin(dir, builtin);
	for (size_t i = 0; names[i]; i++) {
		rc = load_one(&loader, names[i], 0, err);
		if (rc < 0)
			return rc;
	}
	*ret = modules;
	modules = (struct kernel_modules){ 0 };
	return 0;
}
