/* SPDX-License-Identifier: Apache-2.0 */
#include "store/tree/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/ident.h"
#include "store/tree/arena.h"
#include "store/tree/internal.h"

#define FIRST_SLOTS 1024u
#define LINKS_MAX 40   /* symbolic links followed for one path, as the kernel's limit */
#define PARTS_MAX 2048 /* components looked at for one path, those of links included */

/* What one path has cost so far. */
struct walk_cost {
	unsigned int links;
	unsigned int parts;
};

struct tree {
	struct arena arena;
	struct tree_inode *root;
	uint64_t seed;
	struct tree_dirent **slots; /* hash table of live entries, probed linearly */
	size_t slot_count;          /* a power of two */
	size_t used;                /* slots taken, dead entries included */
	uint64_t content_size;
};

static struct tree_inode *inode_new(struct tree *tree, enum tree_kind kind)
{
	struct tree_inode *inode = arena_alloc(&tree->arena, sizeof(*inode));

	inode->kind = (uint8_t)kind;
	inode->nlink = kind == TREE_DIR ? 2 : 0;
	return inode;
}

struct tree *tree_new(void)
{
	struct tree *tree = xnew(struct tree);

	random_bytes(&tree->seed, sizeof(tree->seed));
	tree->slot_count = FIRST_SLOTS;
	tree->slots = xcalloc(tree->slot_count, sizeof(struct tree_dirent *));
	tree->root = inode_new(tree, TREE_DIR);
	tree->root->mode = 0755;
	tree->root->parent = tree->root;
	return tree;
}

void tree_free(struct tree *tree)
{
	if (!tree)
		return;
	arena_done(&tree->arena);
	free(tree->slots);
	free(tree);
}

struct tree_inode *tree_root(struct tree *tree)
{
	return tree->root;
}

uint64_t tree_content_size(const struct tree *tree)
{
	return tree->content_size;
}

/* Seeded, so that names cannot be chosen to collide. */
static size_t hash_of(const struct tree *tree, const struct tree_inode *dir, const char *name,
		      size_t len)
{
	uint64_t h = tree->seed ^ ((uint64_t)(uintptr_t)dir * 0x9e3779b97f4a7c15ULL);

	for (size_t i = 0; i < len; i++) {
		h = (h ^ (unsigned char)name[i]) * 0xff51afd7ed558ccdULL;
		h ^= h >> 32;
	}
	return (size_t)h;
}

static struct tree_dirent *find(const struct tree *tree, const struct tree_inode *dir,
				const char *name, size_t len)
{
	size_t at = hash_of(tree, dir, name, len);

	for (;; at++) {
		struct tree_dirent *d = tree->slots[at & (tree->slot_count - 1)];
		if (!d)
			return NULL;
		if (d->inode && d->dir == dir && d->len == len && memcmp(d->name, name, len) == 0)
			return d;
	}
}

static void put_slot(struct tree *tree, struct tree_dirent *d)
{
	size_t at = hash_of(tree, d->dir, d->name, d->len);

	while (tree->slots[at & (tree->slot_count - 1)])
		at++;
	tree->slots[at & (tree->slot_count - 1)] = d;
	tree->used++;
}

static void grow(struct tree *tree)
{
	struct tree_dirent **old = tree->slots;
	size_t count = tree->slot_count;

	tree->slot_count *= 2;
	tree->slots = xcalloc(tree->slot_count, sizeof(struct tree_dirent *));
	tree->used = 0;
	for (size_t i = 0; i < count; i++) {
		if (old[i] && old[i]->inode)
			put_slot(tree, old[i]);
	}
	free(old);
}

/* Drops an entry; what was below a folder goes with it. */
static void unlink_entry(struct tree_dirent *d)
{
	struct tree_inode *inode = take_ptr(d->inode);

	if (inode->kind == TREE_DIR) {
		d->dir->nlink--;
		for (struct tree_dirent *c = inode->children; c; c = c->next) {
			if (c->inode)
				unlink_entry(c);
		}
		inode->nlink = 0;
		return;
	}
	inode->nlink--;
}

static int link_entry(struct tree *tree, struct tree_inode *dir, const char *name, size_t len,
		      struct tree_inode *inode, struct error *err)
{
	if (inode->kind == TREE_DIR) {
		if (dir->depth >= TAR_DEPTH_MAX)
			return error_say(err, EBADMSG, "folders are too deep");
		inode->depth = (uint16_t)(dir->depth + 1);
		inode->parent = dir;
		dir->nlink++;
	} else {
		inode->nlink++;
	}

