import Everyline
import Hummingbird
import NIOCore

/// Writes a large answer no faster than its client reads: of what comes next nothing is made before the client has taken what
/// was written, and what waits for it is counted in the ``UnreadBudget``.
struct PacedBody: Sendable {
    let context: EverylineContext
    let unread: UnreadBudget

    /// - Parameter held: how many bytes the answer keeps in memory until then; those of the piece if it isn't said.
    func write(
        _ piece: ByteBuffer, held: ByteCount? = nil, to writer: inout any ResponseBodyWriter
    ) async throws {
        // An empty piece would end a chunked body.
        guard piece.readableBytes > 0 else { return }
        let bytes = held ?? piece.readableBytes
        try await writer.write(piece)
        try await context.whenTaken(bytes, countedIn: unread)
    }
}
