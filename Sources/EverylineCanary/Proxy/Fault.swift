/// What a network can do to a connection.
enum Fault: Sendable, Equatable {
    /// Ends it within a message: after so many bytes more, or soon if they don't come. Abruptly is with a reset and not in
    /// order.
    case cut(afterBytes: Int, abruptly: Bool)
    /// Lets nothing through for this long.
    case pause(Duration)
    /// Lets the next bytes through in so many crumbs, whose sizes come from the seed.
    case trickle(crumbs: Int, seed: UInt64)

    var isCut: Bool {
        if case .cut = self { true } else { false }
    }
}
