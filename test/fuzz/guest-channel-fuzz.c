/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/macros.h"
#include "fuzz.h"
#include "vm/guest-protocol.h"
#include "vm/channel.h"

/* What either side of the guest channel may be sent: frames, and each message in its decoder. */
static void decode(const struct frame *f)
{
	static struct guest_root root;
	union {
		struct guest_identity identity;
		struct guest_ready ready;
		struct guest_started started;
		struct guest_failed failed;
		struct guest_exited exited;
		struct guest_signal signal;
		struct guest_resize resize;
		struct guest_credit credit;
		struct guest_ping ping;
	} m;

	(void)!guest_identity_decode(f->data, f->len, &m.identity);
	(void)!guest_root_decode(f->data, f->len, &root);
	(void)!guest_ready_decode(f->data, f->len, &m.ready);
	(void)!guest_started_decode(f->data, f->len, &m.started);
	(void)!guest_failed_decode(f->data, f->len, &m.failed);
	(void)!guest_exited_decode(f->data, f->len, &m.exited);
	(void)!guest_signal_decode(f->data, f->len, &m.signal);
	(void)!guest_resize_decode(f->data, f->len, &m.resize);
	(void)!guest_credit_decode(f->data, f->len, &m.credit);
	(void)!guest_ping_decode(f->data, f->len, &m.ping);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	if (fd < 0)
		fd = memfd_create("frames", MFD_CLOEXEC);
	if (ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t)size ||
	    lseek(fd, 0, SEEK_SET) < 0)
		return 0;

	struct channel ch;
	struct frame frame;
	channel_init(&ch, fd, 0);
	int rc = 0, end = 0;
	while (rc >= 0 && end == 0) {
		end = channel_receive(&ch);
		while ((rc = channel_next(&ch, &frame, NULL)) > 0)
			decode(&frame);
	}
	channel_done(&ch);
	return 0;
}
