extension Collection where Element: Sendable {
    /// Does something with each element, with at most `maxConcurrency` of them at a time, in no particular order.
    ///
    /// - Throws: the first error; those that are under way are cancelled then, and the rest isn't begun.
    func forEach(
        maxConcurrency limit: Int, _ body: @escaping @Sendable (Element) async throws -> Void
    ) async throws {
        var elements = makeIterator()
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for _ in 0..<limit {
                guard let element = elements.next() else { break }
                tasks.addTask { try await body(element) }
            }
            while try await tasks.next() != nil {
                guard let element = elements.next() else { continue }
                tasks.addTask { try await body(element) }
            }
        }
    }
}
