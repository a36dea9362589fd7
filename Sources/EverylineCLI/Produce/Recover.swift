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
            late, because its log was ended or removed meanwhile, is kept, said once, and not tried again.
            """)

    @OptionGroup(title: "Connection")
    var connection: ConnectionOptions

    func run() async throws {
        var failures = 0
        for directory in try ProducerDirectory.abandoned() {
            do {
                guard try directory.files.claim() else { continue }
                print(try await deliver(directory))
            } catch let error where !(error is CancellationError) {
                failures += 1
                Console.say("\(directory.files.execution): \(error). It is kept in \(directory.files.path).")
            }
        }
        if failures > 0 { throw Root.failure }
    }

    /// - Returns: what the server calls the execution.
    private func deliver(_ directory: ProducerDirectory) async throws -> ExecutionID {
        let origin = try await registered(directory)
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
                "\(isTooLate ? "it comes too late" : "the server refuses it"): \(error); delete it when it isn't needed any more"
            )
        }
        directory.files.remove()
        return execution
    }

    /// Where the output belongs. What no server has heard of yet is registered.
    private func registered(_ directory: ProducerDirectory) async throws -> ProducerDirectory.Origin {
        let origin = try directory.origin()
        guard origin.appendToken == nil, let command = origin.command else { return origin }
        var configuration = try connection.configuration()
        // It belongs to the server that it was meant for, unless another one is named.
        if connection.url == nil {
            configuration = EverylineClient.Configuration(
                address: try ServerAddress(origin.url), credential: configuration.credential,
                caFile: origin.caFile)
        }
        return try await EverylineClient.with(configuration) { client in
            let request = RegisterRequest(command: command, place: origin.place ?? CommandPlace())
            try LateRegistration.note(try await client.register(request), in: directory, configuration)
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
