#pragma once
#include "cspawn.h"
#include <signal.h>
#include <sys/resource.h>

/// What this process was started with.
struct cspawn_start {
    sigset_t mask;
    sigset_t ignored;
    struct rlimit open_files;
    /// The main thread's; a runtime changes that of its others (setpriority(2)).
    int nice;
    /// The open descriptors, in order.
    int *descriptors;
    size_t descriptor_count;
};

extern struct cspawn_start cspawn_at_start;

/// Closes the descriptors from `first` to `last`, by system calls only.
void cspawn_close(unsigned first, unsigned last);

/// Changes what ps(1) shows of this process.
void cspawn_rename(const char *name);

/// Opens a pipe whose ends are above 2 and close at exec. Returns 0 or an errno.
int cspawn_pipe(int ends[2]);

/// The same of a pipe that goes both ways.
int cspawn_two_way_pipe(int ends[2]);

/// Keeps only these descriptors open, as 0, 1, …; -1: none. Nothing else of the parent's may stay open through a process that was forked.
void cspawn_keep_only(int *descriptors, int count);

/// Passes on what comes out of a pipe or a terminal, until no process has its other end; what can't be written to `target` (-1: anything) is
/// thrown away. It may be called after the memory was given back.
void cspawn_pass_on(int source, int target);

/// Gives back what the parent's heap and other threads' stacks hold: for a process that was forked and doesn't exec. From then on only
/// what is on this thread's stack may be used, and no function that wasn't called through a pointer that was bound before.
void cspawn_give_memory_back(void);

/// Forks a process that gets its terminal in a session of its own and leads a process group there. The session is led by its keeper. All
/// signals are blocked.
///
/// Returns twice: in the new process 0; here its number, or -1 and errno.
pid_t cspawn_fork_in_session(const struct cspawn_process *process, struct cspawn_keeper *keeper);
