// The smallest program in a window: connects, sends a byte, and ends when the peer does. Usage: answer <port>
#include "bench.h"

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    int call = connect_to(atoi(argv[1]));
    check(write(call, "H", 1), "write");
    read_out(call);
    return 0;
}
