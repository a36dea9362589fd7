import Everyline
import GRDB

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Rows are read as what a file may hold: a value of another type, none at all, or one that nothing here ever wrote is
/// a damage of that row, not the end of the program.
extension Row {
    func stored<Value: DatabaseValueConvertible>(_ index: Int, as type: Value.Type = Value.self) throws -> Value {
        guard let value = Value.fromDatabaseValue(self[index]) else { throw LogStoreError.damagedRow }
        return value
    }

    func stored<Value: DatabaseValueConvertible>(_ column: String, as type: Value.Type = Value.self) throws -> Value {
        // What is damaged may be the table's own description, which names its columns.
        guard hasColumn(column), let value = Value.fromDatabaseValue(self[column]) else {
            throw LogStoreError.damagedRow
        }
        return value
    }

    /// `nil` for NULL only.
    func storedIfAny<Value: DatabaseValueConvertible>(_ index: Int, as type: Value.Type = Value.self) throws -> Value? {
        let value: DatabaseValue = self[index]
        return value.isNull ? nil : try stored(index)
    }

    /// `nil` for NULL only.
    func storedIfAny<Value: DatabaseValueConvertible>(
        _ column: String, as type: Value.Type = Value.self
    ) throws -> Value? {
        guard hasColumn(column) else { throw LogStoreError.damagedRow }
        let value: DatabaseValue = self[column]
        return value.isNull ? nil : try stored(column)
    }
}

extension Offset {
    /// - Throws: ``LogStoreError/damaged(_:)`` for what no log reaches.
    init(stored value: Int64) throws {
        guard (0...Int64.largestStored).contains(value) else { throw LogStoreError.damagedRow }
        self.init(UInt64(value))
    }
}

extension Timestamp {
    /// - Throws: ``LogStoreError/damaged(_:)`` for a time that no clock of a machine shows.
    init(stored milliseconds: Int64) throws {
        guard (-Int64.largestStored...Int64.largestStored).contains(milliseconds) else {
            throw LogStoreError.damagedRow
        }
        self.init(milliseconds: milliseconds)
    }
}

extension Int {
    /// A number of bytes.
    ///
    /// - Throws: ``LogStoreError/damaged(_:)``.
    init(storedBytes value: Int64) throws {
        guard (0...Int64.largestStored).contains(value) else { throw LogStoreError.damagedRow }
        self.init(value)
    }
}

extension Int64 {
    /// Beyond every number that is stored, and far enough from the type's limit that sums can't reach that.
    static let largestStored: Int64 = 1 << 60
}

extension LogStoreError {
    static let damagedRow = LogStoreError.damaged("The execution's row")
    static let damagedBlocks = LogStoreError.damaged("The log")
}
