// A terminal of a command's own, and the process that leads the session in which it has it.
//
//     this process ── keeper (leads the session) ── member (of the command's process group)
//          └───────── command (leads a process group of that session; its parent is this process)
//
// The kernel stops no process of a group whose members' parents are all outside its session, since no shell there could continue it. The
// member, whose parent is the keeper, makes the command's group one that Ctrl-Z stops.
//
// If this process is killed, the keeper goes on to read what is drawn, and passes it on, so that the command goes on too. A command that reads
// gets an error then, since no keys can reach it.
//
// While this process is in the background of the user's terminal, the keeper holds the foreground of the command's: a command that reads is
// stopped then, or, without a member, gets an error, as at the user's.
#define _GNU_SOURCE
#include "start.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// What is called after the memory was given back is bound before.
static long (*const volatile call)(long, ...) = syscall;
static int *(*const volatile error_location)(void) = __errno_location;

int cspawn_open_side(int terminal) {
    int side = -1;
#ifdef TIOCGPTPEER
    // Its name may be that of another terminal here: in a container, for one.
    side = ioctl(terminal, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
#endif
    char name[64];
    if (side < 0 && ptsname_r(terminal, name, sizeof name) == 0) side = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    return side;
}

int cspawn_open_terminal(int ends[2]) {
    ends[0] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (ends[0] < 0) return errno;
    ends[1] = -1;
    if (grantpt(ends[0]) == 0 && unlockpt(ends[0]) == 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0)
        ends[1] = cspawn_open_side(ends[0]);
    if (ends[1] >= 0) return 0;
    int error = errno;
    close(ends[0]);
    return error;
}

/// Takes a copy of a process, as fork does, without what the C library does then: its locks may be held.
static pid_t copy_process(unsigned long flags) { return (pid_t)call(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL); }

/// Settings as the kernel has them.
struct settings { char bytes[128]; };

/// Makes this process's group the foreground of its terminal.
///
/// Returns the group that was it before; 0 if there was none.
static pid_t take_foreground(void) {
    int terminal = (int)call(SYS_openat, AT_FDCWD, "/dev/tty", O_RDWR | O_CLOEXEC, 0);
    pid_t own = (pid_t)call(SYS_getpid), before = 0;
    if (terminal < 0) return 0;
    if (call(SYS_ioctl, terminal, TIOCGPGRP, &before) != 0 || before == own) before = 0;
    call(SYS_ioctl, terminal, TIOCSPGRP, &own);
    call(SYS_close, terminal);
    return before;
}

/// Gives the foreground to a group, or to the other one if that is gone.
static void give_foreground(pid_t group, pid_t other) {
    int terminal = (int)call(SYS_openat, AT_FDCWD, "/dev/tty", O_RDWR | O_CLOEXEC, 0);
    if (terminal < 0) return;
    if (call(SYS_ioctl, terminal, TIOCSPGRP, &group) != 0) call(SYS_ioctl, terminal, TIOCSPGRP, &other);
    call(SYS_close, terminal);
}

static _Noreturn void be_member(int notes) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    cspawn_keep_only(&notes, 1);
    cspawn_rename("everyline terminal");
    cspawn_give_memory_back();
    struct pollfd ended = {notes, 0, 0};
    // Whatever goes wrong ends it too.
    while (call(SYS_ppoll, &ended, 1, NULL, NULL, 8) < 0 && *error_location() == EINTR) {}
    for (;;) call(SYS_exit_group, 0);
}

/// What a keeper has of its parent's.
struct kept { int notes, restored, terminal, target; };

