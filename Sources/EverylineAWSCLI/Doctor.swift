import ArgumentParser
import EverylineAWS

/// `everyline-aws doctor`: what is wrong with a deployment, as far as it can be seen from outside.
struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check a deployment: that everything is there as the template makes it, and keeps its promises.",
        discussion: """
            It reads, and writes one item of its own into the table, which it takes away again. With --repair it also has \
            the executions ended whose tasks have stopped unheard. \(AccountOptions.credentials)

            Exit codes: 0 if everything is as it must be, 1 if something is wrong or could not be looked at.
            """)

    @OptionGroup
    var account: AccountOptions

    @Flag(help: "Have the executions ended whose tasks have stopped unheard.")
    var repair = false

    func run() async throws {
        let findings = try await account.withClient { client in
            try await AWSDoctor(
                account.stack, client: client, repairs: repair, probe: String(UInt64.random(in: 0 ... .max), radix: 16),
                now: { .now }
            ).findings()
        }
        for finding in findings { print(finding) }
        if findings.contains(where: { $0.verdict != .good }) { throw ExitCode(1) }
    }
}
