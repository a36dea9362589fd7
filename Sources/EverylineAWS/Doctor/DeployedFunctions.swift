import Everyline
import NIOCore
import NIOHTTP1

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A deployment's functions, as Lambda shows them. All throw ``AWSError``.
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
            "GetFunctionConfiguration", path: "/2015-03-31/functions/\(PercentEncoding.encode(name))/configuration",
            query: [],
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

    /// Has a function carry out an event, once: it isn't known whether one that fails without an answer was carried
    /// out.
    ///
    /// - Returns: what it gave back, and `nil`; or what it says of its failure, and the failure's kind.
    func invoke(_ name: String, _ event: some Encodable) async throws -> (answer: ByteBuffer, failure: String?) {
        let request = AWSHTTPRequest(
            .POST, client.endpoint(of: .lambda),
            path: "/2015-03-31/functions/\(PercentEncoding.encode(name))/invocations",
            body: ByteBuffer(bytes: try AWSClient.json(event)))
        let response = try await client.send(
            request, signedFor: .lambda, operation: "lambda.Invoke", retries: AWSRetryPolicy(attempts: 1),
            timeout: .seconds(30))
        return (response.body, response.headers.first(name: "X-Amz-Function-Error"))
    }

    func get<Output: Decodable>(
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
