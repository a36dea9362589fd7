import Everyline

extension AWSDoctor {
    func examineTable(_ name: String?) async throws -> [DoctorFinding] {
        try await examine("table", named: name) { name, notes in
            let table = DynamoDBTable(name, client: client)
            let description = try await table.describe()
            notes.check(
                description.status == "ACTIVE", "it is active", otherwise: "it is \(description.status ?? "?")")
            notes.check(
                description.key == ["HASH": "pk", "RANGE": "sk"], "its key is pk, sk",
                otherwise: "its key is \(description.key), under which no record is found")
            let expiry = try await table.expiry()
            notes.check(
                expiry?.attribute == "expires_s" && expiry?.isEnabled == true, "what has expired is cleaned up",
                otherwise: "it has no time to live by expires_s: what has expired takes space for ever")
            let damaged = try await DynamoDBExecutionStore(table, retention: nil, now: now).damaged()
            notes.check(
                damaged.isEmpty, "the record of every execution that has not ended can be read",
                otherwise: "the records of these can't be read, so no list has them: "
                    + damaged.map(\.rawValue).joined(separator: ", "))
            try await examineConditions(table, &notes)
        }
    }

    /// What the protocol is built on: a condition that doesn't hold refuses the write, in a transaction all of them,
    /// and says what is there.
    private func examineConditions(_ table: DynamoDBTable, _ notes: inout DoctorNotes) async throws {
        let key = DynamoDBTable.Key("DOCTOR#\(probe)", "PROBE")
        let other = DynamoDBTable.Key("DOCTOR#\(probe)", "OTHER")
        let item = key.attributes.merging(["probe": .string(probe)]) { $1 }
        let first = try await table.put(item, if: .isAbsent)
        let second = try await table.put(item, if: .isAbsent)
        notes.check(
            first == .done([:]) && second == .refused(item), "conditional writes are",
            otherwise: "a write whose condition doesn't hold was not refused as it must be")
        let transacted = try await table.transact(
            [.put(item, if: .isAbsent), .put(other.attributes, if: nil)], token: DynamoDBLogStore.token())
        let isAbsent = try await table.get(other) == nil
        notes.check(
            transacted == .refused([.fails(item), .holds]) && isAbsent, "transactions are all or nothing",
            otherwise: "a transaction with a condition that doesn't hold was not refused as it must be")
        try await table.delete(key)
        try await table.delete(other)
    }
}
