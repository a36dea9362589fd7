import EverylineProducer
import NIOCore
import NIOPosix
import SystemPackage

/// A command's output, read on a thread of its own, and copied on the way to where it would have gone without us.
struct ThreadedOutput: OutputSource {
    let reader: OutputReader
    let copy: OutputCopy?
    let threads: NIOThreadPool

    func read() async throws -> ByteBuffer {
        try await threads.runIfActive {
            let bytes = try reader.read()
            copy?.write(bytes)
            return bytes
        }
    }
}
