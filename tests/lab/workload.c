/* A process whose memory is known by construction. Static and small, so that what it is asked to hold is
 * nearly all it holds. Words on the command line, then lines on stdin, are done one after another; after
 * each line (and after the command line) it prints "ready N", N being what the last word measured.
 *
 *   anon BYTES            private anonymous memory, every page written
 *   stubs N               N children that have read every page of what was written last, and wait
 *   guard                 a page that nobody may touch, so that what follows is a mapping of its own
 *   fork N                N children that share all of it and wait
 *   vfork N               N children that share the address space itself, and wait
 *   write PATH BYTES      a file, written and flushed to its disk
 *   read PATH TIMES       the whole file, by read(2)
 *   map PATH              the whole file, mapped shared, every page read
 *   lock PATH             the same, and mlocked
 *   shared BYTES          anonymous memory shared with nobody
 *   memfd NAME BYTES      a memfd, mapped and written
 *   ram PATH BYTES        a file mapped shared for writing, every page written
 *   private PATH BYTES    the whole file mapped privately, every page read, then the first BYTES written
 *   -OPTION VALUE         nothing: what another program would be started with
 *   lazyfree BYTES        anonymous memory, written and then given to MADV_FREE
 *   opened DIR N          N empty files, made and kept open
 *   lookups DIR N         N names that do not exist
 *   sparse N              N pages, each below a page table of its own
 *   threads N             N threads that wait
 *   sockets N             N pairs of datagram sockets, filled; measures the bytes sent
 *   swapped               measures VmSwap of /proc/self/status in bytes
 *   resident              measures VmRSS
 *   pid                   measures its pid
 *   stay                  waits for ever at the end, whatever becomes of stdin
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "workload.h"

long measured;
volatile char *last;
size_t last_bytes;
static char buffer[1 << 16];
static int stays;

void fail(const char *what)
{
	fprintf(stderr, "workload: %s: %s\n", what, strerror(errno));
	exit(3);
}

char *map(size_t bytes, int flags, int fd)
{
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
	if (p == MAP_FAILED)
		fail("mmap");
	return p;
}

static char *written(size_t bytes, int flags, int fd)
{
	char *p = map(bytes, flags, fd);
	for (size_t at = 0; at < bytes; at += PAGE)
		p[at] = 1 + at / PAGE % 250;
	last = p;
	last_bytes = bytes;
	return p;
}

static void write_file(const char *path, size_t bytes)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0644);
	if (fd < 0)
		fail(path);
	memset(buffer, 'x', sizeof buffer);
	for (size_t done = 0; done < bytes; done += sizeof buffer)
		if (write(fd, buffer, sizeof buffer) != sizeof buffer)
			fail(path);
	fsync(fd);
	close(fd);
}

static void read_file(const char *path, int times)
{
	for (; times > 0; times--) {
		int fd = open(path, O_RDONLY);
		if (fd < 0)
			fail(path);
		while (read(fd, buffer, sizeof buffer) > 0)
			;
		close(fd);
	}
}

static void map_file(const char *path, int lock)
{
	struct stat st;
	int fd = open(path, O_RDONLY);
	if (fd < 0 || fstat(fd, &st))
		fail(path);
	volatile char *p = mmap(NULL, st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		fail(path);
	for (off_t at = 0; at < st.st_size; at += PAGE)
		(void)p[at];
	if (lock && mlock((void *)p, st.st_size))
		fail("mlock");
}

static void ram(const char *path, size_t bytes)
{
	int fd = open(path, O_CREAT | O_RDWR, 0600);
	if (fd < 0 || ftruncate(fd, bytes))
		fail(path);
	written(bytes, MAP_SHARED, fd);
	close(fd);
}

static void private_file(const char *path, size_t bytes)
{
	struct stat st;
	int fd = open(path, O_RDONLY);
	if (fd < 0 || fstat(fd, &st))
		fail(path);
	volatile char *p = map(st.st_size, MAP_PRIVATE, fd);
	for (off_t at = 0; at < st.st_size; at += PAGE)
		(void)p[at];
	for (size_t at = 0; at < bytes; at += PAGE)
		p[at] = 1;
	close(fd);
}

static void lookups(const char *directory, int count)
{
	char path[4096];
	struct stat st;
	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof path, "%s/no-%d", directory, i);
		if (!stat(path, &st))
			fail(path);
	}
}

static void sparse(int count)
{
	size_t step = 2UL << 20;
	char *p = mmap(NULL, (count + 1) * step, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		fail("mmap");
	p = (char *)(((unsigned long)p + step - 1) & ~(step - 1));
	/* A kernel without huge pages refuses, and would have made none. */
	madvise(p, count * step, MADV_NOHUGEPAGE);
	for (int i = 0; i < count; i++)
		p[i * step] = 1;
}

static void *wait_for_ever(void *unused)
{
	for (;;)
		pause();
	return unused;
}

static void threads(int count)
{
	pthread_attr_t attributes;
	pthread_t id;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 16384);
	while (count-- > 0)
		if (pthread_create(&id, &attributes, wait_for_ever, NULL))
			fail("pthread_create");
}

