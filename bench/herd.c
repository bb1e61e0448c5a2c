/* A herd of processes of known sizes, to be measured.
 *
 *     herd COUNT LEAST_MIB MOST_MIB
 *
 * Each maps private memory, writes to every page and sleeps. The sizes are spread evenly over the range
 * in a fixed order, so that every run has the same herd. Small pages only: one page table entry to walk
 * for every 4 KiB is what a process of many small mappings has. Prints the pids, one a line, when all
 * are ready; ends them, and itself, when its standard input ends.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STRIDE = 7919 }; /* a prime, so that neighbours differ and no size is left out */

static void live(size_t bytes, int ready)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "herd");
    char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        _exit(1);
    madvise(memory, bytes, MADV_NOHUGEPAGE);
    memset(memory, 1, bytes);
    if (write(ready, "", 1) != 1)
        _exit(1);
    close(ready);
    for (;;)
        pause();
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: herd COUNT LEAST_MIB MOST_MIB\n");
        return 2;
    }
    long count = atol(argv[1]);
    size_t least = (size_t)atol(argv[2]) << 20, spread = ((size_t)atol(argv[3]) << 20) - least;
    int ready[2];
    pid_t *pids = calloc((size_t)count, sizeof *pids);
    if (!pids || pipe(ready))
        return 1;
    for (long at = 0; at < count; at++) {
        size_t bytes = least + spread / (size_t)count * ((size_t)at * STRIDE % (size_t)count);
        pids[at] = fork();
        if (pids[at] < 0) {
            perror("herd: fork");
            break;
        }
        if (pids[at] == 0)
            live(bytes & ~(size_t)4095, ready[1]);
    }
    prctl(PR_SET_NAME, "herdsman"); /* not to be counted as one of them */
    close(ready[1]);
    char byte;
    for (long at = 0; at < count; at++)
        if (pids[at] <= 0 || read(ready[0], &byte, 1) != 1) {
            fprintf(stderr, "herd: only %ld of %ld processes came up\n", at, count);
            goto end; /* the children die with their parent */
        }
    for (long at = 0; at < count; at++)
        printf("%d\n", (int)pids[at]);
    printf("\n");
    fflush(stdout);
    while (read(0, &byte, 1) > 0)
        ;
end:
    for (long at = 0; at < count && pids[at] > 0; at++)
        kill(pids[at], SIGKILL);
    while (wait(NULL) > 0)
        ;
    return 0;
}
