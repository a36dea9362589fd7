/// What is wrong with one of the user's files, in a sentence for its owner.
package struct UserFileError: Error, Equatable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}
