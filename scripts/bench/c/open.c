// The floor of a window: forks and executes a command with a port appended, and waits until the program in the window
// has connected to that port and sent a byte. Prints nanoseconds. The window ends with this program.
// Usage: open <command>...
#include "bench.h"

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    int listener = listen_on(0);
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    check(getsockname(listener, (struct sockaddr *)&address, &size), "getsockname");
    char port[8], *command[argc + 1], byte;
    snprintf(port, sizeof port, "%d", ntohs(address.sin_port));
    memcpy(command, argv + 1, (argc - 1) * sizeof *argv);
    command[argc - 1] = port;
    command[argc] = NULL;

    long long before = now();
    pid_t child = check(fork(), "fork");
    if (child == 0) {
        execvp(command[0], command);
        perror(command[0]);
        _exit(127);
    }
    int call = check(accept(listener, NULL, NULL), "accept");
    if (check(read(call, &byte, 1), "read") == 0) return 1;
    printf("%lld\n", now() - before);
    close(call);
    waitpid(child, NULL, 0);
    return 0;
}
