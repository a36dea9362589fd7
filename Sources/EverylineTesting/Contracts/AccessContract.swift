import Everyline

extension ContractCase {
    /// What ``AccessStore`` promises.
    static let access = [
        ContractCase("a key is found by its hash until it is revoked") { stores in
            let store = stores.access
            let (first, second) = (Sample.key("k1", role: .admin), Sample.key("k2", user: "bob", at: 500))
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
        ContractCase("a stream token is good until it expires, to the millisecond, or its key is revoked") { stores in
            let store = stores.access
            for key in ["k1", "k2"] { try await store.add(Sample.key(key)) }
            func token(_ text: String, key: String, _ start: StreamStart) -> StreamToken {
                StreamToken(
                    hash: Sample.hash(text), execution: Sample.id("e"), user: Sample.user("ann"), key: key,
                    start: start,
                    expiresAt: Timestamp(milliseconds: 100))
            }
            let (one, two) = (
                token("1", key: "k1", .after(Offset(41))),
                token("2", key: "k2", .notOlderThan(Timestamp(milliseconds: 8)))
            )
            try await store.add(one)
            try await store.add(two)
            let (before, after) = (Timestamp(milliseconds: 99), Timestamp(milliseconds: 100))
            try expectEqual(try await store.streamToken(one.hash, at: before), one)
            try expectEqual(try await store.streamToken(two.hash, at: before), two)
            try expectEqual(try await store.streamToken(one.hash, at: after), nil)
            try expectEqual(try await store.streamToken(Sample.hash("3"), at: before), nil)
            try await store.revokeKey("k1", at: .epoch)
            try expectEqual(try await store.streamToken(one.hash, at: before), nil)
            try await store.removeStreamTokens(expiredAt: before)
            try expectEqual(try await store.streamToken(two.hash, at: before), two)
            try await store.removeStreamTokens(expiredAt: after)
            try expectEqual(try await store.streamToken(two.hash, at: before), nil)
        },
    ]
}
