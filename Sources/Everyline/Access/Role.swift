/// What a key's holder may do. Each role may do all that the ones before it may.
public enum Role: String, Sendable, CaseIterable, Comparable {
    /// Reads executions and logs.
    case viewer
    /// Also starts executions, and stops its own.
    case developer
    /// Also stops every user's executions.
    case `operator`
    /// Also makes and revokes keys.
    case admin

    public static func < (left: Role, right: Role) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .viewer: 0
        case .developer: 1
        case .operator: 2
        case .admin: 3
        }
    }
}
