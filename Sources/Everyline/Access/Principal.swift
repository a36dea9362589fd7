/// Who a key belongs to: 1 to 64 of `A-Z a-z 0-9 . _ @ + -`.
public struct UserID: Hashable, Sendable, CustomStringConvertible {
    public let rawValue: String

    public init?(_ rawValue: some StringProtocol) {
        guard (1...64).contains(rawValue.utf8.count), rawValue.utf8.allSatisfy(Self.isAllowed) else { return nil }
        self.rawValue = String(rawValue)
    }

    public var description: String { rawValue }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: ".@_+-".utf8.contains(byte)
        }
    }
}

/// The user whose valid key a request has shown, and what that user may do.
package struct Principal: Sendable, Equatable {
    package let user: UserID
    package let role: Role
    package let key: APIKey.ID

    package init(user: UserID, role: Role, key: APIKey.ID) {
        self.user = user
        self.role = role
        self.key = key
    }

    package enum Action: Sendable {
        case read
        case run
        case stop(owner: UserID)
        case writeInput(owner: UserID)
        case manageKeys
    }

    /// The one place where a role and an owner decide.
    package func may(_ action: Action) -> Bool {
        switch action {
        case .read: true
        case .run: role >= .developer
        case .stop(let owner): role >= .operator || (role >= .developer && owner == user)
        case .writeInput(let owner): role >= .developer && owner == user
        case .manageKeys: role >= .admin
        }
    }
}

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
