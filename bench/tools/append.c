/* Appends events to executions over HTTP, as fast as they are acknowledged or at a steady rate: one request in flight each.
 *
 *     append PORT EVENTS BATCH RATE < EXECUTIONS
 *
 * PORT: of this machine, or the path of the socket that runners connect to.
 * EXECUTIONS: a line `ID TOKEN` for each, on standard input so that no secret is in an argument. EVENTS and RATE (events/s,
 * 0 as fast as possible) are for each execution; a request carries what is due, at most BATCH. Prints a JSON object; exits
 * with 1 unless everything was acknowledged. */
#include "common.h"
#include <poll.h>

typedef struct {
    char id[65], token[128];
    int fd;
    uint64_t sent, acknowledged, started;
    char *out, in[4096];
    size_t out_size, out_done, in_size;
} producer;

static int port, batch;
static uint64_t total, requests;
static pace steady;
static histogram latencies;

static void send_more(producer *p) {
    while (p->out_done < p->out_size) {
        ssize_t n = send(p->fd, p->out + p->out_done, p->out_size - p->out_done, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) return;
        if (n < 0) fail("send");
        p->out_done += (size_t)n;
    }
}

static void request(producer *p, uint64_t count) {
    enum { HEAD = 1024 };
    char *body = p->out + HEAD;
    size_t size = 0;
    for (uint64_t i = 0; i < count; i++) size += put_event(body + size, 0, due_at(&steady, p->sent + i));
    char head[HEAD];
    int length = snprintf(
        head, HEAD,
        "POST /api/v1/executions/%s/events?after=%llu HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer %s\r\n"
        "Content-Type: application/x-ndjson\r\nContent-Length: %zu\r\n\r\n",
        p->id, (unsigned long long)p->sent, p->token, size);
    memcpy(body - length, head, (size_t)length);
    p->out_done = HEAD - (size_t)length;
    p->out_size = HEAD + size;
    p->started = steady.rate > 0 ? steady.start_monotonic + (uint64_t)((double)p->sent * 1e6 / steady.rate) : monotonic();
    p->sent += count;
    requests++;
    send_more(p);
}

static void receive(producer *p) {
    ssize_t n = recv(p->fd, p->in + p->in_size, sizeof p->in - 1 - p->in_size, 0);
    if (n <= 0) fail("the server closed the connection");
    p->in_size += (size_t)n;
    p->in[p->in_size] = 0;
    char *body = strstr(p->in, "\r\n\r\n");
    char *length = strcasestr(p->in, "\r\nContent-Length:");
    if (!body || !length || (size_t)(p->in + p->in_size - body - 4) < strtoul(length + 17, NULL, 10)) return;
    if (strncmp(p->in + 9, "200", 3)) {
        fprintf(stderr, "%s\n", p->in);
        exit(1);
    }
    record(&latencies, monotonic() - p->started);
    p->acknowledged = p->sent;
    p->in_size = 0;
}

int main(int count, char **arguments) {
    if (count != 5) return fputs("usage: append PORT EVENTS BATCH RATE < EXECUTIONS\n", stderr), 2;
    port = atoi(arguments[1]);
    total = strtoull(arguments[2], NULL, 10);
    batch = atoi(arguments[3]);
    static producer producers[64];
    static struct pollfd polled[64];
    int n = 0;
    while (n < 64 && scanf("%64s %127s", producers[n].id, producers[n].token) == 2) {
        producers[n].fd = port ? connect_to(port) : connect_to_socket(arguments[1]);
        producers[n].out = malloc(2048 + (size_t)batch * EVENT_SIZE);
        n++;
    }
    if (!n) return fputs("append: no execution\n", stderr), 2;
    steady = pace_from_now(atof(arguments[4]));
    uint64_t start = monotonic();
    for (int open = n; open;) {
        int64_t wait = 1000000;
        open = 0;
        uint64_t due = due_count(&steady, total);
        for (int i = 0; i < n; i++) {
            producer *p = &producers[i];
            if (p->acknowledged == p->sent && p->sent < due)
                request(p, due - p->sent < (uint64_t)batch ? due - p->sent : (uint64_t)batch);
            if (p->acknowledged == p->sent && p->sent < total) {
                int64_t next = until_due(&steady, p->sent);
                if (next < wait) wait = next < 0 ? 0 : next;
            }
            open += p->acknowledged < total;
            short writing = p->out_done < p->out_size ? POLLOUT : 0;
            polled[i] = (struct pollfd){p->fd, (short)(POLLIN | writing), 0};
        }
        struct timespec timeout = {wait / 1000000, wait % 1000000 * 1000};
        if (open && ppoll(polled, (nfds_t)n, &timeout, NULL) < 0 && errno != EINTR) fail("ppoll");
        for (int i = 0; i < n; i++) {
            if (polled[i].revents & POLLOUT) send_more(&producers[i]);
            if (polled[i].revents & (POLLIN | POLLHUP | POLLERR)) receive(&producers[i]);
        }
    }
    double seconds = (double)(monotonic() - start) / 1e6;
    printf("{\"seconds\":%.3f,\"events_per_s\":%.0f,\"requests\":%llu,", seconds, (double)total * n / seconds,
           (unsigned long long)requests);
    print_percentiles(&latencies);
    puts("}");
}
