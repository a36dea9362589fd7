package import Everyline

/// One sentence of a port's contract, and how to hold an adapter against it. Each case wants an adapter without data.
package struct ContractCase: Sendable, CustomStringConvertible {
    package let sentence: String
    package let check: @Sendable (Stores) async throws -> Void

    init(_ sentence: String, _ check: @escaping @Sendable (Stores) async throws -> Void) {
        self.sentence = sentence
        self.check = check
    }

    package var description: String { sentence }

    /// The ports over one set of data. The log's limit is ``ContractCase/logLimit``.
    package struct Stores: Sendable {
        package let log: any LogStore
        package let executions: any ExecutionStore
        package let access: any AccessStore
        /// Says that the data were put back from a backup.
        let restore: @Sendable () async throws -> Void

        package init(
            log: any LogStore, executions: any ExecutionStore, access: any AccessStore,
            restore: @escaping @Sendable () async throws -> Void = {}
        ) {
            self.restore = restore
            self.log = log
            self.executions = executions
            self.access = access
        }
    }

    package static let logLimit: ByteCount = .mebibytes(4)

    /// Every case of every port that holds wherever the data are.
    package static let all: [ContractCase] = appending + reading + executions + access
    /// Those of data that can be put back from a backup too.
    package static let restorable: [ContractCase] = all + incarnations
}

/// What an adapter did that its port's contract doesn't allow.
package struct ContractViolation: Error, CustomStringConvertible {
    package let description: String
}

func expect(
    _ condition: Bool, _ what: @autoclosure () -> String, file: StaticString = #fileID, line: UInt = #line
) throws {
    if !condition { throw ContractViolation(description: "\(file):\(line): \(what())") }
}

func expectEqual<Value: Equatable>(
    _ left: Value, _ right: Value, file: StaticString = #fileID, line: UInt = #line
) throws {
    try expect(left == right, "\(left) is not \(right)", file: file, line: line)
}

func expectThrow<Failure: Error & Equatable>(
    _ failure: Failure, file: StaticString = #fileID, line: UInt = #line, _ body: () async throws -> some Any
) async throws {
    do {
        _ = try await body()
    } catch let error as Failure where error == failure {
        return
    }
    throw ContractViolation(description: "\(file):\(line): \(failure) was not thrown")
}
