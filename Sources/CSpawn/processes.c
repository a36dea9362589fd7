#define _GNU_SOURCE
#include "cspawn.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
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

static bool has(pid_t number, int changes) {
    siginfo_t info;
    info.si_pid = 0;
    return waitid(P_PID, (id_t)number, &info, changes | WNOHANG | WNOWAIT) == 0 && info.si_pid == number;
}

bool cspawn_has_stopped(pid_t number) { return has(number, WSTOPPED); }

bool cspawn_has_gone_on(pid_t number) { return has(number, WEXITED | WCONTINUED); }

static int64_t microseconds(struct timeval time) { return (int64_t)time.tv_sec * 1000000 + time.tv_usec; }

// Not ru_maxrss: that counts along what the process was before it became this program.
int64_t cspawn_own_peak(void) {
    FILE *status = fopen("/proc/self/status", "re");
    if (status == NULL) return INT64_MAX;
    char line[256];
    long long kibibytes = -1;
    while (kibibytes < 0 && fgets(line, sizeof line, status) != NULL) {
        if (sscanf(line, "VmHWM: %lld kB", &kibibytes) != 1) kibibytes = -1;
    }
    fclose(status);
    return kibibytes < 0 ? INT64_MAX : kibibytes * 1024;
}

void cspawn_take(const struct cspawn_change *change, struct cspawn_usage *usage) {
    if (!change->has_ended) {
        siginfo_t info;
        waitid(P_PID, (id_t)change->number, &info, WSTOPPED | WNOHANG);
        return;
    }
    struct rusage taken;
    if (wait4(change->number, NULL, WNOHANG, &taken) != change->number) return;
    usage->cpu_us += microseconds(taken.ru_utime) + microseconds(taken.ru_stime);
    int64_t peak = (int64_t)taken.ru_maxrss * 1024;
    if (peak > usage->peak_bytes) usage->peak_bytes = peak;
}
