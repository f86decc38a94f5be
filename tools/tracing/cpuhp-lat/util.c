// SPDX-License-Identifier: GPL-2.0-only
/*
 * Small things that several parts of cpuhp-lat need
 */
#include <err.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lat.h"

static char **names;
static int nr_names;

/**
 * now_ns - The time on the clock that the trace uses
 *
 * Return: CLOCK_MONOTONIC in ns.
 */
__u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/**
 * grow - Make room for one more element in an array
 * @array: The array, NULL if it is empty. Only this function may have made it.
 * @nr: How many elements it has
 * @size: The size of an element
 *
 * The room is always the next power of two.
 *
 * Return: The array, maybe in another place.
 */
void *grow(void *array, size_t nr, size_t size)
{
	if (nr & (nr - 1))
		return array;
	array = reallocarray(array, nr ? 2 * nr : 1, size);
	if (!array)
		errx(1, "out of memory");
	return array;
}

/**
 * read_text - Read a file as a whole
 * @path: The file
 *
 * Return: Its text, to be freed by the caller; NULL if it cannot be read.
 */
char *read_text(const char *path)
{
	size_t size = 1 << 16, len = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *buf = NULL;
	ssize_t n;

	if (fd < 0)
		return NULL;
	do {
		if (!buf || size - len < 2) {
			size *= 2;
			buf = realloc(buf, size);
			if (!buf)
				errx(1, "out of memory");
		}
		n = read(fd, buf + len, size - len - 1);
		if (n > 0)
			len += n;
	} while (n > 0);
	close(fd);
	buf[len] = '\0';
	if (n < 0) {
		free(buf);
		return NULL;
	}
	return buf;
}

/**
 * name_id - A number for a name
 * @name: The name
 *
 * Return: The same number for the same name, counted from 0.
 */
int name_id(const char *name)
{
	int i;

	for (i = 0; i < nr_names; i++)
		if (!strcmp(names[i], name))
			return i;
	names = grow(names, nr_names, sizeof(*names));
	names[nr_names] = strdup(name);
	if (!names[nr_names])
		errx(1, "out of memory");
	return nr_names++;
}

/**
 * name_of - The name that has a number
 * @id: From name_id()
 *
 * Return: The name.
 */
const char *name_of(int id)
{
	return names[id];
}

/**
 * event_add - Add an event
 * @events: Where to
 * @kind: Its kind
 * @ns: When it was
 *
 * Return: The event, which is good until the next call.
 */
struct event *event_add(struct events *events, enum kind kind, __u64 ns)
{
	struct event *e;

	events->e = grow(events->e, events->nr, sizeof(*e));
	e = &events->e[events->nr++];
	*e = (struct event){ .ns = ns, .kind = kind, .cpu = -1, .victim = -1, .served = -1 };
	return e;
}
