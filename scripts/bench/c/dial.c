// Calls a server and times, for each call, how long connecting took and how long until the first byte of the answer.
// Prints both in nanoseconds, a line for each call; 0 stands for what has not happened within 5 seconds.
// Usage: dial <port> <calls> sequential|together|hold
//
// With hold, calls are made one after the other and stay open. The program then prints "holding", and ends the calls at
// the end of standard input.
#include "bench.h"

#include <fcntl.h>
#include <sys/epoll.h>

#define LIMIT (5 * 1000000000LL)

struct call {
    int socket;
    long long begun, connected, answered;
};

static int port;

static void begin(struct call *call) {
    struct sockaddr_in address = loopback(port);
    call->socket = check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket");
    call->begun = now();
    if (connect(call->socket, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS)
        check(-1, "connect");
}

static long long since(struct call *call, long long time) {
    return time ? time - call->begun : 0;
}

// Takes the next step of a call; returns whether it was the last.
static int proceed(int watch, struct call *call) {
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = call};
    if (!call->connected) {
        call->connected = now();
        check(epoll_ctl(watch, EPOLL_CTL_MOD, call->socket, &event), "epoll_ctl");
        // If the call was refused, recv reports the error later.
        send(call->socket, HELLO, HELLO_SIZE, MSG_NOSIGNAL);
        return 0;
    }
    char first;
    // BYE does not count as an answer.
    if (recv(call->socket, &first, 1, 0) == 1 && first == HELLO[0]) call->answered = now();
    check(epoll_ctl(watch, EPOLL_CTL_DEL, call->socket, NULL), "epoll_ctl");
    return 1;
}

// Makes `count` calls at once and returns when all of them are answered, refused or given up.
static void make(struct call *calls, int count) {
    int watch = check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1"), left = count;
    for (int index = 0; index < count; index++) {
        struct epoll_event event = {.events = EPOLLOUT, .data.ptr = &calls[index]};
        begin(&calls[index]);
        check(epoll_ctl(watch, EPOLL_CTL_ADD, calls[index].socket, &event), "epoll_ctl");
    }
    for (long long end = now() + LIMIT; left > 0 && now() < end;) {
        struct epoll_event events[64];
        int ready = check(epoll_wait(watch, events, 64, (end - now()) / 1000000 + 1), "epoll_wait");
        for (int index = 0; index < ready; index++) left -= proceed(watch, events[index].data.ptr);
    }
    close(watch);
}

// Sends BYE and waits for the peer's, so that its process is gone before the next call.
static void end(struct call *call) {
    check(fcntl(call->socket, F_SETFL, 0), "F_SETFL");
    send(call->socket, BYE, BYE_SIZE, MSG_NOSIGNAL);
    shutdown(call->socket, SHUT_WR);
    if (call->answered) read_out(call->socket);
    close(call->socket);
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    port = atoi(argv[1]);
    int count = atoi(argv[2]), hold = argv[3][0] == 'h', step = argv[3][0] == 't' ? count : 1;
    struct call *calls = calloc(count, sizeof *calls);
    for (int first = 0; first < count; first += step) {
        make(calls + first, step);
        for (int index = first; !hold && index < first + step; index++) end(&calls[index]);
    }
    if (hold) {
        puts("holding");
        fflush(stdout);
        read_out(STDIN_FILENO);
        for (int index = 0; index < count; index++) end(&calls[index]);
    }
    for (struct call *call = calls; call < calls + count; call++)
        printf("%lld %lld\n", since(call, call->connected), since(call, call->answered));
    return 0;
}
