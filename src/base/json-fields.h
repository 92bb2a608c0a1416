/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"

/**
 * DOC: Documents as C structs, by tables
 *
 * A `struct json_table` lists the fields of one struct: the key in the document, what kind of value
 * it is, where it lies. Reading, writing and releasing all go by the same table, so that they
 * cannot come apart. Numbers are held to the width of their member, words to their list; a value of
 * another type is refused, an unknown key passed over, a null is a missing key.
 *
 * Members are: `char *` for JSON_TEXT (an empty text reads as NULL), bool, signed or unsigned
 * integers of any width, the optional ones of optional.h, `struct strv`, `struct map *` of
 * malloc'ed strings (NULL while empty), nested structs, pointers to them, and pairs of pointer and
 * size_t count. Every table's struct is empty when zeroed.
 */

enum json_kind {
	JSON_TEXT,
	JSON_BOOL,
	JSON_INT,
	JSON_UINT,
	JSON_OPTIONAL_BOOL,
	JSON_OPTIONAL_INT,
	JSON_OPTIONAL_UINT,
	JSON_WORD,      /* integer member: one of .words; a value without a word is not written */
	JSON_WORD_BITS, /* uint64_t: array of .words, their values ORed */
	JSON_WORD_LIST, /* uint32_t * and count: array of .words */
	JSON_UINT_LIST, /* uint32_t * and count */
	JSON_STRINGS,   /* struct strv; with .at_count a bool there that tells [] from missing */
	JSON_KEYS,      /* struct strv: the keys of an object of empty objects */
	JSON_STRING_MAP,
	JSON_OBJECT,   /* embedded struct of .table */
	JSON_POINTER,  /* pointer to one .table, NULL where missing */
	JSON_ARRAY,    /* pointer to many .table, and count */
	JSON_PRESENCE, /* bool: the key is there, whatever it holds; never written */
	JSON_CUSTOM,   /* .custom knows */
};

/* Flags of a field. */
#define JSON_REQUIRED 1u  /* missing, or an empty text, is an error on reading */
#define JSON_ALWAYS 2u    /* written also if empty: "", 0, false, null for lists, {} for maps */
#define JSON_OR_STRING 4u /* JSON_STRINGS: a bare string reads as a list of one */

struct json_word {
	const char *word; /* NULL ends a table */
	uint64_t value;
};

struct json_custom {
	/* @value is not NULL */
	int (*read)(struct json_object *value, void *object, struct error *err);
	/* NULL for nothing to write */
	struct json_object *(*write)(const void *object);
	void (*done)(void *object);
};

struct json_field {
	const char *key;
	enum json_kind kind;
	unsigned flags;
	size_t at;       /* offset of the member */
	size_t size;     /* of the member */
	size_t at_count; /* offset of the count, see the kinds */
	const struct json_table *table;
	const struct json_word *words;
	const struct json_custom *custom;
};

struct json_table {
	size_t size;
	const struct json_field *fields;
	size_t field_count;
};

#define JSON_FIELD(key_, kind_, struct_, member_, ...)                               \
	{                                                                            \
		.key = key_, .kind = kind_, .at = offsetof(struct struct_, member_), \
		.size = sizeof(((struct struct_ *)0)->member_), ##__VA_ARGS__        \
	}

/* An array of a nested type: member and count. */
#define JSON_ARRAY_FIELD(key_, struct_, member_, count_, table_, ...) \
	JSON_FIELD(key_, JSON_ARRAY, struct_, member_,                \
		   .at_count = offsetof(struct struct_, count_), .table = &table_, ##__VA_ARGS__)

/* An object in the document whose members lie in the enclosing struct itself. */
#define JSON_PART_FIELD(key_, table_, ...)                                        \
	{                                                                         \
		.key = key_, .kind = JSON_OBJECT, .table = &table_, ##__VA_ARGS__ \
	}
#define JSON_PART_TABLE(fields_)                                      \
	{                                                             \
		.fields = fields_, .field_count = ARRAY_SIZE(fields_) \
	}

#define JSON_TABLE(struct_, fields_)                               \
	{                                                          \
		.size = sizeof(struct struct_), .fields = fields_, \
		.field_count = ARRAY_SIZE(fields_)                 \
	}

/**
 * json_read() - fill a struct from an object
 * @table:   its table
 * @object: the document's object
 * @ret:    the struct, empty before; on failure it is left empty again
 *
 * Return: 0 or -EBADMSG with the path of the value, such as "process: rlimits[2]: …".
 */
must_check int json_read(const struct json_table *table, struct json_object *object, void *ret,
			 struct error *err);

/**
 * json_fold_keys() - give keys that differ from a table's in case alone the table's spelling
 * @object: changed in place, with the objects in it that the table knows; any other value is left
 *
 * For documents of clients: Docker's own engine reads keys in any case. A key that is there in the
 * right spelling, too, stays as it is.
 */
void json_fold_keys(const struct json_table *table, struct json_object *object);
/* The same for one key; what is no object is left as it is. */
void json_fold_key(struct json_object *object, const char *key);

/* The object of a struct; released by the caller. */
struct json_object *json_write(const struct json_table *table, const void *object);

/* Releases what a struct holds and zeroes it. */
void json_release(const struct json_table *table, void *object);

/* The word of a value, or NULL; the value of a word, false where it is none. */
const char *json_word_text(const struct json_word *words, uint64_t value);
bool json_word_value(const struct json_word *words, const char *text, uint64_t *ret);
