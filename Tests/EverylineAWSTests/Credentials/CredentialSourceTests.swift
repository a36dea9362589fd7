import Everyline
import EverylineAWS
import NIOHTTP1
import Testing

@Suite("Credentials")
struct CredentialSourceTests {
    private let document = """
        {"Code":"Success","AccessKeyId":"AKID","SecretAccessKey":"hidden","Token":"T","Expiration":"2026-11-24T09:05:00Z"}
        """
    private let fromDocument = AWSCredentials(
        accessKeyID: "AKID", secretAccessKey: "hidden", sessionToken: "T",
        expiresAt: Timestamp(milliseconds: 1_795_511_100_000))

    @Test("say nothing of their secret, however they are printed")
    func printing() {
        let credentials = AWSCredentials(accessKeyID: "AKID", secretAccessKey: "hidden", sessionToken: "token")
        var dumped = ""
        dump(credentials, to: &dumped)
        for text in ["\(credentials)", String(reflecting: credentials), dumped, "\([credentials])"] {
            #expect(!text.contains("hidden") && !text.contains("token"))
        }
    }

    @Test("come from the environment")
    func environment() async throws {
        let found = try await EnvironmentCredentials([
            "AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "hidden", "AWS_SESSION_TOKEN": "T",
        ]).credentials()
        #expect(found == AWSCredentials(accessKeyID: "AKID", secretAccessKey: "hidden", sessionToken: "T"))
        #expect(try await EnvironmentCredentials([:]).credentials() == nil)
        await #expect(throws: CredentialError.self) {
            try await EnvironmentCredentials(["AWS_ACCESS_KEY_ID": "AKID"]).credentials()
        }
    }

    @Test("come from the agent of an ECS container")
    func container() async throws {
        let http = ScriptedHTTP([.answer(200, document)])
        let source = ContainerCredentials(
            ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/x"], http: http, readFile: { _ in "" })
        #expect(try await source.credentials() == fromDocument)
        #expect(http.requests.map(\.url) == ["http://169.254.170.2/v2/credentials/x"])
        let nothing = ContainerCredentials([:], http: http, readFile: { _ in "" })
        #expect(try await nothing.credentials() == nil)
    }

    @Test("come from any agent on this host, which is shown the token of a file as it is now")
    func containerWithToken() async throws {
        let http = ScriptedHTTP([.answer(200, document)])
        let source = ContainerCredentials(
            [
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials",
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/token",
            ], http: http, readFile: { "token of \($0)\n" })
        #expect(try await source.credentials() == fromDocument)
        #expect(http.requests[0].headers["Authorization"] == ["token of /token"])
    }

    @Test(
        "are never asked for where a token would travel in the clear",
        arguments: ["http://example.com/x", "http://169.254.170.2.example.com/", "ftp://127.0.0.1/", "http://a@b/"])
    func foreignAgent(_ url: String) async {
        let http = ScriptedHTTP([.answer(200, document)])
        let source = ContainerCredentials(
            ["AWS_CONTAINER_CREDENTIALS_FULL_URI": url, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "t"], http: http,
            readFile: { _ in "" })
        await #expect(throws: CredentialError.self) { try await source.credentials() }
        #expect(http.requests.isEmpty)
    }

    @Test("come from an instance's metadata, under a session")
    func instance() async throws {
        let http = ScriptedHTTP([.answer(200, "session"), .answer(200, "role\n"), .answer(200, document)])
        #expect(try await InstanceCredentials([:], http: http).credentials() == fromDocument)
        #expect(
            http.requests.map { "\($0.method.rawValue) \($0.path)" } == [
                "PUT /latest/api/token", "GET /latest/meta-data/iam/security-credentials/",
                "GET /latest/meta-data/iam/security-credentials/role",
            ])
        #expect(http.requests[0].headers["X-aws-ec2-metadata-token-ttl-seconds"] == ["300"])
        for request in http.requests[1...] { #expect(request.headers["X-aws-ec2-metadata-token"] == ["session"]) }
    }

    @Test("don't come from a machine that is no instance, nor from one whose metadata is turned off")
    func noInstance() async throws {
        let silent = ScriptedHTTP([.failure(.timedOut)])
        #expect(try await InstanceCredentials([:], http: silent).credentials() == nil)
        let unused = ScriptedHTTP([])
        #expect(try await InstanceCredentials(["AWS_EC2_METADATA_DISABLED": "true"], http: unused).credentials() == nil)
        #expect(unused.requests.isEmpty)
    }

    @Test("that are no credentials are an error which doesn't quote them", arguments: ["hidden", "{\"a\":\"hidden\"}"])
    func badDocument(_ text: String) async {
        let source = ContainerCredentials(
            ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x"], http: ScriptedHTTP([.answer(200, text)]),
            readFile: { _ in "" })
        await #expect {
            _ = try await source.credentials()
        } throws: {
            !"\($0)".contains("hidden")
        }
    }

    @Test("are looked for in one place after the other; the first that is set up decides")
    func chain() async throws {
        let environment = ["AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "hidden"]
        let http = ScriptedHTTP([])
        let chain = CredentialChain([
            ContainerCredentials([:], http: http, readFile: { _ in "" }), EnvironmentCredentials(environment),
            InstanceCredentials([:], http: http),
        ])
        #expect(try await chain.credentials()?.accessKeyID == "AKID")
        #expect(http.requests.isEmpty)
    }
}
