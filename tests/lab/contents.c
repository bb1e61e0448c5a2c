/* More words of the truthful program: files and mappings whose sizes are known to the page.
 *
 *   deleted PATH BYTES     a file, written, that loses its name and stays open
 *   holes PATH BYTES SPAN  a file of SPAN bytes, of which only the first BYTES were ever written
 *   growing PATH BYTES     a file that grows by a page every few milliseconds, up to BYTES, from now on
 *   many DIRECTORY N       N files of one page each, 500 in a directory
 *   heap BYTES             malloc's memory below the program break
 *   arenas N BYTES         N threads that wait, each with BYTES of malloc's memory in an arena of its own
 *   stacks N BYTES         N threads that wait, with BYTES of their stacks written
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "workload.h"

#define CHUNK (32UL << 10)
#define STACK (512UL << 10)

static char page[PAGE];
static pthread_barrier_t all_are_done;

struct grown {
	int fd;
	size_t bytes;
};

static int written_file(const char *path, size_t bytes)
{
	int fd = open(path, O_CREAT | O_RDWR | O_TRUNC, 0600);
	if (fd < 0)
		fail(path);
	memset(page, 'y', sizeof page);
	for (size_t done = 0; done < bytes; done += PAGE)
		if (write(fd, page, PAGE) != (ssize_t)PAGE)
			fail(path);
	return fd;
}

static void deleted(const char *path, size_t bytes)
{
	int fd = written_file(path, bytes);
	if (fsync(fd) || unlink(path))
		fail(path);
}

static void holes(const char *path, size_t bytes, size_t span)
{
	int fd = written_file(path, bytes);
	if (ftruncate(fd, span) || fsync(fd) || close(fd))
		fail(path);
}

static void *grow(void *argument)
{
	struct grown *file = argument;
	for (size_t done = 0; done < file->bytes; done += PAGE) {
		if (write(file->fd, page, PAGE) != (ssize_t)PAGE)
			fail("growing");
		usleep(10000);
	}
	for (;;)
		pause();
	return NULL;
}

static void *waiting(void *unused)
{
	pthread_barrier_wait(&all_are_done);
	for (;;)
		pause();
	return unused;
}

static void allocate(size_t bytes)
{
	for (size_t done = 0; done < bytes; done += CHUNK) {
		char *chunk = malloc(CHUNK - 16);
		if (!chunk)
			fail("malloc");
		memset(chunk, 1, CHUNK - 16);
	}
}

static void *with_an_arena(void *bytes)
{
	allocate((size_t)bytes);
	return waiting(NULL);
}

static void *with_a_stack(void *bytes)
{
	volatile char *local = __builtin_alloca((size_t)bytes);
	for (size_t at = 0; at < (size_t)bytes; at += PAGE)
		local[at] = 1;
	return waiting(NULL);
}

static void threads_of(int count, void *(*work)(void *), size_t bytes)
{
	pthread_attr_t attributes;
	pthread_t id;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK);
	pthread_barrier_init(&all_are_done, NULL, count + 1);
	for (int i = 0; i < count; i++)
		if (pthread_create(&id, &attributes, work, (void *)bytes))
			fail("pthread_create");
	pthread_barrier_wait(&all_are_done);
}

static void many(const char *directory, int count)
{
	char path[4096];
	for (int i = 0; i < count; i++) {
		if (i % 500 == 0) {
			snprintf(path, sizeof path, "%s/%d", directory, i / 500);
			if (mkdir(path, 0700))
				fail(path);
		}
		snprintf(path, sizeof path, "%s/%d/%d", directory, i / 500, i);
		close(written_file(path, PAGE));
	}
	sync();
}

int more(char **word, int count)
{
#define WORD(name, arguments) (!strcmp(word[0], name) && count > arguments)
#define NUMBER(at) strtoul(word[at], NULL, 10)
	if (WORD("deleted", 2)) {
		deleted(word[1], NUMBER(2));
		return 3;
	}
	if (WORD("holes", 3)) {
		holes(word[1], NUMBER(2), NUMBER(3));
		return 4;
	}
	if (WORD("growing", 2)) {
		pthread_t id;
		struct grown *file = malloc(sizeof *file);
		*file = (struct grown){written_file(word[1], PAGE), NUMBER(2)};
		if (pthread_create(&id, NULL, grow, file))
			fail("pthread_create");
		return 3;
	}
	if (WORD("many", 2)) {
		many(word[1], NUMBER(2));
		return 3;
	}
	if (WORD("heap", 1)) {
		mallopt(M_MMAP_THRESHOLD, 1 << 30);
		allocate(NUMBER(1));
		return 2;
	}
	if (WORD("arenas", 2)) {
		mallopt(M_MMAP_THRESHOLD, 1 << 25);
		mallopt(M_ARENA_MAX, NUMBER(1) + 1);
		threads_of(NUMBER(1), with_an_arena, NUMBER(2));
		return 3;
	}
	if (WORD("stacks", 2)) {
		threads_of(NUMBER(1), with_a_stack, NUMBER(2));
		return 3;
	}
	return 0;
}
