/// What went wrong, in a sentence for the person who typed the command.
struct CLIError: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
