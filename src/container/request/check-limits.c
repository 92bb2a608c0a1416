/* SPDX-License-Identifier: Apache-2.0 */
#include "container/request/check-parts.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "container/config/grammar.h"
#include "oci/runtime-config.h"

#define MEMORY_MIN (6LL << 20)

/* Power of 1024 of "k", "kb", "kib", … in any case; -1 where it is none. */
static int size_unit(const char *unit)
{
	static const char letters[] = "bkmgtp";

	if (!*unit)
		return 0;
	const char *letter = strchr(letters, *unit | 0x20);
	if (!letter)
		return -1;
	bool known = !unit[1] || (letter != letters && (strcasecmp(unit + 1, "b") == 0 ||
							strcasecmp(unit + 1, "ib") == 0));
	return known ? (int)(letter - letters) : -1;
}

int memory_size_parse(const char *text, int64_t *ret)
{
	size_t whole = strspn(text, "0123456789");
	size_t fraction = 0;
	if (whole == 0 || whole > 19)
		return -EINVAL;
	if (text[whole] == '.') {
		fraction = strspn(text + whole + 1, "0123456789");
		if (fraction == 0 || fraction > 9)
			return -EINVAL;
	}
	const char *unit = text + whole + (fraction ? fraction + 1 : 0);
	unit += *unit == ' ';
	int power = size_unit(unit);
	if (power < 0)
		return -EINVAL;

	int64_t value = 0;
	for (size_t i = 0; i < whole; i++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, text[i] - '0', &value))
			return -ERANGE;
	if (__builtin_mul_overflow(value, 1LL << (10 * power), &value))
		return -ERANGE;
	double rest = 0;
	for (size_t i = fraction; i > 0; i--)
		rest = (rest + (text[whole + i] - '0')) / 10;
	if (__builtin_add_overflow(value, (int64_t)(rest * (double)(1LL << (10 * power))), &value))
		return -ERANGE;
	*ret = value;
	return 0;
}

static int check_memory(const struct container_request *request, struct error *err)
{
	int64_t memory = request->memory_bytes;
	int64_t reservation = request->memory_reservation_bytes;
	int64_t swap = request->memory_swap_bytes;

	if (request->memory_swappiness.set &&
	    (request->memory_swappiness.value < -1 || request->memory_swappiness.value > 100))
		return error_say(err, EINVAL,
				 "Invalid value: %lld, valid memory swappiness range is 0-100",
				 (long long)request->memory_swappiness.value);
	if (memory != 0 && memory < MEMORY_MIN)
		return error_say(err, EINVAL, "Minimum memory limit allowed is 6MB");
	if (memory == 0 && swap > 0)
		return error_say(err, EINVAL,
				 "You should always set the Memory limit when using Memoryswap "
				 "limit, see usage");
	if (swap < -1)
		return error_say(err, EINVAL, "invalid memoryswap limit");
	if (memory > 0 && swap > 0 && swap < memory)
		return error_say(err, EINVAL,
				 "Minimum memoryswap limit should be larger than memory limit, see "
				 "usage");
	if (reservation != 0 && reservation < MEMORY_MIN)
		return error_say(err, EINVAL, "Minimum memory reservation allowed is 6MB");
	if (memory > 0 && reservation > memory)
		return error_say(err, EINVAL,
				 "Minimum memory limit can not be less than memory reservation "
				 "limit, see usage");
	if (request->shm_size_bytes < 0)
		return error_say(err, EINVAL, "SHM size can not be less than 0");
	return 0;
}

static int check_cpu(const struct container_request *request, struct error *err)
{
	int64_t period = request->cpu_period_us;
	int64_t quota = request->cpu_quota_us;

	if (request->nano_cpus < 0 || (request->nano_cpus > 0 && request->nano_cpus < 10000000))
		return error_say(err, EINVAL, "range of CPUs is from 0.01 upwards");
	if (request->nano_cpus > 0 && period != 0)
		return error_say(
			err, EINVAL,
			"Conflicting options: Nano CPUs and CPU Period cannot both be set.");
	if (request->nano_cpus > 0 && quota != 0)
		return error_say(
			err, EINVAL,
			"Conflicting options: Nano CPUs and CPU Quota cannot both be set.");
	if (request->cpu_shares < 0)
		return error_say(err, EINVAL, "shares: value must be a positive integer");
	if (period != 0 && (period < 1000 || period > 1000000))
		return error_say(err, EINVAL,
				 "CPU cfs period can not be less than 1ms (i.e. 1000) or larger "
				 "than 1s (i.e. 1000000)");
	if (quota > 0 && quota < 1000)
		return error_say(err, EINVAL, "CPU cfs quota can not be less than 1ms (i.e. 1000)");
	if (request->cpuset_cpus && !cpu_list_is_valid(request->cpuset_cpus))
		return error_say(err, EINVAL, "Invalid value %.100s for cpuset cpus",
				 request->cpuset_cpus);
	if (request->cpuset_mems && !cpu_list_is_valid(request->cpuset_mems))
		return error_say(err, EINVAL, "Invalid value %.100s for cpuset mems",
				 request->cpuset_mems);
	return 0;
}

static bool ulimit_is_known(const char *name)
{
	for (const struct json_word *w = runtime_rlimit_words; w->word; w++)
		if (strcasecmp(w->word + strlen("RLIMIT_"), name) == 0)
			return true;
	return false;
}

static int check_ulimits(const struct container_request *request, struct error *err)
{
	for (size_t i = 0; i < request->ulimit_count; i++) {
		const struct container_ulimit *u = &request->ulimits[i];
		if (!u->name || !ulimit_is_known(u->name))
			return error_say(err, EINVAL, "invalid ulimit type: %.50s",
					 u->name ? u->name : "");
		if (u->soft < -1 || u->hard < -1)
			return error_say(err, EINVAL, "invalid ulimit value of %s", u->name);
		/* -1 is unlimited: above every number */
		if (u->hard != -1 && (u->soft == -1 || u->soft > u->hard))
			return error_say(err, EINVAL,
					 "ulimit soft limit must be less than or equal to hard "
					 "limit: %lld > %lld",
					 (long long)u->soft, (long long)u->hard);
		for (size_t k = 0; k < i; k++)
			if (strcasecmp(request->ulimits[k].name, u->name) == 0)
				return error_say(err, EINVAL, "ulimit %s given twice", u->name);
	}
	return 0;
}

int request_check_limits(const struct container_request *request, struct error *err)
{
	if (request->blkio_weight != 0 &&
	    (request->blkio_weight < 10 || request->blkio_weight > 1000))
		return error_say(err, EINVAL, "Range of blkio weight is from 10 to 1000");
	if (request->oom_score_adj < -1000 || request->oom_score_adj > 1000)
		return error_say(err, EINVAL,
				 "Invalid value %lld, range for oom score adj is [-1000, 1000]",
				 (long long)request->oom_score_adj);
	int r = check_memory(request, err);
	if (r == 0)
		r = check_cpu(request, err);
	return r == 0 ? check_ulimits(request, err) : r;
}
