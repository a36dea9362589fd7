import Everyline
import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The JSON document in which a container's agent and an instance's metadata give credentials.
struct CredentialDocument: Decodable {
    let accessKeyID: String
    let secretAccessKey: String
    let token: String?
    let expiration: String?
    /// An instance's says `Success`; a container's has none.
    let code: String?

    enum CodingKeys: String, CodingKey {
        case accessKeyID = "AccessKeyId"
        case secretAccessKey = "SecretAccessKey"
        case token = "Token"
        case expiration = "Expiration"
        case code = "Code"
    }

    /// - Parameter place: where it comes from, for errors.
    static func credentials(from body: ByteBuffer, place: String) throws(CredentialError) -> AWSCredentials {
        let document: CredentialDocument
        do {
            document = try JSONDecoder().decode(Self.self, from: Data(body.readableBytesView))
        } catch {
            // The error itself may quote the document.
            throw CredentialError.invalid(place: place, reason: "the answer isn't the document that it should be")
        }
        if let code = document.code, code != "Success" {
            throw CredentialError.unavailable(place: place, reason: code)
        }
        var expiresAt: Timestamp?
        if let text = document.expiration {
            guard let date = try? Date(text, strategy: .iso8601) else {
                throw CredentialError.invalid(place: place, reason: "the expiration isn't a date")
            }
            expiresAt = Timestamp(milliseconds: Int64(date.timeIntervalSince1970 * 1000))
        }
        return AWSCredentials(
            accessKeyID: document.accessKeyID, secretAccessKey: document.secretAccessKey,
            sessionToken: document.token, expiresAt: expiresAt)
    }
}
