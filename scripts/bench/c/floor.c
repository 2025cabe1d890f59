// The floor: the least work for a program between standard input, a socket and standard output. It has no framing, no
// limits and no notices. Usage: floor listen|call <port>
#include "bench.h"

#include <sys/select.h>

static char buffer[64 * 1024];

// Copies what is available; returns 0 at end of input.
static ssize_t move(int from, int to) {
    ssize_t count = check(read(from, buffer, sizeof buffer), "read");
    for (ssize_t done = 0; done < count;)
        done += check(write(to, buffer + done, count - done), "write");
    return count;
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    int port = atoi(argv[2]), on = 1, typing = 1, hearing = 1;
    int call = argv[1][0] == 'l' ? check(accept(listen_on(port), NULL, NULL), "accept") : connect_to(port);
    check(setsockopt(call, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "TCP_NODELAY");
    while (typing || hearing) {
        fd_set readable;
        FD_ZERO(&readable);
        if (hearing) FD_SET(call, &readable);
        if (typing) FD_SET(STDIN_FILENO, &readable);
        check(select(call + 1, &readable, NULL, NULL, NULL), "select");
        if (typing && FD_ISSET(STDIN_FILENO, &readable) && move(STDIN_FILENO, call) == 0) {
            typing = 0;
            check(shutdown(call, SHUT_WR), "shutdown");
        }
        if (hearing && FD_ISSET(call, &readable)) hearing = move(call, STDOUT_FILENO) > 0;
    }
    return 0;
}
