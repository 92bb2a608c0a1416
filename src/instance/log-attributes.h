/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/strbuf.h"
#include "base/strv.h"

/**
 * DOC: What a log driver adds to each line
 *
 * The options "labels", "env" and "tag" name things of the instance that its log shall tell beside
 * each line. They do not change while it lives, so files do not repeat them: they are worked out
 * when somebody asks (`logs --details`). The journal gets them with each message.
 */
struct container_request;
struct image_config;
struct log_config;
struct record;

/**
 * log_attributes() - the chosen labels and variables, and the tag where one was asked for
 * @config: of the instance's log
 * @image:  its configuration, for variables that the request leaves to it
 * @ret:    "key=value" in the order of keys; for the journal the keys are its field names
 */
void log_attributes(const struct record *r, const struct log_config *config,
		    const struct image_config *image, struct strv *ret);

/**
 * log_journal_fields() - the fields of each message, as Docker's driver sends them
 * @ret: appended to, as the native journal protocol encodes them
 */
void log_journal_fields(const struct record *r, const struct log_config *config,
			const struct image_config *image, struct strbuf *ret);
