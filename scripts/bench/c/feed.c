// Writes a file to standard output from memory, so that the disk is not measured. Usage: feed <file>
#include "bench.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    int file = check(open(argv[1], O_RDONLY), argv[1]);
    struct stat about;
    check(fstat(file, &about), "fstat");
    char *bytes = mmap(NULL, about.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
    if (bytes == MAP_FAILED) check(-1, "mmap");
    for (off_t done = 0; done < about.st_size;)
        done += check(write(STDOUT_FILENO, bytes + done, about.st_size - done), "write");
    return 0;
}
