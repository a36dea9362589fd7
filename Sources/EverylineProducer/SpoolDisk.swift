package import Everyline

/// Where a spool keeps its files: one folder without folders in it.
///
/// Every call may fail, for a moment or for good. A spool doesn't ask why: it holds back what it could not write, and
/// tries again.
package protocol SpoolDisk: Sendable {
    /// The names of the files that are there, in any order.
    func names() throws -> [String]

    /// Makes an empty file; fails if there is one of that name.
    func create(_ name: String) throws -> any SpoolFile

    func open(_ name: String) throws -> any SpoolFile

    func rename(_ name: String, to other: String) throws

    /// Deletes a file. That there is none of that name is no failure.
    func remove(_ name: String) throws
}

/// One open file of a spool. It is written at its end only.
package protocol SpoolFile: Sendable {
    /// Writes some of the bytes behind those that are there, and returns how many.
    func append(_ bytes: UnsafeRawBufferPointer) throws -> Int

    /// Reads what there is from a position on, and returns how many bytes that are; 0 at the end.
    func read(at position: ByteCount, into buffer: UnsafeMutableRawBufferPointer) throws -> Int

    /// Returns when all that was written is there also after the power is lost, under whatever name the file gets.
    func sync() throws

    /// Cuts off what is behind the first `size` bytes.
    func truncate(to size: ByteCount) throws

    func close()
}
