/*
 * Preloaded into a User-Mode Linux kernel: makes its ptrace(2) set register areas of the size the processor has.
 *
 * Kernels before the size was asked of the processor set 2696 bytes of NT_X86_XSTATE (HOST_FP_SIZE in
 * arch/x86/um/user-offsets.c). A processor with AMX has 11008, and the host refuses any other size with EFAULT
 * (xstateregs_set in arch/x86/kernel/fpu/regset.c). Here the rest is what the process has, so nothing is changed
 * that the kernel did not mean. Where the sizes agree, every request passes through as it came.
 *
 * It is built without a C library and needs one symbol of it that every one has, because kernels of several
 * Debian releases run with the libraries of theirs.
 */

enum { SYS_PTRACE = 101, PEEKTEXT = 1, PEEKUSER = 3, GETREGSET = 0x4204, SETREGSET = 0x4205 };
enum { NT_X86_XSTATE = 0x202 };

struct span {
    void *start;
    unsigned long bytes;
};

extern int *__errno_location(void);

/* Of which source a built file is, for the test that holds them against one another. */
const char memcollect_source[] = SOURCE_SHA256;

/* Not on the stack, which in this kernel may be its own and small; one thread alone traces. */
static unsigned char area[65536];

static long traced(long request, long process, void *address, void *data)
{
    long result;
    register void *fourth __asm__("r10") = data;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"((long)SYS_PTRACE), "D"(request), "S"(process), "d"(address), "r"(fourth)
                     : "rcx", "r11", "memory");
    return result;
}

static long as_the_library_says(long result)
{
    if (result >= 0)
        return result;
    *__errno_location() = (int)-result;
    return -1;
}

long ptrace(int request, int process, void *address, void *data)
{
    struct span *given = data, whole = {area, sizeof area};
    long result, word = 0;

    if (request >= PEEKTEXT && request <= PEEKUSER) {
        result = traced(request, process, address, &word);
        if (result < 0)
            return as_the_library_says(result);
        *__errno_location() = 0;
        return word;
    }
    if (request == SETREGSET && address == (void *)NT_X86_XSTATE &&
        traced(GETREGSET, process, address, &whole) >= 0 && whole.bytes > given->bytes) {
        void *to = area, *from = given->start;
        unsigned long count = given->bytes;
        __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
        data = &whole;
    }
    return as_the_library_says(traced(request, process, address, data));
}
