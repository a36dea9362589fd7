import ArgumentParser
import Everyline
import EverylineAWS

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `everyline-aws verify ID`: whether a log is what the command wrote, as far as CloudWatch has it.
struct Verify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Hold an ended log against CloudWatch, line for line.",
        discussion: """
            It only reads. Each line's text is compared under its number; lost lines, late ones and what was written past the \
            script are told apart. What differs is named. It takes 16 bytes a line in TMPDIR, and five pages of CloudWatch a \
            second, up to 10,000 lines each. \(AccountOptions.credentials)

            Exit codes: 0 if the log is the same, 1 if it differs, 2 if it could not be compared.
            """)

    @OptionGroup
    var account: AccountOptions

    @Argument(help: "The execution's id.")
    var id: String

    func run() async throws {
        guard let execution = ExecutionID(id) else { throw ValidationError("'\(id)' is no execution's id.") }
        let result: LogVerification
        do {
            result = try await account.withClient { client in
                let directory = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
                return try await DeployedLogs(stack: account.stack, client: client, now: { .now })
                    .verify(execution, keepingDigestsIn: directory)
            }
        } catch let error as ValidationError {
            throw error
        } catch {
            _ = Terminal.failure("\(error)")
            throw ExitCode(2)
        }
        for line in result.summary { Terminal.say(line) }
        if !result.isSame { throw ExitCode(1) }
    }
}
