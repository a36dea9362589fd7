import ArgumentParser
import Everyline
import EverylineClient
import Glibc

struct Logs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print an execution's log, from any point, and follow it.",
        discussion: """
            Prints what the log holds by now; with -f, everything to its end, across any disconnect. Exits with 0 once it \
            is proved that every event from the start that was asked for has been printed, otherwise with 125: also if the \
            server is restored from a backup meanwhile and has taken back events that were printed.
            """)

    @Argument(help: ArgumentHelp("The execution, or the beginning of its id.", valueName: "execution"))
    var id: ExecutionID?
    @Flag(help: "Take the newest execution.")
    var last = false
    @Flag(name: .shortAndLong, help: "Follow the log to its end.")
    var follow = false
    @Option(help: ArgumentHelp("Begin after this event.", valueName: "offset"))
    var after: Offset?
    @Option(
        help: ArgumentHelp(
            "Begin with what isn't older: 10m (ago), 2025-11-18T21:06:40Z, or milliseconds.", valueName: "time"))
    var since: String?
    @Option(help: ArgumentHelp("Start with the last N lines.", valueName: "n"))
    var tail: Int?
    @Flag(help: "Exit with the command's exit code.")
    var exitStatus = false
    @OptionGroup(title: "Output")
    var output: OutputOptions
    @OptionGroup(title: "Connection")
    var connection: ConnectionOptions

    func validate() throws {
        guard last != (id != nil) else { throw ValidationError("Say which execution: its id, or --last.") }
        guard [after != nil, since != nil, tail != nil].count(where: { $0 }) <= 1 else {
            throw ValidationError("--after, --since and --tail exclude each other.")
        }
        if let tail, tail < 0 { throw ValidationError("--tail must not be negative.") }
        if let since, TimeExpression.parse(since, now: .now) == nil {
            throw ValidationError("--since \(since): write 10m, 2025-11-18T21:06:40Z, or milliseconds since the epoch.")
        }
        guard follow || !exitStatus else { throw ValidationError("--exit-status needs -f: only the end has one.") }
    }

    func run() async throws {
        guard let result = try await connection.withClient({ try await print($0) }) else { return }
        if let outcome = result.outcome, outcome.status != .succeeded { Console.say(outcome.sentence) }
        if result.holdsVoidEvents { throw CLIError("what was printed is not the log: print it again.") }
        guard let outcome = result.outcome else { return }
        if exitStatus, outcome.processExitCode != 0 { throw ExitCode(outcome.processExitCode) }
    }

    /// - Returns: `nil` if there was nothing to print.
    private func print(_ client: EverylineClient) async throws -> TailPrinter.Result? {
        let execution = try await RetryPolicy.fewTimes.run { try await find(client) }
        guard let id = ExecutionID(execution.executionID), execution.lastOffset <= Offset.maximum.rawValue else {
            throw CLIError("the server gave no usable execution")
        }
        let head = Offset(execution.lastOffset)
        let hasEnded = execution.endedAt != nil
        guard let start = try await start(client, id, head, hasEnded: hasEnded) else { return nil }
        if !follow, case .after(let offset) = start, offset == head { return nil }
        return try await output.printer()
            .print(client.follow(id, from: start), through: follow || hasEnded ? nil : head)
    }

    private func find(_ client: EverylineClient) async throws -> ExecutionView {
        if let id { return try await client.execution(named: id) }
        guard let newest = try await client.executions(limit: 1).executions.first else {
            throw CLIError("there are no executions yet")
        }
        return newest
    }

    /// The event that the last lines follow. Looks through more and more of the log's end until there are as many lines
    /// in it.
    private func start(
        ofLast count: Int, _ client: EverylineClient, _ id: ExecutionID, _ head: Offset
    ) async throws -> Offset {
        guard count > 0 else { return head }
        // Beside the lines there may be the end, and what stands before them shows that the first is no line's rest.
        var distance = min(UInt64(count), head.rawValue) + 2
        while true {
            let before = Offset(head.rawValue - min(distance, head.rawValue))
            var lines = LastLines(count, isWhole: before == .zero)
            for try await update in client.follow(id, from: .after(before)) {
                guard case .events(let block) = update else { continue }
                guard let part = block.prefix(through: head) else { break }
                try lines.take(part)
                if part.last >= head { break }
            }
            if let start = lines.start { return start }
            if before == .zero { return .zero }
            distance *= 4
        }
    }

    /// Where to begin; `nil` if there is nothing to print.
    private func start(
        _ client: EverylineClient, _ id: ExecutionID, _ head: Offset, hasEnded: Bool
    ) async throws -> StreamStart? {
        if let after { return .after(after) }
        if let tail { return .after(try await self.start(ofLast: tail, client, id, head)) }
        guard let since, let time = TimeExpression.parse(since, now: .now) else { return .beginning }
        if follow || hasEnded { return .notOlderThan(time) }
        // A log that goes on may have nothing that young yet; waiting for it is what -f is for.
        guard let first = try await client.firstEvent(of: id, notOlderThan: time), first.offset <= head
        else { return nil }
        return .after(Offset(first.offset.rawValue - 1))
    }
}
