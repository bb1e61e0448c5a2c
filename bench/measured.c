/* Run a program and tell what it cost.
 *
 *     measured RESULT PROGRAM [ARGUMENT…]
 *
 * Writes its CPU time (user and system, children it waited for included) in seconds and its peak RSS in
 * bytes to the file RESULT. A small program of its own because the kernel hands the peak of whoever
 * starts a program on to it: started from Python, everything seems to need what Python needs.
 */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct rusage usage;
    int status;
    if (argc < 3)
        return 2;
    pid_t child = fork();
    if (child == 0) {
        execvp(argv[2], argv + 2);
        perror(argv[2]);
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &usage) < 0)
        return 1;
    FILE *result = fopen(argv[1], "w");
    if (!result)
        return 1;
    fprintf(result, "%.6f %ld\n",
            (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
                + 1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec),
            usage.ru_maxrss * 1024);
    fclose(result);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
