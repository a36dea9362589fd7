package import Everyline
import NIOPosix
import SystemPackage

/// Records what another program writes to our standard input, to its end.
package struct InputRecording: Sendable {
    private let reader: OutputReader
    private let copy: FileDescriptor?

    /// - Parameter copy: where the input goes besides.
    package init(copy: FileDescriptor?) throws {
        reader = try OutputReader(.standardInput, closesSource: false)
        self.copy = copy
    }

    /// - Returns: that it succeeded, or that it was stopped.
    /// - Throws: `Errno`.
    package func run(_ recorder: Recorder, stopping: Stopping) async throws -> ExecutionOutcome {
        let threads = NIOThreadPool(numberOfThreads: 1)
        threads.start()
        defer { threads.shutdownGracefully { _ in } }
        try await withThrowingTaskGroup { group in
            group.addTask { if await stopping.wait() != nil { reader.interrupt() } }
            defer { group.cancelAll() }
            try await OutputPump(reader: reader, stream: nil, recorder: recorder, copy: copy, threads: threads).run()
        }
        let outcome =
            stopping.reason == nil
            ? ExecutionOutcome(status: .succeeded, exitCode: nil)
            : ExecutionOutcome(status: .stopped, exitCode: nil, reason: .stopRequested)
        try recorder.end(outcome)
        return outcome
    }
}
