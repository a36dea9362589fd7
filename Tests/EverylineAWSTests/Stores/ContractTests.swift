import Everyline
import EverylineAWS
import EverylineTesting
import Testing

@Suite("The DynamoDB stores keep the ports' contract", .enabled(if: Emulator.endpoint != nil))
struct DynamoDBContractTests {
    @Test("that", arguments: ContractCase.all)
    func contract(_ contract: ContractCase) async throws {
        let table = try await Emulator.makeTable()
        try await contract.check(
            ContractCase.Stores(
                log: DynamoDBLogStore(table, logLimit: ContractCase.logLimit, now: { Emulator.now }),
                executions: DynamoDBExecutionStore(table, retention: nil, now: { Emulator.now }),
                access: DynamoDBAccessStore(table)))
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