static void opened(const char *directory, int count)
{
	char path[256];
	struct rlimit most = { count + 64, count + 64 };
	if (setrlimit(RLIMIT_NOFILE, &most))
		fail("setrlimit");
	while (count-- > 0) {
		snprintf(path, sizeof path, "%s/opened-%d", directory, count);
		if (open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600) < 0)
			fail(path);
	}
}

static void sockets(int count)
{
	struct rlimit limit = {4096, 4096};
	setrlimit(RLIMIT_NOFILE, &limit);
	measured = 0;
	while (count-- > 0) {
		int pair[2];
		ssize_t sent;
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair))
			fail("socketpair");
		while ((sent = write(pair[0], buffer, 32768)) > 0)
			measured += sent;
	}
}

static void status(const char *name)
{
	char line[256], format[32];
	snprintf(format, sizeof format, "%s: %%ld", name);
	FILE *file = fopen("/proc/self/status", "r");
	while (file && fgets(line, sizeof line, file))
		if (sscanf(line, format, &measured) == 1)
			measured *= 1024;
	if (file)
		fclose(file);
}

static void forks(int count)
{
	while (count-- > 0)
		if (!fork()) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			wait_for_ever(NULL);
		}
}

static int wait_in_the_same_space(void *unused)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	wait_for_ever(unused);
	return 0;
}

static void vforks(int count)
{
	size_t bytes = 4 * PAGE;
	while (count-- > 0) {
		char *stack = written(bytes, MAP_PRIVATE | MAP_ANONYMOUS, -1);
		if (clone(wait_in_the_same_space, stack + bytes, CLONE_VM | SIGCHLD, NULL) < 0)
			fail("clone");
	}
}

static void stubs(int count)
{
	for (; count > 0; count--) {
		int done[2];
		char byte = 0;
		if (pipe(done))
			fail("pipe");
		if (!fork()) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (size_t at = 0; at < last_bytes; at += PAGE)
				byte ^= last[at];
			if (write(done[1], &byte, 1) != 1)
				fail("write");
			wait_for_ever(NULL);
		}
		if (read(done[0], &byte, 1) != 1)
			fail("read");
		close(done[0]);
		close(done[1]);
	}
}

__attribute__((weak)) int more(char **word, int count)
{
	(void)word, (void)count;
	return 0;
}

static void work(char **word, int count)
{
	for (int i = 0; i < count; i++) {
#define WORD(name) !strcmp(word[i], name)
#define TEXT (++i < count ? word[i] : (errno = EINVAL, fail("an argument is missing"), ""))
#define NUMBER strtoul(TEXT, NULL, 10)
		if (WORD("anon"))
			written(NUMBER, MAP_PRIVATE | MAP_ANONYMOUS, -1);
		else if (WORD("stubs"))
			stubs(NUMBER);
		else if (WORD("guard"))
			mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		else if (WORD("fork"))
			forks(NUMBER);
		else if (WORD("vfork"))
			vforks(NUMBER);
		else if (WORD("write")) {
			char *path = TEXT;
			write_file(path, NUMBER);
		} else if (WORD("read")) {
			char *path = TEXT;
			read_file(path, NUMBER);
		} else if (WORD("map"))
			map_file(TEXT, 0);
		else if (WORD("lock"))
			map_file(TEXT, 1);
		else if (WORD("shared"))
			written(NUMBER, MAP_SHARED | MAP_ANONYMOUS, -1);
		else if (WORD("memfd")) {
			int fd = memfd_create(TEXT, 0);
			size_t bytes = NUMBER;
			if (fd < 0 || ftruncate(fd, bytes))
				fail("memfd_create");
			written(bytes, MAP_SHARED, fd);
		} else if (WORD("ram")) {
			char *path = TEXT;
			ram(path, NUMBER);
		} else if (WORD("private")) {
			char *path = TEXT;
			private_file(path, NUMBER);
		} else if (word[i][0] == '-') {
			(void)TEXT;
		} else if (WORD("lazyfree")) {
			size_t bytes = NUMBER;
			if (madvise(written(bytes, MAP_PRIVATE | MAP_ANONYMOUS, -1), bytes, MADV_FREE))
				fail("madvise");
		} else if (WORD("lookups")) {
			char *directory = TEXT;
			lookups(directory, NUMBER);
		} else if (WORD("opened")) {
			char *directory = TEXT;
			opened(directory, NUMBER);
		} else if (WORD("sparse"))
			sparse(NUMBER);
		else if (WORD("threads"))
			threads(NUMBER);
		else if (WORD("sockets"))
			sockets(NUMBER);
		else if (WORD("swapped"))
			status("VmSwap");
		else if (WORD("resident"))
			status("VmRSS");
		else if (WORD("pid"))
			measured = getpid();
		else if (WORD("stay"))
			stays = 1;
		else {
			int own = more(word + i, count - i);
			if (!own) {
				errno = EINVAL;
				fail(word[i]);
			}
			i += own - 1;
		}
	}
	printf("ready %ld\n", measured);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static char line[8192];
	char *words[64];
	work(argv + 1, argc - 1);
	if (stays)
		wait_for_ever(NULL);
	while (fgets(line, sizeof line, stdin)) {
		int count = 0;
		for (char *word = strtok(line, " \n"); word && count < 64; word = strtok(NULL, " \n"))
			words[count++] = word;
		work(words, count);
	}
	return 0;
}
