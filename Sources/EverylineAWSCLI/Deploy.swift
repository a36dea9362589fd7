import ArgumentParser
import EverylineAWS
import EverylineClient
import EverylineUserFiles
import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `everyline-aws deploy`: everything from an account's credentials to a key in the command line's configuration.
struct Deploy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Deploy Everyline into an AWS account, or update what is deployed.",
        discussion: """
            It looks at credentials, network and quotas before it makes anything. A first deployment that fails leaves nothing \
            behind. An update keeps each parameter that isn't named here. The first deployment makes an administrator's key and \
            writes it, with the address, into the configuration of `everyline`.

            Both files come from a clone: the package from scripts/lambda. \(AccountOptions.credentials)

            Exit codes: 0 if it is deployed, 1 if not.
            """)

    @OptionGroup
    var account: AccountOptions

    @Option(help: "The functions' package.")
    var package = ".build/lambda.zip"

    @Option(help: "The template.")
    var template = "deploy/aws/template.yaml"

    @Option(help: ArgumentHelp("Where commands run, joined by commas. (default: the default VPC's)", valueName: "ids"))
    var subnets: String?

    @Option(
        help: ArgumentHelp("What guards them, joined by commas. (default: the VPC's default group)", valueName: "ids"))
    var securityGroups: String?

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("A parameter of the template: -p Memory=1024", valueName: "name=value"))
    var parameter: [String] = []

    @Option(help: "A bucket for the package. (default: everyline-ACCOUNT-REGION, which is made)")
    var bucket: String?

    @Flag(help: "Don't wait for the commands that an older runner script still runs: their lines become notices.")
    var force = false

    @Option(help: "Whose name the first key has.")
    var user = "admin"

    @Flag(help: "Make a key also on an update.")
    var newKey = false

    func run() async throws {
        let plan = DeploymentPlan(
            stack: account.stack, template: try text(of: template), package: try bytes(of: package),
            parameters: try parameters(), subnets: Self.list(subnets), securityGroups: Self.list(securityGroups),
            bucket: bucket, waits: !force)
        try await Terminal.run(account) { client in
            let deployment = Deployment(client: client, clock: ContinuousClock(), now: { .now }, say: Terminal.say)
            let stack = try await deployment.deploy(plan)
            Terminal.say("address \(stack.address)")
            guard stack.isNew || newKey else { return }
            let key = try await deployment.makeKey(of: account.stack, for: user)
            try introduce(stack.address, key)
        }
    }

    /// Writes the address and the key where `everyline` looks for them. What is there for another server stays; the key
    /// is in a file beside it then.
    private func introduce(_ address: String, _ key: String) throws {
        let environment = ProcessInfo.processInfo.environment
        guard let path = UserFile.path(environment) else {
            throw Terminal.failure(
                "There is no home for the key, and it is lost: set HOME, then deploy with --new-key.")
        }
        let before = try UserFile.read(environment)?.client.values
        guard before?["api_key"] == nil else {
            let file = path.dropLast("config.yaml".count) + "\(account.stack).key"
            try PrivateFile.write(key + "\n", to: String(file))
            Terminal.say("\(path) is for another key: this one, of \(user), is in \(file)")
            return Terminal.say("everyline list --url \(address) --api-key-file \(file)")
        }
        try UserFile.write(url: address, apiKey: key, by: "everyline-aws deploy", to: path)
        Terminal.say("key of \(user), an administrator: written with the address to \(path)")
    }

    private func parameters() throws -> [String: String] {
        var values: [String: String] = [:]
        for assignment in parameter {
            let parts = assignment.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty else {
                throw ValidationError("--parameter \(assignment): it must be NAME=VALUE.")
            }
            values[String(parts[0])] = String(parts[1])
        }
        return values
    }

    private static func list(_ text: String?) -> [String] { text?.split(separator: ",").map(String.init) ?? [] }

    private func text(of path: String) throws -> String { String(decoding: try data(of: path), as: UTF8.self) }

    private func bytes(of path: String) throws -> ByteBuffer { ByteBuffer(bytes: try data(of: path)) }

    private func data(of path: String) throws -> Data {
        guard FileManager.default.fileExists(atPath: path) else {
            throw Terminal.failure("\(path) isn't there. Run this in a clone, after scripts/lambda, or name the file.")
        }
        return try Data(contentsOf: URL(fileURLWithPath: path))
    }
}
