import EverylineAWS

/// Credentials that are always the same.
struct FixedCredentials: CredentialSource {
    func credentials() async throws -> AWSCredentials? {
        AWSCredentials(accessKeyID: "AKIDEXAMPLE", secretAccessKey: "secret")
    }
}
