package import Everyline

/// One sentence of ``ConnectionStore``'s contract, and how to hold an adapter against it. Each case wants an adapter
/// without data.
package struct ConnectionContractCase: Sendable, CustomStringConvertible {
    package let description: String
    package let check: @Sendable (any ConnectionStore) async throws -> Void

    init(_ sentence: String, _ check: @escaping @Sendable (any ConnectionStore) async throws -> Void) {
        self.description = sentence
        self.check = check
    }

    package static let all = [
        ConnectionContractCase("a connection is kept as it was made, and found by its id alone") { store in
            for encoding in [StreamEncoding.blocks, .lines] {
                let (id, connection) = (ConnectionID("c=\(encoding)"), Sample.connection(encoding: encoding))
                try expectEqual(try await store.execution(of: id), nil)
                try expectEqual(try await store.connection(id, of: connection.execution), nil)
                try await store.connect(id, connection)
                try expectEqual(try await store.execution(of: id), connection.execution)
                try expectEqual(try await store.connection(id, of: connection.execution), connection)
                try expectEqual(try await store.connection(id, of: Sample.id("other")), nil)
            }
        },
        ConnectionContractCase("every update is decided by its condition, and a refused one changes nothing") { store in
            let id = ConnectionID("c")
            var expected = Sample.connection(cursor: 3)
            try await store.connect(id, expected)
            for update in Sample.lastSteps {
                let last = ConnectionID("last")
                if update == Sample.lastSteps.first { try await store.connect(last, Sample.connection(cursor: 3)) }
                let before = try await store.connection(last, of: expected.execution)
                let next = before.flatMap { update.apply(to: $0) }
                try expectEqual(try await store.update(last, of: expected.execution, update), next)
                try expectEqual(try await store.connection(last, of: expected.execution), next ?? before)
            }
            for update in Sample.connectionUpdates {
                let next = update.apply(to: expected)
                let got = try await store.update(id, of: expected.execution, update)
                try expect(got == next, "\(update): \(String(describing: got)) is not \(String(describing: next))")
                expected = next ?? expected
                try expectEqual(try await store.connection(id, of: expected.execution), expected)
            }
        },
        ConnectionContractCase("an update of a connection that isn't there is refused, and makes none") { store in
            let (id, execution) = (ConnectionID("c"), Sample.id("e"))
            for update in Sample.connectionUpdates {
                try expectEqual(try await store.update(id, of: execution, update), nil)
            }
            try expectEqual(try await store.connection(id, of: execution), nil)
            try expectEqual(try await store.connections(of: execution, at: .epoch), [])
        },
        ConnectionContractCase("the connections of an execution are those that are open and have not expired") {
            store in
            for name in ["a", "b", "c"] {
                try await store.connect(ConnectionID(name), Sample.connection(expiresAt: 5000))
            }
            try await store.connect(ConnectionID("late"), Sample.connection(expiresAt: 9000))
            try await store.connect(ConnectionID("other"), Sample.connection(of: "other"))
            _ = try await store.update(ConnectionID("b"), of: Sample.id("e"), .close)
            func names(at time: Int64) async throws -> Set<String> {
                let found = try await store.connections(of: Sample.id("e"), at: Timestamp(milliseconds: time))
                try expectEqual(Set(found).count, found.count)
                return Set(found.map(\.rawValue))
            }
            try expectEqual(try await names(at: 4999), ["a", "c", "late"])
            try expectEqual(try await names(at: 5000), ["late"])
        },
        ConnectionContractCase("a viewer that opens with a resumption is not sent to before it resumes") { store in
            let (id, execution) = (ConnectionID("c"), Sample.id("e"))
            let lock = ConnectionUpdate.acquire(owner: "a", now: .epoch, lease: .seconds(1))
            try await store.connect(id, Sample.connection(generation: 0))
            try await store.connect(ConnectionID("mute"), Sample.connection(generation: 0, encoding: .lines))
            try expectEqual(
                try await store.connections(of: execution, at: .epoch).map(\.rawValue), ["mute"])
            try expectEqual(try await store.update(id, of: execution, lock), nil)
            _ = try await store.update(id, of: execution, .resume(generation: 1, after: .zero))
            try expectEqual(try await store.connections(of: execution, at: .epoch).count, 2)
            try expect(try await store.update(id, of: execution, lock) != nil, "a free lock was refused")
        },
        ConnectionContractCase("the connections of a key are those that are open and have not expired") { store in
            for (name, execution, key) in [("a", "e", "k"), ("b", "f", "k"), ("c", "e", "k"), ("d", "e", "other")] {
                try await store.connect(
                    ConnectionID(name), Sample.connection(of: execution, generation: 0, key: key, expiresAt: 5000))
            }
            _ = try await store.update(ConnectionID("c"), of: Sample.id("e"), .close)
            func places(at time: Int64) async throws -> Set<ConnectionPlace> {
                Set(try await store.connections(with: "k", at: Timestamp(milliseconds: time)))
            }
            try expectEqual(
                try await places(at: 4999),
                [
                    ConnectionPlace(id: ConnectionID("a"), execution: Sample.id("e")),
                    ConnectionPlace(id: ConnectionID("b"), execution: Sample.id("f")),
                ])
            try expectEqual(try await places(at: 5000), [])
        },
        ConnectionContractCase("an id that comes again begins anew, and no earlier sender has a right to it") { store in
            let (id, execution) = (ConnectionID("c"), Sample.id("e"))
            try await store.connect(id, Sample.connection(cursor: 4))
            let lock = ConnectionUpdate.acquire(owner: "old", now: .epoch, lease: .seconds(1))
            guard let old = try await store.update(id, of: execution, lock) else {
                throw ContractViolation(description: "a free lock was refused")
            }
            try await store.connect(id, Sample.connection(cursor: 4))
            let new = try await store.update(id, of: execution, lock)
            try expect(new != nil && new?.fence != old.fence, "the new connection is locked, or has the old fence")
            let advance = ConnectionUpdate.advance(
                fence: old.fence, from: Offset(4), to: Offset(5), lastSeen: .epoch, now: .epoch, lease: .seconds(1))
            try expectEqual(try await store.update(id, of: execution, advance), nil)
            try await store.connect(id, Sample.connection(of: "other"))
            try expectEqual(try await store.execution(of: id), Sample.id("other"))
        },
        ConnectionContractCase("of those who race for a lock, one gets it") { store in
            let id = ConnectionID("c")
            try await store.connect(id, Sample.connection())
            for round in 0..<5 {
                let now = Timestamp(milliseconds: Int64(round) * 1000)
                let winners = try await withThrowingTaskGroup(of: Int.self) { group in
                    for owner in 0..<8 {
                        group.addTask {
                            let lock = ConnectionUpdate.acquire(
                                owner: "\(owner)", now: now, lease: .milliseconds(1000))
                            return try await store.update(id, of: Sample.id("e"), lock) == nil ? 0 : 1
                        }
                    }
                    return try await group.reduce(0, +)
                }
                try expectEqual(winners, 1)
            }
        },
    ]
}

