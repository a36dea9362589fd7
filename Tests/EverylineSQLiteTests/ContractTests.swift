import Everyline
import EverylineSQLite
import EverylineTesting
import Testing

@Suite("The SQLite stores keep the ports' contract")
struct SQLiteContractTests {
    @Test("that", arguments: ContractCase.restorable)
    func contract(_ contract: ContractCase) async throws {
        let directory = try TemporaryDirectory()
        let database = try SQLiteDatabase.open(directory.path)
        try await contract.check(
            ContractCase.Stores(
                log: SQLiteLogStore(database, logLimit: ContractCase.logLimit),
                executions: SQLiteExecutionStore(database), access: SQLiteAccessStore(database),
                restore: { try await database.markRestored() }))
        let report = await IntegrityCheck(database).run()
        #expect(report.faults.isEmpty)
        try database.close()
    }
}
