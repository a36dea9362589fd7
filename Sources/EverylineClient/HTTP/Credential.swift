/// A secret that a request shows: an API key or an append token. It is never part of a URL, a description or a log.
public struct Credential: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The secret itself, for the one who has to store or send it.
    package let value: String

    /// Takes 1 to 1024 visible ASCII characters; `nil` for anything else, which no header could carry.
    public init?(_ value: some StringProtocol) {
        guard (1...1024).contains(value.utf8.count), value.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            return nil
        }
        self.value = String(value)
    }

    /// Says nothing of the secret, so that one which gets into a log by mistake doesn't leak.
    public var description: String { "‹secret›" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
