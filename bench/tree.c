/* The least that a pass over a node's cgroups must do: open, read and close the same files.
 *
 *     tree < PATHS        one path a line
 *
 * Prints the CPU time of the loop in seconds.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { MOST = 1 << 17, LONGEST = 1024, ROOM = 16384 };

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
           + 1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

int main(void)
{
    static char line[LONGEST], buffer[ROOM];
    char **paths = malloc(MOST * sizeof *paths);
    long count = 0, failed = 0;
    if (!paths)
        return 1;
    while (count < MOST && fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        paths[count++] = strdup(line);
    }
    double begin = cpu_seconds();
    for (long at = 0; at < count; at++) {
        int fd = open(paths[at], O_RDONLY | O_CLOEXEC);
        if (fd < 0 || read(fd, buffer, ROOM) < 0)
            failed++;
        if (fd >= 0)
            close(fd);
    }
    printf("%.6f\n", cpu_seconds() - begin);
    return failed != 0;
}
