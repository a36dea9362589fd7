import EverylineTesting
import Testing

@Suite("The stores in memory keep the ports' contract")
struct InMemoryContractTests {
    @Test("that", arguments: ContractCase.all)
    func contract(_ contract: ContractCase) async throws {
        let stores = InMemoryStores(logLimit: ContractCase.logLimit)
        try await contract.check(ContractCase.Stores(log: stores, executions: stores, access: stores))
    }
}
