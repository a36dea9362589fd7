import EverylineTesting
import Testing

@Suite("The stores in memory keep the ports' contract")
struct InMemoryContractTests {
    @Test("that", arguments: ContractCase.restorable)
    func contract(_ contract: ContractCase) async throws {
        let stores = InMemoryStores(logLimit: ContractCase.logLimit)
        try await contract.check(
            ContractCase.Stores(
                log: stores, executions: stores, access: stores, restore: { stores.markRestored() }))
    }
}

@Suite("The ledger in memory keeps its port's contract")
struct InMemoryLedgerContractTests {
    @Test("that", arguments: LedgerContractCase.all)
    func contract(_ contract: LedgerContractCase) async throws {
        let stores = InMemoryStores()
        try await contract.check(LedgerContractCase.Ports(ledger: stores, executions: stores))
    }
}

@Suite("The connections in memory keep their port's contract")
struct InMemoryConnectionContractTests {
    @Test("that", arguments: ConnectionContractCase.all)
    func contract(_ contract: ConnectionContractCase) async throws {
        try await contract.check(InMemoryConnections())
    }
}
