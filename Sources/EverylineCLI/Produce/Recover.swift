import ArgumentParser
import Everyline
import EverylineClient
import EverylineProducer
import EverylineRunner

struct Recover: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Deliver what an exec or pipe that was killed left behind.",
        discussion: """
            What the server hasn't acknowledged is kept on this machine. This brings it to the server that it was meant for, and \
            ends those logs with the reason runner_lost unless their end had been recorded. It needs no API key, but for what \
            `exec --best-effort` left that no server has heard of: that is registered now. Prints the id \
            of each execution whose log is complete now; exits with 125 if something could not be delivered. What comes too \
            late, because its log was ended or removed meanwhile, or isn't in the backup that the server was restored from, is \
            kept and named each time, until --as-new delivers it as a log of its own or --delete deletes it.
            """)

    @Option(
        help: ArgumentHelp(
            "Deliver what is kept of this execution as a new log; may be repeated.", valueName: "execution"))
    var asNew: [ExecutionID] = []
    @Option(help: ArgumentHelp("Delete what is kept of this execution; may be repeated.", valueName: "execution"))
    var delete: [ExecutionID] = []
    @Option(
        help: ArgumentHelp(
            "Take what a server's runners have left, in this directory: runners/ in its data directory.",
            valueName: "directory"))
    var runners: String?
    @OptionGroup(title: "Connection")
    var connection: ConnectionOptions

    func run() async throws {
        var failures = 0
        // It is read when it is needed first.
        var named: EverylineClient.Configuration?
        func attempt(_ directory: ProducerDirectory, _ body: () async throws -> Void) async throws {
            do {
                guard try runners == nil ? directory.claim() : directory.files.claim() else { return }
                try await body()
            } catch let error where !(error is CancellationError) {
                failures += 1
                Console.say("\(directory.files.execution): \(error). It is kept in \(directory.files.path).")
            }
        }
        let kept = try runners.map { KeptOutput.ofRunners(in: DataDirectory.absolute($0)) } ?? KeptOutput.ofThisUser()
        if !asNew.isEmpty || !delete.isEmpty {
            let waiting = try runners == nil ? ProducerDirectory.abandoned() : []
            for id in delete {
                let all = kept.map(\.directory) + waiting
                guard let directory = all.first(where: { $0.files.execution == id }) else {
                    throw CLIError("nothing is kept of \(id).")
                }
                try await attempt(directory) { directory.remove() }
            }
            for output in try Self.find(asNew, in: kept) {
                try await attempt(output.directory) {
                    try await output.registerAnew(connection, &named)
                    print(try await deliver(output.directory, &named))
                }
            }
        } else {
            for output in kept { Console.say(output.sentence) }
            for directory in try runners == nil ? ProducerDirectory.abandoned() : [] {
                try await attempt(directory) { print(try await deliver(directory, &named)) }
            }
        }
        if failures > 0 { throw Root.failure }
    }

    /// - Throws: ``CLIError`` if nothing is kept of one of them.
    private static func find(_ ids: [ExecutionID], in kept: [KeptOutput]) throws -> [KeptOutput] {
        try ids.map { id in
            guard let output = kept.first(where: { $0.execution == id }) else {
                throw CLIError("nothing is kept of \(id) that its server has refused.")
            }
            return output
        }
    }

    /// - Parameter named: where the user says that the server is, once it was read.
    /// - Returns: what the server calls the execution.
    private func deliver(
        _ directory: ProducerDirectory, _ named: inout EverylineClient.Configuration?
    ) async throws -> ExecutionID {
        let origin = try await registered(directory, &named)
        let execution = origin.execution.flatMap(ExecutionID.init) ?? directory.files.execution
        guard let token = origin.appendToken.flatMap(Credential.init) else {
            throw CLIError("its append token is unusable")
        }
        let spool = try Spool(in: directory.files)
        let configuration = EverylineClient.Configuration(
            address: try ServerAddress(origin.url), caFile: origin.caFile)
        let conclusion = try await EverylineClient.with(configuration) { client in
            let uplink = Uplink(
                spool: spool, endpoint: ProducerEndpoint(client, execution: execution, token: token),
                policy: .fewTimes, clock: ContinuousClock(), now: { .now }, willRetry: { _ in })
            return try await uplink.runForLostProcess()
        }
        if case .refused(let error) = conclusion {
            try directory.keep(refusedWith: error)
            let isTooLate = error.knownCode == .ended || error.knownCode == .unknownExecution
            throw CLIError(
                "\(isTooLate ? "it comes too late" : "the server refuses it"): \(error). \(KeptOutput.ways(directory.files.execution))"
            )
        }
        directory.remove()
        return execution
    }

    /// Where the output belongs. What no server has heard of yet is registered.
    private func registered(
        _ directory: ProducerDirectory, _ named: inout EverylineClient.Configuration?
    ) async throws -> ProducerDirectory.Origin {
        let origin = try directory.origin()
        guard origin.appendToken == nil, let command = origin.command else { return origin }
        let configuration = try connection.configuration(of: origin, &named)
        return try await EverylineClient.with(configuration) { client in
            let request = RegisterRequest(command: command, place: origin.place ?? CommandPlace())
            do {
                let answer = try await client.registerOnce(request, under: origin.registration)
                try LateRegistration.note(answer, of: request, in: directory, configuration)
            } catch {
                guard let absence = ConnectionOptions.absence(of: configuration.address, error) else { throw error }
                throw CLIError("\(absence) No server knows of it yet: --url delivers it to another one")
            }
            return try directory.origin()
        }
    }
}

extension Recover {
    /// Says so if something waits to be delivered.
    static func remind() {
        guard let count = try? ProducerDirectory.abandoned().count, count > 0 else { return }
        let what = count == 1 ? "output of an earlier execution was" : "outputs of \(count) earlier executions were"
        Console.say("\(what) not delivered: `everyline recover` does it.")
    }
}
