import CSpawn
package import Everyline
import Glibc
import Synchronization
import SystemPackage

/// Starts a command, waits for its end, and signals it and all that it has started. No signal goes to a process that
/// merely has got the number of one that is gone.
package final class CommandProcess: Sendable {
    /// Whom the command belongs to.
    package enum Place: Sendable {
        /// A session of its own, without a terminal.
        case background
        /// This process's session and process group, with all that this process was started with: the terminal's
        /// signals reach it as if it had been started by the shell.
        ///
        /// With a terminal of its own it has that terminal's session instead, and no signal by itself.
        ///
        /// - Parameter onStop: is called when the command was stopped, with the signal that did it.
        case foreground(onStop: @Sendable (Int32) -> StopAnswer)
    }

    /// What was done when a command was stopped.
    package enum StopAnswer: Sendable {
        /// Nothing: it stays as it is.
        case left
        /// It is to go on.
        case refused
        /// This process was stopped too; both are to go on.
        case stopped
    }

    let request: RunRequest
    let words: [[UInt8]]
    private let environment: CommandEnvironment
    private let place: Place
    private let state = Mutex(State())

    private struct State {
        /// Its number.
        var leader: Int32?
        /// Children that this process had before.
        var earlier: Set<Int32> = []
        /// Whether its end was taken from the kernel, which may have given its number to another process since.
        var isReaped = false
        /// Signals that came before the process was there.
        var pending: [(signal: Int32, isForAll: Bool)] = []
        var startTime: Int64?
        var endTime: Int64?
        var endingSignal: Int32?
        var keeper: SessionKeeper?
        var readers: [OutputReader] = []
        /// Whether the signal is yet to be heard of that has ended, or will end, a stop of this process itself.
        var awaitsContinue = false
        /// Children of this process that aren't the command's.
        var drains: Set<Int32> = []
        /// The most memory that this process had had when the command was started.
        var ownPeak: Int64 = 0
        var taken = cspawn_usage()
    }

    /// Why a command could not be started.
    package struct StartError: Error, Equatable {
        /// 127 if there is no such program, 126 if it can't be run: as a shell gives it.
        package let exitCode: Int32
        package let reason: String
    }

    /// - Parameters:
    ///   - words: the command's words, where they aren't all text.
    ///   - environment: what the command's environment is made from.
    package init(
        _ request: RunRequest, words: [[UInt8]]? = nil, environment: CommandEnvironment, place: Place = .background
    ) {
        self.request = request
        self.words = words ?? request.command.map { Array($0.utf8) }
        self.environment = environment
        self.place = place
    }

    // MARK: From its start to its end

    /// Starts the command.
    ///
    /// - Parameters:
    ///   - streams: its standard streams. The caller closes the command's ends.
    ///   - user: in the foreground, the terminal that the user sits before.
    ///   - jobState: whether the keys of that reach the command.
    ///   - execution: is in its environment.
    /// - Returns: the process, and its name for ever unless that can't be learnt. In the background it leads its
    ///   session and its process group.
    func start(
        _ streams: CommandStreams, user: UserTerminal?, _ jobState: cspawn_job_state, of execution: ExecutionID
    ) throws(StartError) -> (pid: Int32, identity: ProcessIdentity?) {
        let nothing = open("/dev/null", O_RDONLY | O_CLOEXEC)
        defer { if nothing >= 0 { close(nothing) } }
        var variables = request.env
        // In the foreground it is the user's own.
        if !isInForeground, streams.terminal != nil {
            variables = ["TERM": "xterm-256color"].merging(variables ?? [:]) { $1 }
        }
        let spawned = SpawnedProcess(
            programs: candidates, words: words,
            environment: environment.adding(variables, execution: execution), directory: request.workingDirectory,
            descriptors: (
                streams.input.map(Self.inherited) ?? nothing, streams.output.rawValue, streams.error.rawValue
            ),
            inherits: isInForeground, terminal: streams.terminal?.side, restored: user?.keyboard,
            terminalEnd: streams.terminal?.main, target: streams.outputs.first?.copy?.descriptor, jobState: jobState)
        let earlier = cspawn_has_children() ? Set(ProcessStatus.all().filter { $0.parent == getpid() }.map(\.pid)) : []
        let pid: Int32
        let keeper: SessionKeeper?
        do {
            (pid, keeper) = try spawned.start()
        } catch {
            state.withLock { $0.endTime = Self.now }
            throw startError(error.cause, error.step)
        }
        // Until its end has been taken, which comes after this, its number is its own.
        let identity = ProcessIdentity(of: pid)
        let pending = state.withLock { state in
            (state.leader, state.earlier) = (pid, earlier)
            state.keeper = keeper
            state.readers = streams.outputs.map(\.reader)
            state.drains = Set(streams.outputs.compactMap(\.reader.drain?.number))
            state.startTime = Self.now
            state.ownPeak = cspawn_own_peak()
            defer { state.pending = [] }
            return state.pending
        }
        for (signal, isForAll) in pending {
            if isForAll { self.signal(signal) } else { signalCommand(signal) }
        }
        return (pid, identity)
    }

    /// Waits for the command's end, on a thread that this blocks, and takes the ends of what its descendants leave
    /// behind.
    ///
    /// - Returns: its exit code, or 128 and the number of the signal that ended it.
    func wait() -> Int32 {
        guard let leader = state.withLock({ $0.leader }) else { return 1 }
        let adopts = cspawn_adopts_orphans()
        while true {
            var change = cspawn_change()
            guard cspawn_wait(adopts ? 0 : leader, isInForeground, true, &change) == 0 else { return 1 }
            guard change.number == leader, change.has_ended else {
                state.withLock { cspawn_take(&change, &$0.taken) }
                guard change.number == leader, case .foreground(let onStop) = place else { continue }
                state.withLock { $0.readers }.waitForOutput()
                // It may go on again by now.
                if cspawn_has_gone_on(leader) { continue }
                state.withLock { $0.awaitsContinue = true }
                let answer = onStop(change.signal)
                if answer != .stopped { state.withLock { $0.awaitsContinue = false } }
                // A shell lets its whole job go on, which a command with a terminal of its own is no part of. A stop
                // that is yet to be handled is newer.
                if answer != .left, !cspawn_has_gone_on(leader), !cspawn_has_stopped(leader) { letGoOn() }
                continue
            }
            state.withLock { state in
                state.endTime = Self.now
                state.endingSignal = change.signal == 0 ? nil : change.signal
                cspawn_take(&change, &state.taken)
                state.isReaped = true
            }
            return change.code
        }
    }

    /// Whether a moment of the monotonic clock, in nanoseconds, lies between the command's start and its end.
    package func wasRunning(at time: Int64) -> Bool {
        state.withLock { state in
            guard let start = state.startTime else { return false }
            return time >= start && time <= state.endTime ?? .max
        }
    }

    package var hasEnded: Bool { state.withLock { $0.endTime != nil } }

    /// The signal that ended the command.
    package var endingSignal: Int32? { state.withLock { $0.endingSignal } }

    /// What it took with all that has ended of what it started; `nil` as long as it hasn't ended itself.
    ///
    /// Linux counts the memory that the process had before it became the command, which is this one's own: a peak that
    /// isn't clearly above that isn't known.
    var usage: ResourceUsage? {
        state.withLock { state in
            guard state.isReaped else { return nil }
            let peak = state.taken.peak_bytes
            let isKnown = peak - Self.countingError > state.ownPeak
            return ResourceUsage(
                cpuMilliseconds: state.taken.cpu_us / 1000, peakMemory: isKnown ? peak : nil)
        }
    }

    /// The kernel counts pages in batches, for each CPU apart.
    private static let countingError: Int64 = 2 << 20

    /// The monotonic clock, in nanoseconds.
    private static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// Leads the session of a foreground command that has a terminal of its own.
    var keeper: SessionKeeper? { state.withLock { $0.keeper } }

    // MARK: Signals

    /// Sends a signal to the process group of a command that has a terminal of its own, as that terminal does; not at
    /// all before it is there.
    package func signalGroup(_ signal: Int32) {
        state.withLock { state in
            if let leader = state.leader, state.keeper != nil, !state.isReaped { killpg(leader, signal) }
        }
    }

    /// Hands on a signal to go on that this process has got; not the one that has ended a stop of this process itself,
    /// however late it is heard of: the command goes on with it, and may have stopped again.
    package func handOnContinue() {
        let isKnown = state.withLock { state in
            defer { state.awaitsContinue = false }
            return state.awaitsContinue
        }
        if !isKnown { letGoOn() }
    }

    private func letGoOn() { if keeper != nil { signalGroup(SIGCONT) } else { signalCommand(SIGCONT) } }

    /// Sends a signal to the command itself, at once or when it has started.
    package func signalCommand(_ signal: Int32) {
        state.withLock { state in
            guard let leader = state.leader else { return state.pending.append((signal, false)) }
            // Under the lock its end has not been taken.
            if !state.isReaped { kill(leader, signal) }
        }
    }

    /// Sends a signal once to the command and all that it has started, also in other process groups and sessions, at
    /// once or when it has started.
    ///
    /// - Returns: the processes that may not be signalled.
    @discardableResult
    func signal(_ signal: Int32) -> [ProcessStatus] {
        let all = remaining()
        return state.withLock { state in
            guard let leader = state.leader else {
                state.pending.append((signal, true))
                return []
            }
            // At once, so that none of it can start another one meanwhile; and while the number is its own.
            let group = isInForeground || state.isReaped ? nil : leader
            if let group { killpg(group, signal) }
            // Where /proc doesn't show it.
            if group == nil, !state.isReaped, !all.contains(where: { $0.pid == leader }) { kill(leader, signal) }
            return all.filter { $0.group != group && !$0.signal(signal) }
        }
    }

    /// What is there of the command and all that it has started.
    func remaining() -> [ProcessStatus] {
        let (leader, isReaped, others) = state.withLock {
            ($0.leader, $0.isReaped, $0.drains.union($0.keeper.map { [$0.number] } ?? []).union($0.earlier))
        }
        guard let leader else { return [] }
        let adopts = cspawn_adopts_orphans()
        let ours = getpid()
        return ProcessStatus.all().descendants { process in
            process.pid == leader && !isReaped || adopts && process.parent == ours && !others.contains(process.pid)
        }
    }

    /// Takes the ends of what descendants have left behind.
    func reapOrphans() {
        guard cspawn_adopts_orphans(), state.withLock({ $0.isReaped }) else { return }
        var change = cspawn_change()
        while cspawn_wait(0, false, false, &change) == 0, change.number != 0 {
            state.withLock { cspawn_take(&change, &$0.taken) }
        }
    }

    /// Whether a process is the command, or was started by it.
    package func hasStarted(_ pid: Int32) -> Bool {
        state.withLock({ $0.leader }) == pid || remaining().contains { $0.pid == pid }
    }

    // MARK: What is started

    private var isInForeground: Bool { if case .foreground = place { true } else { false } }

    /// A name is looked up in the command's own `PATH`; anything with a slash is a path, from its working directory on.
    private var candidates: [[UInt8]] {
        let (program, slash) = (words[0], UInt8(ascii: "/"))
        guard !program.contains(slash) else { return [program] }
        let path =
            request.env?["PATH"].map { Array($0.utf8)[...] } ?? environment["PATH"] ?? Array("/bin:/usr/bin".utf8)[...]
        return path.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).map {
            $0.isEmpty ? [UInt8(ascii: "."), slash] + program : Array($0) + [slash] + program
        }
    }

    /// A standard input that was closed when this process was started is closed for the command too.
    private static func inherited(_ input: FileDescriptor) -> Int32 {
        input == .standardInput && !cspawn_was_open(0) ? -1 : input.rawValue
    }
}
