// Shared by the small programs of the bench. A system call that fails ends the program: there are no partial results.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// HELLO and BYE of docs/PROTOCOL.md; a competitor just echoes these bytes.
static const char HELLO[] = "H\0\x08\x01\0caller";
static const char BYE[] = "B\0";
#define HELLO_SIZE (sizeof HELLO - 1)
#define BYE_SIZE sizeof BYE

static inline long check(long result, const char *what) {
    if (result < 0) {
        perror(what);
        exit(1);
    }
    return result;
}

static inline long long now(void) {
    struct timespec time;
    check(clock_gettime(CLOCK_MONOTONIC, &time), "clock_gettime");
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static inline struct sockaddr_in loopback(int port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static inline int listen_on(int port) {
    int listener = check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"), on = 1;
    struct sockaddr_in address = loopback(port);
    check(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), "SO_REUSEADDR");
    check(bind(listener, (struct sockaddr *)&address, sizeof address), "bind");
    check(listen(listener, SOMAXCONN), "listen");
    return listener;
}

static inline int connect_to(int port) {
    int call = check(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    struct sockaddr_in address = loopback(port);
    check(connect(call, (struct sockaddr *)&address, sizeof address), "connect");
    return call;
}

// Reads and discards until the peer has closed.
static inline void read_out(int fd) {
    char rest[4096];
    while (read(fd, rest, sizeof rest) > 0) {
    }
}
