import Everyline
import EverylineAWS
import EverylineTesting
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
}
