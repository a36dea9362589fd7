/// Why there is no answer to a request, or none that can be used.
///
/// A request that failed so may have been carried out: repeat it only if it is harmless twice, as an append, a stop and
/// a run with an idempotency key are.
public enum ClientError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The server can't be reached, or the connection broke.
    case unreachable(String)
    /// Nothing came in time.
    case timedOut
    /// The server refuses what it may take later: once the key, the address or its settings have been changed.
    case refused(String)
    /// The answer isn't what the API gives. Something else may be listening there.
    case unexpectedAnswer(String)
    /// The CA file can't be used.
    case invalidTrustRoots(String)

    /// Whether the same request may succeed later.
    public var isTransient: Bool {
        switch self {
        case .unreachable, .timedOut, .refused, .unexpectedAnswer: true
        case .invalidTrustRoots: false
        }
    }

    public var description: String {
        switch self {
        case .unreachable(let reason): "the server can't be reached: \(reason)"
        case .refused(let reason): "the server refuses to register the command: \(reason)"
        case .timedOut: "the server did not answer in time"
        case .unexpectedAnswer(let what): "the server's answer is not one of Everyline's: \(what)"
        case .invalidTrustRoots(let reason): "the CA file can't be used: \(reason)"
        }
    }
}
