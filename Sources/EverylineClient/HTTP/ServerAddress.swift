package import Everyline
import EverylineWebSocket

/// Where a server is: `http://host:port`, `https://host`, or a unix-domain socket. A path behind the host is kept, for
/// a server behind a reverse proxy.
public struct ServerAddress: Sendable, Hashable, CustomStringConvertible {
    /// The URL without a slash at its end. It holds no secret.
    public let description: String
    /// The socket's path, where the server listens on one.
    public let socketPath: String?

    /// Reads an `http`, `https` or `http+unix` URL (whose host is the socket's path, percent-encoded).
    ///
    /// - Throws: ``InvalidServerAddress`` for anything else, and for a URL with user information, a query or a
    ///   fragment.
    public init(_ text: String) throws(InvalidServerAddress) {
        guard let separator = text.utf8.firstRange(of: "://".utf8) else { throw InvalidServerAddress(.scheme) }
        let scheme = text[..<separator.lowerBound].lowercased()
        guard ["http", "https", "http+unix"].contains(scheme) else { throw InvalidServerAddress(.scheme) }
        var rest = text[separator.upperBound...]
        while rest.last == "/" { rest.removeLast() }
        let host = rest.prefix { $0 != "/" }
        guard !host.isEmpty, !host.hasPrefix(":") else { throw InvalidServerAddress(.host) }
        guard !host.contains("@") else { throw InvalidServerAddress(.userInformation) }
        guard rest.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != 0x3F && $0 != 0x23 }) else {
            throw InvalidServerAddress(.characters)
        }
        description = "\(scheme)://\(rest)"
        guard scheme == "http+unix" || (try? WebSocketURL(description)) != nil else {
            throw InvalidServerAddress(.host)
        }
        socketPath = scheme == "http+unix" ? PercentEncoding.decode(host) : nil
    }

    /// A server that listens on the socket at this path.
    public init(socketPath: String) {
        self.socketPath = socketPath
        description = "http+unix://" + PercentEncoding.encode(socketPath)
    }

    /// Whether what is sent there is encrypted on its way.
    public var isEncrypted: Bool { description.hasPrefix("https:") }

    /// What to connect to; `nil` for a socket's path.
    var hostAndPort: (host: String, port: Int)? {
        guard socketPath == nil, let url = try? WebSocketURL(description) else { return nil }
        return (url.host, url.port)
    }

    /// The URL of a path of the API, with the query's values encoded.
    package func url(_ path: String, query: [(name: String, value: String)] = []) -> String {
        Self.adding(query, to: description + path)
    }

    /// The page of an execution, or the one of all of them; `nil` where no browser gets to.
    package func page(of execution: ExecutionID? = nil) -> String? {
        guard socketPath == nil else { return nil }
        return description + (execution.map { "/executions/\($0)" } ?? "/")
    }

    /// Adds to a URL that may have a query already.
    static func adding(_ query: [(name: String, value: String)], to url: String) -> String {
        guard !query.isEmpty else { return url }
        let pairs = query.map { "\($0.name)=\(PercentEncoding.encode($0.value))" }
        return url + (url.utf8.contains(UInt8(ascii: "?")) ? "&" : "?") + pairs.joined(separator: "&")
    }
}

/// Why a text is no ``ServerAddress``.
public struct InvalidServerAddress: Error, Equatable, CustomStringConvertible {
    package enum Reason: Sendable {
        case scheme
        case host
        case userInformation
        case characters
    }

    package let reason: Reason

    package init(_ reason: Reason) { self.reason = reason }

    public var description: String {
        switch reason {
        case .scheme: "the URL must begin with http://, https:// or http+unix://"
        case .host: "the URL has no host"
        case .userInformation: "the URL must not hold a user or a password; the API key is set apart from it"
        case .characters: "the URL has a query, a fragment, or a character that no URL can have"
        }
    }
}
