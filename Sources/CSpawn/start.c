// What this process was started with, written down before anything of ours has changed it.
#define _GNU_SOURCE
#include "start.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

struct cspawn_start cspawn_at_start;

static int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

static void note_descriptor(int number) {
    static size_t capacity = 0;
    struct cspawn_start *start = &cspawn_at_start;
    if (start->descriptor_count == capacity) {
        size_t wanted = capacity ? capacity * 2 : 16;
        int *more = realloc(start->descriptors, wanted * sizeof *more);
        if (!more) return;
        start->descriptors = more;
        capacity = wanted;
    }
    start->descriptors[start->descriptor_count++] = number;
}

static void note_descriptors(void) {
    struct cspawn_start *start = &cspawn_at_start;
    DIR *directory = opendir("/proc/self/fd");
    // No descriptor is left to look with, or nothing is there to look at.
    for (int number = 0; !directory && number < 1 << 16 && (rlim_t)number < start->open_files.rlim_cur; number++) {
        if (fcntl(number, F_GETFD) >= 0) note_descriptor(number);
    }
    if (!directory) return;
    for (struct dirent *entry; (entry = readdir(directory));) {
        int number = atoi(entry->d_name);
        if (entry->d_name[0] != '.' && number != dirfd(directory)) note_descriptor(number);
    }
    closedir(directory);
    qsort(start->descriptors, start->descriptor_count, sizeof(int), compare);
}

/// Where the words of this process lie, in one piece.
static char *words;
static size_t words_size;
static char **word_list;
static int word_count;

int cspawn_word_count(void) { return word_count; }

const char *cspawn_word(int index) { return word_list[index]; }

bool cspawn_has_children(void) {
    siginfo_t info;
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
}

__attribute__((constructor)) static void note_start(int count, char **arguments) {
    word_list = arguments;
    word_count = count;
    if (count > 0) {
        words = arguments[0];
        words_size = (size_t)(arguments[count - 1] + strlen(arguments[count - 1]) - words);
    }
    struct cspawn_start *start = &cspawn_at_start;
    sigprocmask(SIG_SETMASK, NULL, &start->mask);
    sigemptyset(&start->ignored);
    for (int signal = 1; signal < NSIG; signal++) {
        struct sigaction action;
        if (sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN) sigaddset(&start->ignored, signal);
    }
    getrlimit(RLIMIT_NOFILE, &start->open_files);
    start->nice = getpriority(PRIO_PROCESS, 0);
    note_descriptors();
    // Else the next file that is opened were standard output.
    for (int number = 0; number < 3; number++) {
        if (fcntl(number, F_GETFD) >= 0) continue;
        int opened = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (opened >= 0 && opened != number) {
            dup3(opened, number, O_CLOEXEC);
            close(opened);
        }
    }
    // The heaps of the threads would reserve what such a limit leaves for their stacks.
    struct rlimit space;
    if (getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur != RLIM_INFINITY) mallopt(M_ARENA_MAX, 1);
    // A process that ignores SIGCHLD isn't told of its children's ends.
    if (sigismember(&start->ignored, SIGCHLD)) signal(SIGCHLD, SIG_DFL);
}

void cspawn_rename(const char *name) {
    prctl(PR_SET_NAME, name);
    if (!words) return;
    memset(words, 0, words_size);
    size_t length = strlen(name);
    memcpy(words, name, length < words_size ? length : words_size);
}

bool cspawn_was_ignored(int signal) { return sigismember(&cspawn_at_start.ignored, signal) == 1; }

bool cspawn_was_open(int descriptor) {
    return bsearch(&descriptor, cspawn_at_start.descriptors, cspawn_at_start.descriptor_count, sizeof(int), compare);
}

uint64_t cspawn_open_files_at_start(void) { return cspawn_at_start.open_files.rlim_cur; }