	struct tree_dirent *d = arena_alloc(&tree->arena, sizeof(*d) + len + 1);
	memcpy(d->name, name, len);
	d->len = (uint8_t)len;
	d->dir = dir;
	d->inode = inode;
	d->next = dir->children;
	dir->children = d;
	if (tree->used >= tree->slot_count / 2)
		grow(tree);
	put_slot(tree, d);
	return 0;
}

/* A parent that no entry named (yet). */
static int make_parent(struct tree *tree, struct tree_inode *dir, const char *name, size_t len,
		       bool opaque, struct tree_inode **ret, struct error *err)
{
	struct tree_inode *inode = inode_new(tree, TREE_DIR);

	inode->mode = 0755;
	inode->opaque = opaque;
	int r = link_entry(tree, dir, name, len, inode, err);
	if (r == 0)
		*ret = inode;
	return r;
}

static int walk(struct tree *tree, struct tree_inode *from, const char *path, bool make,
		struct walk_cost *cost, struct tree_inode **ret, struct error *err);

/* Goes one component down, following a symbolic link there. */
static int walk_part(struct tree *tree, struct tree_inode *dir, const char *name, size_t len,
		     bool make, struct walk_cost *cost, struct tree_inode **ret, struct error *err)
{
	struct tree_dirent *d = find(tree, dir, name, len);
	bool whiteout = d && d->inode->kind == TREE_WHITEOUT;

	if (!d || whiteout) {
		if (!make || len > TAR_NAME_MAX)
			return error_say(err, EBADMSG, "its parent '%.*s' is not in the layer",
					 (int)len, name);
		if (whiteout)
			unlink_entry(d);
		return make_parent(tree, dir, name, len, whiteout, ret, err);
	}
	if (d->inode->kind == TREE_DIR) {
		*ret = d->inode;
		return 0;
	}
	if (d->inode->kind != TREE_SYMLINK)
		return error_say(err, EBADMSG, "its parent '%.*s' is no folder", (int)len, name);
	if (++cost->links > LINKS_MAX)
		return error_say(err, EBADMSG, "too many symbolic links in its path");
	const char *target = d->inode->target;
	return walk(tree, *target == '/' ? tree->root : dir, target, make, cost, ret, err);
}

/* Finds the folder that @path names from @from on; ".." stops at the root. */
static int walk(struct tree *tree, struct tree_inode *from, const char *path, bool make,
		struct walk_cost *cost, struct tree_inode **ret, struct error *err)
{
	struct tree_inode *dir = from;

	while (*path) {
		size_t len = strcspn(path, "/");
		const char *name = path;
		int r = 0;

		path += len + (path[len] == '/');
		if (++cost->parts > PARTS_MAX)
			return error_say(err, EBADMSG, "too many parts in its path");
		if (len == 0 || (len == 1 && name[0] == '.'))
			continue;
		if (len == 2 && memcmp(name, "..", 2) == 0)
			dir = dir->parent;
		else
			r = walk_part(tree, dir, name, len, make, cost, &dir, err);
		if (r < 0)
			return r;
	}
	*ret = dir;
	return 0;
}

/* Splits a clean path that is not empty into its parent folder and its last component. */
static int find_parent(struct tree *tree, const char *path, bool make, struct tree_inode **ret_dir,
		       const char **ret_name, struct error *err)
{
	const char *slash = strrchr(path, '/');
	struct walk_cost cost = { 0 };

	*ret_name = slash ? slash + 1 : path;
	if (!slash) {
		*ret_dir = tree->root;
		return 0;
	}
	auto_free char *parent = xstrndup(path, (size_t)(slash - path));
	return walk(tree, tree->root, parent, make, &cost, ret_dir, err);
}