static _Noreturn void keep(const struct kept *kept, struct settings *settings, pid_t command) {
    cspawn_rename("everyline terminal");
    int descriptors[] = {kept->notes, kept->restored, kept->terminal, kept->target};
    cspawn_keep_only(descriptors, 4);
    const int notes = descriptors[0], restored = descriptors[1];
    cspawn_give_memory_back();
    bool isDismissed = false;
    char note, last = 0;
    pid_t group = command;
    for (long size; (size = call(SYS_read, notes, &note, 1)) != 0;) {
        if (size < 0 && *error_location() != EINTR) break;
        if (size != 1) continue;
        pid_t before;
        if (note == 'b') {
            before = take_foreground();
            if (before > 0) group = before;
        } else if (note == 'f') {
            give_foreground(group, command);
        } else if (note == 'e') {
            isDismissed = true;
            continue;
        } else {
            last = note;
            continue;
        }
        call(SYS_sendto, notes, &note, 1, MSG_NOSIGNAL, NULL, 0);
    }
    if (last == 'r' && restored >= 0) call(SYS_ioctl, restored, TCSETS, settings);
    // The kernel hangs up on the foreground when this process ends.
    take_foreground();
    // The terminal would be gone with the last process that has our end of it.
    if (!isDismissed && descriptors[2] >= 0) cspawn_pass_on(descriptors[2], descriptors[3]);
    for (;;) call(SYS_exit_group, 0);
}

int cspawn_keep_terminal(int terminal, struct cspawn_keeper *keeper) {
    struct settings settings;
    if (ioctl(terminal, TCGETS, &settings) != 0) return errno;
    int notes[2];
    int error = cspawn_two_way_pipe(notes);
    if (error != 0) return error;
    // No signal that is meant for the others may end it.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    pid_t leader = fork();
    if (leader == 0) {
        setsid();
        keep(&(struct kept){notes[0], terminal, -1, -1}, &settings, 0);
    }
    error = leader < 0 ? errno : 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(notes[0]);
    if (error != 0) close(notes[1]);
    else *keeper = (struct cspawn_keeper){leader, notes[1]};
    return error;
}

pid_t cspawn_fork_in_session(const struct cspawn_process *process, struct cspawn_keeper *keeper) {
    int terminal = process->terminal, restored = process->restored;
    int notes[2], numbers[2];
    int error = cspawn_two_way_pipe(notes);
    if (error == 0 && (error = cspawn_pipe(numbers)) != 0) {
        close(notes[0]);
        close(notes[1]);
    }
    if (error != 0) {
        errno = error;
        return -1;
    }
    pid_t leader = fork();
    if (leader == 0) {
        pid_t command = -1;
        int led[2], ready[2];
        setsid();
        if (ioctl(terminal, TIOCSCTTY, 0) == 0 && (errno = cspawn_pipe(led)) == 0 && (errno = cspawn_pipe(ready)) == 0)
            command = copy_process(CLONE_PARENT);
        char none;
        if (command == 0) {
            setpgid(0, 0);
            pid_t own = (pid_t)call(SYS_getpid);
            if (process->job_state == cspawn_foreground) ioctl(terminal, TIOCSPGRP, &own);
            // Until the member is there, Ctrl-Z would not stop it.
            close(led[1]);
            close(ready[1]);
            while (read(ready[0], &none, 1) < 0 && errno == EINTR) {}
            return 0;
        }
        int number = command < 0 ? -errno : command;
        if (command > 0) {
            close(led[1]);
            while (read(led[0], &none, 1) < 0 && errno == EINTR) {}
            pid_t member = process->job_state == cspawn_orphaned ? -1 : copy_process(0);
            if (member == 0) be_member(notes[0]);
            if (member > 0) setpgid(member, command);
        }
        // The restored settings are what they are before this process's parent changes them.
        struct settings settings;
        if (restored >= 0 && ioctl(restored, TCGETS, &settings) != 0) restored = -1;
        (void)!write(numbers[1], &number, sizeof number);
        if (command < 0) _exit(1);
        keep(&(struct kept){notes[0], restored, process->terminal_end, process->target}, &settings, command);
    }
    error = errno;
    close(notes[0]);
    close(numbers[1]);
    int number = -error;
    if (leader > 0) {
        ssize_t size;
        do size = read(numbers[0], &number, sizeof number);
        while (size < 0 && errno == EINTR);
        if (size != sizeof number) number = -EIO;
    }
    close(numbers[0]);
    if (number > 0) {
        *keeper = (struct cspawn_keeper){leader, notes[1]};
        return number;
    }
    close(notes[1]);
    if (leader > 0) waitpid(leader, NULL, 0);
    errno = -number;
    return -1;
}
