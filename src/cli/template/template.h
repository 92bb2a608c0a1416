/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/json.h"

/**
 * DOC: Templates for --format
 *
 * The part of Go's text/template that people use with `--format`, over JSON documents: text,
 * {{- trim -}}, comments, pipelines, fields (.A.B), variables ($x := ...), if/else if,
 * range with index and element, with, parentheses, strings, numbers, and the functions
 *
 *	json split join title lower upper pad truncate println print printf
 *	index len slice and or not eq ne lt le gt ge
 *
 * A missing field prints as "<no value>". With @strict, as for inspect, a missing field of the
 * document itself and a field of nothing are errors, as they are for Docker.
 *
 * ".Name ARGUMENT" reads a method: a map of that name in the @methods document, such as Label.
 */

struct template;

/**
 * template_parse() - read a template
 * Return: 0 or -EINVAL, with the position in the text.
 */
must_check int template_parse(const char *text, struct template **ret, struct error *err);
void template_free(struct template *t);
DEFINE_AUTO(struct template, template_free);
#define auto_template auto_(template_freep) struct template

struct template_data {
	struct json_object *root;
	struct json_object *methods; /* object of objects, or NULL */
	bool strict;
	bool headers; /* a method gives the last part of its argument's name, for a column's head */
};

/**
 * template_run() - apply a template to a document
 * @ret: appended to
 */
must_check int template_run(const struct template *t, const struct template_data *data,
			    struct strbuf *ret, struct error *err);
