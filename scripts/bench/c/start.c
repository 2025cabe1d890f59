// Times a whole process, from fork to its end, with its output discarded. Prints nanoseconds, a line for each.
// Usage: start <times> <command>...
#include "bench.h"

#include <fcntl.h>

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    int nowhere = check(open("/dev/null", O_RDWR | O_CLOEXEC), "/dev/null"), status;
    for (int left = atoi(argv[1]); left > 0; left--) {
        long long before = now();
        pid_t child = check(fork(), "fork");
        if (child == 0) {
            dup2(nowhere, STDOUT_FILENO);
            execvp(argv[2], argv + 2);
            _exit(127);
        }
        check(waitpid(child, &status, 0), "waitpid");
        long long took = now() - before;
        if (status != 0) {
            fprintf(stderr, "start: %s failed\n", argv[2]);
            return 1;
        }
        printf("%lld\n", took);
    }
    return 0;
}
