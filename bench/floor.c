/* The least that any reader of these files must do: open, read to its end and close each.
 *
 *     floor < PATHS        one path a line
 *
 * Prints the CPU time of the loop and of the whole process in seconds, the bytes read, and how many
 * files could not be read.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { ROOM = 65536 };

static double cpu_seconds(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
           + 1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* One read: what these files hold fits, as it does for whoever reads them as records. */
static long read_one(const char *path, char *buffer)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    long length = read(fd, buffer, ROOM);
    close(fd);
    return length;
}

static char *all_of(FILE *stream, size_t *length)
{
    size_t room = 1 << 20;
    char *text = malloc(room);
    *length = 0;
    for (size_t more; text && (more = fread(text + *length, 1, room - *length - 1, stream)) > 0;) {
        *length += more;
        if (room - *length < 2)
            text = realloc(text, room *= 2);
    }
    if (text)
        text[*length] = '\0';
    return text;
}

int main(void)
{
    static char buffer[ROOM];
    size_t length;
    char *paths = all_of(stdin, &length);
    if (!paths)
        return 1;
    for (size_t at = 0; at < length; at++)
        if (paths[at] == '\n')
            paths[at] = '\0';

    long failed = 0, bytes = 0;
    double begin = cpu_seconds();
    for (char *path = paths; path < paths + length; path += strlen(path) + 1) {
        long got = read_one(path, buffer);
        if (got < 0)
            failed++;
        else
            bytes += got;
    }
    double end = cpu_seconds();
    printf("%.6f %.6f %ld %ld\n", end - begin, end, bytes, failed);
    return 0;
}
