/// Names one connection of the gateway. The gateway makes it; one that is gone could come again for another viewer.
public struct ConnectionID: Hashable, Sendable, CustomStringConvertible {
    public let rawValue: String

    public init(_ rawValue: String) { self.rawValue = rawValue }

    public var description: String { rawValue }
}
