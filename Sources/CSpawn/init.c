// What the first process of a container owes the others.
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/// Hands on signals to the child, and collects every process that has ended, until that is the child.
static _Noreturn void be_init(pid_t child, const sigset_t *signals) {
    for (;;) {
        int signal = sigwaitinfo(signals, NULL);
        if (signal > 0 && signal != SIGCHLD) kill(child, signal);
        // One SIGCHLD may stand for several ends.
        for (;;) {
            int status;
            pid_t ended = waitpid(-1, &status, WNOHANG);
            if (ended == 0) break;
            if (ended < 0 && errno != EINTR) _exit(1);
            if (ended == child) _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
        }
    }
}

/// A server that is process 1 starts a second process, which serves, and itself only reaps processes that have ended.
///
/// Process 1 is the parent of every process whose own parent has ended, so only it can reap those. The process that serves
/// waits for its own children by their numbers, so neither takes the other's. It runs before main, while there is one thread.
__attribute__((constructor(101))) static void split_off_init(int count, char **words) {
    if (getpid() != 1 || count < 2 || strcmp(words[1], "serve") != 0) return;
    const int own[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS};
    sigset_t signals, before;
    sigfillset(&signals);
    for (size_t index = 0; index < sizeof own / sizeof *own; index++) sigdelset(&signals, own[index]);
    // Where it is ignored, nothing would be left to be collected, the child's status neither.
    signal(SIGCHLD, SIG_DFL);
    sigprocmask(SIG_BLOCK, &signals, &before);
    pid_t child = fork();
    if (child > 0) be_init(child, &signals);
    // Without a child this process serves.
    sigprocmask(SIG_SETMASK, &before, NULL);
}
