/// One element of a `Sec-WebSocket-Extensions` header: RFC 6455, section 9.1.
struct ExtensionOffer: Hashable, Sendable {
    struct Parameter: Hashable, Sendable {
        let name: String
        let value: String?
    }

    let name: String
    let parameters: [Parameter]

    /// The most offers that are looked at.
    private static let limit = 16

    /// All well-formed offers of the headers' values, in order. What isn't one is left out: a server need not accept
    /// it.
    static func parse(_ values: [String]) -> [ExtensionOffer] {
        let elements = values.flatMap { $0.split(separator: ",", omittingEmptySubsequences: true) }
        return elements.prefix(limit).compactMap(ExtensionOffer.init)
    }

    private init?(_ element: Substring) {
        var parts = element.split(separator: ";", omittingEmptySubsequences: false).map(HTTPHead.trim)
        let name = parts.removeFirst()
        guard HTTPHead.isToken(name) else { return nil }
        var parameters: [Parameter] = []
        for part in parts {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(HTTPHead.trim)
            guard let key = pair.first, HTTPHead.isToken(key) else { return nil }
            var value = pair.dropFirst().first
            if let quoted = value, quoted.count >= 2, quoted.hasPrefix("\""), quoted.hasSuffix("\"") {
                value = quoted.dropFirst().dropLast()
            }
            if let value, !HTTPHead.isToken(value) { return nil }
            parameters.append(Parameter(name: key.lowercased(), value: value.map(String.init)))
        }
        self.name = name.lowercased()
        self.parameters = parameters
    }
}
