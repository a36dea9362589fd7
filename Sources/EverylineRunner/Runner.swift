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

        package init(input: FileDescriptor, output: OutputCopy, error: OutputCopy) {
            self.input = input
            self.output = output
            self.error = error
        }
    }

    private let process: CommandProcess
    private let execution: ExecutionID
    private let timeout: Duration?
    private let streams: StreamMode
    private let recorder: Recorder
    private let stop: StopSignal
    private let limits: Limits
    private let foreground: Foreground?
    private let clock: any Clock<Duration>
    private let onStart: @Sendable (ProcessIdentity) -> Void

    /// - Parameters:
    ///   - foreground: `nil` for a command in the background, which has no input.
    ///   - onStart: is called when the command has started.
    package init(
        _ process: CommandProcess, of execution: ExecutionID, recorder: Recorder, stop: StopSignal,
        limits: Limits = Limits(),
        foreground: Foreground? = nil, clock: any Clock<Duration>,
        onStart: @escaping @Sendable (ProcessIdentity) -> Void = { _ in }
    ) {
        self.process = process
        self.execution = execution
        timeout = process.request.timeoutSeconds.map { .seconds($0) }
        streams = process.request.streams ?? .merged
        self.recorder = recorder
        self.stop = stop
        self.limits = limits
        self.foreground = foreground
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
            // Who sits before it should not have to ask the server. If the terminal is gone, nobody does.
            foreground?.error.write(ByteBuffer(string: "everyline: \(message.visible())\n"))
            outcome = ExecutionOutcome(status: .failed, exitCode: error.exitCode, reason: .notStarted)
        }
        recorder.end(outcome)
        return outcome
    }

    private func runCommand() async throws -> ExecutionOutcome {
        // One pipe keeps the order of what the command writes to its two streams; two can't.
        let output = try OutputPipe()
        let error = streams == .split ? try OutputPipe() : nil
        let readers = [output.reader] + (error.map { [$0.reader] } ?? [])
        async let pumping: Void = pump(readers)
        let exitCode: Int32
        do {
            exitCode = try await runWatched(output, error)
        } catch {
            for reader in readers { reader.interrupt() }
            throw error
        }
        let reason = stop.reason
        let unreached = reason == nil ? [] : await endRest()
        async let _ = watchLeftovers(readers, limit: reason == nil ? limits.lingering : .seconds(1))
        try await pumping
        let held = readers.filter(\.isInterrupted)
        if !held.isEmpty {
            let message =
                "A process that the command left behind holds its output; what it still writes is not recorded."
            recorder.note(.outputHeld, message)
            // It must not die of writing to a pipe that nobody reads.
            for reader in held { try reader.leave(to: reader === readers[0] ? foreground?.output : foreground?.error) }
        }
        if !unreached.isEmpty { recorder.note(.notEnded, Self.sentence(of: unreached)) }
        return Self.outcome(exitCode, reason)
    }

    /// Runs the command, and stops it when that is asked for or its time has passed.
    private func runWatched(_ output: OutputPipe, _ error: OutputPipe?) async throws -> Int32 {
        try await withThrowingTaskGroup { group in
            group.addTask { await stopWhenAsked() }
            if let timeout {
                group.addTask {
                    try await clock.sleep(for: timeout)
                    stop.stop(.timedOut)
                }
            }
            defer { group.cancelAll() }
            return try await run(output, error)
        }
    }

    private func run(_ output: OutputPipe, _ error: OutputPipe?) async throws -> Int32 {
        let started = Result { () throws(CommandProcess.StartError) in
            try process.start(
                input: foreground?.input, output: output.writeEnd, error: error?.writeEnd,
                of: execution)
        }
        // The command alone writes now, so that the output ends with it.
        try output.writeEnd.close()
        try error?.writeEnd.close()
        if let leader = try started.get() { onStart(leader) }
        let thread = NIOThreadPool(numberOfThreads: 1)
        thread.start()
        defer { thread.shutdownGracefully { _ in } }
        return try await thread.runIfActive { process.wait() }
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

    /// Ends what a command that was stopped has started: it has heard the signal, and has as much time as the command had.
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

    private func pump(_ readers: [OutputReader]) async throws {
        let threads = NIOThreadPool(numberOfThreads: readers.count)
        threads.start()
        defer { threads.shutdownGracefully { _ in } }
        try await withThrowingTaskGroup { group in
            for (number, reader) in readers.enumerated() {
                let isError = number == 1
                let stream: LogLine.Stream? = readers.count == 1 ? nil : isError ? .stderr : .stdout
                let copy = isError ? foreground?.error : foreground?.output
                let pump = OutputPump(
                    from: ThreadedOutput(reader: reader, copy: copy, threads: threads), of: stream, to: recorder,
                    clock: clock)
                group.addTask { try await pump.run() }
            }
            try await group.waitForAll()
        }
    }

    /// Ends the reading after a while, if processes that the command started keep its output open.
    private func watchLeftovers(_ readers: [OutputReader], limit: Duration) async {
        guard (try? await clock.sleep(for: limit)) != nil else { return }
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

/// A pipe for a command's output, with the reader at its end.
private struct OutputPipe {
    let reader: OutputReader
    let writeEnd: FileDescriptor

    init() throws {
        let ends = try FileDescriptor.closeOnExecPipe()
        ends.writeEnd.widenPipe()
        writeEnd = ends.writeEnd
        reader = try OutputReader(ends.readEnd, closesSource: true)
    }
}