extension Sample {
    package static func connection(
        of execution: String = "e", generation: UInt64 = 1, cursor: UInt64 = 0, encoding: StreamEncoding = .blocks,
        key: APIKey.ID = "k", expiresAt: Int64 = 100_000
    ) -> ViewerConnection {
        ViewerConnection(
            execution: id(execution), generation: generation, start: Offset(cursor), cursor: Offset(cursor),
            lastSeen: nil, fence: 0, lock: nil, isOpen: true, encoding: encoding, key: key,
            connectedAt: Timestamp(milliseconds: 100), expiresAt: Timestamp(milliseconds: expiresAt))
    }

    /// What may be done to a connection that begins after 3, where each is right and where it is wrong.
    static let connectionUpdates: [ConnectionUpdate] = {
        func acquire(_ owner: String, _ now: Int64) -> ConnectionUpdate {
            .acquire(owner: owner, now: Timestamp(milliseconds: now), lease: .milliseconds(1000))
        }
        func advance(_ fence: UInt64, _ from: UInt64, _ to: UInt64, _ now: Int64) -> ConnectionUpdate {
            .advance(
                fence: fence, from: Offset(from), to: Offset(to), lastSeen: Timestamp(milliseconds: Int64(to) * 7),
                now: Timestamp(milliseconds: now), lease: .milliseconds(1000))
        }
        return [
            advance(0, 3, 5, 0), acquire("a", 0), acquire("b", 999), advance(1, 3, 5, 500), acquire("b", 1499),
            advance(1, 3, 6, 600), advance(2, 5, 6, 600), acquire("b", 1500), advance(1, 5, 6, 1500),
            .release(fence: 1), .release(fence: 2), .release(fence: 2), acquire("c", 50_000), acquire("d", 47_999),
            .resume(generation: 0, after: Offset(9)), .resume(generation: 4, after: Offset(1)),
            .resume(generation: 4, after: Offset(2)), .resume(generation: 3, after: Offset(2)), acquire("e", 99_999),
            acquire("f", 100_000), .finish(fence: 1), .close, .close, acquire("g", 1),
            .resume(generation: 9, after: Offset(1)),
            advance(7, 1, 2, 2), .release(fence: 7),
        ]
    }()

    /// What a sender does whose turn ends with a frame, to a connection that begins after 3.
    static let lastSteps: [ConnectionUpdate] = {
        func last(_ fence: UInt64, _ from: UInt64, _ to: UInt64) -> ConnectionUpdate {
            .advance(
                fence: fence, from: Offset(from), to: Offset(to), lastSeen: .epoch, now: Timestamp(milliseconds: 5),
                lease: nil)
        }
        let acquire = ConnectionUpdate.acquire(owner: "a", now: .epoch, lease: .milliseconds(1000))
        return [
            last(0, 3, 4), acquire, last(0, 3, 4), last(1, 4, 5), last(1, 3, 4), last(1, 4, 5), acquire, last(1, 4, 5),
            last(2, 4, 5), .release(fence: 2),
        ]
    }()
}
