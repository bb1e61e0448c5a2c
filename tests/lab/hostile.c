/* Neighbours that mean no good, each in a pod of its own: hostile KIND [N]
 *
 *   names    N processes whose names and arguments are terminal escape sequences and newlines
 *   long     one process with a command line of N bytes
 *   herd     N processes that do nothing
 *   churn    a process that forks children which end at once, for ever
 *
 * Says "ready" and a line end when it is as it wants to be.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const char escape[] = "\033]0;owned\a\033[2J\n";

static void ready(void) { puts("ready"); fflush(stdout); }

static void herd(int count, const char *name) {
    for (int i = 0; i < count; i++) {
        pid_t child = fork();
        if (child < 0) { perror("fork"); exit(1); }
        if (child == 0) {
            if (name) prctl(PR_SET_NAME, name);
            for (;;) pause();
        }
    }
    ready();
    for (;;) pause();
}

static void again(char *program, const char *kind, char *argument) {
    char *arguments[] = {program, (char *)kind, argument, NULL};
    execv(program, arguments);
    perror("execv");
    exit(1);
}

int main(int argc, char **argv) {
    const char *kind = argc > 1 ? argv[1] : "";
    int count = argc > 2 ? atoi(argv[2]) : 0;
    if (!strcmp(kind, "names")) again("/proc/self/exe", "named", "--password=\033[31mhunter2\n");
    if (!strcmp(kind, "named")) herd(20, escape);
    if (!strcmp(kind, "herd")) herd(count, NULL);
    if (!strcmp(kind, "long")) {
        char *argument = malloc(count + 1);
        memset(argument, 'x', count);
        argument[count] = 0;
        again("/proc/self/exe", "waiting", argument);
    }
    if (!strcmp(kind, "waiting")) { ready(); for (;;) pause(); }
    if (!strcmp(kind, "churn")) {
        ready();
        for (;;) {
            pid_t child = fork();
            if (child == 0) _exit(0);
            waitpid(child, NULL, 0);
        }
    }
    fprintf(stderr, "hostile: no such kind: %s\n", kind);
    return 2;
}
