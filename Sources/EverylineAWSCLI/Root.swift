import ArgumentParser
import Everyline

/// The command line for a deployment on AWS. It is a program of its own, so that `everyline` needs nothing of AWS.
@main struct Root: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "everyline-aws", abstract: "Look after Everyline on AWS.", version: ReleaseVersion.current,
        subcommands: [Deploy.self, Destroy.self, ProfilesCommand.self, Doctor.self, Verify.self, Restored.self])
}
