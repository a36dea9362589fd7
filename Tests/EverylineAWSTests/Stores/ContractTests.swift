import Everyline
import EverylineAWS
import EverylineTesting
import Synchronization
import Testing

@Suite("The DynamoDB stores keep the ports' contract", .enabled(if: Emulator.endpoint != nil))
struct DynamoDBContractTests {
    @Test("that", arguments: ContractCase.restorable)
    func contract(_ contract: ContractCase) async throws {
        let table = try await Emulator.makeTable()
        let log = RestartedLogStore {
            DynamoDBLogStore(table, logLimit: ContractCase.logLimit, now: { Emulator.now })
        }
        try await log.restart()
        try await contract.check(
            ContractCase.Stores(
                log: log, executions: DynamoDBExecutionStore(table, retention: nil, now: { Emulator.now }),
                access: DynamoDBAccessStore(table),
                restore: {
                    _ = try await RestoredTable(table, now: { Emulator.now }).begin()
                    try await log.restart()
                }))
    }

    @Test("that", arguments: LedgerContractCase.all)
    func ledger(_ contract: LedgerContractCase) async throws {
        let table = try await Emulator.makeTable()
        try await contract.check(
            LedgerContractCase.Ports(
                ledger: DynamoDBLogStore(table, logLimit: ContractCase.logLimit, now: { Emulator.now }),
                executions: DynamoDBExecutionStore(table, retention: nil, now: { Emulator.now })))
    }

    @Test("that", arguments: ConnectionContractCase.all)
    func connections(_ contract: ConnectionContractCase) async throws {
        try await contract.check(DynamoDBConnectionStore(try await Emulator.makeTable()))
    }
}

/// The store of a function that is started anew once its table was put back.
private final class RestartedLogStore: LogStore {
    private let make: @Sendable () -> DynamoDBLogStore
    private let current: Mutex<DynamoDBLogStore>

    init(_ make: @escaping @Sendable () -> DynamoDBLogStore) {
        self.make = make
        current = Mutex(make())
    }

    private var store: DynamoDBLogStore { current.withLock { $0 } }

    func restart() async throws {
        let next = make()
        try await next.learnIncarnation()
        current.withLock { $0 = next }
    }

    var incarnation: Incarnation? { store.incarnation }

    func restoration(of execution: ExecutionID, since incarnation: Incarnation) async throws -> Restoration? {
        try await store.restoration(of: execution, since: incarnation)
    }

    func append(_ appends: [LogAppend], at now: Timestamp) async throws -> [Result<Appended, LogStoreError>] {
        try await store.append(appends, at: now)
    }

    func head(of execution: ExecutionID) async throws -> LogHead { try await store.head(of: execution) }

    func read(_ execution: ExecutionID, after offset: Offset, limit: ByteCount) async throws -> LogRead {
        try await store.read(execution, after: offset, limit: limit)
    }

    func offset(in execution: ExecutionID, before time: Timestamp) async throws -> Offset {
        try await store.offset(in: execution, before: time)
    }
}
