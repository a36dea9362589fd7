import Everyline
import Glibc

/// What is left of a command whose runner is gone: its processes may have another parent by now.
/// There are none where the command isn't this server's to end (``JobDirectory/mayEndCommand``).
struct Leftovers {
    private let execution: ExecutionID
    private let leader: ProcessIdentity?
    private let mayEnd: Bool

    init(_ directory: JobDirectory) {
        execution = directory.execution
        leader = directory.command()
        mayEnd = directory.mayEndCommand
    }

    /// Kills all of it, and returns when it is gone, or can't be killed.
    func end() async {
        // The kernel doesn't report the end of processes that are no children of this one, so /proc is read again every
        // 20 ms, also for what was started meanwhile. Only a cancellation ends a sleep early, and then nothing more is
        // killed.
        for _ in 0..<100 {
            guard kill() else { return }
            guard (try? await Task.sleep(for: .milliseconds(20))) != nil else { return }
        }
    }

    /// Kills what is there now.
    ///
    /// - Returns: whether anything was.
    @discardableResult
    func kill() -> Bool {
        let rest = processes()
        for process in rest { process.signal(SIGKILL) }
        return !rest.isEmpty
    }

    /// The command, what began with its execution's id in its environment, what is in a session with one of those, and
    /// what they have started.
    private func processes() -> [ProcessStatus] {
        guard mayEnd else { return [] }
        let all = ProcessStatus.all().filter { $0.pid != getpid() }
        let mark = CommandEnvironment.mark(of: execution)
        let known = all.filter { process in leader?.names(process) == true || process.began(with: mark) }
        // A session's number isn't given out again while one of its processes is there.
        let sessions = Set(known.map(\.session)).intersection(leader.map { [$0.pid] } ?? [])
        let pids = Set(known.map(\.pid))
        return all.descendants { pids.contains($0.pid) || sessions.contains($0.session) }
    }
}
