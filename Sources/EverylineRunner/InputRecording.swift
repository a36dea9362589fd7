package import Everyline
package import EverylineProducer
import NIOPosix
import SystemPackage

/// Records what another program writes to our standard input, to its end.
package struct InputRecording: Sendable {
    private let reader: OutputReader
    private let copy: OutputCopy?
    private let onFailure: @Sendable (any Error) -> Void

    /// - Parameters:
    ///   - copy: where the input goes besides.
    ///   - onFailure: is told why the input can't be read to its end.
    package init(copy: OutputCopy?, onFailure: @escaping @Sendable (any Error) -> Void) throws {
        reader = try OutputReader(.standardInput, closesSource: false)
        self.copy = copy
        self.onFailure = onFailure
    }

    /// - Returns: that it succeeded, that it was stopped, or that it failed.
    /// - Throws: `CancellationError`.
    package func run(_ recorder: Recorder, stop: StopSignal, clock: any Clock<Duration>) async throws
        -> ExecutionOutcome
    {
        let threads = NIOThreadPool(numberOfThreads: 1)
        threads.start()
        defer { threads.shutdownGracefully { _ in } }
        let failure = try await withThrowingTaskGroup { group in
            group.addTask { if await stop.wait() != nil { reader.interrupt() } }
            defer { group.cancelAll() }
            let source = ThreadedOutput(reader: reader, copy: copy, threads: threads)
            return try await OutputPump(from: source, of: nil, to: recorder, clock: clock).run()
        }
        if let failure { onFailure(failure) }
        let outcome =
            stop.reason == nil
            ? ExecutionOutcome(status: failure == nil ? .succeeded : .failed, exitCode: nil)
            : ExecutionOutcome(status: .stopped, exitCode: nil, reason: .stopRequested)
        recorder.end(outcome)
        return outcome
    }
}
