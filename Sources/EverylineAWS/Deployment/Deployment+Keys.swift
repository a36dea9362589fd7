import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Deployment {
    /// Has the API's function make an administrator's key, as each principal may that may invoke it.
    ///
    /// - Returns: the key, which nothing can say again.
    /// - Throws: ``DeploymentError/noKey(_:)``, ``AWSError``.
    package func makeKey(of stack: String, for user: String) async throws -> String {
        struct Order: Encodable {
            let order: Wanted

            struct Wanted: Encodable {
                let user: String
                let role = "admin"
            }

            enum CodingKeys: String, CodingKey { case order = "create_key" }
        }
        struct Made: Decodable { let key: String }
        let (answer, failure) = try await DeployedFunctions(client: client).invoke(
            "\(stack)-api", Order(order: .init(user: user)))
        guard failure == nil else { throw DeploymentError.noKey(String(buffer: answer)) }
        do {
            return try JSONDecoder().decode(Made.self, from: Data(answer.readableBytesView)).key
        } catch {
            // The answer may hold the key.
            throw DeploymentError.noKey("its answer isn't a key")
        }
    }
}
