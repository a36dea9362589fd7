import NIOCore
import NIOHTTP1

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The readings of Lambda that a doctor needs. All throw ``AWSError``.
struct DeployedFunctions: Sendable {
    let client: AWSClient

    /// A function as it is deployed.
    struct Function: Sendable, Decodable {
        let state: String?
        let lastUpdateStatus: String?
        let runtime: String?
        let timeout: Int?
        let environment: Environment?

        struct Environment: Sendable, Decodable {
            let variables: [String: String]?

            enum CodingKeys: String, CodingKey { case variables = "Variables" }
        }

        enum CodingKeys: String, CodingKey {
            case state = "State"
            case lastUpdateStatus = "LastUpdateStatus"
            case runtime = "Runtime"
            case timeout = "Timeout"
            case environment = "Environment"
        }
    }

    /// What makes a queue call a function.
    struct Mapping: Sendable, Decodable {
        let source: String?
        let state: String?
        let responseTypes: [String]?

        enum CodingKeys: String, CodingKey {
            case source = "EventSourceArn"
            case state = "State"
            case responseTypes = "FunctionResponseTypes"
        }
    }

    func function(_ name: String) async throws -> Function {
        try await get(
            "GetFunctionConfiguration", path: "/2015-03-31/functions/\(name.uriEncoded())/configuration", query: [],
            giving: Function.self)
    }

    func mappings(of function: String) async throws -> [Mapping] {
        struct Output: Decodable {
            let mappings: [Mapping]?

            enum CodingKeys: String, CodingKey { case mappings = "EventSourceMappings" }
        }
        return try await get(
            "ListEventSourceMappings", path: "/2015-03-31/event-source-mappings",
            query: [.init("FunctionName", function)], giving: Output.self
        ).mappings ?? []
    }

    private func get<Output: Decodable>(
        _ operation: String, path: String, query: [AWSHTTPRequest.QueryItem], giving: Output.Type
    ) async throws -> Output {
        let request = AWSHTTPRequest(.GET, client.endpoint(of: .lambda), path: path, query: query)
        let response = try await client.send(
            request, signedFor: .lambda, operation: "lambda.\(operation)", retries: nil, timeout: nil)
        do {
            return try JSONDecoder().decode(Output.self, from: Data(response.body.readableBytesView))
        } catch {
            throw AWSError(
                .unexpectedAnswer, operation: "lambda.\(operation)",
                message: "the answer isn't what the operation gives", status: response.status, cause: error)
        }
    }
}
