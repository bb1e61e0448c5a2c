/* Preloaded into a User-Mode Linux kernel: refuses to set register areas, as a host does that has larger ones. */

#include <errno.h>

enum { SYS_PTRACE = 101, PEEKTEXT = 1, PEEKUSER = 3, SETREGSET = 0x4205, NT_X86_XSTATE = 0x202 };

long syscall(long number, ...);

long ptrace(int request, int process, void *address, void *data)
{
    long word = 0, result;

    if (request == SETREGSET && address == (void *)NT_X86_XSTATE) {
        errno = EFAULT;
        return -1;
    }
    if (request < PEEKTEXT || request > PEEKUSER)
        return syscall(SYS_PTRACE, request, process, address, data);
    result = syscall(SYS_PTRACE, request, process, address, &word);
    return result < 0 ? result : word;
}
