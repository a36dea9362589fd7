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
    private let timeout: Duration?
    private let streams: StreamMode
    private let recorder: Recorder
    private let stop: StopSignal
    private let limits: Limits
    private let foreground: Foreground?
    private let clock: any Clock<Duration>
    private let onStart: @Sendable (ProcessIdentity) throws -> Void

    /// - Parameters:
    ///   - foreground: `nil` for a command in the background, which has no input.
    ///   - onStart: is called when the command has started.
    package init(
        _ process: CommandProcess, recorder: Recorder, stop: StopSignal, limits: Limits = Limits(),
        foreground: Foreground? = nil, clock: any Clock<Duration>,
        onStart: @escaping @Sendable (ProcessIdentity) throws -> Void = { _ in }
    ) {
        self.process = process
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
    /// - Throws: `Errno` if a pipe can't be made, so that nothing was started; what `onStart` throws; `CancellationError`.
    package func run() async throws -> ExecutionOutcome {
        let outcome: ExecutionOutcome
        do {
            outcome = try await runCommand()
        } catch let error as CommandProcess.StartError {
            let message = "The command was not started: \(error.reason)."
            recorder.note(.notStarted, message)
            // The user at this terminal should not have to ask the server.
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
        async let _ = watchLeftovers(readers, wasStopped: reason != nil)
        try await pumping
        if readers.contains(where: \.isInterrupted) {
            let message =
                "A process that the command left behind holds its output; what it still writes is not recorded."
            recorder.note(.outputHeld, message)
        }
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
            return try await process.run(
                input: foreground?.input, output: output.writeEnd, error: error?.writeEnd, onStart: onStart)
        }
    }

    private func stopWhenAsked() async {
        guard await stop.wait() != nil else { return }
        process.signal(SIGTERM)
        // Cancelled when the command has ended.
        guard (try? await clock.sleep(for: limits.grace)) != nil else { return }
        process.signal(SIGKILL)
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

    /// Ends the reading after a while, if processes that the command started keep its output open. Those of a command that
    /// was stopped are killed.
    private func watchLeftovers(_ readers: [OutputReader], wasStopped: Bool) async {
        guard (try? await clock.sleep(for: wasStopped ? limits.grace : limits.lingering)) != nil else { return }
        if wasStopped {
            process.signal(SIGKILL)
            // What they had written before is still read.
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
