import Everyline
import EverylineClient

/// A tail's connection, with everything that comes over it counted before the tail sees it.
struct RecordingConnection: TailConnection {
    private var connection: any TailConnection
    private let stats: DeliveryStats
    private let allowsRepeats: Bool

    init(_ connection: any TailConnection, from start: StreamStart, allowsRepeats: Bool, stats: DeliveryStats) {
        self.connection = connection
        self.stats = stats
        self.allowsRepeats = allowsRepeats
        if case .after(let offset) = start { stats.beginConnection(after: offset.rawValue) }
    }

    mutating func next() async throws -> TailReading {
        let reading = try await connection.next()
        if case .message(let message) = reading { stats.sent(message, allowsRepeats: allowsRepeats) }
        return reading
    }

    func close() { connection.close() }
}