static const struct tree_xattrs *copy_xattrs(struct tree *tree, const struct tar_entry *e)
{
	size_t kept = 0;

	for (size_t i = 0; i < e->xattr_count; i++)
		kept += tree_keeps_xattr(e->xattrs[i].name);
	if (kept == 0)
		return NULL;

	struct tree_xattrs *list =
		arena_alloc(&tree->arena, sizeof(*list) + kept * sizeof(struct tar_xattr));
	for (size_t i = 0; i < e->xattr_count; i++) {
		const struct tar_xattr *x = &e->xattrs[i];
		if (!tree_keeps_xattr(x->name))
			continue;
		list->items[list->count++] = (struct tar_xattr){
			.name = arena_copy(&tree->arena, x->name, strlen(x->name) + 1),
			.value = arena_copy(&tree->arena, x->value, x->len),
			.len = x->len,
		};
	}
	return list;
}

static void set_attributes(struct tree *tree, struct tree_inode *inode, const struct tar_entry *e)
{
	inode->mode = (uint16_t)e->mode;
	inode->uid = e->uid;
	inode->gid = e->gid;
	inode->mtime_sec = e->mtime_sec;
	inode->mtime_nsec = e->mtime_nsec;
	inode->xattrs = copy_xattrs(tree, e);
}

static int hard_link_target(struct tree *tree, const struct tar_entry *e, struct tree_inode **ret,
			    struct error *err)
{
	struct tree_inode *dir = NULL;
	const char *name = NULL;

	if (e->link[0] == '\0')
		return error_say(err, EBADMSG, "a hard link to a folder");
	int r = find_parent(tree, e->link, false, &dir, &name, err);
	if (r < 0)
		return error_prefix(err, "hard link to '%.200s'", e->link);

	struct tree_dirent *d = find(tree, dir, name, strlen(name));
	if (!d || d->inode->kind == TREE_WHITEOUT)
		return error_say(err, EBADMSG, "hard link to '%.200s', which is not in the layer",
				 e->link);
	if (d->inode->kind == TREE_DIR)
		return error_say(err, EBADMSG, "hard link to the folder '%.200s'", e->link);
	*ret = d->inode;
	return 0;
}

static int make_device(struct tree *tree, const struct tar_entry *e, struct tree_inode **ret,
		       struct error *err)
{
	bool character = e->type == TAR_CHAR_DEVICE;

	if (character && e->rdev_major == 0 && e->rdev_minor == 0)
		return error_say(err, EBADMSG, "a device 0:0 would be a whiteout");
	bool allowed = tree_keeps_device(character, e->rdev_major, e->rdev_minor);
	struct tree_inode *inode = inode_new(tree, character ? TREE_CHAR : TREE_BLOCK);
	inode->rdev.major = allowed ? e->rdev_major : TREE_INERT_MAJOR;
	inode->rdev.minor = allowed ? e->rdev_minor : TREE_INERT_MINOR;
	*ret = inode;
	return 0;
}

/* The inode of an entry that is no folder. */
static int make_inode(struct tree *tree, const struct tar_entry *e, uint64_t data,
		      struct tree_inode **ret, struct error *err)
{
	struct tree_inode *inode = NULL;
	int r = 0;

	switch (e->type) {
	case TAR_HARD_LINK:
		return hard_link_target(tree, e, ret, err);
	case TAR_SYMLINK:
		inode = inode_new(tree, TREE_SYMLINK);
		inode->size = strlen(e->link);
		inode->target = arena_copy(&tree->arena, e->link, inode->size + 1);
		break;
	case TAR_CHAR_DEVICE:
	case TAR_BLOCK_DEVICE:
		r = make_device(tree, e, &inode, err);
		break;
	case TAR_FIFO:
		inode = inode_new(tree, TREE_FIFO);
		break;
	default:
		inode = inode_new(tree, TREE_FILE);
		inode->size = e->size;
		inode->data = data;
		tree->content_size += e->size;
	}
	if (r < 0)
		return r;
	set_attributes(tree, inode, e);
	if (inode->kind == TREE_SYMLINK)
		inode->mode = 0777;
	*ret = inode;
	return 0;
}

static int add_folder(struct tree *tree, struct tree_inode *dir, const char *name,
		      const struct tar_entry *e, struct error *err)
{
	struct tree_dirent *d = find(tree, dir, name, strlen(name));
	bool opaque = d && d->inode->kind == TREE_WHITEOUT;

	if (d && d->inode->kind == TREE_DIR) {
		set_attributes(tree, d->inode, e);
		return 0;
	}
	if (d)
		unlink_entry(d);
	struct tree_inode *inode = inode_new(tree, TREE_DIR);
	set_attributes(tree, inode, e);
	inode->opaque = opaque;
	return link_entry(tree, dir, name, strlen(name), inode, err);
}

