import Everyline
import EverylineRunner
import EverylineTesting
import NIOCore
import Synchronization
import Testing

@testable import EverylineProducer

/// Lines that are longer than what the way to the server takes in one request.
@Suite("A line that is larger than a request may be") struct PartsTests {
    private let directory: TemporaryDirectory
    private let clock = InstantClock()
    /// As JSON has it: with characters of one to four bytes and escapes of two and six, which no part may cut.
    private static let long = String(repeating: #"a\"\\\n\u001bäö…🙂é"#, count: 150)
    private static let texts = ["line 1", long, "line 3", long + long, "line 5"]

    init() throws { directory = try TemporaryDirectory() }

    private func fill(_ spool: Spool) {
        for text in Self.texts { spool.write(event(text), count: 1) }
        spool.write(endEvent, count: 1, isEnd: true)
    }

    private func spool() throws -> Spool { try Spool(in: directory.path + "/spool") }

    private func uplink(
        _ spool: Spool, _ endpoint: ProducerEndpoint, attempts: Int? = nil
    ) -> Uplink {
        Uplink(
            spool: spool, endpoint: endpoint, policy: RetryPolicy(attempts: attempts), clock: clock,
            now: { Timestamp(milliseconds: 5) }, willRetry: { _ in })
    }

    /// The texts of a log's lines, the parts of each joined.
    private func texts(_ lines: some Sequence<String>) -> [String] {
        var (texts, isOpen) = ([String](), false)
        for line in lines where line.contains(#","message":""#) && !line.contains(#""type""#) {
            let isPartial = line.hasSuffix(#"","partial":true}"#)
            let text = line.dropFirst(#"{"timestamp":1,"message":""#.count).dropLast(isPartial ? 17 : 2)
            if isOpen { texts[texts.count - 1] += text } else { texts.append(String(text)) }
            isOpen = isPartial
        }
        return texts
    }

    @Test(
        "is sent in parts, whether a proxy or the server refuses it, and nothing else is changed",
        arguments: [true, false],
        [400, 1000, 3000])
    func parts(isForeign: Bool, limit: Int) async throws {
        let server = MemoryServer(bodyLimit: limit, isForeign: isForeign)
        let spool = try spool()
        fill(spool)
        #expect(try await uplink(spool, server.endpoint).run() == .delivered)
        #expect(texts(server.lines) == Self.texts)
        #expect(server.lines.last.map(isEnd) == true)
        #expect(
            server.lines.filter { $0.contains("partial") }.allSatisfy {
                String(validating: $0.utf8, as: UTF8.self) != nil
            })
    }

    @Test("is not sent in parts where nothing at all is taken")
    func nothing() async throws {
        let server = MemoryServer()
        let spool = try spool()
        fill(spool)
        server.fail(
            APIError(status: 413, code: "http_413", detail: "no"), APIError(status: 413, code: "http_413", detail: "no")
        )
        #expect(try await uplink(spool, server.endpoint).run() == .delivered)
        #expect(server.messages.count == Self.texts.count)
    }

    /// Passes on so many requests; of the next one no answer comes.
    private func failing(_ server: MemoryServer, after count: Int, isCarriedOut: Bool) -> ProducerEndpoint {
        let left = Mutex(count)
        return server.endpoint { events, head, incarnation in
            let isLast = left.withLock { left in
                left -= 1
                return left < 0
            }
            if isLast, !isCarriedOut { throw ClientError.timedOut }
            let answer = try await server.endpoint.append(events, head, incarnation)
            if isLast { throw ClientError.timedOut }
            return answer
        }
    }

    @Test("is gone on with by another process, wherever the first one ended", arguments: [true, false])
    func successor(isCarriedOut: Bool) async throws {
        for count in 0..<500 {
            let path = directory.path + "/spool\(count)\(isCarriedOut)"
            let server = MemoryServer(bodyLimit: 1000, isForeign: true)
            let first = try Spool(in: path)
            fill(first)
            let endpoint = failing(server, after: count, isCarriedOut: isCarriedOut)
            if (try? await uplink(first, endpoint, attempts: 1).run()) == .delivered { break }
            _ = try await uplink(Spool(in: path), server.endpoint).run()
            #expect(texts(server.lines) == Self.texts, "after \(count) requests")
            #expect(server.lines.filter(isEnd).count == 1)
            #expect(count < 499)
        }
    }

    /// What has been sent by so many requests, of which the last one's answer is lost; `nil` if that is all.
    private func begun(requests count: Int) async throws -> (MemoryServer, Spool, path: String)? {
        let path = directory.path + "/begun\(count)"
        let server = MemoryServer(bodyLimit: 1000, isForeign: true)
        server.begin(in: try #require(Incarnation("i1")))
        let spool = try Spool(in: path)
        fill(spool)
        let endpoint = failing(server, after: count, isCarriedOut: true)
        let isDelivered = (try? await uplink(spool, endpoint, attempts: 1).run()) == .delivered
        // Nothing is dropped here by the time of a restore: it is all in one file.
        return isDelivered || server.lines.last.map(isEnd) == true ? nil : (server, spool, path)
    }

    @Test("goes on behind a restore with the parts that the backup lacks, wherever that was taken")
    func restore() async throws {
        for count in 1..<500 {
            guard let (server, spool, path) = try await begun(requests: count) else { break }
            let backup = server.backup
            let base = server.lines
            _ = try? await uplink(spool, failing(server, after: 8, isCarriedOut: true), attempts: 1).run()
            server.restore(backup, as: try #require(Incarnation("i2")))
            let successor = try Spool(in: path)
            _ = try await uplink(successor, server.endpoint).run()
            #expect(LogPlace(stored: try successor.place.stored()) == successor.place)
            #expect(Array(server.lines.prefix(base.count)) == base)
            #expect(server.lines[base.count].contains("restored"))
            #expect(texts(server.lines) == Self.texts, "after \(count) requests")
            #expect(count < 499)
        }
    }

    @Test("is cut anew, from where the log has it, when less is taken in the middle of it", arguments: [true, false])
    func shrinking(isRestored: Bool) async throws {
        let refusals = Mutex(0)
        for count in stride(from: 1, to: 500, by: 15) {
            guard let (server, _, path) = try await begun(requests: count) else { break }
            if isRestored { server.restore(server.backup, as: try #require(Incarnation("i2"))) }
            let narrow = server.endpoint { events, head, incarnation in
                // Less than the parts have, and not so little that nothing would be taken for the whole way.
                if events.readableBytes > 540 {
                    refusals.withLock { $0 += 1 }
                    throw APIError(status: 413, code: "http_413", detail: "no")
                }
                return try await server.endpoint.append(events, head, incarnation)
            }
            let conclusion = try await uplink(Spool(in: path), narrow).run()
            #expect(conclusion == .delivered, "after \(count) requests")
            #expect(texts(server.lines) == Self.texts, "after \(count) requests")
            #expect(server.lines.filter(isEnd).count == 1)
            #expect(count < 497)
        }
        #expect(refusals.withLock { $0 } > 0)
    }

    @Test(
        "is there once where a request with a larger part arrives late, when less is taken by then",
        arguments: [true, false])
    func lateParts(isStillRefused: Bool) async throws {
        // As many as the first two lines and the end of the third take.
        for count in 1...12 {
            let server = MemoryServer(bodyLimit: 1000, isForeign: true)
            let spool = try Spool(in: directory.path + "/late\(count)\(isStillRefused)")
            fill(spool)
            // The request that is late; how many were before it; how much is taken.
            let way = Mutex((late: (ByteBuffer, Offset, Incarnation?)?.none, requests: 0, limit: 1000))
            let endpoint = server.endpoint { events, head, incarnation in
                let isRefused = try way.withLock { way in
                    if events.readableBytes > way.limit { return true }
                    if events.readableBytes > 0 { way.requests += 1 }
                    guard events.readableBytes > 0, way.requests == count else { return false }
                    way.late = (events, head, incarnation)
                    way.limit = 400
                    throw ClientError.timedOut
                }
                if isRefused { throw APIError(status: 413, code: "http_413", detail: "no") }
                if events.readableBytes > 0, let late = way.withLock({ $0.late.take() }) {
                    _ = try? await server.endpoint.append(late.0, late.1, late.2)
                    if !isStillRefused { way.withLock { $0.limit = 1000 } }
                }
                return try await server.endpoint.append(events, head, incarnation)
            }
            #expect(try await uplink(spool, endpoint).run() == .delivered, "request \(count) is late")
            #expect(texts(server.lines) == Self.texts, "request \(count) is late")
            #expect(server.lines.filter(isEnd).count == 1)
            #expect(way.withLock { $0.limit } == (isStillRefused ? 400 : 1000))
        }
    }

    @Test("is no hindrance to a process that ends an earlier one's log, be it the last that was written")
    func lostProcess() async throws {
        let server = MemoryServer(bodyLimit: 1000, isForeign: true)
        let spool = try spool()
        for text in Self.texts.dropLast() { spool.write(event(text), count: 1) }
        let endpoint = server.endpoint { events, head, incarnation in
            // A request ahead of the log could arrive late, between the parts of a line.
            #expect(head <= Offset(UInt64(server.lines.count)))
            return try await server.endpoint.append(events, head, incarnation)
        }
        #expect(try await uplink(spool, endpoint).runForLostProcess() == .delivered)
        #expect(texts(server.lines) == Self.texts.dropLast())
        #expect(server.lines.last.map(isEnd) == true)
    }

    @Test("has parts that are no larger than asked for, and only lines have any")
    func cut() throws {
        let event = event(Self.long)
        for limit in [6, 7, 50, 333] {
            let parts = try #require(event.lineInParts(of: limit))
            let lines = String(buffer: parts).split(separator: "\n").map(String.init)
            #expect(texts(lines) == [Self.long])
            #expect(lines.allSatisfy { texts([$0])[0].utf8.count <= limit })
        }
        #expect(endEvent.lineInParts(of: 10) == nil)
        let cut = ByteBuffer(string: #"{"timestamp":1,"stream":"stderr","message":"abcd","partial":true}"# + "\n")
        let parts = try #require(cut.lineInParts(of: 2))
        let expected = ["ab", "cd"].map {
            #"{"timestamp":1,"stream":"stderr","message":"\#($0)","partial":true}"# + "\n"
        }
        #expect(String(buffer: parts) == expected.joined())
        let notice = ByteBuffer(string: #"{"timestamp":1,"type":"notice","code":"x","message":"abcd"}"# + "\n")
        #expect(notice.lineInParts(of: 2) == nil)
    }
}
