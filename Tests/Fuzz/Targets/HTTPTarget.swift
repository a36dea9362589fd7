@testable import Everyline
import EverylineServer
@testable import EverylineTesting
import Foundation
import HTTPTypes
import Logging
import NIOCore
import Synchronization

extension FuzzTarget {
    /// The whole API over stores in memory: whatever the request, the answer is one, and never the server's fault.
    ///
    /// The input is `METHOD PATH`, a line for each header, an empty line, the body.
    static let http = FuzzTarget(name: "http") { input in
        guard let (head, body) = request(input.bytes) else { return }
        let answer = waitFor { () async -> (head: HTTPResponse, body: ByteBuffer)? in
            try? await FuzzedAPI.shared.respond(to: head, body: body)
        }
        guard let answer else { return expect(false, "an answer is written to its end") }
        let status = answer.head.status.code
        expect(status < 500, "a request's faults are not the server's: \(status)")
        switch answer.head.headerFields[.contentType] {
        case _ where head.method == .head:
            expect(answer.body.readableBytes == 0, "an answer to HEAD is a head")
        case APIHeader.problem?:
            let problem = try JSONDecoder().decode(Problem.self, from: Data(answer.body.readableBytesView))
            expect(problem.status == status && status >= 400, "a problem has its status")
            expect(!problem.requestID.isEmpty, "a problem names its request")
        case "application/json"?:
            _ = try JSONSerialization.jsonObject(with: Data(answer.body.readableBytesView))
        case APIHeader.ndjson? where status == 200 && answer.head.headerFields[.contentEncoding] == nil:
            _ = try LogEvent.decode(lines: answer.body)
        default:
            expect(status < 400 || answer.body.readableBytes == 0, "a fault is a problem")
        }
    }

    private static func request(_ bytes: ByteBuffer) -> (HTTPRequest, ByteBuffer)? {
        var lines = bytes.lines[...]
        let words = lines.popFirst().map { String(buffer: $0).split(separator: " ", maxSplits: 1) } ?? []
        guard words.count == 2, let method = HTTPRequest.Method(String(words[0])) else { return nil }
        var fields = HTTPFields()
        while let line = lines.popFirst(), line.readableBytes > 0 {
            let sides = String(buffer: line).split(separator: ":", maxSplits: 1)
            guard sides.count == 2, let name = HTTPField.Name(String(sides[0])) else { return nil }
            fields.append(HTTPField(name: name, value: sides[1].trimmingCharacters(in: .whitespaces)))
        }
        var body = ByteBuffer()
        for (index, line) in lines.enumerated() {
            if index > 0 { body.writeInteger(UInt8(ascii: "\n")) }
            body.writeImmutableBuffer(line)
        }
        let head = HTTPRequest(
            method: method, scheme: "https", authority: "host", path: String(words[1]), headerFields: fields)
        return (head, body)
    }
}

/// The API, with an execution `running`, one `ended`, keys and tokens that are their roles' names. Each request finds
/// the same.
private final class FuzzedAPI: Sendable {
    static let shared = FuzzedAPI()

    private let api: DirectAPI
    private let stores: InMemoryStores
    private let initial: InMemoryStores.State

    private init() {
        let stores = InMemoryStores()
        let now = { @Sendable in Timestamp(milliseconds: 1_763_500_000_000) }
        waitFor { await Self.fill(stores, at: now()) }
        let feed = LogFeed()
        let writer = LogWriter(store: stores, feed: feed, now: now)
        // It writes for as long as the program runs.
        Task { await writer.run() }
        var limits = ServerConfiguration.Limits()
        limits.line = 64
        limits.control = .zero
        let core = ServerCore(
            executions: stores, log: stores, access: stores, writer: writer, feed: feed, stopRequests: LogFeed(),
            engine: IdleEngine(), resources: ServerResources(limits), now: now)
        api = DirectAPI(
            core: core, streams: StreamGateway(address: "wss://gateway/stage"), publicURL: nil, limits: limits,
            logger: Logger(label: "fuzz") { _ in SilentLog() })
        self.stores = stores
        initial = stores.state.withLock { $0 }
    }

    func respond(to head: HTTPRequest, body: ByteBuffer) async throws -> (head: HTTPResponse, body: ByteBuffer) {
        stores.state.withLock { $0 = initial }
        return try await api.respond(to: head, body: body, id: "id")
    }

    private static func fill(_ stores: InMemoryStores, at now: Timestamp) async {
        do {
            for role in Role.allCases {
                guard let user = UserID(role.rawValue) else { continue }
                try await stores.add(
                    APIKey(
                        id: role.rawValue, user: user, role: role, hash: SecretHash(of: role.rawValue), createdAt: now))
            }
            for name in ["running", "ended"] {
                guard let id = ExecutionID(name), let owner = UserID("developer") else { continue }
                _ = try await stores.create(
                    Execution(id: id, command: ["command"], owner: owner, producer: .external, createdAt: now),
                    appendToken: SecretHash(of: "producer"), idempotency: nil)
                var encoder = BlockEncoder(after: .zero)
                for text in ["one", "two \u{1B}[31m\"red\"", "three"] {
                    encoder.appendLine(LogLine(message: text, stream: .stdout), timestamp: now)
                }
                let outcome = ExecutionOutcome(status: .succeeded, exitCode: 0)
                if name == "ended" { encoder.appendEnd(outcome, timestamp: now) }
                let body = AppendBody(
                    block: encoder.finish(), outcome: name == "ended" ? outcome : nil, hasLines: true)
                _ = try await stores.append([LogAppend(body, to: id, after: .zero)], at: now)
            }
        } catch {
            expect(false, "the stores take what they are given first: \(error)")
        }
    }
}
