import Everyline
import Testing

@Suite("A role")
struct RoleTests {
    private func principal(_ role: Role) throws -> Principal {
        Principal(user: try #require(UserID("ana")), role: role, key: "k")
    }

    @Test("allows what it and the roles below it may", arguments: Role.allCases)
    func actions(of role: Role) throws {
        let ana = try principal(role)
        let ben = try #require(UserID("ben"))
        #expect(ana.may(.read))
        #expect(ana.may(.run) == (role != .viewer))
        #expect(ana.may(.stop(owner: ana.user)) == (role != .viewer))
        #expect(ana.may(.stop(owner: ben)) == (role == .operator || role == .admin))
        #expect(ana.may(.manageKeys) == (role == .admin))
    }
}

@Suite("A secret")
struct SecretTests {
    @Test("has 43 random characters behind its prefix, and doesn't describe itself")
    func form() {
        var generator = SystemGenerator()
        let secret = Secret(.apiKey, using: &generator)
        #expect(secret.value.hasPrefix("elk_"))
        #expect(secret.value.utf8.count == 47)
        #expect(secret.value != Secret(.apiKey, using: &generator).value)
        #expect(!"\(secret)".contains(secret.value))
    }

    @Test("is kept as its SHA-256")
    func hash() throws {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        let hex = SecretHash(of: "abc").bytes.map { byte in
            String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }
        #expect(hex.joined() == expected)
        #expect(SecretHash(of: "abc") == SecretHash(bytes: SecretHash(of: "abc").bytes))
        #expect(SecretHash(of: "abc") != SecretHash(of: "abd"))
        #expect(SecretHash(bytes: [1, 2, 3]) == nil)
    }
}

@Suite("A stream token")
struct StreamTokenTests {
    @Test("opens its own execution until it expires, and no other")
    func opens() throws {
        let execution = try #require(ExecutionID("e1"))
        let token = StreamToken(
            execution: execution, user: try #require(UserID("ana")), key: "k",
            start: .beginning, expiresAt: Timestamp(milliseconds: 100))
        #expect(token.opens(execution, at: Timestamp(milliseconds: 99)))
        #expect(!token.opens(execution, at: Timestamp(milliseconds: 100)))
        #expect(!token.opens(try #require(ExecutionID("e2")), at: Timestamp(milliseconds: 0)))
    }
}

@Suite("A name")
struct NameTests {
    @Test(
        "of an execution is harmless in a path",
        arguments: ["", "a/b", "..", "a b", "é", "a\0", String(repeating: "a", count: 65)])
    func execution(_ text: String) {
        #expect(ExecutionID(text) == nil)
    }

    @Test("that is made for an execution is a ULID of its time")
    func made() {
        var generator = SystemGenerator()
        let id = ExecutionID(at: Timestamp(milliseconds: 1_469_922_850_259), using: &generator)
        // The time part of the example in the ULID specification.
        #expect(id.rawValue.hasPrefix("01arz3ndek") && id.rawValue.utf8.count == 26)
        #expect(ExecutionID(id.rawValue) == id)
        let later = ExecutionID(at: Timestamp(milliseconds: 1_469_922_850_260), using: &generator)
        #expect(later.rawValue > id.rawValue)
    }

    @Test("of a user is harmless in a log", arguments: ["", "a b", "a\n", "\u{1B}[31m", "é", "a,b"])
    func user(_ text: String) {
        #expect(UserID(text) == nil)
    }
}
