import EverylineAWS
import Testing

@Suite("A profile's credentials")
struct ProfileCredentialsTests {
    private func credentials(
        _ files: [String: String], _ environment: [String: String] = [:]
    ) async throws -> AWSCredentials? {
        let environment = environment.merging(["HOME": "/home/ann"]) { first, _ in first }
        return try await ProfileCredentials(environment, readFile: { files[$0] }).credentials()
    }

    private let keys = """
        # a comment
        [default]
        aws_access_key_id = AKID
        aws_secret_access_key=hidden/+=
        [ other ]
        AWS_ACCESS_KEY_ID=OTHER
        aws_secret_access_key = secret
        aws_session_token = T
        s3 =
          aws_session_token = not this one
        """

    @Test("are the default's, unless another is asked for")
    func profiles() async throws {
        let files = ["/home/ann/.aws/credentials": keys]
        #expect(
            try await credentials(files) == AWSCredentials(accessKeyID: "AKID", secretAccessKey: "hidden/+="))
        #expect(
            try await credentials(files, ["AWS_PROFILE": "other"])
                == AWSCredentials(accessKeyID: "OTHER", secretAccessKey: "secret", sessionToken: "T"))
    }

    @Test("may stand in the configuration's file, where a profile's section says so")
    func configuration() async throws {
        let files = [
            "/config": "[profile p]\naws_access_key_id=C\naws_secret_access_key=D\n[p]\naws_access_key_id=wrong\n"
        ]
        let environment = ["AWS_CONFIG_FILE": "/config", "AWS_PROFILE": "p"]
        #expect(try await credentials(files, environment)?.accessKeyID == "C")
    }

    @Test("are nowhere if there are no files, which is an error only for a profile that was asked for")
    func missing() async throws {
        #expect(try await credentials([:]) == nil)
        await #expect(throws: CredentialError.self) { try await credentials([:], ["AWS_PROFILE": "p"]) }
    }

    @Test(
        "that are elsewhere are an error which says how to get at them",
        arguments: ["sso_session = x", "role_arn = arn:aws:iam::1:role/x", "credential_process = /bin/x"])
    func elsewhere(_ setting: String) async {
        await #expect {
            _ = try await credentials(["/home/ann/.aws/config": "[default]\n\(setting)\n"])
        } throws: {
            "\($0)".contains("export-credentials")
        }
    }
}
