import Everyline
import EverylineAWS
import EverylineServer
import HTTPTypes
import Logging
import NIOCore

/// The HTTP API: the server's own router, behind an HTTP API or a function URL.
///
/// A caller that may invoke the function itself may also ask it for an API key, which is how the first one is made:
/// `{"create_key": {"user": "me", "role": "admin"}}`.
struct APIFunction: LambdaHandler {
    let api: DirectAPI
    let access: any AccessStore
    let now: @Sendable () -> Timestamp
    let logger: Logger

    func handle(_ invocation: LambdaInvocation) async throws -> ByteBuffer {
        if let order = try? LambdaEvent.decode(KeyOrder.self, from: invocation.payload) {
            return try LambdaEvent.encode(try await makeKey(order.createKey))
        }
        let event = try LambdaEvent.decode(HTTPAPIEvent.self, from: invocation.payload)
        let response = try await api.respond(to: event.head, body: event.bytes(), id: invocation.id)
        var headers: [String: String] = [:]
        for field in response.head.headerFields {
            let name = field.name.canonicalName
            headers[name] = headers[name].map { $0 + ", " + field.value } ?? field.value
        }
        return try LambdaEvent.encode(
            HTTPAPIResponse(statusCode: response.head.status.code, headers: headers, body: response.body))
    }

    private struct KeyOrder: Decodable {
        let createKey: CreateKeyRequest

        enum CodingKeys: String, CodingKey { case createKey = "create_key" }
    }

    private func makeKey(_ wanted: CreateKeyRequest) async throws -> KeyView {
        guard let user = UserID(wanted.user), let role = Role(rawValue: wanted.role) else {
            throw KeyOrderError.noSuchUserOrRole
        }
        let (key, secret) = APIKey.make(for: user, role: role, at: now())
        try await access.add(key)
        logger.notice("A key was made by invocation", metadata: ["key_id": "\(key.id)", "role": "\(role)"])
        return KeyView(key, key: secret.value)
    }
}

enum KeyOrderError: Error {
    case noSuchUserOrRole
}

extension HTTPAPIEvent {
    /// The request as a server would have got it.
    fileprivate var head: HTTPRequest {
        var fields = HTTPFields()
        for (name, value) in headers {
            if let name = HTTPField.Name(name) { fields.append(HTTPField(name: name, value: value)) }
        }
        return HTTPRequest(
            method: HTTPRequest.Method(requestContext.http.method) ?? .get, scheme: "https",
            authority: headers["host"] ?? requestContext.domainName,
            path: path + (rawQueryString.isEmpty ? "" : "?" + rawQueryString), headerFields: fields)
    }

    /// A gateway has decoded what was percent-encoded. A control character is encoded again, as a path would be cut at
    /// it.
    private var path: String {
        var path = ""
        for scalar in rawPath.unicodeScalars {
            let code = scalar.value
            path += code > 0x1F && code != 0x7F ? String(scalar) : (code < 16 ? "%0" : "%") + String(code, radix: 16)
        }
        return path
    }
}
