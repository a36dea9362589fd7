import Everyline
import EverylineAWS
import EverylineTesting
import NIOCore
import NIOHTTP1
import Testing

@Suite("Commands on ECS") struct ECSCommandsTests {
    private struct Source: CredentialSource {
        func credentials() async throws -> AWSCredentials? {
            AWSCredentials(accessKeyID: "A", secretAccessKey: "s", sessionToken: nil)
        }
    }

    private let http = RecordingHTTP()
    private let tools = CommandProfile(
        name: "tools", image: "i",
        secrets: ["TOKEN": "arn:aws:ssm:r:1:parameter/t", "KEY": "arn:aws:ssm:r:1:parameter/k"],
        taskDefinition: "tools:7")

    private var commands: ECSCommands { commands(over: http) }

    private func commands(over http: any AWSHTTP) -> ECSCommands {
        let client = AWSClient(
            .init(region: "eu-central-1"), http: http, credentials: CredentialCache(Source()),
            clock: InstantClock(), now: { .epoch })
        return ECSCommands(
            cluster: ECSCluster("everyline", client: client),
            placement: .init(taskDefinition: "t", subnets: ["s"], securityGroups: ["g"], assignsPublicIP: false),
            tasks: InMemoryTasks(), profiles: { $0 == "tools" ? tools : nil },
            stream: { LogStreamName(group: "g", name: $0) })
    }

    @Test(
        "are taken up to the last character that ECS takes of the request that is sent, and no further",
        arguments: [
            RunRequest(command: [""]),
            RunRequest(
                command: ["sh", "/\"\\\n\u{1}"], env: ["A": "b", "C": "ü😀"], timeoutSeconds: 60, workingDirectory: "/x"),
        ])
    func limit(request: RunRequest) async throws {
        var request = request
        let length = try await overrides(of: request).utf16.count
        request.command[0] += String(repeating: "x", count: 8192 - length)
        try await commands.check(request)
        #expect(try await overrides(of: request).utf16.count == 8192)
        request.command[0] += "x"
        await #expect(throws: CommandsError.tooLong(8193, limit: 8192)) { try await commands.check(request) }
    }

    @Test("of a profile run in its definition, in the size that was asked for, and with the secrets that were named")
    func profiles() async throws {
        let request = RunRequest(
            command: ["a"], env: ["B": "c"], profile: "tools", cpu: 1024, memory: 4096, secrets: ["TOKEN"])
        try await commands.check(request)
        let overrides = try await overrides(of: request)
        #expect(overrides.contains(#""cpu":"1024""#) && overrides.contains(#""memory":"4096""#))
        #expect(overrides.contains(#"{"name":"EVERYLINE_SECRETS","value":"TOKEN"}"#))
        let body = try #require(http.requests.last.map { String(buffer: $0.body) })
        #expect(body.contains(#""taskDefinition":"tools:7""#) && !body.contains("arn:aws:ssm"))
    }

    @Test(
        "are refused before anything is made if their profile or a secret isn't declared, or a variable would hide one",
        arguments: [
            (RunRequest(command: ["a"], profile: "none"), CommandsError.noProfile("none")),
            (RunRequest(command: ["a"], profile: "tools", secrets: ["OTHER"]), .noSecret("OTHER", profile: "tools")),
            (RunRequest(command: ["a"], secrets: ["TOKEN"]), .noSecret("TOKEN", profile: nil)),
            (RunRequest(command: ["a"], env: ["TOKEN": "x"], profile: "tools"), .takenName("TOKEN")),
            (
                RunRequest(command: ["a"], env: ["EVERYLINE_SECRETS": "TOKEN"], profile: "tools"),
                .takenName("EVERYLINE_SECRETS")
            ),
        ])
    func undeclared(request: RunRequest, error: CommandsError) async throws {
        await #expect(throws: error) { try await commands.check(request) }
        #expect(http.requests.isEmpty)
    }

    @Test("are refused in ECS's words, said to have been started once, or left open where that isn't known")
    func refusals() async throws {
        func error(_ status: Int, _ code: String) async -> (any Error)? {
            let refusal = ScriptedHTTP.Answer.answer(
                status, #"{"message":"no vCPUs"}"#, headers: ["x-amzn-ErrorType": code])
            let commands = commands(over: ScriptedHTTP(Array(repeating: refusal, count: 10)))
            do {
                try await commands.start(RunRequest(command: ["a"]), as: Sample.id("e"))
                return nil
            } catch { return error }
        }
        #expect(await error(400, "ClientException") as? CommandsError == .refused("no vCPUs"))
        #expect(await error(400, "AccessDeniedException") as? CommandsError == .refused("no vCPUs"))
        #expect(await error(409, "ConflictException") == nil)
        #expect((await error(503, "ServerException") as? AWSError)?.status == 503)
        #expect((await error(400, "ThrottlingException") as? AWSError)?.code == .throttled)
    }

    /// The overrides in the request that starts the command.
    private func overrides(of request: RunRequest) async throws -> String {
        var generator = SystemGenerator()
        try await commands.start(request, as: ExecutionID(at: .epoch, using: &generator))
        let body = try #require(http.requests.last.map { String(buffer: $0.body) })
        let parts = body.split(separator: #""overrides":"#)
        return String(try #require(parts.last?.split(separator: #","startedBy":"#).first))
    }
}
