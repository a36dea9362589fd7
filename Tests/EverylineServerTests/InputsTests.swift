import Everyline
import NIOCore
import Testing

@testable import EverylineServer

@Suite("The input of all commands")
struct InputsTests {
    private let inputs = Inputs()

    private func execution(_ number: Int) throws -> ExecutionID {
        let id = try #require(ExecutionID("execution-\(number)"))
        inputs.take(through: 0, isClosed: false, of: id)
        return id
    }

    private func write(_ count: Int, to id: ExecutionID, after place: UInt64 = 0) throws -> InputBuffer {
        try #require(try inputs.write([.bytes(ByteBuffer(repeating: 7, count: count))], after: place, to: id)).buffer
    }

    @Test("leaves room for one more, however many hold as much as they may")
    func fairness() throws {
        var held: ByteCount = 0
        for number in 0..<200 { held += try write(2 * InputBuffer.limit, to: execution(number)).count }
        #expect(held <= Inputs.total + 200 * Inputs.share)
        let late = try write(Inputs.share, to: execution(200))
        #expect(late.count == Inputs.share)
    }

    @Test("gives a command that is alone all that one may have")
    func alone() throws {
        #expect(try write(2 * InputBuffer.limit, to: execution(0)).count == InputBuffer.limit)
    }

    @Test("is free again when it was taken, and when its execution is forgotten")
    func freeing() throws {
        for _ in 0..<3 {
            let ids = try (0..<64).map(execution)
            let held = try ids.map { try write(InputBuffer.limit, to: $0).count }.reduce(0, +)
            #expect(held > Inputs.total / 2)
            for (number, id) in ids.enumerated() {
                if number.isMultiple(of: 2) { inputs.take(through: UInt64(InputBuffer.limit), isClosed: true, of: id) }
                inputs.forget(id)
            }
        }
    }

    @Test("refuses other bytes at a place where some wait")
    func different() throws {
        let id = try execution(0)
        _ = try inputs.write([.bytes(ByteBuffer(string: "abc"))], after: 0, to: id)
        #expect(throws: Inputs.Different.self) {
            try inputs.write([.bytes(ByteBuffer(string: "axcd"))], after: 0, to: id)
        }
        #expect(inputs.lines(after: 0, size: nil, limit: 9, of: id) == [.bytes(ByteBuffer(string: "abc"))])
    }
}
