import Everyline
import EverylineClient

extension EverylineClient {
    /// How many executions are looked through for the beginning of an id, at the most.
    private static let searched = 100_000

    /// The execution with this id, or the only one whose id begins so.
    ///
    /// - Throws: what a request throws; ``CLIError`` if more than one begins so.
    func execution(named name: ExecutionID) async throws -> ExecutionView {
        do {
            return try await execution(name)
        } catch let error as APIError where error.knownCode == .unknownExecution {
            guard let found = try await only(beginningWith: name.rawValue) else { throw error }
            return found
        }
    }

    private func only(beginningWith prefix: String) async throws -> ExecutionView? {
        var found: [ExecutionView] = []
        var (cursor, count): (String?, Int) = (nil, 0)
        repeat {
            let page = try await executions(limit: 1000, cursor: cursor)
            found += page.executions.filter { $0.executionID.hasPrefix(prefix) }
            guard found.count < 2 else {
                let names = found.prefix(3).map(\.executionID).joined(separator: ", ")
                throw CLIError("more than one execution begins with \(prefix): \(names)\(found.count > 3 ? ", …" : "")")
            }
            count += page.executions.count
            cursor = page.nextCursor
            // Ids sort by the time of their making, and the newest come first: what follows is older than what was
            // asked for.
            if let last = page.executions.last, last.executionID < prefix { break }
        } while cursor != nil && count < Self.searched
        return found.first
    }
}
