import ArgumentParser
import Everyline
import EverylineRunner

/// Which command to run, and how.
struct CommandOptions: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "A variable of its environment; a NAME alone takes its value from here.", valueName: "name=value"))
    var env: [String] = []
    @Option(help: "Stop it after this time, as 30s, 10m or 2h; the exit code is 124 then.")
    var timeout: TimeSpan?
    @Option(
        help: ArgumentHelp(
            "merged: one pipe for both output streams, so that the order is the command's own (of exec, where both of its "
                + "own lead to one place); split: each line says which stream it is from, and the order between the two is "
                + "approximate.", valueName: "mode"))
    var streams: StreamMode = .merged
    @Argument(parsing: .captureForPassthrough, help: ArgumentHelp("The command: -- make test", valueName: "command"))
    var words: [String] = []

    /// The command's words, byte for byte, without the `--` before them.
    var bytes: [[UInt8]] { ProcessArguments.last(words.count - (words.first == "--" ? 1 : 0)) }

    func validate() throws {
        if let first = words.first, first != "--", first.hasPrefix("-") {
            throw ValidationError("Unknown option '\(first)'. A command that begins with '-' stands behind --.")
        }
        guard let program = bytes.first, !program.isEmpty else {
            throw ValidationError("Say which command to run, behind --.")
        }
        if let timeout, timeout.duration < .seconds(1) { throw ValidationError("--timeout must be at least 1s.") }
    }

    /// For a server, which takes text.
    func request(in directory: String?) throws -> RunRequest {
        if let word = bytes.first(where: { String(validating: $0, as: UTF8.self) == nil }) {
            throw ValidationError(
                "'\(String(decoding: word, as: UTF8.self))' isn't UTF-8, and a server takes only that. `everyline exec` takes "
                    + "any bytes.")
        }
        var request = requestHere
        request.workingDirectory = directory
        var values: [String: String] = [:]
        for variable in try variables() {
            guard let text = String(validating: variable, as: UTF8.self) else {
                throw ValidationError(
                    "--env \(String(decoding: variable, as: UTF8.self)) isn't UTF-8, and a server takes only that.")
            }
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            values[String(parts[0])] = String(parts[1])
        }
        request.env = values.isEmpty ? nil : values
        return request
    }

    /// For this machine: its words are in ``bytes``, its variables in ``environmentHere()``, and it begins here.
    var requestHere: RunRequest {
        RunRequest(
            command: bytes.map { String(decoding: $0, as: UTF8.self) },
            timeoutSeconds: timeout.map { Int($0.duration.components.seconds) }, streams: streams)
    }

    /// What is shown as a command that the server doesn't run: as much as is worth reading, well below what a server
    /// takes.
    var shown: [String] {
        var (left, words) = (16 << 10, [String]())
        for word in bytes {
            guard word.count < left else {
                words.append(String(decoding: word.prefix(max(0, left)), as: UTF8.self) + "…")
                return words
            }
            left -= word.count + 1
            words.append(String(decoding: word, as: UTF8.self))
        }
        return words
    }

    /// This process's environment with what `--env` adds, byte for byte.
    func environmentHere() throws -> CommandEnvironment {
        try variables().reduce(.inherited) { $0.setting($1) }
    }

    /// The variables that `--env` adds, `NAME=value`, byte for byte.
    private func variables() throws -> [[UInt8]] {
        try env.map { assignment in
            let bytes = ProcessArguments.bytes(of: assignment, for: "--env", "-e")
            let name = bytes.prefix { $0 != UInt8(ascii: "=") }
            guard !name.isEmpty else { throw ValidationError("--env \(assignment): there is no name.") }
            guard name.count == bytes.count else { return bytes }
            guard let value = CommandEnvironment.inherited[String(decoding: name, as: UTF8.self)] else {
                throw ValidationError("--env \(assignment): there is no such variable here.")
            }
            return Array(name) + [UInt8(ascii: "=")] + value
        }
    }
}

extension ExecutionOutcome {
    /// What a command that waited for this outcome exits with: the command's own code.
    var processExitCode: Int32 {
        switch (status, exitCode) {
        // A process's code has eight bits; a failure must not become a success by that.
        case (_, let code?): code & 0xFF == 0 && code != 0 ? 1 : code & 0xFF
        case (.succeeded, nil): 0
        case (_, nil): reason == nil ? 1 : Root.failure.rawValue
        }
    }

    /// For people: `FAILED, exit code 3`.
    var sentence: String {
        var words = [status.rawValue]
        if let exitCode { words.append("exit code \(exitCode)") }
        switch reason {
        case .timedOut: words.append("its time limit passed")
        case .stopRequested: words.append("a stop was requested")
        case .notStarted: words.append("it was not started")
        case .runnerLost: words.append("the process that ran it is gone")
        case .producerLost: words.append("its producer is gone")
        case .keyRevoked: words.append("the key that registered it was revoked")
        case nil: break
        }
        return words.joined(separator: ", ")
    }
}

/// In what a command runs where each has a task of its own: the AWS form. An embedded server refuses them.
struct TaskOptions: ParsableArguments {
    @Option(help: "The profile, as an administrator has made it with `everyline-aws profiles add`.")
    var profile: String?
    @Option(help: ArgumentHelp("What it has of a processor, in 1024ths. (default: the profile's)", valueName: "units"))
    var cpu: Int?
    @Option(help: ArgumentHelp("What it has of memory. (default: the profile's)", valueName: "mib"))
    var memory: Int?
    @Option(help: ArgumentHelp("A secret of the profile that it has as a variable of this name.", valueName: "name"))
    var secret: [String] = []

    func add(to request: inout RunRequest) {
        request.profile = profile
        request.cpu = cpu
        request.memory = memory
        request.secrets = secret.isEmpty ? nil : secret
    }
}
