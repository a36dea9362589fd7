import EverylineSimulation

/// What the command line asks for.
struct SimulateArguments {
    var schedules = 100_000
    var seed: UInt64 = 1
    var threads = 2
    var duration: Duration?
    var mutation: Mutation?
    var checksMutations = false
    /// How often each kind of fault must have been injected.
    var leastFaults = 0
    /// Whether the first promise that is broken is enough, as it is.
    var isBrief = false
    var wantsHelp = false

    static let help = """
        simulate [--schedules N] [--seed S] [--threads T] [--hours H] [--least-faults F] [--brief] [--mutate NAME | --mutations]

          --schedules N   how many runs (100000)
          --seed S        the first run's seed; the next runs have the next seeds (1)
          --threads T     on how many threads (2); the result is the same
          --hours H       as many runs as there is time for
          --least-faults F  fails unless each kind of fault was injected F times
          --brief         ends with the first broken promise, and doesn't look for the smallest run that breaks it
          --mutate NAME   with one mechanism switched off: \(Mutation.allCases.map(\.rawValue).joined(separator: ", "))
          --mutations     each mechanism switched off in turn; fails unless each is found
        """

    struct Invalid: Error, CustomStringConvertible {
        let description: String
    }

    init(_ arguments: ArraySlice<String>) throws {
        var rest = arguments
        while let name = rest.popFirst() {
            switch name {
            case "--help", "-h": wantsHelp = true
            case "--mutations": checksMutations = true
            case "--brief": isBrief = true
            case "--schedules": schedules = try Self.value(&rest, of: name) { Int($0).flatMap { $0 > 0 ? $0 : nil } }
            case "--seed": seed = try Self.value(&rest, of: name) { UInt64($0) }
            case "--threads": threads = try Self.value(&rest, of: name) { Int($0).flatMap { $0 > 0 ? $0 : nil } }
            case "--least-faults": leastFaults = try Self.value(&rest, of: name) { Int($0) }
            case "--hours": duration = try Self.value(&rest, of: name) { Double($0).map { .seconds($0 * 3600) } }
            case "--mutate": mutation = try Self.value(&rest, of: name) { Mutation(rawValue: $0) }
            default: throw Invalid(description: "\(name) is not known")
            }
        }
    }

    private static func value<Value>(
        _ rest: inout ArraySlice<String>, of name: String, _ read: (String) -> Value?
    ) throws -> Value {
        guard let text = rest.popFirst() else { throw Invalid(description: "\(name) wants a value") }
        guard let value = read(text) else { throw Invalid(description: "\(text) is no value for \(name)") }
        return value
    }
}
