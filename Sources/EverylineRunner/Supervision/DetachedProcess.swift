import CSpawn
import Glibc
import SystemPackage

/// Starts a process that outlives this one: in a session of its own, with nothing of ours but its arguments. (Subprocess
/// ends its children with the task that runs them.)
enum DetachedProcess {
    /// - Parameters:
    ///   - arguments: the first is the name that the process goes by.
    ///   - log: the file that gets its standard error and output.
    /// - Returns: its number; it is a child, and must be waited for.
    /// - Throws: `Errno`.
    static func start(_ program: String, _ arguments: [String], log: String) throws -> Int32 {
        var attributes = posix_spawnattr_t()
        var actions = posix_spawn_file_actions_t()
        posix_spawnattr_init(&attributes)
        posix_spawn_file_actions_init(&actions)
        defer {
            posix_spawnattr_destroy(&attributes)
            posix_spawn_file_actions_destroy(&actions)
        }
        // A server ignores SIGPIPE, and may block signals; a runner's command mustn't inherit that.
        var signals = sigset_t()
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        let flags = Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK) | cspawn_new_session
        posix_spawnattr_setflags(&attributes, flags)
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // NIO's sockets are not close-on-exec: a runner that held the server's port would keep its successor from it.
        cspawn_close_from(&actions, 3)
        var pid: pid_t = 0
        let words = arguments.map { strdup($0) }
        defer { for word in words { free(word) } }
        let result = posix_spawn(&pid, program, &actions, &attributes, words + [nil], environ)
        guard result == 0 else { throw Errno(rawValue: result) }
        return pid
    }

    /// Takes the exit status of a child that has ended, so that it doesn't stay as a zombie.
    ///
    /// - Returns: its status by waitpid(2), 0 if it exited with 0; `nil` if it still runs.
    static func reap(_ pid: Int32) -> Int32? {
        var status: Int32 = 0
        switch waitpid(pid, &status, WNOHANG) {
        case 0: return nil
        case pid: return status
        default: return -1
        }
    }
}
