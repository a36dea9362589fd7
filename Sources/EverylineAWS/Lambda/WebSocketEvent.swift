/// What a WebSocket API gives a function: a connection that is made or gone, or a message.
package struct WebSocketEvent: Sendable, Decodable {
    package let requestContext: Context
    /// Only with `$connect`.
    package let headers: [String: String]?
    /// Decoded. Only with `$connect`.
    package let queryStringParameters: [String: String]?
    package let body: String?

    package init(
        _ kind: Kind, of connection: String, query: [String: String]? = nil, headers: [String: String]? = nil,
        body: String? = nil
    ) {
        requestContext = Context(eventType: kind, connectionID: connection)
        queryStringParameters = query
        self.headers = headers
        self.body = body
    }

    package struct Context: Sendable, Decodable {
        package let eventType: Kind
        package let connectionID: String

        enum CodingKeys: String, CodingKey {
            case eventType
            case connectionID = "connectionId"
        }
    }

    package enum Kind: String, Sendable, Decodable {
        case connect = "CONNECT"
        case message = "MESSAGE"
        case disconnect = "DISCONNECT"
    }

    /// A header's value, whatever the case of its name.
    package func header(_ name: String) -> String? {
        headers?.first { $0.key.lowercased() == name.lowercased() }?.value
    }
}

/// What a function answers to a WebSocket API. The headers of the answer to `$connect` are those of the upgrade: that
/// is where a subprotocol is agreed on.
package struct WebSocketResponse: Sendable, Encodable, Equatable {
    package let statusCode: Int
    package let headers: [String: String]?
    package let body: String?

    package init(statusCode: Int, headers: [String: String]? = nil, body: String? = nil) {
        self.statusCode = statusCode
        self.headers = headers
        self.body = body
    }
}
