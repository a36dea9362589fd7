public import ArgumentParser
public import Everyline

// How the domain's words are written on a command line.

extension ExecutionID: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}

extension ExecutionStatus: ExpressibleByArgument {
    public init?(argument: String) { self.init(rawValue: argument.uppercased()) }
}

extension Offset: ExpressibleByArgument {
    public init?(argument: String) { self.init(decimal: argument) }
}

extension Role: ExpressibleByArgument {}

extension StreamMode: ExpressibleByArgument {}

extension UserID: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}

extension TerminalSize: ExpressibleByArgument {
    /// As in `120x40`.
    public init?(argument: String) {
        let numbers = argument.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
        guard numbers.count == 2, let columns = numbers[0], let rows = numbers[1] else { return nil }
        self.init(columns: columns, rows: rows)
        guard isValid else { return nil }
    }
}
