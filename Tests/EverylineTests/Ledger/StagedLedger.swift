import Everyline
import EverylineTesting

/// A ledger that acts before an append is decided, so that a race happens every time.
struct StagedLedger: Ledger {
    let stores: InMemoryStores
    var beforeAppend: @Sendable (_ append: LedgerAppend) async -> Void

    func append(_ append: LedgerAppend, to execution: ExecutionID, at now: Timestamp) async throws -> LedgerHead? {
        await beforeAppend(append)
        return try await stores.append(append, to: execution, at: now)
    }

    func ledgerHead(of execution: ExecutionID) async throws -> LedgerHead {
        try await stores.ledgerHead(of: execution)
    }

    func block(of execution: ExecutionID, holding offset: Offset) async throws -> LedgerBlock? {
        try await stores.block(of: execution, holding: offset)
    }

    func head(of execution: ExecutionID) async throws -> LogHead { try await stores.head(of: execution) }

    func read(_ execution: ExecutionID, after offset: Offset, limit: ByteCount) async throws -> LogRead {
        try await stores.read(execution, after: offset, limit: limit)
    }

    func offset(in execution: ExecutionID, before time: Timestamp) async throws -> Offset {
        try await stores.offset(in: execution, before: time)
    }
}

extension InMemoryStores {
    /// What the log says, line by line; the end as `<end>`.
    func texts(of id: ExecutionID) async throws -> [String] {
        var blocks: [EventBlock] = []
        while let block = try await read(id, after: blocks.last?.last ?? .zero, limit: 1000).block {
            blocks.append(block)
        }
        return try blocks.texts()
    }
}
