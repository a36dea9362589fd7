import Everyline
import EverylineProducer
import EverylineTesting
import Foundation
import NIOCore
import Testing

@testable import EverylineRunner

/// Real commands, on this machine.
@Suite("A runner", .timeLimit(.minutes(5))) struct RunnerTests {
    private let directory: TemporaryDirectory
    private let execution: ExecutionID

    init() throws {
        directory = try TemporaryDirectory()
        execution = try #require(ExecutionID("tested"))
    }

    private struct Result {
        let outcome: ExecutionOutcome
        let events: [LogEvent]

        var lines: [LogLine] {
            events.compactMap { if case .line(let line) = $0.content { line } else { nil } }
        }
        var messages: [String] { lines.map(\.message) }
        var notices: [String] {
            events.compactMap { if case .notice(let code, _) = $0.content { code } else { nil } }
        }
    }

    private func run(
        _ command: String..., words: [[UInt8]]? = nil, edit: (inout RunRequest) -> Void = { _ in },
        limits: Runner.Limits = .init(), endFields: [String] = [],
        stop: StopSignal = StopSignal(), onStart: @escaping @Sendable (ProcessIdentity) -> Void = { _ in }
    ) async throws -> Result {
        var request = RunRequest(command: command)
        edit(&request)
        let spool = try Spool(in: directory.path + "/spool")
        let environment = CommandEnvironment(
            ["PATH=/usr/bin:/bin", "EVERYLINE_API_KEY=secret", "KEPT=yes"].map { Array($0.utf8) }
        ).withoutSettings
        let recorder = Recorder(spool: spool, lineLimit: .kibibytes(256), now: { Timestamp(milliseconds: 5) })
        let runner = Runner(
            CommandProcess(request, words: words, environment: environment), of: execution, recorder: recorder,
            stop: stop, limits: limits, endFields: endFields,
            clock: ContinuousClock(), onStart: onStart)
        let outcome = try await runner.run()
        return Result(outcome: outcome, events: try events(of: spool))
    }

    /// A process of its own writes the script: a file that this process writes stays open for writing in each child
    /// that another test forks meanwhile, until that child executes its program, and the kernel refuses to run such a
    /// file (ETXTBSY, execve(2)).
    private func script(_ name: String, _ text: String) async throws -> String {
        let path = directory.path + "/" + name
        let written = try await run("sh", "-c", #"printf %s "$0" >"$1" && chmod +x "$1""#, text, path)
        #expect(written.outcome.status == .succeeded)
        try FileManager.default.removeItem(atPath: directory.path + "/spool")
        return path
    }

    /// The spool's lines as the log's events: with the offsets that the server gives them.
    private func events(of spool: Spool) throws -> [LogEvent] {
        var events: [LogEvent] = []
        while let (lines, last) = try spool.read(after: Offset(UInt64(events.count)), limit: .mebibytes(1)) {
            for line in String(buffer: lines).split(separator: "\n") {
                let numbered = "{\"offset\":\(events.count + 1)," + line.dropFirst()
                events += try LogEvent.decode(lines: ByteBuffer(string: numbered))
            }
            #expect(last.rawValue == UInt64(events.count))
        }
        #expect(events.map(\.timestamp) == events.map(\.timestamp).sorted())
        return events
    }

    @Test("says what the command took, with what it waited for, to a server that knows the words for it")
    func usage() async throws {
        // More than this process, which other tests make larger meanwhile.
        let memory = try Self.ownMemory() + 200_000_000
        let script = "my $n = \(memory); $_ = 'x' x $n; my $t = times; 1 while times - $t < 0.3"
        let result = try await run("sh", "-c", #"perl -e "$0"; exit 3"#, script, endFields: ResourceUsage.fields)
        let usage = try #require(result.outcome.usage)
        #expect(result.outcome.exitCode == 3)
        #expect(try #require(usage.cpuMilliseconds) >= 300)
        #expect(try #require(usage.peakMemory) > memory)
        #expect(result.events.last?.content == .end(result.outcome))
    }

    /// The most memory that this process has had, in bytes.
    private static func ownMemory() throws -> Int64 {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
        return try #require(Int64(line.split(whereSeparator: { " \t".contains($0) })[1])) * 1024
    }

    @Test("says nothing of it to a server that doesn't, and no memory that may be its own", arguments: [true, false])
    func noUsage(isKnown: Bool) async throws {
        let result = try await run("true", endFields: isKnown ? ResourceUsage.fields : [])
        #expect((result.outcome.usage != nil) == isKnown)
        #expect(result.outcome.usage?.peakMemory == nil)
    }

    @Test("obeys a job that a server of an earlier release has written, and sends it no field that it doesn't know")
    func earlierJob() throws {
        let text =
            #"{"execution":"e","append_token":"t","request":{"command":["true"]},"server_socket":"/s","line_limit":9}"#
        #expect(try JSONDecoder().decode(RunnerJob.self, from: Data(text.utf8)).endFields == nil)
    }

    @Test("records the output of both streams in the order in which it was written")
    func merged() async throws {
        let result = try await run("sh", "-c", "for i in 1 2 3; do echo out $i; echo err $i >&2; done; exit 3")
        #expect(result.messages == ["out 1", "err 1", "out 2", "err 2", "out 3", "err 3"])
        #expect(result.lines.allSatisfy { $0.stream == nil })
        #expect(result.outcome == ExecutionOutcome(status: .failed, exitCode: 3))
        #expect(result.events.last?.content == .end(result.outcome))
    }

    @Test("tells the streams apart where that is asked for")
    func split() async throws {
        let result = try await run("sh", "-c", "echo out; echo err >&2; echo out") { $0.streams = .split }
        #expect(result.lines.filter { $0.stream == .stdout }.map(\.message) == ["out", "out"])
        #expect(result.lines.filter { $0.stream == .stderr }.map(\.message) == ["err"])
    }

    @Test("keeps what a terminal would not: empty lines, carriage returns, NUL, and a last line without its newline")
    func bytes() async throws {
        let result = try await run("printf", "a\\n\\n\\r50%%\\r100%%\\n\\000\\377\\nlast")
        #expect(result.messages == ["a", "", "\r50%\r100%", "\u{0}\u{FFFD}", "last"])
        #expect(result.outcome == ExecutionOutcome(status: .succeeded, exitCode: 0))
    }

    @Test("says why a command can't be started", arguments: [(["/nonexistent/x"], 127), (["no-such-program-x"], 127)])
    func notFound(command: [String], code: Int) async throws {
        let result = try await run(command[0])
        #expect(result.outcome == ExecutionOutcome(status: .failed, exitCode: Int32(code), reason: .notStarted))
        #expect(result.notices == ["not_started"])
    }

    @Test("says so of a file that is no program, and of a directory that is not there")
    func notExecutable() async throws {
        let file = directory.path + "/file"
        try Data("hello".utf8).write(to: URL(fileURLWithPath: file))
        #expect(try await run(file).outcome.exitCode == 126)
        try FileManager.default.removeItem(atPath: directory.path + "/spool")
        let moved = try await run("true") { $0.workingDirectory = "/nonexistent" }
        #expect(moved.outcome == ExecutionOutcome(status: .failed, exitCode: 126, reason: .notStarted))
    }

    @Test("gives the command its environment and directory, and none of Everyline's secrets")
    func environment() async throws {
        let result = try await run("sh", "-c", "pwd; env") {
            $0.workingDirectory = "/usr"
            $0.env = ["ADDED": "1", "KEPT": "no"]
        }
        let found = Set(result.messages)
        #expect(found.isSuperset(of: ["/usr", "ADDED=1", "KEPT=no", "EVERYLINE_EXECUTION_ID=\(execution)"]))
        #expect(!result.messages.contains { $0.contains("secret") })
    }

    @Test("hands on words that are no text byte for byte")
    func bytesOfWords() async throws {
        let word: [UInt8] = [0xE9, 0x0A, 0xFF]
        let result = try await run(
            "printf",
            words: [
                Array("sh".utf8), Array("-c".utf8), Array("printf %s \"$1\" | od -An -tx1".utf8), Array("sh".utf8),
                word,
            ])
        #expect(result.messages == [" e9 0a ff"])
    }

    @Test("looks a program up in the command's own path, and runs a script without a first line by the shell")
    func lookUp() async throws {
        _ = try await script("greeting", "echo hello $1\n")
        let result = try await run("greeting", "you") { $0.env = ["PATH": "/nonexistent:\(directory.path):/usr/bin"] }
        #expect(result.messages == ["hello you"])
    }

    @Test(
        "says of a script whose interpreter isn't there which one it is",
        arguments: [("#!/no/such\n", "/no/such which"), ("#! /bin/sh\r\n", "carriage return")])
    func interpreter(line: String, named: String) async throws {
        let result = try await run(try await script("script", line))
        #expect(result.outcome == ExecutionOutcome(status: .failed, exitCode: 126, reason: .notStarted))
        guard case .notice(_, let message) = result.events[0].content else {
            Issue.record("\(result.events)")
            return
        }
        #expect(message.contains(named))
    }

    @Test(
        "gives the command none of its own descriptors, no signal that is ignored or blocked, and a session of its own")
    func clean() async throws {
        let file = open("/dev/null", O_RDONLY)
        defer { close(file) }
        let result = try await run(
            "sh", "-c", "ls /proc/$$/fd; grep -E '^Sig(Ign|Blk):' /proc/self/status; ps -o sid= -o pid= -p $$")
        // The shell itself has 0, 1 and 2, and 10 or more for its own use.
        #expect(result.messages.prefix(3) == ["0", "1", "2"])
        // 32 and 33 are glibc's own, which it lets no program change.
        let masks = result.messages.filter { $0.hasPrefix("Sig") }.compactMap { UInt64($0.suffix(16), radix: 16) }
        #expect(masks.map { $0 & ~(3 << 31) } == [0, 0])
        let ids = try #require(result.messages.last).split(separator: " ")
        #expect(ids.count == 2 && ids[0] == ids[1])
    }

    @Test("lets what a command left behind write on when its log has ended")
    func drained() async throws {
        var limits = Runner.Limits()
        limits.lingering = .milliseconds(100)
        let (gate, done) = (directory.path + "/gate", directory.path + "/done")
        #expect(mkfifo(gate, 0o600) == 0 && mkfifo(done, 0o600) == 0)
        let result = try await run(
            "sh", "-c", "(read go < \(gate); seq 100000; echo $? > \(done)) & echo now", limits: limits)
        #expect(result.notices == ["output_held"])
        try Data("go\n".utf8).write(to: URL(fileURLWithPath: gate))
        let ending = try #require(FileHandle(forReadingAtPath: done))
        #expect(try ending.readToEnd() == Data("0\n".utf8))
    }

    @Test("gives the number of the signal that ended the command as a shell does")
    func signalled() async throws {
        let result = try await run("sh", "-c", "kill -9 $$")
        #expect(result.outcome == ExecutionOutcome(status: .failed, exitCode: 137))
    }

    @Test("ends a command whose time has passed, with its children")
    func timeout() async throws {
        let result = try await run("sh", "-c", "echo begun; sleep 1000 & sleep 1000") { $0.timeoutSeconds = 1 }
        #expect(result.outcome == ExecutionOutcome(status: .failed, exitCode: 124, reason: .timedOut))
        #expect(result.messages == ["begun"])
    }

    @Test("stops a command when asked, and lets it say goodbye")
    func stopped() async throws {
        let stop = StopSignal()
        let result = try await run(
            "sh", "-c", "trap 'echo goodbye; exit 7' TERM; while :; do sleep 0.01; done",
            stop: stop, onStart: { process in Self.whenTrapping(process) { stop.stop(.requested) } })
        #expect(result.outcome == ExecutionOutcome(status: .stopped, exitCode: 7, reason: .stopRequested))
        // The shell may have something to say of its child, which was stopped too.
        #expect(result.messages.last == "goodbye")
    }

    @Test("kills a command that won't stop")
    func stubborn() async throws {
        let stop = StopSignal()
        var limits = Runner.Limits()
        limits.grace = .milliseconds(300)
        let result = try await run(
            "sh", "-c", "trap '' TERM; while :; do sleep 0.01; done", limits: limits, stop: stop,
            onStart: { _ in stop.stop(.requested) })
        #expect(result.outcome.status == .stopped)
        #expect(result.outcome.exitCode == 137 || result.outcome.exitCode == 143)
    }

    @Test("doesn't wait for ever for what a command left behind")
    func leftovers() async throws {
        var limits = Runner.Limits()
        limits.lingering = .milliseconds(200)
        let pids = directory.path + "/pid"
        let result = try await run("sh", "-c", "echo done; sleep 1000 & echo $! > \(pids)", limits: limits)
        #expect(result.messages == ["done"])
        #expect(result.notices == ["output_held"])
        #expect(result.outcome == ExecutionOutcome(status: .succeeded, exitCode: 0))
        let pid = try #require(Int32(String(contentsOfFile: pids, encoding: .utf8).filter(\.isNumber)))
        #expect(kill(pid, SIGKILL) == 0)
    }

    @Test("records what a command left behind writes, if that ends in time")
    func shortLeftovers() async throws {
        var limits = Runner.Limits()
        limits.lingering = .seconds(60)
        let result = try await run("sh", "-c", "(sleep 0.2; echo later) & echo now", limits: limits)
        #expect(result.messages == ["now", "later"])
        #expect(result.notices.isEmpty)
    }

    /// Calls `body` once the process catches SIGTERM (proc_pid_status(5), `SigCgt`).
    private static func whenTrapping(_ process: ProcessIdentity, _ body: @escaping @Sendable () -> Void) {
        Thread.detachNewThread {
            while true {
                let status = (try? String(contentsOfFile: "/proc/\(process.pid)/status", encoding: .utf8)) ?? ""
                let caught = status.split(separator: "\n").first { $0.hasPrefix("SigCgt:") }?.split(separator: "\t")
                    .last
                if let mask = caught.flatMap({ UInt64($0, radix: 16) }), mask & (1 << 14) != 0 { return body() }
                usleep(1000)
            }
        }
    }
}
