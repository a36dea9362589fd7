/* What the load programs share: the event they all send, clocks, a histogram, and how they fail. */
#pragma once
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

_Noreturn static inline void fail(const char *what) {
    fprintf(stderr, "%s: %s\n", what, errno ? strerror(errno) : "failed");
    exit(2);
}

static inline uint64_t microseconds(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}
/* For durations. */
static inline uint64_t monotonic(void) { return microseconds(CLOCK_MONOTONIC); }
/* For what one process writes and another one reads. */
static inline uint64_t wall(void) { return microseconds(CLOCK_REALTIME); }

static inline size_t put_number(char *p, uint64_t value) {
    char digits[20];
    size_t n = 0;
    do digits[n++] = (char)('0' + value % 10);
    while (value /= 10);
    for (size_t i = 0; i < n; i++) p[i] = digits[n - 1 - i];
    return n;
}

/* The text of a line of output, 145 bytes: a third of it random, and when it was due (us=MICROSECONDS). */
static inline size_t put_message(char *p, uint64_t number, uint64_t due) {
    static const char words[] = "[worker-03] compile module Foundation.Net step elapsed=12.345s status=ok us=";
    static const char alphabet[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
    char *start = p;
    memcpy(p, words, sizeof words - 1);
    p += sizeof words - 1;
    p += put_number(p, due);
    *p++ = ' ';
    uint64_t r = (number + 1) * 0x9E3779B97F4A7C15u;
    for (int i = 0; i < 52; i++) {
        r ^= r << 13, r ^= r >> 7, r ^= r << 17;
        *p++ = alphabet[r >> 58];
    }
    return (size_t)(p - start);
}

/* An event as a producer sends it (offset 0) or as a viewer gets it, with its newline: about 200 bytes. */
static inline size_t put_event(char *p, uint64_t offset, uint64_t due) {
    char *start = p;
    *p++ = '{';
    if (offset) p += sprintf(p, "\"offset\":%llu,", (unsigned long long)offset);
    p += sprintf(p, "\"timestamp\":%llu,\"message\":\"", (unsigned long long)due / 1000);
    p += put_message(p, offset ? offset : due, due);
    memcpy(p, "\"}\n", 3);
    return (size_t)(p + 3 - start);
}
enum { EVENT_SIZE = 320 };

/* When event i (from 0 on) is due, at a steady rate; everything at once if the rate is 0. Stamping what was due, not what
 * was sent, makes a producer that is held up show as latency. */
typedef struct {
    double rate;
    uint64_t start_monotonic, start_wall;
} pace;
static inline pace pace_from_now(double rate) { return (pace){rate, monotonic(), wall()}; }
static inline uint64_t due_count(const pace *p, uint64_t total) {
    if (p->rate <= 0) return total;
    uint64_t due = (uint64_t)((double)(monotonic() - p->start_monotonic) * p->rate / 1e6) + 1;
    return due < total ? due : total;
}
static inline uint64_t due_at(const pace *p, uint64_t i) {
    return p->rate <= 0 ? wall() : p->start_wall + (uint64_t)((double)i * 1e6 / p->rate);
}
static inline int64_t until_due(const pace *p, uint64_t i) {
    return (int64_t)(p->start_monotonic + (uint64_t)((double)i * 1e6 / p->rate)) - (int64_t)monotonic();
}

/* Exact below 128, then 64 buckets to each power of two: an error of at most 1.6 %. */
typedef struct {
    uint64_t buckets[64 * 64], count, max;
} histogram;
static inline void record(histogram *h, uint64_t value) {
    size_t i = value;
    if (value >= 128) {
        int e = 63 - __builtin_clzll(value);
        i = 128 + (size_t)(e - 7) * 64 + ((value >> (e - 6)) & 63);
    }
    h->buckets[i < 64 * 64 ? i : 64 * 64 - 1]++;
    h->count++;
    if (value > h->max) h->max = value;
}
static inline uint64_t percentile(const histogram *h, double percent) {
    uint64_t need = (uint64_t)(percent / 100 * (double)h->count + 0.9999999), seen = 0;
    for (size_t i = 0; h->count && i < 64 * 64; i++) {
        if ((seen += h->buckets[i]) < need) continue;
        if (i < 128) return i;
        size_t e = (i - 128) / 64 + 7, s = (i - 128) % 64;
        uint64_t value = (1ull << e) + (s << (e - 6)) + (1ull << (e - 6)) / 2;
        return value < h->max ? value : h->max;
    }
    return h->max;
}
static inline void print_percentiles(const histogram *h) {
    printf("\"p50_us\":%llu,\"p99_us\":%llu,\"max_us\":%llu", (unsigned long long)percentile(h, 50),
           (unsigned long long)percentile(h, 99), (unsigned long long)h->max);
}

static inline int connect_to_socket(const char *path) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) fail("the socket's path is too long");
    strcpy(address.sun_path, path);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address)) fail("connect");
    return fd;
}

/* Loopback only. */
static inline int connect_to(int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address)) fail("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}
