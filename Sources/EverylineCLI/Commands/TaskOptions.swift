import ArgumentParser
import Everyline

/// In what a command runs where each has a task of its own: the AWS form. An embedded server refuses them.
struct TaskOptions: ParsableArguments {
    @Option(help: "The profile, as an administrator has made it with `everyline-aws profiles add`.")
    var profile: String?
    @Option(help: ArgumentHelp("What it has of a processor, in 1024ths. (default: the profile's)", valueName: "units"))
    var cpu: Int?
    @Option(help: ArgumentHelp("What it has of memory. (default: the profile's)", valueName: "mib"))
    var memory: Int?
    @Option(help: ArgumentHelp("A secret of the profile that it has as a variable of this name.", valueName: "name"))
    var secret: [String] = []

    func add(to request: inout RunRequest) {
        request.profile = profile
        request.cpu = cpu
        request.memory = memory
        request.secrets = secret.isEmpty ? nil : secret
    }
}
