package import Everyline
import NIOCore
import NIOPosix

/// Brings to a command in the background what a client writes to its standard input, in order and none of it twice.
package struct CommandInput: Sendable {
    /// Asks the server for what follows a place, before which everything has been written to the command; waits there
    /// while there is nothing.
    ///
    /// - Parameters:
    ///   - size: that of the command's terminal.
    ///   - isClosed: whether the command takes no more.
    package typealias Read =
        @Sendable (_ place: UInt64, _ size: TerminalSize?, _ isClosed: Bool) async throws -> [InputLine]

    private let read: Read

    package init(_ read: @escaping Read) { self.read = read }

    /// Returns when the input has ended, the command has closed it, or the server refuses: then it is ended.
    ///
    /// - Throws: `CancellationError`.
    func run(to writer: InputWriter, size: TerminalSize?, clock: any Clock<Duration>) async throws {
        let threads = NIOThreadPool(numberOfThreads: 1)
        threads.start()
        defer { threads.shutdownGracefully { _ in } }
        do {
            try await withTaskCancellationHandler {
                try await pass(to: writer, size, threads, clock)
            } onCancel: {
                writer.interrupt()
            }
        } catch is APIError {
            // Nothing will come any more.
            writer.end()
        }
    }

    private func pass(
        to writer: InputWriter, _ size: TerminalSize?, _ threads: NIOThreadPool, _ clock: any Clock<Duration>
    ) async throws {
        var (place, size, isClosed) = (UInt64(0), size, false)
        while !isClosed {
            for line in try await retrying(clock, { [place, size] in try await read(place, size, false) }) {
                switch line {
                case .size(let new):
                    writer.resize(to: new)
                    size = new
                case .bytes(let bytes):
                    isClosed = try await !threads.runIfActive { writer.write(bytes) }
                    place += UInt64(bytes.readableBytes)
                case .end:
                    try await threads.runIfActive { writer.end() }
                    isClosed = true
                }
                try Task.checkCancellation()
            }
        }
        _ = try await retrying(clock) { [place, size] in try await read(place, size, true) }
    }

    private func retrying(
        _ clock: any Clock<Duration>, _ step: () async throws -> [InputLine]
    ) async throws -> [InputLine] {
        try await RetryPolicy(longest: .seconds(1)).run(
            clock: clock,
            isTransient: { ($0 as? APIError)?.mayPassForProducer ?? RetryPolicy.isTransient($0) }, step)
    }
}
