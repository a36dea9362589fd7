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
            ends those logs with the reason runner_lost unless their end had been recorded. It needs no API key. Prints the id \
            of each execution whose log is complete now; exits with 125 if something could not be delivered. What comes too \
            late, because its log was ended or removed meanwhile, is kept, said once, and not tried again.
            """)

    func run() async throws {
        var failures = 0
        for directory in try ProducerDirectory.abandoned() {
            do {
                guard try directory.files.claim() else { continue }
                try await deliver(directory)
                print(directory.files.execution)
            } catch let error where !(error is CancellationError) {
                failures += 1
                Console.say("\(directory.files.execution): \(error). It is kept in \(directory.files.path).")
            }
        }
        if failures > 0 { throw Root.failure }
    }

    private func deliver(_ directory: ProducerDirectory) async throws {
        let (origin, execution) = (try directory.origin(), directory.files.execution)
        guard let token = Credential(origin.appendToken) else { throw CLIError("its append token is unusable") }
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
