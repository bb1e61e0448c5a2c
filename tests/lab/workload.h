/* What the words of a further file may use of the truthful program; it then defines `more`. */
#include <stddef.h>

#define PAGE 4096UL

extern long measured;
/* What `anon` and its like wrote last. */
extern volatile char *last;
extern size_t last_bytes;

void fail(const char *what);
char *map(size_t bytes, int flags, int fd);

/* Do the first of `count` words that workload.c does not know; return how many were its own, 0 if none. */
int more(char **word, int count);
