/// Why a WebSocket connection was closed, as a number of RFC 6455, section 7.4.
package struct WebSocketCloseCode: Hashable, Sendable, CustomStringConvertible {
    package let rawValue: UInt16

    package init(_ rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// Everything was said: complete.
    package static let normal = WebSocketCloseCode(1000)
    /// The endpoint goes away, for instance to restart. Reconnect at once.
    package static let goingAway = WebSocketCloseCode(1001)
    package static let protocolError = WebSocketCloseCode(1002)
    package static let unsupportedData = WebSocketCloseCode(1003)
    /// The peer's close frame held no code. Never on the wire.
    package static let noStatus = WebSocketCloseCode(1005)
    /// The connection ended without a close frame. Never on the wire.
    package static let abnormal = WebSocketCloseCode(1006)
    /// A message that is not what its type says, such as text that is not UTF-8.
    package static let invalidPayload = WebSocketCloseCode(1007)
    /// Not allowed. Don't reconnect.
    package static let policyViolation = WebSocketCloseCode(1008)
    package static let messageTooBig = WebSocketCloseCode(1009)
    package static let internalError = WebSocketCloseCode(1011)
    /// Overloaded, or the peer doesn't read. Reconnect later.
    package static let tryAgainLater = WebSocketCloseCode(1013)
    /// The execution is unknown. Don't reconnect.
    package static let unknownExecution = WebSocketCloseCode(4404)
    /// The viewer knows the log as it was before a backup was put back. Ask for it anew.
    package static let otherIncarnation = WebSocketCloseCode(4409)
    /// What is stored of the log is damaged. Don't reconnect.
    package static let dataDamaged = WebSocketCloseCode(4500)

    /// Whether the code may stand in a close frame: the ones that the RFC and IANA assign, and 3000 to 4999.
    package var mayBeSent: Bool {
        switch rawValue {
        case 1000...1003, 1007...1014, 3000...4999: true
        default: false
        }
    }

    package var description: String { String(rawValue) }
}
