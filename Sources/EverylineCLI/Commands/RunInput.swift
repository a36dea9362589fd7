import Everyline
import EverylineClient
import EverylineProducer
import EverylineRunner
import Glibc
import NIOCore
import NIOPosix
import SystemPackage
import UnixSignals

/// Standard input of this process, on its way to a command on the server.
struct RunInput: Sendable {
    private let sender: InputSender
    private let source: any OutputSource
    /// The terminal here, if its keys go to a terminal there.
    let keyboard: Keyboard?
    private let hasOwnSize: Bool
    private let says: @Sendable (String) throws -> Void
    private let failure = Mutexed<Bool>()
    /// Whether the command has got only a part of the input, because this process could not read the rest.
    var isCut: Bool { failure.value == true }

    /// - Parameters:
    ///   - isTyped: whether the command has a terminal.
    ///   - hasOwnSize: whether that one's size isn't the size of the terminal here.
    ///   - says: tells the user something.
    /// - Throws: `Errno`.
    init(
        to id: ExecutionID, _ client: EverylineClient, isTyped: Bool, hasOwnSize: Bool,
        says: @escaping @Sendable (String) throws -> Void
    ) throws {
        self.hasOwnSize = hasOwnSize
        self.says = says
        sender = InputSender(policy: RetryPolicy(longest: .seconds(2)), clock: ContinuousClock()) { lines, place in
            try await client.writeInput(lines, to: id, after: place)
        }
        keyboard = isTyped ? try Keyboard() : nil
        source = if let keyboard { keyboard } else { try StandardInput() }
    }

    /// Hands on the terminal's size.
    func resize() {
        if keyboard != nil, !hasOwnSize, let size = Console.terminalSize { sender.resize(to: size) }
    }

    /// Returns when the command takes no more. What can't be handed on is said, and is no error: the command goes on.
    ///
    /// - Throws: `CancellationError`.
    func run() async throws {
        do {
            try await withThrowingTaskGroup { group in
                group.addTask { try await read() }
                defer { group.cancelAll() }
                try await sender.run()
            }
        } catch let error where !(error is CancellationError) {
            try says("standard input is not passed on to the command any more: \(error)")
        }
    }

    private func read() async throws {
        while true {
            let bytes: ByteBuffer
            do {
                bytes = try await source.read()
            } catch let error where !(error is CancellationError) {
                try says("standard input can't be read: \(error). The command has only what came before.")
                failure.set(true)
                return sender.finish()
            }
            guard bytes.readableBytes > 0 else { return sender.finish() }
            try await sender.write(bytes)
        }
    }
}

/// Standard input as it is, read on a thread of its own.
private final class StandardInput: OutputSource {
    private let reader: OutputReader
    private let threads = NIOThreadPool(numberOfThreads: 1)

    init() throws {
        reader = try OutputReader(.standardInput, closesSource: false)
        threads.start()
    }

    deinit { threads.shutdownGracefully { _ in } }

    func read() async throws -> ByteBuffer {
        try await withTaskCancellationHandler {
            try await threads.runIfActive { try self.reader.read() }
        } onCancel: {
            reader.interrupt()
        }
    }
}
