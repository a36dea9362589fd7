import ArgumentParser
import EverylineAWS

/// `everyline-aws destroy`: takes away what `deploy` has made, but for the logs.
struct Destroy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Delete a deployment, and say what of it stays.",
        discussion: """
            The logs stay: the table with every execution, and the commands' output in CloudWatch. \(AccountOptions.credentials)

            Exit codes: 0 if it is deleted, 1 if not.
            """)

    @OptionGroup
    var account: AccountOptions

    @Flag(help: "Don't ask.")
    var yes = false

    func run() async throws {
        try await Terminal.run(account) { client in
            let deployment = Deployment(client: client, clock: ContinuousClock(), now: { .now }, say: Terminal.say)
            let plan = try await deployment.destruction(of: account.stack)
            let kept = [
                "aws dynamodb delete-table --table-name \(plan.table)",
                "aws logs delete-log-group --log-group-name \(plan.logGroup)",
            ]
            Terminal.say(
                "This deletes the stack \(account.stack): its API, its functions, its queues and their messages.")
            Terminal.say(
                "Every execution and its log stay, in the table \(plan.table); commands' output stays in the log "
                    + "group \(plan.logGroup).")
            guard yes || Terminal.confirms(by: account.stack) else {
                throw Terminal.failure("Nothing was deleted.")
            }
            try await deployment.destroy(plan)
            Terminal.say("What stays is deleted by")
            for command in kept { Terminal.say("  \(command)") }
        }
    }
}
