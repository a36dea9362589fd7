import NIOCore
import NIOPosix
import Testing

@testable import EverylineServer

@Suite("The workers")
struct WorkersTests {
    @Test("do their work on threads of their own, no event loop's")
    func threads() async throws {
        let workers = Workers(threads: 2)
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let wasOnLoop = try await workers.run { loop.inEventLoop }
        #expect(!wasOnLoop)
    }

    @Test("do all that they are given, and pass on what it throws")
    func all() async throws {
        struct Failure: Error {}
        let workers = Workers(threads: 2)
        let sum = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<500 { group.addTask { try await workers.run { number } } }
            return try await group.reduce(0, +)
        }
        #expect(sum == 124_750)
        await #expect(throws: Failure.self) { try await workers.run { throw Failure() } }
    }
}
