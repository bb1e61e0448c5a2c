/* More words for the truthful program of ../lab/workload.c, for what only a full kernel has:
 *
 *   halves BYTES          anonymous memory, written; then 1 MiB of each 2 MiB given back (MADV_DONTNEED)
 *   bytes BYTES           anonymous memory, one byte of each 2 MiB written
 *   noise BYTES           anonymous memory, half of each page noise, so that it is compressed to half its size
 *   willneed              what was written last is asked for ahead of its use (MADV_WILLNEED)
 *   inswap                measures Swap of /proc/self/smaps_rollup in bytes
 *   wide PATH BYTES       a file mapped shared, one byte of each 2 MiB written
 *   dirty PATH BYTES      a file, written and not flushed
 *   hugetlb BYTES         a memfd on huge pages, mapped and written
 *   same BYTES            anonymous memory, every page the same, offered to KSM
 *   lockanon BYTES        anonymous memory, written and mlocked
 *   secret BYTES          memfd_secret(2), mapped and written
 *   tcp N                 N connections over the loopback, filled; measures the bytes sent
 *   uring N               N io_uring instances of 4096 entries, mapped; measures the bytes of their rings
 *   bpfarray BYTES        a BPF array
 *   bpfring BYTES         a BPF ring buffer, mapped
 *   perf PAGES            a perf ring of so many data pages, mapped
 *   packet BYTES          an AF_PACKET receive ring, mapped
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/io_uring.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../lab/workload.h"

#define HUGE (2UL << 20)

static char *aligned(size_t bytes)
{
	char *p = mmap(NULL, bytes + HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		fail("mmap");
	return (char *)(((unsigned long)p + HUGE - 1) & ~(HUGE - 1));
}

static void touch(volatile char *p, size_t bytes, size_t step)
{
	for (size_t at = 0; at < bytes; at += step)
		p[at] = 1;
}

static void halves(size_t bytes)
{
	char *p = aligned(bytes);
	touch(p, bytes, PAGE);
	for (size_t at = 0; at < bytes; at += HUGE)
		if (madvise(p + at, HUGE / 2, MADV_DONTNEED))
			fail("madvise");
}

static void noise(size_t bytes)
{
	char *p = map(bytes, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	unsigned long seed = 88172645463325252UL;
	for (size_t at = 0; at < bytes; at += PAGE)
		for (size_t word = 0; word < PAGE / 2; word += sizeof seed) {
			seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
			*(unsigned long *)(p + at + word) = seed;
		}
	last = p;
	last_bytes = bytes;
}

static void will_need(void)
{
	if (madvise((void *)last, last_bytes, MADV_WILLNEED))
		fail("madvise");
	sleep(2);
}

static void in_swap(void)
{
	char line[256];
	FILE *file = fopen("/proc/self/smaps_rollup", "r");
	while (file && fgets(line, sizeof line, file))
		if (sscanf(line, "Swap: %ld", &measured) == 1)
			measured *= 1024;
	if (file)
		fclose(file);
}

static void dirty(const char *path, size_t bytes)
{
	static char block[65536];
	int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0644);
	memset(block, 'd', sizeof block);
	for (size_t done = 0; done < bytes; done += sizeof block)
		if (write(fd, block, sizeof block) != sizeof block)
			fail(path);
	close(fd);
}

static void wide(const char *path, size_t bytes)
{
	int fd = open(path, O_CREAT | O_RDWR, 0600);
	if (fd < 0 || ftruncate(fd, bytes))
		fail(path);
	touch(map(bytes, MAP_SHARED, fd), bytes, HUGE);
}

static void of_descriptor(int fd, const char *what, size_t bytes, size_t step)
{
	if (fd < 0 || ftruncate(fd, bytes))
		fail(what);
	touch(map(bytes, MAP_SHARED, fd), bytes, step);
}

static void secret(size_t bytes)
{
	/* Secret memory counts as locked, and a page beyond what may be is SIGBUS. */
	struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
	if (setrlimit(RLIMIT_MEMLOCK, &all))
		fail("setrlimit");
	of_descriptor(syscall(SYS_memfd_secret, 0), "memfd_secret", bytes, PAGE);
}

