package import Everyline

/// An access store that ends a key's streams when the key is revoked: where connections outlive every process.
///
/// A connection that is being made meanwhile is found here, or finds the key revoked, since it looks at the key only
/// after its record is there. A sender to one of the connections loses its right with the record; a message that is on
/// its way may still arrive.
package struct StreamEndingAccessStore<Store: AccessStore>: AccessStore {
    private let store: Store
    private let connections: any ConnectionStore
    private let gateway: any Gateway

    /// How many connections are ended side by side.
    private static var maxConcurrency: Int { 16 }

    package init(_ store: Store, connections: any ConnectionStore, gateway: any Gateway) {
        self.store = store
        self.connections = connections
        self.gateway = gateway
    }

    /// - Throws: also what the connections' store throws. The key is revoked then, and some of its streams may go on:
    ///   revoking it again ends them.
    package func revokeKey(_ id: APIKey.ID, at now: Timestamp) async throws {
        try await store.revokeKey(id, at: now)
        try await connections.connections(with: id, at: now).forEach(maxConcurrency: Self.maxConcurrency) { place in
            try await end(place, of: id)
        }
    }

    private func end(_ place: ConnectionPlace, of key: APIKey.ID) async throws {
        // An id that was given away again is another viewer's.
        guard let record = try await connections.connection(place.id, of: place.execution), record.key == key else {
            return
        }
        _ = try await connections.update(place.id, of: place.execution, .close)
        await gateway.close(place.id)
    }

    package func add(_ key: APIKey) async throws { try await store.add(key) }
    package func keys() async throws -> [APIKey] { try await store.keys() }
    package func key(_ hash: SecretHash) async throws -> APIKey? { try await store.key(hash) }
    package func issue(_ token: StreamToken, at now: Timestamp) async throws -> Secret {
        try await store.issue(token, at: now)
    }

    package func streamToken(
        _ secret: String, for execution: ExecutionID, at now: Timestamp
    ) async throws -> StreamToken? {
        try await store.streamToken(secret, for: execution, at: now)
    }
}
