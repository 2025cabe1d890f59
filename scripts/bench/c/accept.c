// Accepts one call and becomes a program that has it as a descriptor, as the window of a desk does. A terminal on
// standard input becomes the controlling terminal.
// Usage: accept <port> <descriptor> <command>...
#include "bench.h"

#include <sys/ioctl.h>

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    int call = check(accept(listen_on(atoi(argv[1])), NULL, NULL), "accept");
    if (isatty(STDIN_FILENO)) check(ioctl(STDIN_FILENO, TIOCSCTTY, 0), "TIOCSCTTY");
    int wanted = atoi(argv[2]);
    if (call != wanted) {
        check(dup2(call, wanted), "dup2");
        close(call);
    }
    execv(argv[3], argv + 3);
    perror(argv[3]);
    return 1;
}
