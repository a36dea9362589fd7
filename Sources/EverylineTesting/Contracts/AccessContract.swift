import Everyline

extension ContractCase {
    /// What ``AccessStore`` promises.
    static let access = [
        ContractCase("a key is found by its hash until it is revoked") { stores in
            let store = stores.access
            let (first, second) = (Sample.key("k1"), Sample.key("k2", user: "bob", at: 500))
            try await store.add(first)
            try await store.add(second)
            try expectEqual(try await store.key(first.hash), first)
            try expectEqual(try await store.key(Sample.hash("wrong")), nil)
            try expectEqual(try await store.keys(), [second, first])
            try await store.revokeKey("k1", at: Timestamp(milliseconds: 7))
            try await store.revokeKey("k1", at: Timestamp(milliseconds: 9))
            try expectEqual(try await store.key(first.hash), nil)
            try expectEqual(try await store.keys().map(\.revokedAt), [nil, Timestamp(milliseconds: 7)])
            try await expectThrow(AccessStoreError.unknownKey) { try await store.revokeKey("k9", at: .epoch) }
        },
        ContractCase("a key's id and hash are there once") { stores in
            try await stores.access.add(Sample.key("k1"))
            try await expectThrow(AccessStoreError.duplicateKey) { try await stores.access.add(Sample.key("k1")) }
        },
        ContractCase("the last administrator's key is not revoked, also by two who revoke each other at once") {
            stores in
            let store = stores.access
            for id in ["a", "b"] { try await store.add(Sample.key(id, role: .admin)) }
            try await store.add(Sample.key("v"))
            let refused = try await withThrowingTaskGroup(of: Int.self) { group in
                for id in ["a", "b"] {
                    group.addTask {
                        do {
                            try await store.revokeKey(id, at: .epoch)
                            return 0
                        } catch AccessStoreError.lastAdministrator {
                            return 1
                        }
                    }
                }
                return try await group.reduce(0, +)
            }
            try expectEqual(refused, 1)
            try expectEqual(try await store.keys().count { $0.role == .admin && $0.revokedAt == nil }, 1)
            try await store.revokeKey("v", at: .epoch)
            for key in try await store.keys() where key.revokedAt != nil {
                try await store.revokeKey(key.id, at: .epoch)
            }
        },
        ContractCase("a stream token opens its execution until it expires, to the millisecond, or its key is revoked") {
            stores in
            let store = stores.access
            for key in ["k1", "k2"] { try await store.add(Sample.key(key)) }
            func token(key: String, _ start: StreamStart) -> StreamToken {
                StreamToken(
                    execution: Sample.id("e"), user: Sample.user("ann"), key: key, start: start,
                    expiresAt: Timestamp(milliseconds: 100))
            }
            let id = Sample.id("e")
            let (one, two) = (
                token(key: "k1", .after(Offset(41))), token(key: "k2", .notOlderThan(Timestamp(milliseconds: 8)))
            )
            let (before, after) = (Timestamp(milliseconds: 99), Timestamp(milliseconds: 100))
            let first = try await store.issue(one, at: .epoch).value
            let second = try await store.issue(two, at: .epoch).value
            try expectEqual(try await store.streamToken(first, for: id, at: before), one)
            try expectEqual(try await store.streamToken(second, for: id, at: before), two)
            try expectEqual(try await store.streamToken(first, for: id, at: after), nil)
            try expectEqual(try await store.streamToken(first, for: Sample.id("other"), at: before), nil)
            for forged in ["", "els_", first + "A", String(first.dropLast()), first.lowercased()] {
                try expectEqual(try await store.streamToken(forged, for: id, at: before), nil)
            }
            try await store.revokeKey("k1", at: .epoch)
            try expectEqual(try await store.streamToken(first, for: id, at: before), nil)
            try expectEqual(try await store.streamToken(second, for: id, at: before), two)
        },
    ]
}
