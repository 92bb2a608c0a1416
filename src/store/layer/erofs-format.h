/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <endian.h>
#include <stdint.h>

/**
 * DOC: EROFS on disk
 *
 * The part of the format that an index needs, after the kernel's documentation
 * (Documentation/filesystems/erofs.rst, erofs.docs.kernel.org "Core on-disk format"). All numbers
 * are little-endian; fill them with htole*().
 */

#define EROFS_MAGIC 0xe0f5e1e2u
#define EROFS_SUPER_AT 1024u
#define EROFS_BLOCK_BITS 9
#define EROFS_BLOCK (1u << EROFS_BLOCK_BITS)
#define EROFS_SLOT 32u         /* a nid counts these from the start of the metadata */
#define EROFS_DEVICE_SLOT 128u /* the device table's place counts these from the start */

#define EROFS_COMPAT_CHECKSUM 0x1u
#define EROFS_COMPAT_MTIME 0x2u
#define EROFS_INCOMPAT_CHUNKED 0x4u
#define EROFS_INCOMPAT_DEVICES 0x8u

struct erofs_super {
	uint32_t magic;
	uint32_t checksum; /* CRC-32C of the rest of the block, this field taken as 0 */
	uint32_t feature_compat;
	uint8_t block_bits;
	uint8_t ext_slots;
	uint16_t root_nid;
	uint64_t inodes;
	uint64_t build_time;
	uint32_t build_time_nsec;
	uint32_t blocks;
	uint32_t meta_block;
	uint32_t xattr_block;
	uint8_t uuid[16];
	uint8_t volume[16];
	uint32_t feature_incompat;
	uint16_t compression;
	uint16_t extra_devices;
	uint16_t device_slot;
	uint8_t dir_block_bits;
	uint8_t xattr_prefix_count;
	uint32_t xattr_prefix_start;
	uint64_t packed_nid;
	uint8_t xattr_filter;
	uint8_t reserved[23];
};

struct erofs_device {
	uint8_t tag[64];
	uint32_t blocks;
	uint32_t mapped_block;
	uint8_t reserved[56];
};

#define EROFS_INODE_EXTENDED 1u
enum erofs_layout { EROFS_PLAIN = 0, EROFS_INLINE = 2, EROFS_CHUNKED = 4 };
#define EROFS_CHUNK_INDEXES 0x20u
#define EROFS_CHUNK_BITS_MAX 31u

struct erofs_inode {
	uint16_t format; /* EROFS_INODE_EXTENDED | layout << 1 */
	uint16_t xattr_icount;
	uint16_t mode;
	uint16_t reserved;
	uint64_t size;
	uint32_t u; /* first block, device number or chunk format */
	uint32_t ino;
	uint32_t uid;
	uint32_t gid;
	uint64_t mtime;
	uint32_t mtime_nsec;
	uint32_t nlink;
	uint8_t reserved2[16];
};

struct erofs_chunk {
	uint16_t block_high;
	uint16_t device; /* 0: this image, else number in the device table from 1 */
	uint32_t block;
};

struct erofs_dirent {
	uint64_t nid;
	uint16_t name_at;
	uint8_t type;
	uint8_t reserved;
} __attribute__((packed));

enum erofs_file_type {
	EROFS_FT_FILE = 1,
	EROFS_FT_DIR,
	EROFS_FT_CHAR,
	EROFS_FT_BLOCK,
	EROFS_FT_FIFO,
	EROFS_FT_SOCKET,
	EROFS_FT_SYMLINK,
};

#define EROFS_XATTR_HEADER 12u /* filter, count of shared ones, reserved */

struct erofs_xattr {
	uint8_t name_len; /* without the prefix that the index stands for */
	uint8_t index;
	uint16_t value_len;
};

enum erofs_xattr_index {
	EROFS_XATTR_USER = 1,
	EROFS_XATTR_ACL_ACCESS = 2,
	EROFS_XATTR_ACL_DEFAULT = 3,
	EROFS_XATTR_TRUSTED = 4,
	EROFS_XATTR_SECURITY = 6,
};

_Static_assert(sizeof(struct erofs_super) == 128, "super block");
_Static_assert(sizeof(struct erofs_device) == 128, "device slot");
_Static_assert(sizeof(struct erofs_inode) == 64, "extended inode");
_Static_assert(sizeof(struct erofs_dirent) == 12, "directory entry");
_Static_assert(sizeof(struct erofs_chunk) == 8, "chunk index");
_Static_assert(sizeof(struct erofs_xattr) == 4, "attribute");
