/// The system's cryptographic generator of random numbers: what keys, tokens and ids are made of. It has no state, so a
/// copy of it is as good as another.
///
/// It is `SystemRandomNumberGenerator` with a size. What has none has no address either: Swift 6.3 hands such a
/// generator on as `inout` with a pointer to anywhere, which is harmless until the thread sanitizer looks there, and
/// crashes.
package struct SystemGenerator: RandomNumberGenerator, Sendable {
    private let size: UInt8 = 0

    package init() {}

    package mutating func next() -> UInt64 {
        // Called directly, not through a generic function, so that no pointer to it is looked at.
        var generator = SystemRandomNumberGenerator()
        return generator.next()
    }
}
