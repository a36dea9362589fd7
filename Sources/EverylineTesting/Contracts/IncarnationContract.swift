import Everyline

extension ContractCase {
    /// What a ``LogStore`` promises whose data can be put back from a backup.
    static let incarnations = [
        ContractCase("an append that names the incarnation of now, or none, is taken") { stores in
            let id = try await stores.begin()
            let incarnation = try stores.incarnation()
            try await stores.append(["a"], to: id, after: 0, in: incarnation)
            try await stores.append(["b"], to: id, after: 1)
            try expectEqual(try await stores.log.restoration(of: id, since: incarnation), nil)
            try await stores.restore()
            try expect(try stores.incarnation() != incarnation, "the incarnation is the same after a restore")
            try await stores.append(["c"], to: id, after: 2, in: try stores.incarnation())
            try await stores.append(["d"], to: id, after: 3)
            try expectEqual(try await stores.events(of: id).compactMap(\.message), ["a", "b", "c", "d"])
        },
        ContractCase("an append of an earlier incarnation is refused before anything else is looked at") { stores in
            let id = try await stores.begin()
            let incarnation = try stores.incarnation()
            try await stores.append(["a", "b"], to: id, after: 0, in: incarnation)
            try await stores.restore()
            let refusal = LogStoreError.otherIncarnation(
                Restoration(to: try stores.incarnation(), base: Offset(2)), head: Offset(2))
            let tries: [([String], UInt64)] = [([], 0), (["a", "b"], 0), (["x"], 0), (["c"], 2), (["c"], 7)]
            for (messages, head) in tries {
                try await expectThrow(refusal) {
                    try await stores.append(messages, to: id, after: head, in: incarnation)
                }
            }
            try await stores.append(Sample.body([String](), after: 2, end: Sample.success), to: id, after: 2)
            try await expectThrow(
                LogStoreError.otherIncarnation(
                    Restoration(to: try stores.incarnation(), base: Offset(2)), head: Offset(3))
            ) { try await stores.append(["c"], to: id, after: 2, in: incarnation) }
            try expectEqual(try await stores.events(of: id).compactMap(\.message), ["a", "b"])
        },
        ContractCase(
            "the base is the smallest of all incarnations since the client's own, and it is said how many there were"
        ) { stores in
            let id = try await stores.begin()
            var known: [Incarnation] = []
            for head in 0..<3 as Range<UInt64> {
                known.append(try stores.incarnation())
                try await stores.restore()
                try await stores.append(["line"], to: id, after: head)
            }
            for (index, incarnation) in known.enumerated() {
                try expectEqual(
                    try await stores.log.restoration(of: id, since: incarnation),
                    Restoration(
                        to: try stores.incarnation(), base: Offset(UInt64(index)), count: known.count - index))
            }
        },
        ContractCase("a log that ended before a restore is the same after it") { stores in
            let id = try await stores.begin()
            let incarnation = try stores.incarnation()
            let body = Sample.body(["a"], after: 0, end: Sample.success)
            try await stores.append(body, to: id, after: 0)
            try await stores.restore()
            try expectEqual(try await stores.log.restoration(of: id, since: incarnation), nil)
        },
        ContractCase("of an incarnation that isn't known, nothing is taken to be still true") { stores in
            let id = try await stores.begin()
            try await stores.append(["a"], to: id, after: 0)
            let stranger = try required(Incarnation("stranger"))
            let restoration = Restoration(to: try stores.incarnation(), base: .zero)
            try expectEqual(try await stores.log.restoration(of: id, since: stranger), restoration)
            try await expectThrow(LogStoreError.otherIncarnation(restoration, head: Offset(1))) {
                try await stores.append(["a"], to: id, after: 0, in: stranger)
            }
        },
    ]
}

extension ContractCase.Stores {
    fileprivate func incarnation() throws -> Incarnation { try required(log.incarnation) }

    fileprivate func append(
        _ messages: [String], to id: ExecutionID, after head: UInt64, in incarnation: Incarnation
    ) async throws {
        let append = LogAppend(
            Sample.body(messages, after: head), to: id, after: Offset(head), in: incarnation)
        _ = try await log.append([append], at: .epoch)[0].get()
    }
}

private func required<Value>(_ value: Value?) throws -> Value {
    guard let value else { throw ContractViolation(description: "there is no incarnation") }
    return value
}
