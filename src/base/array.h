/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <string.h>

#include "base/alloc.h"

/**
 * array_add() - append a zeroed element to a malloc'ed array
 * @array: pointer variable, NULL while empty
 * @count: size_t variable with the number of elements; one more afterwards
 *
 * The array has always room for the next power of two of its count, so that no third variable is
 * needed. Pointers to its elements end with the next call.
 *
 * Return: address of the new element.
 */
#define array_add(array, count) \
	((typeof(array))array_grow((void **)&(array), &(count), sizeof(*(array))))

static inline void *array_grow(void **array, size_t *count, size_t size)
{
	if ((*count & (*count - 1)) == 0)
		*array = xreallocarray(*array, *count ? *count * 2 : 1, size);
	return memset((char *)*array + (*count)++ * size, 0, size);
}
