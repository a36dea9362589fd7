/* The upper bound: the least that a WebSocket server of a log can do. One thread, one log in memory of ready-made frames,
 * each viewer a position in it. No HTTP but the handshake, no access control, no store.
 *
 *     ideal BACKLOG FRAME LIVE RATE [FILE]
 *
 * Serves a log of BACKLOG events, FRAME of them a message; when a byte comes on standard input, LIVE more follow at RATE
 * events/s (0: as fast as they go out). With a FILE each live message is written there, with fdatasync, before it is sent.
 * Prints the port. GET /?after=0 begins at the start, any other path at the end. */
#include "common.h"
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/mman.h>

typedef struct viewer {
    struct viewer *next;
    int fd;
    bool is_open;
    size_t position;
} viewer;

static char *frames;
static size_t size;
static viewer *viewers;
static uint64_t events, live_made, backlog, frame_events, live;
static pace steady;

static void add_frame(uint64_t count) {
    static char text[1 << 20];
    size_t n = 0;
    for (uint64_t i = 0; i < count; i++) {
        bool is_live = events >= backlog;
        n += put_event(text + n, ++events, is_live ? due_at(&steady, live_made++) : wall());
    }
    n--; /* the last newline */
    unsigned char *head = (unsigned char *)frames + size;
    head[0] = 0x81;
    size_t length = 2;
    if (n < 126) {
        head[1] = (unsigned char)n;
    } else if (n < 65536) {
        head[1] = 126, head[2] = (unsigned char)(n >> 8), head[3] = (unsigned char)n, length = 4;
    } else {
        head[1] = 127, length = 10;
        for (int i = 0; i < 8; i++) head[2 + i] = (unsigned char)((uint64_t)n >> (56 - 8 * i));
    }
    memcpy(frames + size + length, text, n);
    size += length + n;
}

static void push(viewer *v) {
    while (v->is_open && v->position < size) {
        size_t n = size - v->position < 262144 ? size - v->position : 262144;
        ssize_t sent = send(v->fd, frames + v->position, n, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0) return;
        v->position += (size_t)sent;
    }
}

static void drop(viewer *v) {
    for (viewer **p = &viewers; *p; p = &(*p)->next)
        if (*p == v) {
            *p = v->next;
            break;
        }
    close(v->fd);
    free(v);
}

static void receive(viewer *v) {
    char text[8192];
    ssize_t n = recv(v->fd, text, sizeof text, 0);
    if (n == 0 || (n < 0 && errno != EAGAIN)) return drop(v);
    if (n < 0 || v->is_open) return;
    /* The key and its answer are those of RFC 6455, section 1.3. */
    static const char answer[] =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: everyline.v1\r\n\r\n";
    send(v->fd, answer, sizeof answer - 1, MSG_NOSIGNAL);
    v->position = strncmp(text, "GET /?after=0 ", 14) ? size : 0;
    v->is_open = true;
}

static void grow_log(int file) {
    uint64_t due = steady.rate > 0 ? due_count(&steady, live) : live_made + frame_events;
    size_t before = size;
    while (live_made < due) add_frame(due - live_made < frame_events ? due - live_made : frame_events);
    if (size == before) return;
    if (file >= 0 && (write(file, frames + before, size - before) < 0 || fdatasync(file))) fail("write");
    for (viewer *v = viewers; v; v = v->next) push(v);
}

int main(int count, char **arguments) {
    if (count < 5) return fputs("usage: ideal BACKLOG FRAME LIVE RATE [FILE]\n", stderr), 2;
    backlog = strtoull(arguments[1], NULL, 10);
    frame_events = strtoull(arguments[2], NULL, 10);
    live = strtoull(arguments[3], NULL, 10);
    double rate = atof(arguments[4]);
    int file = count > 5 ? open(arguments[5], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600) : -1;
    frames = mmap(NULL, 8ull << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    while (events < backlog) add_frame(backlog - events < frame_events ? backlog - events : frame_events);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), epoll = epoll_create1(0), one = 1;
    if (bind(listener, (struct sockaddr *)&address, length) || listen(listener, 4096)) fail("listen");
    getsockname(listener, (struct sockaddr *)&address, &length);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, go = {.events = EPOLLIN, .data.ptr = &steady};
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
    epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &go);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (bool going = false;;) {
        bool making = going && live_made < live;
        int64_t wait = making ? rate > 0 ? until_due(&steady, live_made) : 0 : 1000000;
        struct timespec timeout = {0, wait <= 0 ? 0 : wait * 1000 < 999999999 ? wait * 1000 : 999999999};
        struct epoll_event ready[256];
        int n = epoll_pwait2(epoll, ready, 256, &timeout, NULL);
        for (int i = 0; i < n; i++) {
            viewer *v = ready[i].data.ptr;
            if (ready[i].data.ptr == &steady) {
                char byte;
                if (read(STDIN_FILENO, &byte, 1) <= 0) return 0;
                going = true;
                steady = pace_from_now(rate);
            } else if (!v) {
                v = calloc(1, sizeof *v);
                v->fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
                if (v->fd < 0) fail("accept");
                setsockopt(v->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                v->next = viewers, viewers = v;
                event = (struct epoll_event){.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = v};
                epoll_ctl(epoll, EPOLL_CTL_ADD, v->fd, &event);
            } else {
                push(v);
                if (ready[i].events & EPOLLIN) receive(v);
            }
        }
        if (making) grow_log(file);
        else for (viewer *v = viewers; v; v = v->next) push(v);
    }
}
