import Everyline
import EverylineClient
import EverylineProducer
import EverylineRunner

/// Output that its server takes no more, because its log has ended without it or isn't known there any more: nothing
/// deletes it but a human's word.
struct KeptOutput {
    let directory: ProducerDirectory
    let reason: String
    /// What was run; `nil` where that isn't known any more.
    private let command: [String]?
    /// The flag by which `recover` finds it, with its argument; empty for what `exec` and `pipe` have left.
    private let place: String

    var execution: ExecutionID { directory.files.execution }

    /// What this user's `exec` and `pipe` have left.
    ///
    /// - Throws: ``CLIError`` if other users can write where it lies.
    static func ofThisUser() throws -> [KeptOutput] {
        guard let place = try ProducerDirectory.place(makingIt: false) else { return [] }
        return try ProducerDirectory.all(in: place).compactMap { directory in
            guard let reason = directory.refused, !directory.files.isClaimed else { return nil }
            return KeptOutput(
                directory: directory, reason: reason, command: (try? directory.origin())?.command, place: "")
        }
    }

    /// What a server's runners have left. What can't be read isn't there.
    static func ofRunners(in path: String) -> [KeptOutput] {
        guard let place = try? HeldDirectory(path: path), let all = try? ProducerDirectory.all(in: place) else {
            return []
        }
        return all.compactMap { directory in
            let job = JobDirectory(directory.files.execution, in: path)
            guard let reason = job.givenUp, !directory.files.isClaimed else { return nil }
            return KeptOutput(
                directory: directory, reason: reason.split(separator: "\n").joined(separator: " "),
                command: (try? job.job())?.request.command, place: " --runners \(shellWords([path]))")
        }
    }

    /// Which output it is, why and where it is kept, and what can be done with it.
    var sentence: String {
        "output of \(execution) is in \(directory.files.path): \(reason). \(Self.ways(execution, place))"
    }

    /// What can be done with the output of an execution.
    static func ways(_ execution: ExecutionID, _ place: String = "") -> String {
        "`everyline recover\(place) --as-new \(execution)` delivers it as a new log, `--delete \(execution)` deletes it."
    }

    /// Registers a new execution for it, unless that has been done, so that it can be delivered as any other.
    ///
    /// - Parameter connection: where a server is, if the output itself doesn't say.
    /// - Parameter named: the same, once it was read.
    /// - Throws: what the server says; `Errno`.
    func registerAnew(
        _ connection: ConnectionOptions, _ named: inout EverylineClient.Configuration?
    ) async throws {
        let origin = directory.files.holds("origin.json") ? try directory.origin() : nil
        // A runner's has one only if this was begun before, and broken off.
        guard origin == nil || place.isEmpty else { return }
        let former = origin?.execution.flatMap { ExecutionID($0) } ?? execution
        let configuration = try connection.configuration(of: origin, &named)
        let request = RegisterRequest(
            command: command ?? ["everyline", "recover", "--as-new", former.rawValue],
            place: origin?.place ?? CommandPlace())
        try await EverylineClient.with(configuration) { client in
            // Broken off and begun again, it is the same log.
            let answer = try await client.registerOnce(request, under: "as-new-\(former)")
            try await Spool(in: directory.files).begin(
                anewIn: answer.incarnation.flatMap { Incarnation($0) }, after: former, on: ContinuousClock())
            try LateRegistration.note(answer, of: request, in: directory, configuration)
        }
        try directory.forgetRefusal()
    }
}

extension ConnectionOptions {
    /// The server that output was meant for, unless another one is named.
    ///
    /// - Parameter named: what the options, the environment and the file say, once they were read: what is wrong there
    ///   is said once.
    func configuration(
        of origin: ProducerDirectory.Origin?, _ named: inout EverylineClient.Configuration?
    ) throws -> EverylineClient.Configuration {
        let configuration = try named ?? configuration()
        named = configuration
        guard let origin, url == nil else { return configuration }
        return EverylineClient.Configuration(
            address: try ServerAddress(origin.url), credential: configuration.credential, caFile: origin.caFile)
    }
}
