#define _GNU_SOURCE
#include "start.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// What is called after the memory was given back is bound before: the linker may have its notes in it.
static ssize_t (*const volatile read_some)(int, void *, size_t) = read;
static ssize_t (*const volatile write_some)(int, const void *, size_t) = write;
static int (*const volatile wait_for)(struct pollfd *, nfds_t, int) = poll;
static int *(*const volatile error_location)(void) = __errno_location;
static int (*const volatile give_back)(void *, size_t, int) = madvise;
static void (*const volatile finish)(int) = _exit;

// When the parent has ended it would be this process's alone. What is small may be this thread's own data.
void cspawn_give_memory_back(void) {
    static char text[1 << 16];
    static struct { char *start; size_t length; } unused[512];
    size_t count = 0, filled = 0;
    int maps = open("/proc/self/maps", O_RDONLY);
    if (maps < 0) return;
    char *const here = __builtin_frame_address(0);
    for (ssize_t size; (size = read(maps, text + filled, sizeof text - 1 - filled)) > 0;) {
        filled += (size_t)size;
        text[filled] = 0;
        char *line = text;
        for (char *end; (end = strchr(line, '\n')); line = end + 1) {
            *end = 0;
            char *rest;
            char *const start = (char *)strtoull(line, &rest, 16);
            if (*rest != '-') continue;
            char *const stop = (char *)strtoull(rest + 1, &rest, 16);
            bool isPrivate = strncmp(rest, " rw-p ", 6) == 0, isOfAFile = strchr(line, '/') != NULL;
            bool isOwn = (here >= start && here < stop) || strstr(line, "[stack]") != NULL;
            if (isPrivate && !isOfAFile && !isOwn && stop - start >= 256 << 10 && count < 512) {
                unused[count].start = start;
                unused[count++].length = (size_t)(stop - start);
            }
        }
        filled -= (size_t)(line - text);
        memmove(text, line, filled);
    }
    close(maps);
    while (count-- > 0) give_back(unused[count].start, unused[count].length, MADV_DONTNEED);
}

/// Whether all of it was taken.
static bool passes_on(const char *bytes, size_t size, int target) {
    while (size > 0) {
        ssize_t written = write_some(target, bytes, size);
        if (written > 0) {
            bytes += written;
            size -= (size_t)written;
        } else if (*error_location() == EAGAIN) {
            struct pollfd waited = {target, POLLOUT, 0};
            wait_for(&waited, 1, -1);
        } else if (*error_location() != EINTR) {
            return false;
        }
    }
    return true;
}

void cspawn_keep_only(int *descriptors, int count) {
    for (int number = 0; number < count; number++) {
        if (descriptors[number] >= 0) descriptors[number] = fcntl(descriptors[number], F_DUPFD, count);
    }
    for (int number = 0; number < count; number++) {
        if (descriptors[number] >= 0) descriptors[number] = dup2(descriptors[number], number);
        else close(number);
    }
    cspawn_close((unsigned)count, ~0U);
    if (chdir("/") != 0) { /* It is only there for a directory to be free. */ }
}

void cspawn_pass_on(int source, int target) {
    static char bytes[4096];
    for (ssize_t size; (size = read_some(source, bytes, sizeof bytes)) != 0;) {
        if (size > 0 && target >= 0 && !passes_on(bytes, (size_t)size, target)) target = -1;
        if (size > 0 || *error_location() == EINTR) continue;
        if (*error_location() != EAGAIN) return;
        struct pollfd waited = {source, POLLIN, 0};
        wait_for(&waited, 1, -1);
    }
}

static void drain(int pipe, int target, int notes) {
    setsid();
    for (int signal = 1; signal < NSIG; signal++) {
        bool isUsers = signal == SIGHUP || signal == SIGINT || signal == SIGQUIT || signal == SIGPIPE;
        struct sigaction action;
        memset(&action, 0, sizeof action);
        action.sa_handler = isUsers ? SIG_IGN : SIG_DFL;
        sigaction(signal, &action, NULL);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    cspawn_rename("everyline drain");
    int descriptors[] = {pipe, target, notes};
    cspawn_keep_only(descriptors, 3);
    cspawn_give_memory_back();
    while (notes >= 0) {
        char note;
        ssize_t size = read_some(descriptors[2], &note, 1);
        if (size > 0) return;
        if (size == 0 || *error_location() != EINTR) break;
    }
    cspawn_pass_on(descriptors[0], descriptors[1]);
}

int cspawn_drain(int pipe, int target, struct cspawn_keeper *waiting) {
    int notes[2] = {-1, -1};
    int error = waiting ? cspawn_pipe(notes) : 0;
    if (error != 0) return error;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    pid_t child = fork();
    if (child == 0) {
        drain(pipe, target, notes[0]);
        finish(0);
    }
    if (child < 0) error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!waiting) return error;
    close(notes[0]);
    if (error != 0) close(notes[1]);
    else *waiting = (struct cspawn_keeper){child, notes[1]};
    return error;
}
