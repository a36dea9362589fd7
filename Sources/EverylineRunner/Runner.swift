import CSpawn
package import Everyline
package import EverylineProducer
import Glibc
import NIOCore
import NIOPosix
import SystemPackage

/// Runs one command and records its output to the `end`: in every case, whatever becomes of the command.
package struct Runner: Sendable {
    package struct Limits: Sendable {
        /// From SIGTERM to SIGKILL.
        package var grace: Duration = .seconds(10)
        /// For how long processes that the command left behind may write on.
        package var lingering: Duration = .seconds(5)

        package init() {}
    }

    /// Where a command's input comes from and where its output goes besides: in the foreground, the terminal.
    package struct Foreground: Sendable {
        package let input: FileDescriptor
        package let output: OutputCopy
        package let error: OutputCopy
        /// The user's terminal, if the command is to have one of its own in the place of it.
        package let terminal: UserTerminal?

        package init(input: FileDescriptor, output: OutputCopy, error: OutputCopy, terminal: UserTerminal? = nil) {
            self.input = input
            self.output = output
            self.error = error
            self.terminal = terminal
        }
    }

    private let process: CommandProcess
    private let execution: ExecutionID
    private let timeout: Duration?
    private let recorder: Recorder
    private let stop: StopSignal
    private let limits: Limits
    private let foreground: Foreground?
    private let input: CommandInput?
    private let endFields: [String]
    private let clock: any Clock<Duration>
    private let onStart: @Sendable (ProcessIdentity) -> Void

    /// - Parameters:
    ///   - endFields: the fields of an `end` that the server knows.
    ///   - foreground: `nil` for a command in the background.
    ///   - input: what a command in the background reads, if its request says that it has an input.
    ///   - onStart: is called when the command has started.
    package init(
        _ process: CommandProcess, of execution: ExecutionID, recorder: Recorder, stop: StopSignal,
        limits: Limits = Limits(), endFields: [String] = [],
        foreground: Foreground? = nil, input: CommandInput? = nil, clock: any Clock<Duration>,
        onStart: @escaping @Sendable (ProcessIdentity) -> Void = { _ in }
    ) {
        self.process = process
        self.execution = execution
        timeout = process.request.timeoutSeconds.map { .seconds($0) }
        self.recorder = recorder
        self.stop = stop
        self.limits = limits
        self.foreground = foreground
        self.input = input
        self.endFields = endFields
        self.clock = clock
        self.onStart = onStart
    }

    /// Returns when the command has ended and its output, with the `end` event, is in the spool.
    ///
    /// - Throws: `Errno` if the output can't be read or spooled. The command is killed then.
    package func run() async throws -> ExecutionOutcome {
        let outcome: ExecutionOutcome
        do {
            outcome = try await runCommand()
        } catch let error as CommandProcess.StartError {
            let message = "The command was not started: \(error.reason)."
            recorder.note(.notStarted, message)
            // The user at the terminal should not have to ask the server. If the terminal is gone, the write fails
            // harmlessly.
            foreground?.error.write(ByteBuffer(string: "everyline: \(message.visible())\n"))
            outcome = ExecutionOutcome(status: .failed, exitCode: error.exitCode, reason: .notStarted)
        }
        recorder.end(outcome)
        return outcome
    }

    private func runCommand() async throws -> ExecutionOutcome {
        let streams = try CommandStreams(process.request, foreground)
        let readers = streams.outputs.map(\.reader)
        let (starts, begin) = AsyncStream.makeStream(of: Never.self)
        async let pumping: Void = pump(streams.outputs, after: starts)
        async let _ = watchTime()
        let exitCode: Int32
        do {
            exitCode = try await runWatched(streams, begin)
        } catch {
            begin.finish()
            await foreground?.terminal?.disconnect()
            for reader in readers { reader.interrupt() }
            throw error
        }
        for output in streams.outputs { output.copy?.detach() }
        // What the command left behind reads the end too.
        streams.writer?.close()
        async let _ = releaseTerminal()
        let reason = stop.reason
        var unreached = reason == nil ? [] : await endRest()
        async let _ = watchLeftovers(readers, limit: reason == nil ? limits.lingering : .seconds(1))
        try await pumping
        // A stop, or the time limit, that came while what the command left behind still wrote ends that too.
        if reason == nil, stop.reason != nil { unreached = await endRest() }
        await foreground?.terminal?.disconnect()
        process.keeper?.end()
        let held = streams.outputs.filter(\.reader.isCut)
        if !held.isEmpty {
            let message =
                "A process that the command left behind holds its output; what it still writes is not recorded."
            recorder.note(.outputHeld, message)
            for output in held { output.reader.leave(to: output.copy) }
        }
        for output in streams.outputs where !output.reader.isCut { output.reader.drain?.dismiss() }
        if !unreached.isEmpty {
            recorder.note(.notEnded, Self.sentence(of: unreached))
        } else if stop.reason != nil, !ProcessStatus.areShown {
            recorder.note(
                .notEnded, "Processes that the command started may go on: /proc, where they are found, isn't there.")
        }
        return Self.outcome(exitCode, reason).using(process.usage?.told(in: endFields))
    }

    /// Runs the command, and stops it when that is asked for or its time has passed.
    private func runWatched(
        _ streams: CommandStreams, _ begin: AsyncStream<Never>.Continuation
    ) async throws -> Int32 {
        try await withThrowingTaskGroup { group in
            group.addTask { await stopWhenAsked() }
            if let input, let writer = streams.writer {
                let size = streams.terminal == nil ? nil : process.request.terminal
                group.addTask { try await input.run(to: writer, size: size, clock: clock) }
            }
            defer { group.cancelAll() }
            return try await run(streams, begin)
        }
    }

    private func run(_ streams: CommandStreams, _ begin: AsyncStream<Never>.Continuation) async throws -> Int32 {
        let jobState = foreground?.terminal?.jobState ?? cspawn_foreground
        let started = Result { () throws(CommandProcess.StartError) in
            try process.start(streams, user: foreground?.terminal, jobState, of: execution)
        }
        // The command alone writes now, so that the output ends with it.
        try streams.closeCommandsEnds()
        let (leader, identity) = try started.get()
        if let identity { onStart(identity) }
        let threads = NIOThreadPool(numberOfThreads: 2)
        threads.start()
        defer { threads.shutdownGracefully { _ in } }
        if let user = foreground?.terminal, let terminal = streams.terminal, let keeper = process.keeper {
            user.connect(to: terminal, keeper, group: leader, jobState, on: threads)
        }
        begin.finish()
        return try await threads.runIfActive { process.wait() }
    }

    private func watchTime() async {
        // Cancelled when the command and all that it left behind to write have ended.
        guard let timeout, (try? await clock.sleep(for: timeout)) != nil else { return }
        stop.stop(.timedOut)
    }

    private func stopWhenAsked() async {
        guard await stop.wait() != nil else { return }
        process.signal(SIGTERM)
        // What was stopped meanwhile takes the signal only when it goes on.
        process.signal(SIGCONT)
        // Cancelled when the command has ended.
        guard (try? await clock.sleep(for: limits.grace)) != nil else { return }
        process.signal(SIGKILL)
    }

    /// Ends what a command that was stopped has started: it has heard the signal, and has as much time as the command
    /// had.
    ///
    /// - Returns: what is there after all.
    private func endRest() async -> [ProcessStatus] {
        let step = Duration.milliseconds(20)
        var waited = Duration.zero
        while true {
            process.reapOrphans()
            let rest = process.remaining()
            // Those that are killed need a moment.
            if rest.isEmpty || waited > limits.grace + .seconds(2) { return rest }
            if waited >= limits.grace { process.signal(SIGKILL) }
            // Only its parent is told of a process's end, and ours are the children of processes that may not ask.
            guard (try? await clock.sleep(for: step)) != nil else { return rest }
            waited += step
        }
    }

    private static func sentence(of processes: [ProcessStatus]) -> String {
        let named = processes.prefix(10).map { "\($0.name) (\($0.pid))" }.joined(separator: ", ")
        let more = processes.count > 10 ? " and \(processes.count - 10) more" : ""
        return "Processes that the command started could not be ended: \(named)\(more)."
    }

    /// - Parameter start: ends when the user's terminal is ready for what the command draws.
    private func pump(_ outputs: [CommandStreams.Output], after start: AsyncStream<Never>) async throws {
        for await _ in start {}
        let threads = NIOThreadPool(numberOfThreads: outputs.count)
        threads.start()
        defer { threads.shutdownGracefully { _ in } }
        try await withThrowingTaskGroup { group in
            for output in outputs {
                let pump = OutputPump(
                    from: ThreadedOutput(
                        reader: output.reader, copy: output.copy, isTerminal: output.isTerminal, threads: threads),
                    of: output.stream,
                    to: recorder, clock: clock, endsAtCRLF: output.isTerminal)
                group.addTask { try await pump.run() }
            }
            try await group.waitForAll()
        }
    }

    /// Restores the user's terminal when what the command has drawn is there, or processes that it left behind could
    /// draw on for long.
    private func releaseTerminal() async {
        guard let terminal = foreground?.terminal else { return }
        // Cancelled when all of it is there.
        guard (try? await clock.sleep(for: .milliseconds(300))) != nil else { return }
        await terminal.disconnect()
    }

    /// Ends the reading after a while, if processes that the command started keep its output open.
    private func watchLeftovers(_ readers: [OutputReader], limit: Duration) async {
        let wasStopped = stop.reason != nil
        let isOver = await withTaskGroup { group in
            group.addTask { (try? await clock.sleep(for: limit)) != nil }
            if !wasStopped { group.addTask { await stop.wait() != nil } }
            defer { group.cancelAll() }
            return await group.next() == true
        }
        guard isOver else { return }
        if !wasStopped, stop.reason != nil {
            process.signal(SIGTERM)
            process.signal(SIGCONT)
            guard (try? await clock.sleep(for: .seconds(1))) != nil else { return }
        }
        for reader in readers { reader.interrupt() }
    }

    private static func outcome(_ exitCode: Int32, _ reason: StopReason?) -> ExecutionOutcome {
        switch reason {
        case nil: ExecutionOutcome(status: exitCode == 0 ? .succeeded : .failed, exitCode: exitCode)
        case .requested: ExecutionOutcome(status: .stopped, exitCode: exitCode, reason: .stopRequested)
        case .timedOut: ExecutionOutcome(status: .failed, exitCode: 124, reason: .timedOut)
        }
    }
}
