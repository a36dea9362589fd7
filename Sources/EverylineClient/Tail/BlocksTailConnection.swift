import Everyline
import NIOCore

/// A log in requests again and again, as a tail reads it: each gives what there is by then.
final class BlocksTailConnection: TailConnection {
    let way = StreamWay.blocks
    /// Between two requests of which the first gave nothing.
    private static let pause: Duration = .seconds(1)
    /// How many events one request gives.
    private static let portion = 10_000

    private let client: EverylineClient
    private let execution: ExecutionID
    private var start: StreamStart
    private var probed: ByteBuffer?
    /// What was last said of the line behind the events.
    private var pending: PendingLine?
    private let incarnation: Incarnation?

    init(
        _ client: EverylineClient, of execution: ExecutionID, from start: StreamStart, knowing incarnation: Incarnation?
    ) {
        self.incarnation = incarnation
        self.client = client
        self.execution = execution
        self.start = start
    }

    /// Reads for the first time: what is wrong is thrown here.
    ///
    /// - Throws: ``TailFailure``, `CancellationError`.
    func probe() async throws { probed = try await read() }

    func next() async throws -> TailReading {
        do {
            while true {
                let block: ByteBuffer
                if let probed {
                    block = probed
                    self.probed = nil
                    // The answer says that the log goes on, also where it holds nothing.
                    if block.readableBytes == 0 { return .message(block) }
                } else {
                    block = try await read()
                }
                if block.readableBytes > 0 {
                    guard let last = try LogEvent.decode(lines: Self.lastLine(of: block)).last?.offset else {
                        return .lost("the server's answer holds no events")
                    }
                    start = .after(last)
                    pending = nil
                    return .message(block)
                }
                try await ContinuousClock().sleep(for: Self.pause)
                let view = try await client.failing { try await client.execution(execution) }
                let head = Offset(view.lastOffset)
                // What came meanwhile is read first.
                guard start == .after(head) else { continue }
                if view.endedAt != nil { return .closed(code: 1000, reason: "") }
                if view.pending != pending {
                    pending = view.pending
                    return .message((pending ?? PendingLine(after: head, message: "")).controlLine)
                }
            }
        } catch let failure as TailFailure {
            return .lost(failure.sentence)
        } catch is LogEventDecodingError {
            return .closed(code: 1007, reason: "")
        }
    }

    func close() {}

    private func read() async throws -> ByteBuffer {
        try await client.failing {
            try await client.block(of: execution, from: start, knowing: incarnation, limit: Self.portion)
        }
    }

    private static func lastLine(of block: ByteBuffer) -> ByteBuffer {
        let bytes = block.readableBytesView
        let end = bytes.last == UInt8(ascii: "\n") ? bytes.endIndex - 1 : bytes.endIndex
        let start = bytes[..<end].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? bytes.startIndex
        return ByteBuffer(bytes[start..<end])
    }
}

extension TailFailure {
    /// For people.
    fileprivate var sentence: String {
        switch self {
        case .refused(let error): error.detail
        case .unreachable(let what), .unusable(let what): what
        }
    }
}
