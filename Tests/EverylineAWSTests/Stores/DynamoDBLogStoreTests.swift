import Everyline
import EverylineTesting
import NIOCore
import Testing

@testable import EverylineAWS

@Suite("A log in DynamoDB", .enabled(if: Emulator.endpoint != nil))
struct DynamoDBLogStoreTests {
    /// Stores over a table of their own, and the requests that they make.
    private struct Stores {
        let http: StagedHTTP
        let table: DynamoDBTable
        let execution = Sample.id("e")

        init(retention: Duration? = nil) async throws {
            http = StagedHTTP(Emulator.http)
            table = try await Emulator.makeTable(http)
            _ = try await executions(retention: retention).create(
                Sample.execution("e", at: Emulator.now.milliseconds), appendToken: Sample.hash("t"), idempotency: nil)
            http.forget()
        }

        func log(at now: Timestamp = Emulator.now) -> DynamoDBLogStore {
            DynamoDBLogStore(table, logLimit: .gibibytes(4), now: { now })
        }

        func executions(retention: Duration? = nil, at now: Timestamp = Emulator.now) -> DynamoDBExecutionStore {
            DynamoDBExecutionStore(table, retention: retention, now: { now })
        }

        func append(_ body: AppendBody, after head: UInt64) async throws -> Appended {
            try await log().append([LogAppend(body, to: execution, after: Offset(head))], at: Emulator.now)[0].get()
        }

        func change(_ body: (inout Attributes) -> Void) async throws {
            var item = try #require(try await table.get(RecordKey.meta(execution)))
            body(&item)
            try await table.put(item)
        }

        func wholeLog() async throws -> ByteBuffer {
            var bytes = ByteBuffer()
            var cursor = Offset.zero
            while let block = try await log().read(execution, after: cursor, limit: .mebibytes(1)).block {
                bytes.writeImmutableBuffer(block.bytes)
                cursor = block.last
            }
            return bytes
        }
    }

    private func randomLines(_ count: Int, of length: Int) -> [String] {
        (0..<count).map { _ in
            String(decoding: (0..<length).map { _ in UInt8.random(in: 0x23...0x5B) }, as: UTF8.self)
        }
    }

    @Test("takes an append of any number of events with one reading and one transaction of two writes")
    func cost() async throws {
        let stores = try await Stores()
        _ = try await stores.append(Sample.body((0..<3000).map { "line \($0)" }, after: 0), after: 0)
        let text = try #require(stores.http.requests.last.map { String(buffer: $0.body) })
        #expect(stores.http.operations == ["GetItem", "TransactWriteItems"])
        #expect(text.ranges(of: "\"TableName\"").count == 2)
        stores.http.forget()
        let head = try await stores.log().ledgerHead(of: stores.execution)
        stores.http.forget()
        let change = Sample.ledgerChange((0..<1000).map { "line \($0)" }, at: head)
        #expect(try await stores.log().write(change, to: stores.execution, at: Emulator.now))
        let ledgerText = try #require(stores.http.requests.last.map { String(buffer: $0.body) })
        #expect(stores.http.operations == ["GetItem", "TransactWriteItems"])
        #expect(ledgerText.ranges(of: "\"TableName\"").count == 2)
    }

    @Test("takes an append that is larger than a transaction in several, and gives it back as it was")
    func largerThanATransaction() async throws {
        let stores = try await Stores()
        let body = Sample.body(randomLines(60, of: 100_000), after: 0, end: Sample.success)
        let appended = try await stores.append(body, after: 0)
        #expect(stores.http.operations.filter { $0 == "TransactWriteItems" }.count == 2)
        #expect(appended.block == body.block)
        #expect(try await stores.wholeLog() == body.block?.bytes)
        #expect(try await stores.executions().execution(stores.execution).status == .succeeded)
    }

    @Test("goes on where an append of several transactions broke off, when it is tried again")
    func brokenOff() async throws {
        let stores = try await Stores()
        let body = Sample.body(randomLines(60, of: 100_000), after: 0, end: Sample.success)
        let half = try #require(body.block?.prefix(through: Offset(31)))
        _ = try await stores.append(AppendBody(block: half, hasLines: true), after: 0)
        let appended = try await stores.append(body, after: 0)
        #expect(appended.block?.first == Offset(32))
        #expect(try await stores.wholeLog() == body.block?.bytes)
    }

    @Test("holds an append once whose answer was lost, and answers it as taken")
    func lostAnswer() async throws {
        let stores = try await Stores()
        stores.http.lose("TransactWriteItems")
        let appended = try await stores.append(Sample.body(["a"], after: 0), after: 0)
        #expect(appended.head.offset == Offset(1))
        #expect(stores.http.operations.filter { $0 == "TransactWriteItems" }.count == 2)
        #expect(try await stores.log().head(of: stores.execution).offset == Offset(1))
    }

    @Test("that holds many small blocks is read in few requests, and a large one alone")
    func pages() async throws {
        let stores = try await Stores()
        for index in 0..<50 {
            _ = try await stores.append(Sample.body(["\(index)"], after: UInt64(index)), after: UInt64(index))
        }
        _ = try await stores.append(Sample.body(randomLines(40, of: 10_000), after: 50), after: 50)
        stores.http.forget()
        let read = try await stores.log().read(stores.execution, after: .zero, limit: 2000)
        #expect(try #require(read.block).count > 20)
        #expect(stores.http.operations.filter { $0 == "Query" }.count <= 4)
        stores.http.forget()
        let log = stores.log()
        let part = try #require(try await log.read(stores.execution, after: Offset(51), limit: 100_000).block)
        #expect(stores.http.operations == ["GetItem", "Query"])
        // The rest of a block is at hand.
        _ = try await log.read(stores.execution, after: part.last, limit: 100_000)
        #expect(stores.http.operations == ["GetItem", "Query", "GetItem"])
    }

