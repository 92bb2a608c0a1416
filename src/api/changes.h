/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/error.h"
#include "oci/image-settings.h"

/**
 * change_apply() - apply one instruction to an image's settings
 * @settings: changed
 * @line:     an instruction of a Dockerfile: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD,
 *            STOPSIGNAL, USER, VOLUME or WORKDIR with its arguments
 *
 * CMD, ENTRYPOINT and VOLUME take a JSON array of strings too; without one, the first two are
 * given to the shell. Words may be quoted by '"' or "'", a backslash takes the next character as
 * it is.
 *
 * Return: 0 or -EINVAL.
 */
must_check int change_apply(struct image_settings *settings, const char *line, struct error *err);
