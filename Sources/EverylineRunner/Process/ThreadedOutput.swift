import EverylineProducer
import NIOCore
import NIOPosix
import Synchronization
import SystemPackage

/// A command's output, read on a thread of its own, and copied to where it would have gone without us.
final class ThreadedOutput: OutputSource {
    private let reader: OutputReader
    private let copy: OutputCopy?
    private let isTerminal: Bool
    private let threads: NIOThreadPool
    private let recorded = Mutex(ByteBuffer())

    /// - Parameter isTerminal: whether a terminal's output is read.
    init(reader: OutputReader, copy: OutputCopy?, isTerminal: Bool = false, threads: NIOThreadPool) {
        self.reader = reader
        self.copy = copy
        self.isTerminal = isTerminal
        self.threads = threads
    }

    /// Copies what was read before, which its caller has recorded by now: what a paused reader of the copy keeps
    /// waiting is in the log.
    func read() async throws -> ByteBuffer {
        try await threads.runIfActive { [self] in
            copy?.write(recorded.withLock { $0 }, isFromTerminal: isTerminal, unless: { reader.isInterrupted })
            let bytes = try reader.read()
            recorded.withLock { $0 = bytes }
            return bytes
        }
    }
}
