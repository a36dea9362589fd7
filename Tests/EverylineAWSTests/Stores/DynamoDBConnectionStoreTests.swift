import Everyline
import EverylineAWS
import EverylineTesting
import NIOCore
import NIOHTTP1
import Testing

@Suite("A connection in DynamoDB", .enabled(if: Emulator.endpoint != nil))
struct DynamoDBConnectionStoreTests {
    @Test("goes on for a sender whose answer was lost, but is locked by one only that was told")
    func lostAnswer() async throws {
        let http = StagedHTTP(Emulator.http)
        let store = DynamoDBConnectionStore(try await Emulator.makeTable(http))
        let (id, execution) = (ConnectionID("c"), Sample.id("e"))
        try await store.connect(id, Sample.connection())
        http.lose("UpdateItem")
        func acquire(_ now: Int64) -> ConnectionUpdate {
            .acquire(owner: "a", now: Timestamp(milliseconds: now), lease: .milliseconds(500))
        }
        #expect(try await store.update(id, of: execution, acquire(0)) == nil)
        let locked = try #require(try await store.update(id, of: execution, acquire(500)))
        #expect(locked.fence == 2)
        http.lose("UpdateItem")
        func advance(_ from: UInt64, _ to: UInt64) -> ConnectionUpdate {
            .advance(
                fence: locked.fence, from: Offset(from), to: Offset(to), lastSeen: Timestamp(milliseconds: 7),
                now: Timestamp(milliseconds: 5), lease: .seconds(1))
        }
        #expect(try await store.update(id, of: execution, advance(0, 4))?.cursor == Offset(4))
        #expect(try await store.update(id, of: execution, advance(2, 5)) == nil)
        #expect(try await store.connection(id, of: execution)?.cursor == Offset(4))
        // After a resumption the record is not what the sender has made any more.
        _ = try await store.update(id, of: execution, .resume(generation: 2, after: Offset(4)))
        #expect(try await store.update(id, of: execution, advance(0, 4)) == nil)
    }

    @Test("writes nothing in its log's partition but its membership, and one write for the lock and for each frame")
    func budget() async throws {
        let http = StagedHTTP(Emulator.http)
        let table = try await Emulator.makeTable(http)
        let store = DynamoDBConnectionStore(table)
        let (id, execution) = (ConnectionID("c"), Sample.id("e"))
        try await store.connect(id, Sample.connection(generation: 0))
        _ = try await store.update(id, of: execution, .resume(generation: 1, after: .zero))
        http.forget()
        let acquire = ConnectionUpdate.acquire(owner: "a", now: .epoch, lease: .seconds(1))
        let locked = try #require(try await store.update(id, of: execution, acquire))
        let frames: UInt64 = 50
        for frame in 1...frames {
            let step = ConnectionUpdate.advance(
                fence: locked.fence, from: Offset(frame - 1), to: Offset(frame), lastSeen: .epoch, now: .epoch,
                lease: frame == frames ? nil : .seconds(1))
            #expect(try await store.update(id, of: execution, step) != nil)
        }
        // A pass of so many frames: the lock, and each frame.
        #expect(writes(http, in: "C#c") == Int(frames) + 1)
        #expect(writes(http, in: "E#e") == 0)
        #expect(try await store.connection(id, of: execution)?.lock == nil)
        _ = try await store.update(id, of: execution, .close)
        // What an append would read of viewers that have gone.
        #expect(writes(http, in: "E#e") == 1)
        let members = DynamoDBTable.Query("E#e", beginningWith: "M#")
        #expect(try await table.all(members).isEmpty)
    }

    @Test("takes a membership back later that could not be deleted when its viewer went")
    func leftover() async throws {
        let http = StagedHTTP(Emulator.http)
        let table = try await Emulator.makeTable(http)
        let store = DynamoDBConnectionStore(table)
        let (id, execution) = (ConnectionID("c"), Sample.id("e"))
        try await store.connect(id, Sample.connection())
        let members = DynamoDBTable.Query("E#e", beginningWith: "M#")
        let left = try await table.all(members)
        _ = try await store.update(id, of: execution, .close)
        for item in left { try await table.put(item) }
        #expect(try await store.connections(of: execution, at: .epoch) == [id])
        #expect(try await store.connection(id, of: execution)?.isOpen == false)
        #expect(try await table.all(members).isEmpty)
    }

    /// How many writes there were in a partition.
    private func writes(_ http: StagedHTTP, in partition: String) -> Int {
        http.requests.count { request in
            let operation = request.headers.first(name: "X-Amz-Target") ?? ""
            let writes = ["PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"]
            return writes.contains { operation.hasSuffix($0) }
                && String(buffer: request.body).contains("\"pk\":{\"S\":\"\(partition)\"}")
        }
    }
}
