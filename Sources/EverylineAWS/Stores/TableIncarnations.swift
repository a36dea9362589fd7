import Everyline
import Synchronization

/// The incarnations of the data in a table, oldest first: one item, made by the first function that asks for it.
///
/// What was read stays: a table is put back into another one, which functions that run don't know. The bases stand with
/// each log, in its `META`.
final class TableIncarnations: Sendable {
    private let table: DynamoDBTable
    private let held = Mutex<[Incarnation]>([])

    init(_ table: DynamoDBTable) { self.table = table }

    /// The newest; `nil` as long as nothing has asked the table.
    var current: Incarnation? { held.withLock(\.last) }

    /// All of them, at least one.
    ///
    /// - Throws: ``AWSError``, ``DamagedItem``.
    func all() async throws -> [Incarnation] {
        let known = held.withLock { $0 }
        return known.isEmpty ? try await read() : known
    }

    /// Adds one, unless another was added since `known` was read.
    ///
    /// - Returns: whether it was added.
    func add(_ next: Incarnation, after known: [Incarnation]) async throws -> Bool {
        let isUnchanged = DynamoDBExpression("incarnations = :known", [":known": .string(Self.text(known))])
        let item = Self.item(known + [next])
        switch try await table.put(item, if: isUnchanged) {
        // The client may have sent it again after the answer to the first one was lost.
        case .done, .refused(item): held.withLock { $0 = known + [next] }
        case .refused: return false
        }
        return true
    }

    private func read() async throws -> [Incarnation] {
        if let item = try await table.get(RecordKey.incarnations) { return try keep(item) }
        var generator = SystemGenerator()
        let item = Self.item([Incarnation(using: &generator)])
        guard case .refused(let item?) = try await table.put(item, if: .isAbsent) else { return try keep(item) }
        return try keep(item)
    }

    private func keep(_ item: Attributes) throws -> [Incarnation] {
        let names = try item.string("incarnations").split(separator: " ").map { Incarnation($0) }
        let incarnations = names.compactMap(\.self)
        guard !incarnations.isEmpty, incarnations.count == names.count else {
            throw DamagedItem(attribute: "incarnations")
        }
        held.withLock { $0 = incarnations }
        return incarnations
    }

    private static func item(_ incarnations: [Incarnation]) -> Attributes {
        RecordKey.incarnations.attributes.merging(["incarnations": .string(text(incarnations))]) { $1 }
    }

    private static func text(_ incarnations: [Incarnation]) -> String {
        incarnations.map(\.rawValue).joined(separator: " ")
    }
}

/// The heads that a log had when its table was put back, each under the incarnation that began then: `i2=60 i3=75`.
struct LogBases: Equatable {
    private(set) var text = ""

    init() {}

    init(_ item: Attributes) throws(DamagedItem) { text = try item.optionalString("bases") ?? "" }

    mutating func add(_ incarnation: Incarnation, _ base: Offset) {
        text += "\(text.isEmpty ? "" : " ")\(incarnation)=\(base)"
    }

    /// As ``LogReader/restoration(of:since:)``.
    ///
    /// - Parameter all: the data's incarnations, oldest first.
    func restoration(since known: Incarnation, among all: [Incarnation]) throws(DamagedItem) -> Restoration? {
        guard let current = all.last, known != current else { return nil }
        guard let index = all.firstIndex(of: known) else { return Restoration(to: current, base: .zero) }
        let later = all[(index + 1)...]
        var smallest: Offset?
        for part in text.split(separator: " ") {
            let pair = part.split(separator: "=")
            guard pair.count == 2, let incarnation = Incarnation(pair[0]), let base = Offset(decimal: String(pair[1]))
            else { throw DamagedItem(attribute: "bases") }
            // One that isn't among them is of a restore that was cut off before it was noted, and done again.
            if later.contains(incarnation) { smallest = min(smallest ?? base, base) }
        }
        return smallest.map { Restoration(to: current, base: $0, count: later.count) }
    }
}