static void same(size_t bytes)
{
	char *p = map(bytes, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	/* A huge page is only merged once it is split. */
	if (madvise(p, bytes, MADV_NOHUGEPAGE))
		fail("madvise");
	memset(p, 'k', bytes);
	if (madvise(p, bytes, MADV_MERGEABLE))
		fail("madvise");
}

static void locked(size_t bytes)
{
	char *p = map(bytes, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	touch(p, bytes, PAGE);
	if (mlock(p, bytes))
		fail("mlock");
}

static void tcp(int count)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;
	struct rlimit limit = {4096, 4096};
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	setrlimit(RLIMIT_NOFILE, &limit);
	if (bind(listener, (void *)&address, sizeof address) || listen(listener, count) ||
	    getsockname(listener, (void *)&address, &length))
		fail("listen");
	measured = 0;
	while (count-- > 0) {
		static char full[65536];
		int from = socket(AF_INET, SOCK_STREAM, 0), to;
		ssize_t sent;
		if (connect(from, (void *)&address, sizeof address) || (to = accept(listener, NULL, NULL)) < 0)
			fail("connect");
		fcntl(from, F_SETFL, O_NONBLOCK);
		for (int calm = 0; calm < 20;)
			if ((sent = write(from, full, sizeof full)) > 0) {
				measured += sent;
				calm = 0;
			} else {
				calm++;
				usleep(1000);
			}
	}
}

/* The kernel takes each part from the page allocator in one piece (io_pages_map in io_uring/memmap.c of 6.12). */
static size_t in_one_piece(size_t bytes)
{
	size_t piece = PAGE;
	while (piece < bytes)
		piece *= 2;
	return piece;
}

static void uring(int count)
{
	while (count-- > 0) {
		struct io_uring_params params = {0};
		int fd = syscall(SYS_io_uring_setup, 4096, &params);
		if (fd < 0)
			fail("io_uring_setup");
		size_t rings = params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe);
		size_t array = params.sq_off.array + params.sq_entries * sizeof(unsigned);
		size_t entries = params.sq_entries * sizeof(struct io_uring_sqe);
		if (array > rings)
			rings = array;
		char *ring = mmap(NULL, rings, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, IORING_OFF_SQ_RING);
		char *sqes = mmap(NULL, entries, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, IORING_OFF_SQES);
		if (ring == MAP_FAILED || sqes == MAP_FAILED)
			fail("mmap of io_uring");
		measured += in_one_piece(rings) + in_one_piece(entries);
	}
}

static int bpf_map(int type, unsigned value, unsigned entries)
{
	union bpf_attr attr;
	memset(&attr, 0, sizeof attr);
	attr.map_type = type;
	attr.key_size = type == BPF_MAP_TYPE_ARRAY ? 4 : 0;
	attr.value_size = value;
	attr.max_entries = entries;
	int fd = syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof attr);
	if (fd < 0)
		fail("bpf");
	return fd;
}

static void bpf_ring(size_t bytes)
{
	int fd = bpf_map(BPF_MAP_TYPE_RINGBUF, 0, bytes);
	/* A page of the reader's own, then one of the writer's and the data, which is there twice in a row. */
	volatile char *p = mmap(NULL, PAGE + 2 * bytes, PROT_READ, MAP_SHARED, fd, PAGE);
	if (p == MAP_FAILED)
		fail("mmap of bpf");
	for (size_t at = 0; at < PAGE + bytes; at += PAGE)
		(void)p[at];
}

static void perf(size_t pages)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE, .size = sizeof attr, .config = PERF_COUNT_SW_DUMMY};
	int fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
	if (fd < 0)
		fail("perf_event_open");
	/* Only the kernel writes to the data. */
	volatile char *p = map((pages + 1) * PAGE, MAP_SHARED, fd);
	for (size_t at = 0; at < pages; at++)
		(void)p[(at + 1) * PAGE];
}

static void packet(size_t bytes)
{
	struct tpacket_req request = {
		.tp_block_size = 1 << 16, .tp_block_nr = bytes >> 16,
		.tp_frame_size = 2048, .tp_frame_nr = bytes / 2048};
	int fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof request))
		fail("PACKET_RX_RING");
	touch(map(bytes, MAP_SHARED, fd), bytes, PAGE);
}

int more(char **word, int count)
{
#define WORD(name) !strcmp(word[0], name)
#define NUMBER strtoul(word[1], NULL, 10)
	if (WORD("willneed")) {
		will_need();
		return 1;
	}
	if (WORD("inswap")) {
		in_swap();
		return 1;
	}
	if (WORD("wide") && count > 2) {
		wide(word[1], strtoul(word[2], NULL, 10));
		return 3;
	}
	if (WORD("dirty") && count > 2) {
		dirty(word[1], strtoul(word[2], NULL, 10));
		return 3;
	}
	if (count < 2)
		return 0;
	if (WORD("halves"))
		halves(NUMBER);
	else if (WORD("noise"))
		noise(NUMBER);
	else if (WORD("bytes"))
		touch(aligned(NUMBER), NUMBER, HUGE);
	else if (WORD("hugetlb"))
		of_descriptor(memfd_create("huge", MFD_HUGETLB), "memfd_create", NUMBER, HUGE);
	else if (WORD("same"))
		same(NUMBER);
	else if (WORD("lockanon"))
		locked(NUMBER);
	else if (WORD("secret"))
		secret(NUMBER);
	else if (WORD("tcp"))
		tcp(NUMBER);
	else if (WORD("uring"))
		uring(NUMBER);
	else if (WORD("bpfarray"))
		bpf_map(BPF_MAP_TYPE_ARRAY, PAGE, NUMBER / PAGE);
	else if (WORD("bpfring"))
		bpf_ring(NUMBER);
	else if (WORD("perf"))
		perf(NUMBER);
	else if (WORD("packet"))
		packet(NUMBER);
	else
		return 0;
	return 2;
}
