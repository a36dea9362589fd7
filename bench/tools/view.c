/* Opens viewers' streams (RFC 6455) and checks that each gives every event once and in order.
 *
 *     view PORT VIEWERS LAST < PATH
 *
 * Each viewer opens PATH (one line on standard input: it holds a token) and reads to the event LAST. Once all are open, `open`
 * is printed. With LAST 0 they stay, and wait, until standard input ends. Latency is from when an event was due (us= in its
 * text) to when its bytes were received; events from before all viewers were open have none. Prints a JSON object; exits with 1
 * unless every event came, once and in order. */
#include "common.h"
#include <sys/epoll.h>

typedef struct {
    int fd;
    bool is_open, is_done;
    char *in;
    size_t start, end, capacity;
    uint64_t offset; /* of the last event */
} viewer;

static int port, count, opened, done, epoll;
static uint64_t last, events, bytes, first_at, open_since;
static char path[4096];
static histogram latencies;

_Noreturn static void wrong(const char *what, const viewer *v) {
    fprintf(stderr, "view: %s after event %llu\n", what, (unsigned long long)v->offset);
    exit(1);
}

static uint64_t number(const char *p) {
    uint64_t value = 0;
    while (*p >= '0' && *p <= '9') value = value * 10 + (uint64_t)(*p++ - '0');
    return value;
}

/* One message: a line for each event. Lines that are none begin with another key. */
static void message(viewer *v, const char *p, const char *end, uint64_t now) {
    static const char key[] = "{\"offset\":", stamp[] = " us=";
    while (p < end) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        if (!newline) newline = end;
        if (!memcmp(p, key, sizeof key - 1)) {
            uint64_t offset = number(p + sizeof key - 1);
            if (v->offset && offset != v->offset + 1) wrong("another event than the next one came", v);
            v->offset = offset;
            events++;
            if (opened == count) {
                const char *us = memmem(p, (size_t)(newline - p), stamp, sizeof stamp - 1);
                uint64_t due = us ? number(us + sizeof stamp - 1) : 0;
                if (due >= open_since && due) record(&latencies, now > due ? now - due : 0);
            }
        }
        p = newline + 1;
    }
    if (last && v->offset >= last && !v->is_done) {
        v->is_done = true;
        done++;
    }
}

/* A pong for a ping; clients mask, here with the key 0. */
static void pong(viewer *v, const char *payload, size_t size) {
    char frame[131] = {(char)0x8A, (char)(0x80 | size), 0, 0, 0, 0};
    memcpy(frame + 6, payload, size);
    send(v->fd, frame, 6 + size, MSG_NOSIGNAL);
}

static void frames(viewer *v, uint64_t now) {
    while (v->end - v->start >= 2) {
        const unsigned char *h = (unsigned char *)v->in + v->start;
        size_t head = 2, size = h[1] & 0x7F, extra = size == 126 ? 2 : size == 127 ? 8 : 0;
        if (v->end - v->start < head + extra) return;
        if (extra) size = 0;
        for (size_t i = 0; i < extra; i++) size = size << 8 | h[2 + i];
        head += extra;
        if (v->end - v->start < head + size) return;
        const char *payload = v->in + v->start + head;
        switch (h[0]) {
        case 0x81: message(v, payload, payload + size, now); break;
        case 0x89: pong(v, payload, size); break;
        case 0x88:
            if (!v->is_done) wrong("the server closed the stream", v);
            break;
        default: wrong("an unexpected frame came", v);
        }
        v->start += head + size;
    }
}

static void receive(viewer *v) {
    if (v->start == v->end) v->start = v->end = 0;
    if (v->capacity - v->end < 262144) {
        memmove(v->in, v->in + v->start, v->end - v->start);
        v->end -= v->start, v->start = 0;
        /* Idle viewers should cost the machine little: the buffer comes with the first bytes. */
        if (v->capacity - v->end < 262144) v->in = realloc(v->in, v->capacity = v->end + (count > 1 ? 262144 : 4 << 20));
    }
    ssize_t n = recv(v->fd, v->in + v->end, v->capacity - v->end, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
        if (!v->is_done) wrong("the connection ended", v);
        epoll_ctl(epoll, EPOLL_CTL_DEL, v->fd, NULL);
        return;
    }
    uint64_t now = wall();
    v->end += (size_t)n;
    bytes += (uint64_t)n;
    if (!v->is_open) {
        char *end = memmem(v->in, v->end, "\r\n\r\n", 4);
        if (!end) return;
        if (strncmp(v->in, "HTTP/1.1 101 ", 13)) fprintf(stderr, "%.*s\n", (int)v->end, v->in), exit(1);
        v->start = (size_t)(end - v->in) + 4;
        v->is_open = true;
        if (++opened == count) {
            open_since = now;
            puts("open");
            fflush(stdout);
        }
    }
    if (!first_at && v->end > v->start) first_at = monotonic();
    frames(v, now);
}

static void open_viewer(viewer *v) {
    v->fd = connect_to(port);
    char request[5000];
    int size = snprintf(request, sizeof request,
                        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                        "Sec-WebSocket-Protocol: everyline.v1\r\n\r\n",
                        path, port);
    if (send(v->fd, request, (size_t)size, MSG_NOSIGNAL) != size) fail("send");
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = v};
    epoll_ctl(epoll, EPOLL_CTL_ADD, v->fd, &event);
}

int main(int argument_count, char **arguments) {
    if (argument_count != 4 || !fgets(path, sizeof path, stdin)) {
        return fputs("usage: view PORT VIEWERS LAST < PATH\n", stderr), 2;
    }
    path[strcspn(path, "\n")] = 0;
    port = atoi(arguments[1]), count = atoi(arguments[2]);
    last = strtoull(arguments[3], NULL, 10);
    epoll = epoll_create1(0);
    viewer *viewers = calloc((size_t)count, sizeof *viewers);
    struct epoll_event hang_up = {.events = EPOLLIN, .data.ptr = NULL};
    if (!last) epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &hang_up);
    uint64_t start = monotonic();
    int begun = 0;
    while (!last || done < count) {
        /* So many at a time that no queue of the system overflows. */
        while (begun < count && begun < opened + 64) open_viewer(&viewers[begun++]);
        struct epoll_event ready[256];
        int n = epoll_wait(epoll, ready, 256, 60000);
        if (n == 0 && last) wrong("nothing came for a minute", viewers);
        for (int i = 0; i < n; i++) {
            if (ready[i].data.ptr) receive(ready[i].data.ptr);
            else return puts("{}"), 0;
        }
    }
    uint64_t now = monotonic();
    printf("{\"events\":%llu,\"bytes\":%llu,\"seconds\":%.3f,\"from_first_s\":%.3f,", (unsigned long long)events,
           (unsigned long long)bytes, (double)(now - start) / 1e6, (double)(now - first_at) / 1e6);
    print_percentiles(&latencies);
    puts("}");
}
