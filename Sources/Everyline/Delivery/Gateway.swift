package import NIOCore

/// Holds the viewers' sockets where no process of ours does, and takes what is to be sent to them.
package protocol Gateway: Sendable {
    /// Hands over one text message, of at most 128 KiB.
    ///
    /// Accepted does not mean delivered.
    func post(_ message: ByteBuffer, to connection: ConnectionID) async -> PostResult

    /// Closes the connection. Closing an unknown connection is a no-op.
    func close(_ connection: ConnectionID) async
}

/// The outcome of posting a message to a viewer.
package enum PostResult: Sendable, Equatable {
    case accepted
    /// There is no such connection: not any more, or not yet (``ViewerConnection/isSettled(at:)`` tells them apart).
    case gone
    /// Too fast, or the viewer doesn't read.
    case throttled
    /// It is not known whether the gateway took it.
    case failed
}
