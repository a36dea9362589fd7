import Everyline

/// The places of a gateway's connections: their records, which any instance of a function sees.
///
/// A record is there before it is counted: of two that come at once, one sees the other. And a revocation that ends all
/// connections of a key finds it, or was seen by who asks for the token once more.
struct ConnectionPlaces: StreamPlaces {
    let id: ConnectionID
    let encoding: StreamEncoding
    let connections: any ConnectionStore
    let log: any LogReader
    /// How many connections one key may have.
    let limit: Int
    let now: @Sendable () -> Timestamp

    /// Longer than the gateway lets any connection live (2 hours).
    private static let lifetime: Duration = .seconds(2 * 60 * 60 + 10 * 60)

    /// Other instances revoke keys, too.
    var revocations: UInt64? { nil }

    func take(under key: APIKey.ID, for execution: ExecutionID, after offset: Offset) async throws -> ViewerConnection {
        let time = now()
        let connection = ViewerConnection(
            execution: execution, cursor: try await cursor(in: execution, after: offset), encoding: encoding, key: key,
            connectedAt: time, expiresAt: time + Self.lifetime)
        try await connections.connect(id, connection)
        do {
            guard try await connections.connections(with: key, at: time).count <= limit else {
                throw StreamRefusal.tooManyUnderKey
            }
            return connection
        } catch {
            await leave(connection)
            throw error
        }
    }

    /// No `$disconnect` follows that would close it. If it stays open, it expires.
    func leave(_ place: ViewerConnection) async {
        _ = try? await connections.update(id, of: place.execution, .close)
    }

    private func cursor(in execution: ExecutionID, after offset: Offset) async throws -> Offset {
        guard encoding == .lines else { return offset }
        // One that is sent bare lines learns of the end only by being told, also if it has everything.
        let head = try await log.head(of: execution)
        return head.isEnded && offset == head.offset ? Offset(offset.rawValue - 1) : offset
    }
}
