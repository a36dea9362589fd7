import Everyline
import NIOCore

extension ContractCase {
    /// What ``LogStore``'s readings promise.
    static let reading = [
        ContractCase("reading after any offset gives exactly what follows, in any step") { stores in
            let id = try await stores.begin()
            var head: UInt64 = 0
            for size in [1, 3, 1, 20, 2] {
                let messages = (1...size).map { "line \(head + UInt64($0))" }
                head = try await stores.append(messages, to: id, after: head).head.offset.rawValue
            }
            for after in 0...head {
                for limit in [1, 60, 61, 500, 100_000] {
                    let events = try await stores.events(of: id, after: Offset(after), limit: limit)
                    try expectEqual(events.compactMap(\.message), (after..<head).map { "line \($0 + 1)" })
                }
            }
            let beyond = try await stores.log.read(id, after: Offset(head + 5), limit: 100)
            try expectEqual(beyond.block, nil)
            try expectEqual(beyond.head.offset, Offset(head))
        },
        ContractCase("an event that is larger than the limit comes alone and whole") { stores in
            let id = try await stores.begin()
            let large = String(repeating: "y", count: 300_000)
            try await stores.append(["a", large, "b"], to: id, after: 0)
            try expectEqual(
                try await stores.events(of: id, limit: 1000).compactMap(\.message?.utf8.count), [1, 300_000, 1])
        },
        ContractCase("a large append is read back byte for byte") { stores in
            let id = try await stores.begin()
            let body = Sample.body((0..<20_000).map { "line \($0) of many" }, after: 0, end: Sample.success)
            let block = try await stores.append(body, to: id, after: 0).block
            var bytes = body.block?.bytes
            bytes?.clear()
            var cursor = Offset.zero
            while let read = try await stores.log.read(id, after: cursor, limit: 70_000).block {
                bytes?.writeImmutableBuffer(read.bytes)
                cursor = read.last
                try expectEqual(read.endsLog, cursor == block?.last)
            }
            try expect(bytes == body.block?.bytes, "other bytes came back")
        },
        ContractCase("an execution that doesn't exist has no log") { stores in
            let id = Sample.id("unknown")
            try await expectThrow(LogStoreError.unknownExecution) { try await stores.log.head(of: id) }
            try await expectThrow(LogStoreError.unknownExecution) {
                try await stores.log.read(id, after: .zero, limit: 10)
            }
            try await expectThrow(LogStoreError.unknownExecution) {
                try await stores.log.offset(in: id, before: .epoch)
            }
        },
        ContractCase("a time is the place of the first event that is not older, whatever the order of times") {
            stores in
            let id = try await stores.begin()
            let times: [Int64] = [10, 10, 12, 30, 30, 20, 20, 40, 41, 35]
            var head: UInt64 = 0
            for chunk in [times[0..<3], times[3..<7], times[7...]] {
                let lines = chunk.map { (message: "t\($0)", time: $0) }
                head = try await stores.append(Sample.body(lines, after: head), to: id, after: head)
                    .head.offset.rawValue
            }
            for time in Int64(0)...45 {
                let expected = times.firstIndex { $0 >= time } ?? times.count
                let found = try await stores.log.offset(in: id, before: Timestamp(milliseconds: time))
                try expect(found.rawValue == UInt64(expected), "\(time): \(found) instead of \(expected)")
            }
        },
        ContractCase("in an empty log every time is the place before the first event") { stores in
            let id = try await stores.begin()
            for time in [Timestamp.epoch, .maximum] {
                try expectEqual(try await stores.log.offset(in: id, before: time), .zero)
            }
        },
        ContractCase("a time within one large append is found there") { stores in
            let id = try await stores.begin()
            let lines = (0..<10_000).map { (message: "some line of the log, \($0)", time: Int64($0 / 2)) }
            try await stores.append(Sample.body(lines, after: 0), to: id, after: 0)
            for time in [0, 1, 2500, 4999, 5000] as [Int64] {
                let found = try await stores.log.offset(in: id, before: Timestamp(milliseconds: time))
                try expectEqual(found, Offset(UInt64(time * 2)))
            }
        },
    ]
}
