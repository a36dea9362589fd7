public import Everyline
import NIOHTTP1

extension EverylineClient {
    /// Makes an API key. ``KeyView/key`` holds the key itself, this once.
    public func createKey(for user: UserID, role: Role) async throws -> KeyView {
        try await post(CreateKeyRequest(user: user.rawValue, role: role.rawValue), to: APIPath.keys)
    }

    /// All keys, revoked ones too, without the keys themselves.
    public func keys() async throws -> [KeyView] {
        try await transport.answer(to: APIRequest(.GET, APIPath.keys), as: KeyListAnswer.self).keys
    }

    /// From then on the key, and every stream that was opened under it, is refused.
    public func revokeKey(_ id: APIKey.ID) async throws {
        try await transport.send(APIRequest(.DELETE, APIPath.keys + "/" + PercentEncoding.encode(id)))
    }
}
