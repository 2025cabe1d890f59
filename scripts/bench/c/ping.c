// Times turns of a conversation between two programs whose standard input and output are pipes. Lines are written to the
// near program, each when the one before has come out of the far one, so that no program can send two at once. Then the
// same number goes back. Prints nanoseconds, a line for each turn.
// Usage: ping <near in> <near out> <far in> <far out> <lines in a turn> <turns> <seconds at most>
#include "bench.h"

static const char LINE[] = "is the printer on the second floor down?\n";
#define SIZE (sizeof LINE - 1)
#define WARM_UP 100

struct source {
    int fd;
    size_t held;
    char bytes[64 * 1024];
};
static struct source near, far;

// Waits until a line that ends with ours has come out: a chat puts a name before it.
static void wait_for_line(struct source *source) {
    for (;;) {
        char *end;
        while ((end = memchr(source->bytes, '\n', source->held))) {
            size_t length = end + 1 - source->bytes;
            int ours = length >= SIZE && memcmp(end + 1 - SIZE, LINE, SIZE) == 0;
            source->held -= length;
            memmove(source->bytes, end + 1, source->held);
            if (ours) return;
        }
        ssize_t count = check(
            read(source->fd, source->bytes + source->held, sizeof source->bytes - source->held), "read");
        if (count == 0) {
            fprintf(stderr, "ping: a program has ended its output\n");
            exit(1);
        }
        source->held += count;
    }
}

// Writes lines to one program and waits until all have come out of the other.
static void say(int in, int lines, struct source *out) {
    for (int line = 0; line < lines; line++) {
        check(write(in, LINE, SIZE), "write");
        wait_for_line(out);
    }
}

static void turn(int near_in, int far_in, int lines) {
    say(near_in, lines, &far);
    say(far_in, lines, &near);
}

int main(int argc, char **argv) {
    if (argc != 8) return 2;
    int near_in = atoi(argv[1]), far_in = atoi(argv[3]), lines = atoi(argv[5]), turns = atoi(argv[6]);
    near.fd = atoi(argv[2]);
    far.fd = atoi(argv[4]);
    long long *took = calloc(turns, sizeof *took), limit = atoi(argv[7]) * 1000000000LL;
    for (int count = 0; count < WARM_UP; count++) turn(near_in, far_in, 1);
    int made = 0;
    for (long long start = now(); made < turns && now() - start < limit; made++) {
        long long before = now();
        turn(near_in, far_in, lines);
        took[made] = now() - before;
    }
    for (int count = 0; count < made; count++) printf("%lld\n", took[count]);
    return 0;
}
