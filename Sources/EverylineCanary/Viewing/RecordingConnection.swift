import Everyline
import EverylineClient

/// A tail's connection, with everything that comes over it counted before the tail sees it.
struct RecordingConnection: TailConnection {
    private var connection: any TailConnection
    private let tally: Tally
    private let allowsRepeats: Bool

    init(_ connection: any TailConnection, from start: StreamStart, allowsRepeats: Bool, tally: Tally) {
        self.connection = connection
        self.tally = tally
        self.allowsRepeats = allowsRepeats
        if case .after(let offset) = start { tally.beginConnection(after: offset.rawValue) }
    }

    mutating func next() async throws -> TailReading {
        let reading = try await connection.next()
        if case .message(let message) = reading { tally.sent(message, allowsRepeats: allowsRepeats) }
        return reading
    }

    func close() { connection.close() }
}
