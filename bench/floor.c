/* The least that any reader of smaps_rollup must do: open, read and close the file of each process.
 *
 *     floor < PIDS        one pid a line
 *
 * Prints the CPU time of the loop and of the whole process in seconds, the bytes read, and how many
 * files could not be read.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { MOST = 1 << 20, ROOM = 8192 };

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
           + 1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static long read_one(int pid, char *buffer)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    long length = read(fd, buffer, ROOM);
    close(fd);
    return length;
}

int main(void)
{
    int *pids = malloc(MOST * sizeof *pids);
    long count = 0, failed = 0, bytes = 0;
    if (!pids)
        return 1;
    while (count < MOST && scanf("%d", &pids[count]) == 1)
        count++;

    static char buffer[ROOM];
    double begin = cpu_seconds();
    for (long at = 0; at < count; at++) {
        long length = read_one(pids[at], buffer);
        if (length <= 0)
            failed++;
        else
            bytes += length;
    }
    double end = cpu_seconds();
    printf("%.6f %.6f %ld %ld\n", end - begin, end, bytes, failed);
    return 0;
}
