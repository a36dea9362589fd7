import CLibFuzzer
import Glibc
import NIOCore

/// The program that `scripts/fuzz` runs: libFuzzer over one of ``FuzzTarget/all``.
///
///     Fuzz                              the targets' names
///     Fuzz TARGET [ARGUMENT…] [PATH…]   as https://llvm.org/docs/LibFuzzer.html#options says
@main enum Fuzz {
    /// libFuzzer's callback is a C function, which takes nothing with it.
    private static let target = FuzzTarget.all.first { $0.name == CommandLine.arguments.dropFirst().first }

    static func main() {
        guard target != nil else {
            for target in FuzzTarget.all { print(target.name) }
            exit(CommandLine.argc > 1 ? 64 : 0)
        }
        // Without the target's name, which stands where libFuzzer looks for a path.
        var arguments = CommandLine.unsafeArgv
        arguments[1] = arguments[0]
        arguments += 1
        var pointer: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = arguments
        var count = CommandLine.argc - 1
        exit(
            LLVMFuzzerRunDriver(&count, &pointer) { data, size in
                Fuzz.run(ByteBuffer(bytes: UnsafeRawBufferPointer(start: data, count: size)))
                return 0
            })
    }

    private static func run(_ input: ByteBuffer) {
        do {
            try target?.check(FuzzInput(bytes: input))
        } catch {
            expect(false, "nothing is thrown that the target doesn't know of: \(error)")
        }
    }
}
