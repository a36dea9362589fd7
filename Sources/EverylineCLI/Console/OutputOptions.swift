import ArgumentParser
import EverylineClient

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// How the events of a log are printed.
struct OutputOptions: ParsableArguments {
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text
        case json
    }

    @Flag(help: "Begin each line with its time, in UTC.")
    var timestamps = false
    @Option(
        name: .shortAndLong,
        help: "text: the messages as they were written; json: the events as they are stored, one a line.")
    var output: Format = .text
    @Flag(
        help: "On a terminal, let everything in the output through: also what sets titles, moves the cursor, or clears."
    )
    var raw = false

    /// - Parameter introduction: what is said once, before anything is said of the connection.
    func printer(introduction: String? = nil) -> TailPrinter {
        let environment = ProcessInfo.processInfo.environment
        return TailPrinter(
            output,
            .init(
                timestamps: timestamps, colours: Console.mayColour(environment),
                isForTerminal: Console.isTerminal && !raw, canErase: environment["TERM"] != "dumb"),
            introduction: introduction)
    }
}
