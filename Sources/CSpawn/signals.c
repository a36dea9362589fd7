#define _GNU_SOURCE
#include "start.h"
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static int report_to = -1;

/// Whether the kernel says that this process itself has used up what it may: it goes on for its command, which has limits of its own.
static bool is_own_limit(int number, const siginfo_t *info) {
    return (number == SIGXCPU && info->si_code == SI_KERNEL)
        || (number == SIGXFSZ && info->si_code == SI_USER && info->si_pid == getpid());
}

static void report(int number, siginfo_t *info, void *context) {
    (void)context;
    if (is_own_limit(number, info)) return;
    int error = errno;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    struct cspawn_signal signal = {number, info->si_code, info->si_pid, now.tv_sec * 1000000000LL + now.tv_nsec};
    // The pipe doesn't block: where a thousand signals wait in it unread, one more tells its reader nothing new.
    (void)!write(report_to, &signal, sizeof signal);
    errno = error;
}

/// Whether it is caught: all but those that can't be, that say of a fault in this process, or that are for its parts.
static bool is_for_the_command(int number) {
    switch (number) {
    case SIGKILL: case SIGSTOP: case SIGCHLD: case SIGPIPE:
    case SIGABRT: case SIGBUS: case SIGFPE: case SIGILL: case SIGSEGV: case SIGSYS: case SIGTRAP:
        return false;
    default:
        return !cspawn_was_ignored(number);
    }
}

static void catch(int number) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = report;
    // A write that the terminal refuses to a background process would be tried again at once, for ever.
    action.sa_flags = SA_SIGINFO | (number == SIGTTOU ? 0 : SA_RESTART);
    sigaction(number, &action, NULL);
}

void cspawn_report_signals(int descriptor) {
    report_to = descriptor;
    for (int number = 1; number < NSIG; number++) {
        // 32 and 33 are glibc's own; sigaction refuses them.
        if (is_for_the_command(number)) catch(number);
    }
}

void cspawn_suffer(int number) {
    struct rlimit none = {0, 0}, before;
    getrlimit(RLIMIT_CORE, &before);
    none.rlim_max = before.rlim_max;
    setrlimit(RLIMIT_CORE, &none);
    signal(number, SIG_DFL);
    sigset_t set, old;
    sigemptyset(&set);
    sigaddset(&set, number);
    // To this thread: another one could take it when it is caught again.
    raise(number);
    pthread_sigmask(SIG_UNBLOCK, &set, &old);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    setrlimit(RLIMIT_CORE, &before);
    if (report_to >= 0 && is_for_the_command(number)) catch(number);
}
