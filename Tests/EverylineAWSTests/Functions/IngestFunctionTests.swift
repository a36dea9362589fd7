import Everyline
import EverylineAWS
import EverylineTesting
import NIOCore
import Testing

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite("Ingest") struct IngestFunctionTests {
    private let queue = InMemoryLogsQueue()
    private let tasks = InMemoryTasks()
    private let execution = Sample.id("e1")
    private let stream = LogStreamName(group: "g", name: "run/command/t1")

    private var function: IngestFunction { IngestFunction(tasks: tasks, queue: queue, logger: .silent) }

    private func know() async throws {
        try await tasks.add(ExecutionTask(arn: "arn", stream: stream), of: execution)
    }

    /// What a subscription brings, decompressed: `{"messageType":"DATA_MESSAGE", …}` in gzip in base64.
    private func event(_ lines: [CloudWatchLogs.Event], kind: String = "DATA_MESSAGE") throws -> LambdaInvocation {
        let events = lines.map { "{\"id\":\"\($0.id)\",\"timestamp\":\($0.timestamp),\"message\":\"\($0.message)\"}" }
        let text = """
            {"messageType":"\(kind)","owner":"1","logGroup":"g","logStream":"run/command/t1","subscriptionFilters":["f"],
            "logEvents":[\(events.joined(separator: ","))]}
            """
        let data = Data(StoredGzip.compress(Array(text.utf8))).base64EncodedString()
        return Event.invocation("{\"awslogs\":{\"data\":\"\(data)\"}}")
    }

    @Test("queues a batch under the execution that wrote it")
    func batch() async throws {
        try await know()
        let lines = [Event.line(1, "a"), Event.line(2, "ü")]
        _ = try await function.handle(event(lines))
        #expect(queue.sent == [.init(execution: execution, message: LogsMessage(lines.map { SourceEvent($0) }))])
    }

    @Test("queues a batch that comes twice once")
    func twice() async throws {
        try await know()
        let event = try event([Event.line(1)])
        _ = try await function.handle(event)
        _ = try await function.handle(event)
        #expect(queue.sent.count == 1)
    }

    @Test("fails for a stream whose execution isn't known yet, so that the batch comes again")
    func unknown() async throws {
        let event = try event([Event.line(1)])
        await #expect(throws: IngestError.unknownStream(stream)) { try await function.handle(event) }
        try await know()
        _ = try await function.handle(event)
        #expect(queue.sent.count == 1)
    }

    @Test("passes over CloudWatch's own probes")
    func probes() async throws {
        _ = try await function.handle(event([Event.line(1)], kind: "CONTROL_MESSAGE"))
        #expect(queue.sent.isEmpty)
    }

    @Test("cuts a large batch into messages that the queue takes, in order")
    func large() async throws {
        try await know()
        let lines = (1...50).map { Event.line($0, String(repeating: "x", count: 15_000)) }
        _ = try await function.handle(event(lines))
        #expect(queue.sent.flatMap(\.message.events) == lines.map { SourceEvent($0) })
        #expect(queue.sent.count > 1)
    }
}

/// Gzip without compression (RFC 1951, section 3.2.4): what a test needs of it.
private enum StoredGzip {
    static func compress(_ bytes: [UInt8]) -> [UInt8] {
        var output: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]
        var rest = bytes[...]
        repeat {
            let part = rest.prefix(65_535)
            rest = rest.dropFirst(part.count)
            let length = UInt16(part.count)
            output += [rest.isEmpty ? 1 : 0, UInt8(length & 255), UInt8(length >> 8)]
            output += [UInt8(~length & 255), UInt8(~length >> 8)] + part
        } while !rest.isEmpty
        for value in [checksum(bytes), UInt32(truncatingIfNeeded: bytes.count)] {
            output += (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) }
        }
        return output
    }

    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        var value = UInt32.max
        for byte in bytes {
            value ^= UInt32(byte)
            for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
        }
        return ~value
    }
}