    @Test("is gone for all readers from its expiry on, whatever a clean-up has left of it")
    func retention() async throws {
        let stores = try await Stores(retention: .seconds(60))
        _ = try await stores.append(Sample.body(["a"], after: 0), after: 0)
        let (before, after) = (Emulator.now + .milliseconds(59_999), Emulator.now + .seconds(60))
        #expect(try await stores.log(at: before).head(of: stores.execution).offset == Offset(1))
        #expect(try await stores.executions(at: before).list(ExecutionQuery(limit: 9)).count == 1)
        await #expect(throws: LogStoreError.unknownExecution) {
            try await stores.log(at: after).read(stores.execution, after: .zero, limit: 10)
        }
        await #expect(throws: ExecutionStoreError.unknownExecution) {
            try await stores.executions(at: after).execution(stores.execution)
        }
        #expect(try await stores.executions(at: after).list(ExecutionQuery(limit: 9)).isEmpty)
        let blocks = try await stores.table.all(.init("E#e", beginningWith: "L#"))
        #expect(blocks.map { $0["expires_s"] } == [.number(Emulator.now.milliseconds / 1000 + 60)])
    }

    @Test("that has ended is in the list of those that run no more")
    func active() async throws {
        let stores = try await Stores()
        let query = ExecutionQuery(statuses: [.starting, .running, .terminating], limit: 9)
        #expect(try await stores.executions().list(query).map(\.id) == [stores.execution])
        _ = try await stores.append(Sample.body(["a"], after: 0, end: Sample.success), after: 0)
        #expect(try await stores.executions().list(query).isEmpty)
        #expect(try await stores.table.all(.init(RecordKey.active)).isEmpty)
        #expect(try await stores.executions().list(ExecutionQuery(statuses: [.succeeded], limit: 9)).count == 1)
    }

    @Test("of a newer format is neither read nor written; its execution is listed, asked for and stopped")
    func newerFormat() async throws {
        let stores = try await Stores()
        _ = try await stores.append(Sample.body(["a"], after: 0), after: 0)
        try await stores.change {
            $0["format"] = .number(LogFormat.current + 1)
            // What such a format may say of the log means nothing here.
            for name in ["next_line", "parked", "lost"] { $0[name] = .binary(ByteBuffer(string: "?")) }
        }
        let isNewer = { (error: any Error) in
            if case .unavailable(let text) = error as? LogStoreError { text.contains("format 3") } else { false }
        }
        await #expect { try await stores.log().head(of: stores.execution) } throws: { isNewer($0) }
        await #expect { try await stores.log().ledgerHead(of: stores.execution) } throws: { isNewer($0) }
        await #expect {
            try await stores.log().read(stores.execution, after: .zero, limit: 10)
        } throws: {
            isNewer($0)
        }
        await #expect { try await stores.append(Sample.body(["b"], after: 1), after: 1) } throws: { isNewer($0) }
        let change = Sample.ledgerChange(["b"], at: LedgerHead())
        await #expect {
            try await stores.log().write(change, to: stores.execution, at: Emulator.now)
        } throws: {
            isNewer($0)
        }
        #expect(try await stores.table.all(.init("E#e", beginningWith: "L#")).count == 1)

        let executions = stores.executions()
        let listed = try await executions.list(ExecutionQuery(statuses: [.running], limit: 9))
        #expect(listed.map(\.id) == [stores.execution] && listed.map(\.head) == [Offset(1)])
        #expect(try await executions.execution(stores.execution) == listed[0])
        #expect(try await executions.appendToken(of: stores.execution) == Sample.hash("t"))
        let user = try #require(UserID("ada"))
        #expect(
            try await executions.requestStop(stores.execution, by: user, at: Emulator.now).status == .terminating)
        try await stores.change { $0["end_status"] = .string("STOPPED") }
        #expect(try await executions.list(ExecutionQuery(limit: 9)).map(\.status) == [.stopped])
    }

    @Test("whose record is damaged is passed over where others are listed, and can be named")
    func damagedRecord() async throws {
        let stores = try await Stores()
        let executions = stores.executions()
        for (index, id) in ["f", "g"].enumerated() {
            _ = try await executions.create(
                Sample.execution(id, at: Emulator.now.milliseconds + Int64(index) + 1), appendToken: Sample.hash(id),
                idempotency: nil)
        }
        #expect(try await executions.damaged().isEmpty)
        try await stores.change { $0["producer"] = .string("a kind that is not known") }
        #expect(try await executions.list(ExecutionQuery(limit: 2)).map(\.id.rawValue) == ["g", "f"])
        let starting = ExecutionQuery(statuses: [.starting], limit: 9)
        #expect(try await executions.list(starting).map(\.id.rawValue) == ["g", "f"])
        #expect(try await executions.damaged() == [stores.execution])
        // It stays so: to try again is of no use.
        await #expect(throws: LogStoreError.damaged("The attribute producer of an item")) {
            _ = try await executions.execution(stores.execution)
        }
        #expect(try await executions.runningOfOlderScript().isEmpty)
    }

    @Test("whose table isn't there can't be used now")
    func noTable() async throws {
        let log = DynamoDBLogStore(
            DynamoDBTable("nowhere", client: Emulator.client()), logLimit: 1, now: { Emulator.now })
        await #expect {
            try await log.head(of: Sample.id("e"))
        } throws: {
            if case .unavailable(let text) = $0 as? LogStoreError { text.contains("ResourceNotFound") } else { false }
        }
    }
}
