/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

struct plan;
struct root_disks;

/**
 * practise() - carry out a plan once, and remove what it left
 *
 * The program gets no streams and a writable folder of its own, and is killed where it does not end
 * at once. Failures do not matter: what counts is that the code was run.
 */
void practise(const struct plan *plan, const struct root_disks *disks);
