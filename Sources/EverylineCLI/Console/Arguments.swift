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
