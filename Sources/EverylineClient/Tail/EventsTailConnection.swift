import AsyncHTTPClient
import Everyline
import NIOCore

/// A log as server-sent events, as a tail reads it: the data of each event, and its comments as heartbeats.
struct EventsTailConnection: TailConnection {
    let way = StreamWay.serverSentEvents
    private var body: LogDownload.Iterator?
    private var lines = LineAssembler(limit: .mebibytes(16))
    private var hasHeard = false
    private var hasSpoken = false
    private let report: (_ hasHeard: Bool) -> Void

    /// - Parameters:
    ///   - body: `nil` where the log has ended, and nothing follows.
    ///   - report: is called once something has come, or if the connection breaks before.
    init(_ body: LogDownload.Iterator?, report: @escaping (_ hasHeard: Bool) -> Void) {
        self.body = body
        self.report = report
    }

    mutating func next() async throws -> TailReading {
        guard body != nil else { return .closed(code: 1000, reason: "") }
        do {
            while let bytes = try await body?.next() {
                if !hasHeard { report(true) }
                hasHeard = true
                guard let whole = lines.add(bytes) else {
                    guard lines.isWithinLimit else { return .closed(code: 1009, reason: "") }
                    continue
                }
                let message = Self.message(of: whole)
                // The first says that the stream goes on, also where it holds nothing.
                if message.readableBytes > 0 || !hasSpoken {
                    hasSpoken = true
                    return .message(message)
                }
            }
            return .lost("the connection was closed")
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            if !hasHeard { report(false) }
            return .lost("\(error)")
        }
    }

    /// The response's connection is closed when its reader is let go of.
    func close() {}

    /// What a stream would have said by WebSocket.
    static func message(of text: ByteBuffer) -> ByteBuffer {
        var message = ByteBuffer()
        let heartbeat = ": heartbeat "
        for line in text.readableBytesView.split(separator: UInt8(ascii: "\n")) {
            if line.starts(with: "data: ".utf8) {
                message.writeBytes(line.dropFirst(6))
            } else if line.starts(with: heartbeat.utf8),
                let head = Offset(decimal: String(decoding: line.dropFirst(heartbeat.utf8.count), as: UTF8.self)),
                let beat = StreamEncoding.blocks.heartbeat(head: head)
            {
                message.writeImmutableBuffer(beat)
            } else {
                continue
            }
            message.writeInteger(UInt8(ascii: "\n"))
        }
        return message
    }
}
