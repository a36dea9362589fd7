/// How a connection ended.
package struct WebSocketClosure: Hashable, Sendable {
    package enum Cause: Hashable, Sendable {
        /// The peer sent its close frame first.
        case peer
        /// We closed it.
        case local
        /// Something broke; the code is what the peer was told, or 1006.
        case failure(WebSocketError)
    }

    package let code: WebSocketCloseCode
    package let reason: String
    package let cause: Cause

    /// Whether there was nothing wrong: closed in order, as complete or going away.
    package var isClean: Bool {
        if case .failure = cause { return false }
        return code == .normal || code == .goingAway
    }

    /// The error that tasks which still send or wait are given.
    package var error: WebSocketError {
        if case .failure(let error) = cause { return error }
        return .closed(code, reason: reason)
    }

    static func failure(_ error: WebSocketError) -> WebSocketClosure {
        WebSocketClosure(code: error.closeCode ?? .abnormal, reason: error.closeReason, cause: .failure(error))
    }
}
