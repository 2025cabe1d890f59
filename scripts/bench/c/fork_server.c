// The floor of a server: a process for each call, which echoes what it receives. Usage: fork_server <port>
#include "bench.h"

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    int listener = listen_on(atoi(argv[1]));
    signal(SIGCHLD, SIG_IGN);
    for (;;) {
        int call = check(accept(listener, NULL, NULL), "accept");
        if (check(fork(), "fork") == 0) {
            char bytes[4096];
            ssize_t count;
            close(listener);
            while ((count = read(call, bytes, sizeof bytes)) > 0)
                check(send(call, bytes, count, MSG_NOSIGNAL), "send");
            _exit(0);
        }
        close(call);
    }
}
