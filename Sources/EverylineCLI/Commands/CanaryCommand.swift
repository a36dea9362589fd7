import ArgumentParser
import Everyline
import EverylineCanary
import EverylineClient
import Glibc
import UnixSignals

struct CanaryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "canary",
        abstract: "Try the promise on a running server: every line, once, in order, across cut connections.",
        discussion: """
            Registers an execution, appends numbered lines to it, and follows them from many viewers of all kinds, each \
            through a proxy of its own that cuts, pauses and crumbles its connections. Every line is checked, on the wire \
            and as a program gets it. Exits with 0 if nothing was missing, doubled, out of order or changed, with 1 if \
            anything was, with 125 if it couldn't be tried.

            As it is it takes a few seconds, to see whether a server in production is well. The execution stays there, as \
            `everyline canary`. Ctrl-C stops writing, and the verdict is on what was written.
            """)

    @Option(help: "How many lines.")
    var lines: UInt64 = 10_000
    @Option(help: "How many of them are due a second; 0 for as fast as the server takes them.")
    var rate: UInt64 = 5_000
    @Option(help: "How long to write, instead of how many lines: 30s, 10m, 2h.")
    var duration: TimeSpan?
    @Option(help: "How many become due at once.")
    var batch: UInt64 = 1
    @Option(help: "A line's length in bytes.")
    var lineBytes = 64
    @Option(help: "How many follow.")
    var viewers = 10
    @Option(help: "How often a connection is cut, over all viewers.")
    var cuts = 20
    @Option(help: "How many of the viewers stop reading, until all others are done.")
    var stalled = 0
    @Option(help: "How long a viewer may get nothing while there is something. (default: 30s)")
    var patience: TimeSpan?
    @Option(help: "What makes the same faults come again. (default: another one each time)")
    var seed: UInt64?
    @Option(name: .shortAndLong, help: "text: one line; json: all figures.")
    var output: OutputOptions.Format = .text
    @OptionGroup(title: "Connection")
    var connection: ConnectionOptions

    func validate() throws {
        if duration != nil, rate == 0 { throw ValidationError("--duration needs a --rate.") }
        if let fault = settings.fault { throw ValidationError("\(fault).") }
    }

    func run() async throws {
        let settings = settings
        let canary = Canary(settings, configuration: try connection.configuration(), now: .now)
        let report = try await withThrowingTaskGroup(of: CanaryReport?.self) { group in
            group.addTask {
                try await canary.run { id in
                    Console.say("execution \(id), seed \(settings.seed)")
                }
            }
            group.addTask {
                try await Self.stopWhenAsked(canary)
                return nil
            }
            group.addTask {
                while true {
                    try await ContinuousClock().sleep(for: .seconds(10))
                    Console.say(canary.progressText)
                }
            }
            defer { group.cancelAll() }
            while let result = try await group.next() {
                if let result { return result }
            }
            throw CancellationError()
        }
        for failure in report.failures { Console.say("a viewer gave up: \(failure)") }
        switch output {
        case .json: try Console.print(json: report)
        case .text:
            let lines = report.text.split(separator: "\n", omittingEmptySubsequences: false)
            try Console.print(lines.map(String.init))
        }
        if !report.isSound { throw ExitCode(1) }
    }

    private var settings: CanarySettings {
        var settings = CanarySettings()
        settings.lines = duration.map { lines(in: $0.duration) } ?? lines
        settings.rate = rate
        settings.batch = batch
        settings.lineBytes = lineBytes
        settings.viewers = viewers
        settings.cuts = cuts
        settings.stalled = stalled
        if let patience { settings.patience = patience.duration }
        settings.seed = seed ?? .random(in: 0...UInt64(UInt32.max))
        return settings
    }

    /// As many as are due in that time, and at most one more than are allowed.
    private func lines(in duration: Duration) -> UInt64 {
        let lines = duration / .seconds(1) * Double(rate)
        return lines > Double(CanarySettings.mostLines) ? CanarySettings.mostLines + 1 : UInt64(lines)
    }

    /// The second time nothing is waited for any more.
    private static func stopWhenAsked(_ canary: Canary) async throws {
        var isStopping = false
        for await signal in await UnixSignalsSequence(trapping: .sigint, .sigterm) {
            if isStopping { throw ExitCode(128 + signal.rawValue) }
            isStopping = true
            if signal == .sigint { Console.signalCame() }
            Console.say("waiting for the viewers to get what was written …")
            canary.stop()
        }
    }
}
