#define _GNU_SOURCE
#include "start.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

void cspawn_close(unsigned first, unsigned last) {
    if (first > last) return;
#ifdef SYS_close_range
    if (syscall(SYS_close_range, first, last, 0) == 0) return;
#endif
    // Linux before 5.9.
    rlim_t limit = cspawn_at_start.open_files.rlim_max;
    unsigned end = limit > 1 << 20 ? 1 << 20 : (unsigned)limit;
    for (unsigned number = first; number <= last && number < end; number++) close((int)number);
}

static void close_between(unsigned first, unsigned last, unsigned kept) {
    if (kept < first || kept > last) return cspawn_close(first, last);
    cspawn_close(first, kept - 1);
    cspawn_close(kept + 1, last);
}

/// Closes what is above 2, except `report`, and what this process was started with, if `keeps` says so.
static void close_own(bool keeps, unsigned report) {
    unsigned next = 3;
    for (size_t i = 0; keeps && i < cspawn_at_start.descriptor_count; i++) {
        unsigned kept = (unsigned)cspawn_at_start.descriptors[i];
        if (kept < next) continue;
        close_between(next, kept - 1, report);
        next = kept + 1;
    }
    close_between(next, ~0U, report);
}

static void reset_signals(const struct cspawn_process *process) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    for (int signal = 1; signal < NSIG; signal++) {
        bool ignores = process->inherits && sigismember(&cspawn_at_start.ignored, signal) == 1;
        action.sa_handler = ignores ? SIG_IGN : SIG_DFL;
        sigaction(signal, &action, NULL);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, process->inherits ? &cspawn_at_start.mask : &none, NULL);
}

static void place_descriptors(const struct cspawn_process *process) {
    // First above what they become, so that none is overwritten before it has been placed.
    int copies[3];
    for (int number = 0; number < 3; number++) {
        int source = process->descriptors[number];
        copies[number] = source < 0 ? -1 : fcntl(source, F_DUPFD, 3);
    }
    for (int number = 0; number < 3; number++) {
        if (copies[number] < 0) {
            close(number);
        } else {
            dup2(copies[number], number);
            close(copies[number]);
        }
    }
}

/// Between vfork and exec: only system calls, since all memory is the parent's. Returns if it fails.
static int become(const struct cspawn_process *process, char **script, int report, enum cspawn_step *failed) {
    *failed = cspawn_fork;
    if (!process->inherits) {
        setsid();
        if (process->terminal >= 0 && ioctl(process->terminal, TIOCSCTTY, 0) != 0) return errno;
    }
    place_descriptors(process);
    close_own(process->inherits, (unsigned)report);
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max >= cspawn_at_start.open_files.rlim_cur) {
        limit.rlim_cur = cspawn_at_start.open_files.rlim_cur;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    setpriority(PRIO_PROCESS, 0, cspawn_at_start.nice);
    *failed = cspawn_directory;
    if (process->directory && chdir(process->directory) != 0) return errno;
    *failed = cspawn_exec;
    reset_signals(process);
    int error = ENOENT;
    for (char *const *program = process->programs; *program; program++) {
        execve(*program, process->words, process->environment);
        if (errno == ENOEXEC) {
            // A script without a first line that names its interpreter.
            script[1] = *program;
            execve("/bin/sh", script, process->environment);
        }
        // As execvp(3): what can't be entered or isn't there may be elsewhere; what may not be run counts if nothing else is.
        if (errno == EACCES) error = EACCES;
        else if (errno != ENOENT && errno != ENOTDIR) return errno;
    }
    return error;
}

/// What the child writes into its report before it ends without having become the program.
struct failure {
    int error;
    enum cspawn_step step;
};

/// Moves both above 2.
static int raise_ends(const int opened[2], int ends[2]) {
    int error = 0;
    for (int end = 0; end < 2; end++) {
        ends[end] = fcntl(opened[end], F_DUPFD_CLOEXEC, 3);
        if (ends[end] < 0) error = errno;
        close(opened[end]);
    }
    for (int end = 0; error != 0 && end < 2; end++) {
        if (ends[end] >= 0) close(ends[end]);
    }
    return error;
}

int cspawn_pipe(int ends[2]) {
    int opened[2];
    return pipe2(opened, O_CLOEXEC) == 0 ? raise_ends(opened, ends) : errno;
}

int cspawn_two_way_pipe(int ends[2]) {
    int opened[2];
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, opened) == 0 ? raise_ends(opened, ends) : errno;
}

int cspawn_start(
    const struct cspawn_process *process, pid_t *number, struct cspawn_keeper *keeper, enum cspawn_step *failed) {
    *keeper = (struct cspawn_keeper){0, -1};
    *failed = cspawn_fork;
    size_t count = 0;
    while (process->words[count]) count++;
    char **script = calloc(count + 2, sizeof *script);
    if (!script) return ENOMEM;
    script[0] = "/bin/sh";
    for (size_t i = 1; i < count; i++) script[i + 1] = process->words[i];
    int report[2];
    int error = cspawn_pipe(report);
    if (error != 0) {
        free(script);
        return error;
    }

    // No handler of ours may run in the child, whose memory is the parent's.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    bool isInSession = process->inherits && process->terminal >= 0;
    pid_t child = isInSession ? cspawn_fork_in_session(process, keeper) : vfork();
    if (child == 0) {
        struct failure failure;
        failure.error = become(process, script, report[1], &failure.step);
        (void)!write(report[1], &failure, sizeof failure);
        _exit(127);
    }
    if (child < 0) error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    free(script);
    close(report[1]);
    // The report closes when the child becomes the program. A pipe says so wherever vfork is a fork: under a sanitizer, for one.
    struct failure failure;
    ssize_t size;
    do size = read(report[0], &failure, sizeof failure);
    while (size < 0 && errno == EINTR);
    close(report[0]);
    if (child > 0 && size == sizeof failure) {
        error = failure.error;
        *failed = failure.step;
        waitpid(child, NULL, 0);
        if (keeper->number > 0) {
            // Dismissed: it would wait for the end of a terminal that this process holds.
            (void)!send(keeper->notes, "e", 1, MSG_NOSIGNAL);
            close(keeper->notes);
            waitpid(keeper->number, NULL, 0);
            *keeper = (struct cspawn_keeper){0, -1};
        }
    }
    if (error == 0) *number = child;
    return error;
}
