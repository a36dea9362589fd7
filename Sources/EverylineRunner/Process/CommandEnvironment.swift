package import Everyline
import Glibc

/// A command's environment, byte for byte.
package struct CommandEnvironment: Sendable, Equatable {
    /// `NAME=value`, in this order.
    package private(set) var entries: [[UInt8]]

    package init(_ entries: [[UInt8]]) { self.entries = entries }

    /// This process's own.
    package static var inherited: CommandEnvironment {
        var entries: [[UInt8]] = []
        var next = environ
        while let entry = next.pointee {
            entries.append(Array(UnsafeBufferPointer(start: entry, count: strlen(entry)).map(UInt8.init(bitPattern:))))
            next += 1
        }
        return CommandEnvironment(entries)
    }

    /// Without Everyline's own settings, among which are secrets.
    package var withoutSettings: CommandEnvironment {
        CommandEnvironment(entries.filter { !$0.starts(with: "EVERYLINE_".utf8) })
    }

    /// With what the request adds, and the execution's id as `EVERYLINE_EXECUTION_ID`.
    package func adding(_ requested: [String: String]?, execution: ExecutionID) -> CommandEnvironment {
        var made = self
        for (name, value) in requested ?? [:] { made.set(name, Array(value.utf8)) }
        made.set(Self.marker, Array(execution.rawValue.utf8))
        return made
    }

    /// With a variable, `NAME=value`, in the place of another of that name.
    package func setting(_ variable: [UInt8]) -> CommandEnvironment {
        var made = self
        made.set(variable)
        return made
    }

    package subscript(name: String) -> ArraySlice<UInt8>? {
        let start = Array("\(name)=".utf8)
        return entries.first { $0.starts(with: start) }.map { $0.dropFirst(start.count) }
    }

    private mutating func set(_ name: String, _ value: [UInt8]) { set(Array("\(name)=".utf8) + value) }

    private mutating func set(_ variable: [UInt8]) {
        let start = variable.prefix { $0 != UInt8(ascii: "=") } + [UInt8(ascii: "=")]
        entries.removeAll { $0.starts(with: start) }
        entries.append(variable)
    }

    /// What tells the processes of one execution from all others.
    static func mark(of execution: ExecutionID) -> String { "\(marker)=\(execution)" }

    private static let marker = "EVERYLINE_EXECUTION_ID"
}
