/// A promise that a run broke.
package struct Violation: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Promise: String, Sendable {
        case order
        case durableBeforeVisible = "durable before visible"
        case gapFree = "gap-free"
        case verifiable
        case end
        case live
        case independent
        case honest
        case harmless = "no harm"
    }

    package let promise: Promise
    package let what: String

    package var description: String { "\(promise.rawValue): \(what)" }
}
