/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"
#include "store/tar/tar.h"

/**
 * DOC: The tree of a layer
 *
 * The entries of a layer's tar become a tree in memory, which is then written as an EROFS index or as
 * a folder. All that makes unpacking dangerous happens here, where a path is only a key: links are
 * followed within the tree (".." stops at its root), what a later entry replaces is dropped, hard links
 * share an inode. What is written afterwards is a finished tree whose names are single components.
 *
 * The rules are Docker's: a folder over a folder keeps what is inside and takes the new attributes;
 * anything else over anything is a replacement. Parents that no entry names are made (root, 0755). A
 * hard link's target is an entry of the same layer. A parent that is a symbolic link is resolved in the
 * layer.
 *
 * Whiteouts become overlayfs' own: ".wh.NAME" a character device 0:0 named NAME, ".wh..wh..opq" the
 * attribute trusted.overlay.opaque. They hide lower layers only, never what the same layer brings,
 * whatever the order: a folder beside its own whiteout is opaque. Other names that begin with
 * ".wh..wh." are aufs' own and dropped.
 *
 * Device nodes: those that every container has anyway (null, zero, full, random, urandom, tty, console,
 * ptmx, fuse, tun) stay as they are. Any other keeps its place and kind but gets a number that no driver
 * has, so that opening it gives ENXIO: an image cannot bring a handle to a device of the host. A device
 * 0:0 is refused: it would be a whiteout that is none.
 *
 * Attributes: user.*, security.capability, POSIX ACLs and trusted.* are kept, except trusted.overlay.*
 * and user.overlay.*, by which an image would steer overlayfs. Others are dropped.
 */

struct tree;
struct tree_dirent;

#define TREE_OPAQUE_NAME "trusted.overlay.opaque"
/* Major and minor of devices that are not allowed. */
#define TREE_INERT_MAJOR 0u
#define TREE_INERT_MINOR 0xfffffu

enum tree_kind {
	TREE_FILE,
	TREE_DIR,
	TREE_SYMLINK,
	TREE_CHAR,
	TREE_BLOCK,
	TREE_FIFO,
	TREE_WHITEOUT,
};

/* Attributes of an inode, in the tree's memory. */
struct tree_xattrs {
	size_t count;
	struct tar_xattr items[];
};

struct tree_inode {
	uint8_t kind;   /* enum tree_kind */
	bool opaque;    /* a folder that hides the lower layers' */
	uint16_t mode;  /* permissions and set-id bits */
	uint16_t depth; /* of a folder: parts of its path */
	uint32_t uid;
	uint32_t gid;
	uint32_t nlink;
	uint32_t mtime_nsec;
	int64_t mtime_sec;
	uint64_t size; /* content of a file, length of a symbolic link's target */
	union {
		uint64_t data;                /* file: where its content is; the builder's word */
		const char *target;           /* symbolic link */
		struct tree_dirent *children; /* folder: newest first, dead ones included */
		struct {
			uint32_t major;
			uint32_t minor;
		} rdev;
	};
	union {
		struct tree_inode *parent; /* folder, while the tree is built */
		uint64_t nid;              /* for who writes it; 0 at the start of writing */
	};
	const struct tree_xattrs *xattrs; /* NULL: none */
};

struct tree_dirent {
	struct tree_inode *dir;
	struct tree_inode *inode; /* NULL: dead */
	struct tree_dirent *next; /* in its folder */
	uint8_t len;
	char name[];
};

struct tree *tree_new(void);
void tree_free(struct tree *tree);
DEFINE_AUTO(struct tree, tree_free);
#define auto_tree auto_(tree_freep) struct tree

/**
 * tree_add() - add what one tar entry says
 * @entry: the entry; nothing of it is kept
 * @data:  for a file: the word that tells the writer where its content is
 *
 * Return: 0; -EBADMSG where the entry makes no sense in this tree.
 */
must_check int tree_add(struct tree *tree, const struct tar_entry *entry, uint64_t data,
			struct error *err);

/* The root folder, once everything was added. */
struct tree_inode *tree_root(struct tree *tree);

/* Bytes of all files, each hard-linked one once; files that were replaced count too. */
uint64_t tree_content_size(const struct tree *tree);

/**
 * tree_children() - the live entries of a folder, sorted by name as bytes
 * @ret: receives a malloc'ed array; NULL for an empty folder
 *
 * Return: how many.
 */
size_t tree_children(const struct tree_inode *dir, struct tree_dirent ***ret);

/* S_IFMT bits and permissions, as in st_mode. */
mode_t tree_mode(const struct tree_inode *inode);
