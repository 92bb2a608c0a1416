/* SPDX-License-Identifier: Apache-2.0 */
#include "guest/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "vm/guest-protocol.h"

/* Further off than a message may take on a busy host. */
#define FOLLOW_NS (500 * NSEC_PER_MSEC)

static int set_clock(int64_t realtime_ns, struct error *err)
{
	struct timespec now = { .tv_sec = realtime_ns / NSEC_PER_SEC,
				.tv_nsec = realtime_ns % NSEC_PER_SEC };
	if (clock_settime(CLOCK_REALTIME, &now) < 0)
		return error_set(err, errno, "set the clock");
	return 0;
}

void identity_follow_clock(int64_t realtime_ns)
{
	struct error ignored;
	int64_t behind_ns = realtime_ns - clock_now();
	if (behind_ns > FOLLOW_NS || behind_ns < -FOLLOW_NS)
		(void)!set_clock(realtime_ns, &ignored);
}

static int add_entropy(const uint8_t *bytes, struct error *err)
{
	struct {
		struct rand_pool_info info;
		uint8_t bytes[GUEST_ENTROPY_BYTES];
	} pool = { .info = { .entropy_count = GUEST_ENTROPY_BYTES * 8,
			     .buf_size = GUEST_ENTROPY_BYTES } };
	memcpy(pool.bytes, bytes, GUEST_ENTROPY_BYTES);

	auto_close int fd = open("/dev/urandom", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return error_set(err, errno, "open /dev/urandom");
	if (ioctl(fd, RNDADDENTROPY, &pool) < 0)
		return error_set(err, errno, "add entropy");
	if (ioctl(fd, RNDRESEEDCRNG) < 0)
		return error_set(err, errno, "reseed the random generator");
	explicit_bzero(&pool, sizeof(pool));
	return 0;
}

int identity_assume(const struct guest_identity *identity, struct error *err)
{
	int rc = set_clock(identity->realtime_ns, err);
	if (rc == 0)
		rc = add_entropy(identity->entropy, err);
	if (rc < 0)
		return rc;
	if (sethostname(identity->hostname, strlen(identity->hostname)) < 0)
		return error_set(err, errno, "set the host name");
	return 0;
}
