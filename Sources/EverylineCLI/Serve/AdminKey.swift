import Everyline
import EverylineServer
import EverylineUserFiles

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The key that a server has from its first start on, in a file that its owner alone may read.
struct AdminKey {
    /// The file that was named, or the one in the data directory.
    let path: String
    let isNamed: Bool

    init(named path: String?, directory: String) {
        self.path = path ?? directory + "/admin.key"
        isNamed = path != nil
    }

    /// Takes the key in the file as the administrator's. Where there is no file, makes a key and writes it: if the file
    /// was named, or if the server has no keys yet.
    ///
    /// The file comes first, so that whatever stops the server, the key that it accepts can be read.
    /// - Returns: the key, if it is one that the server accepts.
    /// - Throws: ``CLIError`` if the file can't be read or written, or holds no usable key.
    func prepare(_ access: any AccessStore, at now: Timestamp) async throws -> String? {
        let keys = try await access.keys()
        if !FileManager.default.fileExists(atPath: path) {
            guard isNamed || keys.isEmpty else { return nil }
            var generator = SystemGenerator()
            try PrivateFile.write(Secret(.apiKey, using: &generator).value + "\n", to: path)
        }
        let secret = try PrivateFile.read(path).filter { !$0.isWhitespace }
        guard secret.utf8.count >= 32, secret.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw CLIError("\(path) holds no key: it must have at least 32 visible characters.")
        }
        let hash = SecretHash(of: secret)
        if let known = keys.first(where: { $0.hash == hash }) {
            guard known.revokedAt != nil else { return secret }
            if isNamed { throw CLIError("the key in \(path) has been revoked.") }
            return nil
        }
        guard let user = UserID("admin") else { preconditionFailure("'admin' is a user") }
        var generator = SystemGenerator()
        let id = ExecutionID(at: now, using: &generator).rawValue
        try await access.add(APIKey(id: id, user: user, role: .admin, hash: hash, createdAt: now))
        return secret
    }
}