static int add_other(struct tree *tree, struct tree_inode *dir, const char *name,
		     const struct tar_entry *e, uint64_t data, struct error *err)
{
	struct tree_inode *inode = NULL;

	int r = make_inode(tree, e, data, &inode, err);
	if (r < 0)
		return r;

	struct tree_dirent *old = find(tree, dir, name, strlen(name));
	if (old && old->inode == inode)
		return 0; /* a hard link to itself */
	if (old)
		unlink_entry(old);
	return link_entry(tree, dir, name, strlen(name), inode, err);
}

/* The layer's own entry of that name stays and hides the lower ones. */
static int add_whiteout(struct tree *tree, struct tree_inode *dir, const char *name,
			const struct tar_entry *e, struct error *err)
{
	size_t len = strlen(name);
	struct tree_dirent *d = find(tree, dir, name, len);

	if (len == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return error_say(err, EBADMSG, "a whiteout of '%s'", name);
	if (d) {
		if (d->inode->kind == TREE_DIR)
			d->inode->opaque = true;
		return 0;
	}
	struct tree_inode *inode = inode_new(tree, TREE_WHITEOUT);
	inode->mtime_sec = e->mtime_sec;
	return link_entry(tree, dir, name, len, inode, err);
}

static int add_marker(struct tree *tree, const struct tar_entry *e, struct error *err)
{
	struct tree_inode *dir = NULL;
	const char *name = NULL;

	if (e->type != TAR_FILE || e->size > 0)
		return error_say(err, EBADMSG, "a whiteout that is no empty file");
	int r = find_parent(tree, e->path, true, &dir, &name, err);
	if (r < 0)
		return r;
	if (strcmp(name, TREE_OPAQUE_MARKER) == 0) {
		dir->opaque = true;
		return 0;
	}
	return add_whiteout(tree, dir, name + strlen(TREE_WHITEOUT_PREFIX), e, err);
}

int tree_add(struct tree *tree, const struct tar_entry *entry, uint64_t data, struct error *err)
{
	struct tree_inode *dir = NULL;
	const char *name = NULL;

	switch (tree_classify(entry->path)) {
	case TREE_NAME_DROPPED:
		return 0;
	case TREE_NAME_REFUSED:
		return error_say(err, EBADMSG, "an entry below a whiteout");
	case TREE_NAME_MARKER:
		return add_marker(tree, entry, err);
	default:
		break;
	}
	if (entry->path[0] == '\0') {
		set_attributes(tree, tree->root, entry);
		return 0;
	}

	int r = find_parent(tree, entry->path, true, &dir, &name, err);
	if (r < 0)
		return r;
	if (entry->type == TAR_DIR)
		return add_folder(tree, dir, name, entry, err);
	return add_other(tree, dir, name, entry, data, err);
}

static int compare_names(const void *a, const void *b)
{
	const struct tree_dirent *x = *(struct tree_dirent *const *)a;
	const struct tree_dirent *y = *(struct tree_dirent *const *)b;

	return strcmp(x->name, y->name);
}

size_t tree_children(const struct tree_inode *dir, struct tree_dirent ***ret)
{
	size_t count = 0;

	*ret = NULL;
	for (struct tree_dirent *d = dir->children; d; d = d->next)
		count += d->inode != NULL;
	if (count == 0)
		return 0;

	*ret = xreallocarray(NULL, count, sizeof(struct tree_dirent *));
	count = 0;
	for (struct tree_dirent *d = dir->children; d; d = d->next) {
		if (d->inode)
			(*ret)[count++] = d;
	}
	qsort(*ret, count, sizeof(struct tree_dirent *), compare_names);
	return count;
}

mode_t tree_mode(const struct tree_inode *inode)
{
	static const mode_t types[] = {
		[TREE_FILE] = S_IFREG,     [TREE_DIR] = S_IFDIR,   [TREE_SYMLINK] = S_IFLNK,
		[TREE_CHAR] = S_IFCHR,     [TREE_BLOCK] = S_IFBLK, [TREE_FIFO] = S_IFIFO,
		[TREE_WHITEOUT] = S_IFCHR,
	};

	return types[inode->kind] | inode->mode;
}
