import NIOCore
import NIOHTTP1

/// A request for an upgrade that isn't its connection's first, when all that came before it has been answered.
struct LateUpgrade {
    let head: HTTPRequestHead
    /// What had been read behind its head.
    let rest: ByteBuffer
}
