// Starting processes, and hearing the signals that are meant for them. Swift can do neither: between vfork and exec no code of
// its runtime may run, nor may it in a signal handler.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// MARK: What this process was started with

/// Whether a signal was ignored when this process began.
bool cspawn_was_ignored(int signal);

/// Whether a descriptor was open when this process began. (0, 1 and 2 that were not are /dev/null since.)
bool cspawn_was_open(int descriptor);

/// The words that this process was called with, as the kernel gave them.
int cspawn_word_count(void);
const char *cspawn_word(int index);

/// Whether this process has children.
bool cspawn_has_children(void);

/// The soft limit of open files when this process began.
uint64_t cspawn_open_files_at_start(void);

// MARK: Starting a process

/// How far the start of a process has come.
enum cspawn_step { cspawn_fork, cspawn_directory, cspawn_exec };

/// How a process begins at a terminal: its keys are for it; they are not; or they are not, and no shell could let it go on if it were stopped.
enum cspawn_job_state { cspawn_foreground, cspawn_background, cspawn_orphaned };

/// What to start, and what it finds.
struct cspawn_process {
    /// The paths that are tried in turn, as execvp(3) tries them, ended by NULL.
    char *const *programs;
    /// Its words and its environment, each ended by NULL.
    char *const *words;
    char *const *environment;
    /// Where it begins; NULL: where this process is.
    const char *directory;
    /// What its descriptors 0, 1 and 2 are; -1: closed.
    int descriptors[3];
    /// true: in this process's session and process group, with the signals that are ignored or blocked, and the descriptors
    /// above 2, with which this process was started. false: leads a session of its own, ignores and blocks no signal, and has
    /// no descriptor above 2.
    bool inherits;
    /// The end of a terminal that it gets as its controlling terminal; -1: none.
    int terminal;
    /// With a terminal and `inherits`: the terminal whose settings its session's keeper restores; -1: none.
    int restored;
    /// With a terminal and `inherits`: our end of it, and where its session's keeper passes on what comes out of that if this process is
    /// killed (-1: nowhere).
    int terminal_end, target;
    /// With a terminal and `inherits`.
    enum cspawn_job_state job_state;
};

/// The process that leads the session in which a command with `inherits` has its terminal.
struct cspawn_keeper {
    pid_t number;
    /// It takes notes: 'r', the restored terminal's settings are changed; 'c', they are as they were; 'b', the command is to be in the background
    /// of its terminal; 'f', in the foreground; 'e', it isn't needed any more. It answers 'b' and 'f' by the same when it is so. When this
    /// is closed, by whatever cause, it restores the settings if they are changed, sees that no process is hung up on, and ends; without
    /// an 'e', when no process has the command's terminal any more.
    int notes;
};

/// Starts a process with the limit of open files that this process was started with.
///
/// Returns 0, its number and its keeper (with the number 0, if it has none), or an errno and the step that failed.
int cspawn_start(
    const struct cspawn_process *process, pid_t *number, struct cspawn_keeper *keeper, enum cspawn_step *failed);

/// Starts a keeper that leads a session of nothing else: it restores the settings that the terminal has now. Returns 0 or an errno.
int cspawn_keep_terminal(int terminal, struct cspawn_keeper *keeper);

/// Opens a terminal: our end, which doesn't block, and the command's, both closed at exec. Returns 0 or an errno.
int cspawn_open_terminal(int ends[2]);

/// Opens the command's end of a terminal again, closed at exec; -1 and errno if that fails.
int cspawn_open_side(int terminal);

/// Starts a process that outlives this one and passes on what still comes out of a pipe, until all its writers are gone; what
/// can't be written to `target` (-1: anything) is thrown away. It costs the memory of a few pages.
///
/// With `waiting` it begins when that one's notes are closed, by whatever cause, and ends without having begun at any note.
///
/// Returns 0 or an errno.
int cspawn_drain(int pipe, int target, struct cspawn_keeper *waiting);

// MARK: Processes

/// Lets this process become the parent of what its descendants leave behind.
int cspawn_adopt_orphans(void);

/// Whether cspawn_adopt_orphans was called.
bool cspawn_adopts_orphans(void);

/// A descriptor that stands for a process, whatever happens to its number; -1 and errno if there is none.
int cspawn_open_process(pid_t number);

/// Sends a signal to the process that a descriptor stands for; -1 and errno if not.
int cspawn_signal_process(int descriptor, int signal);

/// What has happened to a child: it has ended, or was stopped.
struct cspawn_change {
    /// 0: nothing.
    pid_t number;
    bool has_ended;
    /// What ended or stopped it; 0: it exited.
    int signal;
    /// What it exited with, or 128 and the signal.
    int code;
};

/// Looks at the next change of a child (0: of any), which stays a zombie until the change is taken; `waits` for one.
///
/// Returns 0 or an errno: ECHILD if there is no child.
int cspawn_wait(pid_t number, bool stops, bool waits, struct cspawn_change *change);

/// Whether a child was stopped, and that has not been taken yet. Nothing of it is taken.
bool cspawn_has_stopped(pid_t number);

/// Whether a child that was stopped goes on by now, or has ended. Nothing of it is taken.
bool cspawn_has_gone_on(pid_t number);

/// What ended children took, with those that they had waited for.
struct cspawn_usage {
    int64_t cpu_us;
    /// Of the one that had the most at once.
    int64_t peak_bytes;
};

/// The most memory that this program has had at once, in bytes; INT64_MAX if that can't be learnt.
int64_t cspawn_own_peak(void);

/// Takes a change, and adds what a child that has ended took. The number of a child that has ended may be another process's from then on.
void cspawn_take(const struct cspawn_change *change, struct cspawn_usage *usage);

// MARK: Signals

/// A signal that was sent to this process.
struct cspawn_signal {
    int32_t number;
    /// As siginfo_t has it: above 0 where the kernel sent it, as it does for a terminal.
    int32_t code;
    int32_t sender;
    /// When, in nanoseconds of the monotonic clock.
    int64_t time;
};

/// Writes a struct cspawn_signal to a descriptor whenever a signal comes that a user may send and that wasn't ignored when this
/// process began. It is called once.
void cspawn_report_signals(int descriptor);

/// Ends or stops this process as a signal does that nothing catches; returns when it goes on. It leaves no core dump.
void cspawn_suffer(int signal);
