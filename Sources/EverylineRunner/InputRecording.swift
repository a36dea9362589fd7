package import Everyline
package import EverylineProducer
import NIOPosix
import SystemPackage

/// Records what another program writes to our standard input, to its end.
package struct InputRecording: Sendable {
    private let reader: OutputReader
    private let copy: OutputCopy?

    /// - Parameter copy: where the input goes besides.
    package init(copy: OutputCopy?) throws {
        reader = try OutputReader(.standardInput, closesSource: false)
        self.copy = copy
    }

    /// - Returns: that it succeeded, or that it was stopped.
    /// - Throws: `CancellationError`.
    package func run(_ recorder: Recorder, stop: StopSignal, clock: any Clock<Duration>) async throws
        -> ExecutionOutcome
    {
        let threads = NIOThreadPool(numberOfThreads: 1)
        threads.start()
        defer { threads.shutdownGracefully { _ in } }
        try await withThrowingTaskGroup { group in
            group.addTask { if await stop.wait() != nil { reader.interrupt() } }
            defer { group.cancelAll() }
            let source = ThreadedOutput(reader: reader, copy: copy, threads: threads)
            try await OutputPump(from: source, of: nil, to: recorder, clock: clock).run()
        }
        let outcome =
            stop.reason == nil
            ? ExecutionOutcome(status: .succeeded, exitCode: nil)
            : ExecutionOutcome(status: .stopped, exitCode: nil, reason: .stopRequested)
        recorder.end(outcome)
        return outcome
    }
}
