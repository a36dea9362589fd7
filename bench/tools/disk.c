/* What the disk can do at the best: appends of one size, each followed by fdatasync, for a while.
 *
 *     disk FILE BYTES SECONDS
 *
 * Prints a JSON object. */
#include "common.h"
#include <fcntl.h>

int main(int count, char **arguments) {
    if (count != 4) return fputs("usage: disk FILE BYTES SECONDS\n", stderr), 2;
    size_t size = strtoul(arguments[2], NULL, 10);
    int fd = open(arguments[1], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
    char *bytes = malloc(size);
    if (fd < 0 || !bytes) fail(arguments[1]);
    memset(bytes, 'x', size);
    static histogram latencies;
    uint64_t start = monotonic(), end = start + (uint64_t)(atof(arguments[3]) * 1e6);
    while (monotonic() < end) {
        uint64_t before = monotonic();
        if (write(fd, bytes, size) != (ssize_t)size || fdatasync(fd)) fail("write");
        record(&latencies, monotonic() - before);
    }
    double seconds = (double)(monotonic() - start) / 1e6;
    printf("{\"syncs_per_s\":%.0f,\"bytes_per_s\":%.0f,", (double)latencies.count / seconds,
           (double)latencies.count * (double)size / seconds);
    print_percentiles(&latencies);
    puts("}");
    unlink(arguments[1]);
}
