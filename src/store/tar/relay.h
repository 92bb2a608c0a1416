/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"
#include "store/tar/write.h"

/**
 * DOC: A tar that is passed on
 *
 * Where somebody who is not trusted writes a tar (the guest of a virtual machine) and somebody else
 * unpacks it (a user's command line), it is read here by the strict parser of tar.h and written anew:
 * what arrives has clean names at or below the one that was asked for, no headers that two readers would
 * read differently, and only devices and attributes that a layer may have.
 */
struct tar_relay;

/**
 * tar_relay_new() - begin
 * @name: of the topmost entry, as tar_write_object() takes it; copied
 * @sink: gets the new tar, in large pieces
 */
struct tar_relay *tar_relay_new(const char *name, tar_sink_fn sink, void *context);
void tar_relay_free(struct tar_relay *relay);
DEFINE_AUTO(struct tar_relay, tar_relay_free);
#define auto_tar_relay auto_(tar_relay_freep) struct tar_relay

/**
 * tar_relay_write() - give the next bytes; a tar_sink_fn
 * @relay: the struct tar_relay
 *
 * Return: 0; -EBADMSG where it is no tar, or of something else; what the sink returned.
 */
int tar_relay_write(void *relay, const void *data, size_t len, struct error *err);

/* The tar is complete: ends the new one. Return: as tar_relay_write(). */
must_check int tar_relay_finish(struct tar_relay *relay, struct error *err);
