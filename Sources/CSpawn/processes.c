#define _GNU_SOURCE
#include "cspawn.h"
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int cspawn_adopt_orphans(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

bool cspawn_adopts_orphans(void) {
    int adopts = 0;
    return prctl(PR_GET_CHILD_SUBREAPER, &adopts, 0, 0, 0) == 0 && adopts != 0;
}

// These have had the same numbers everywhere since Linux 5.1 and 5.3.
int cspawn_open_process(pid_t number) { return (int)syscall(434, number, 0); }

int cspawn_signal_process(int descriptor, int signal) { return (int)syscall(424, descriptor, signal, NULL, 0); }

int cspawn_wait(pid_t number, bool stops, bool waits, struct cspawn_change *change) {
    siginfo_t info;
    do {
        info.si_pid = 0;
        int options = WEXITED | WNOWAIT | (stops ? WSTOPPED : 0) | (waits ? 0 : WNOHANG);
        if (waitid(number > 0 ? P_PID : P_ALL, (id_t)number, &info, options) != 0) {
            if (errno == EINTR) continue;
            return errno;
        }
        break;
    } while (true);
    change->number = info.si_pid;
    change->signal = info.si_code == CLD_EXITED ? 0 : info.si_status;
    change->code = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
    change->has_ended = info.si_code != CLD_STOPPED;
    return 0;
}

void cspawn_take(const struct cspawn_change *change) {
    siginfo_t info;
    waitid(P_PID, (id_t)change->number, &info, (change->has_ended ? WEXITED : WSTOPPED) | WNOHANG);
}
