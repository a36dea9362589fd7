// swift-tools-version: 6.2
import PackageDescription

/// scripts/fuzz sets it: our code is instrumented then, and there is the program that fuzzes it.
let isFuzzed = Context.environment["EVERYLINE_FUZZ"] != nil
/// scripts/test sets it: what the simulation runs is optimised then, also in a debug build.
let simulatesFast = Context.environment["EVERYLINE_FAST_SIMULATION"] != nil

var settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]
if isFuzzed {
    // Fast, but with the checks of a debug build: of every index, too, that the library would take unchecked.
    settings.append(.unsafeFlags(["-O", "-assert-config", "Debug", "-sanitize=address,fuzzer"]))
}

let simulated = settings + (simulatesFast && !isFuzzed ? [.unsafeFlags(["-O"])] : [])

func product(_ name: String, _ package: String) -> Target.Dependency { .product(name: name, package: package) }

let nioCore = product("NIOCore", "swift-nio")
let nioPosix = product("NIOPosix", "swift-nio")
let nioHTTP1 = product("NIOHTTP1", "swift-nio")
let nioWebSocket = product("NIOWebSocket", "swift-nio")
let nioEmbedded = product("NIOEmbedded", "swift-nio")
let nioSSL = product("NIOSSL", "swift-nio-ssl")
let crypto = product("Crypto", "swift-crypto")
let logging = product("Logging", "swift-log")
let swiftSystem = product("SystemPackage", "swift-system")
let lifecycle = product("ServiceLifecycle", "swift-service-lifecycle")
let httpClient = product("AsyncHTTPClient", "async-http-client")

let package = Package(
    name: "everyline",
    // It runs on Linux only: it stands on pidfds, subreapers and /proc.
    products: [
        .library(name: "Everyline", targets: ["Everyline"]),
        .library(name: "EverylineClient", targets: ["EverylineClient"]),
        .executable(name: "everyline", targets: ["EverylineCLI"]),
        .executable(name: "everyline-aws", targets: ["EverylineAWSCLI"]),
        .executable(name: "everyline-lambda", targets: ["EverylineLambda"]),
        .executable(name: "everyline-demo", targets: ["EverylineDemo"]),
        .executable(name: "simulate", targets: ["Simulate"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser.git", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto.git", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types.git", exact: "1.8.0", traits: []),
        .package(url: "https://github.com/apple/swift-log.git", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio.git", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras.git", exact: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", exact: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift.git", exact: "7.10.0"),
        // Its default traits pull in the whole of Foundation, and with it 50 MB of ICU's tables into a static binary.
        .package(url: "https://github.com/hummingbird-project/hummingbird.git", exact: "2.28.1", traits: []),
        .package(url: "https://github.com/jpsim/Yams.git", exact: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client.git", exact: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", exact: "2.13.0"),
        .package(url: "https://github.com/apple/swift-system.git", exact: "1.8.1"),
        .package(url: "https://github.com/swiftlang/swift-subprocess.git", exact: "1.0.2"),
    ],
    targets: [
        .target(name: "Everyline", dependencies: [nioCore, crypto], swiftSettings: simulated),
        .target(
            name: "EverylineSQLite",
            dependencies: ["CLibdeflate", "CZstd", "Everyline", nioCore, nioPosix, product("GRDB", "GRDB.swift")],
            swiftSettings: settings),
        .systemLibrary(name: "CZstd", path: "Sources/CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        // Linked in whole: no machine that runs the binary needs it.
        .systemLibrary(name: "CLibdeflate", path: "Sources/CLibdeflate", providers: [.apt(["libdeflate-dev"])]),
        .systemLibrary(name: "CZlib", path: "Sources/CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "EverylineDeflate", dependencies: ["CZlib", nioCore], swiftSettings: settings),
        .target(
            name: "EverylineWebSocket",
            dependencies: ["EverylineDeflate", nioCore, nioPosix, nioHTTP1, nioWebSocket, nioSSL, crypto],
            swiftSettings: settings),
        .target(
            name: "EverylineClient",
            dependencies: [
                "Everyline", "EverylineWebSocket", nioCore, nioPosix, nioHTTP1, nioSSL, httpClient, logging,
                product("NIOHTTPCompression", "swift-nio-extras"),
            ],
            swiftSettings: settings),
        .target(
            name: "EverylineServer",
            dependencies: [
                "Everyline", "EverylineDeflate", "EverylineWebSocket", nioCore, nioPosix, nioHTTP1, nioWebSocket,
                nioSSL,
                logging, lifecycle, crypto,
                product("Hummingbird", "hummingbird"), product("HummingbirdCore", "hummingbird"),
                product("HummingbirdTLS", "hummingbird"),
                product("HTTPTypes", "swift-http-types"), product("NIOHTTPTypes", "swift-nio-extras"),
                product("NIOHTTPTypesHTTP1", "swift-nio-extras"),
            ],
            resources: [.embedInCode("Resources/openapi.json"), .embedInCode("Resources/viewer")],
            swiftSettings: settings),
        .target(
            name: "EverylineUserFiles",
            dependencies: ["EverylineClient", swiftSystem, product("Yams", "Yams")], swiftSettings: settings),
        .target(name: "EverylineProducer", dependencies: ["Everyline", nioCore], swiftSettings: simulated),
        .target(name: "CSpawn", path: "Sources/CSpawn"),
        .target(
            name: "EverylineRunner",
            dependencies: [
                "CSpawn", "Everyline", "EverylineClient", "EverylineProducer", nioCore, nioPosix, logging, swiftSystem,
            ],
            swiftSettings: settings),
        .target(
            name: "EverylineAWS",
            dependencies: ["Everyline", "EverylineDeflate", nioCore, nioPosix, nioHTTP1, crypto, httpClient, logging],
            swiftSettings: simulated),
        .target(
            name: "EverylineCanary",
            dependencies: [
                "Everyline", "EverylineClient", "EverylineWebSocket", nioCore, nioPosix, nioHTTP1, nioSSL, httpClient,
            ],
            swiftSettings: settings),
        .target(name: "CGlibcCompatibility", path: "Sources/CGlibcCompatibility"),
        .target(name: "CNoICUData", path: "Sources/CNoICUData"),
        .executableTarget(
            name: "EverylineLambda",
            dependencies: [
                "CGlibcCompatibility", "Everyline", "EverylineAWS", "EverylineServer", nioCore, nioPosix, httpClient,
                logging, product("HTTPTypes", "swift-http-types"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "EverylineCLI",
            dependencies: [
                "CGlibcCompatibility", "CNoICUData", "Everyline", "EverylineCanary", "EverylineClient",
                "EverylineProducer", "EverylineRunner",
                "EverylineServer", "EverylineSQLite", "EverylineUserFiles", logging, lifecycle, nioCore, swiftSystem,
                product("ArgumentParser", "swift-argument-parser"),
                product("UnixSignals", "swift-service-lifecycle"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "EverylineAWSCLI",
            dependencies: [
                "CNoICUData", "Everyline", "EverylineAWS", "EverylineClient", "EverylineUserFiles", nioCore, nioPosix,
                httpClient, product("ArgumentParser", "swift-argument-parser"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "EverylineDemo",
            dependencies: [
                "Everyline", "EverylineCanary", "EverylineClient", lifecycle, nioCore, nioPosix, swiftSystem,
                product("Subprocess", "swift-subprocess"), product("UnixSignals", "swift-service-lifecycle"),
            ],
            swiftSettings: settings),
        .target(
            name: "EverylineSimulation",
            dependencies: ["Everyline", "EverylineAWS", "EverylineProducer", nioCore, logging],
            swiftSettings: simulated),
        .executableTarget(name: "Simulate", dependencies: ["EverylineSimulation"], swiftSettings: simulated),
        .target(name: "EverylineTesting", dependencies: ["Everyline", nioCore], swiftSettings: settings),
        .testTarget(
            name: "EverylineTests", dependencies: ["Everyline", "EverylineTesting", nioCore], swiftSettings: settings),
        .testTarget(
            name: "EverylineSimulationTests", dependencies: ["EverylineSimulation"], swiftSettings: settings),
        .testTarget(
            name: "EverylineSQLiteTests",
            dependencies: ["Everyline", "EverylineSQLite", "EverylineTesting", nioCore, product("GRDB", "GRDB.swift")],
            swiftSettings: settings),
        .testTarget(
            name: "EverylineWebSocketTests",
            dependencies: ["EverylineWebSocket", nioCore, nioPosix, nioEmbedded, nioHTTP1, nioWebSocket],
            swiftSettings: settings),
        .testTarget(
            name: "EverylineServerTests",
            dependencies: [
                "Everyline", "EverylineAWS", "EverylineLambda", "EverylineServer", "EverylineSQLite",
                "EverylineTesting", nioCore, nioPosix, logging, product("HTTPTypes", "swift-http-types"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "WebSocketEcho",
            dependencies: ["EverylineWebSocket", nioCore, nioPosix, nioHTTP1, swiftSystem],
            path: "Tests/WebSocketEcho", swiftSettings: settings),
        .testTarget(
            name: "EverylineClientTests",
            dependencies: [
                "Everyline", "EverylineClient", "EverylineTesting", "EverylineWebSocket", nioCore, nioPosix, nioHTTP1,
            ],
            swiftSettings: settings),
        .testTarget(name: "EverylineCanaryTests", dependencies: ["EverylineCanary", nioCore], swiftSettings: settings),
        .testTarget(
            name: "EverylineAWSTests",
            dependencies: [
                "Everyline", "EverylineAWS", "EverylineDeflate", "EverylineTesting", nioCore, nioPosix, nioHTTP1,
                httpClient,
                logging,
            ],
            swiftSettings: settings),
        .testTarget(name: "EverylineTidyTests", swiftSettings: settings),
        .testTarget(
            name: "EverylineRunnerTests",
            dependencies: ["Everyline", "EverylineProducer", "EverylineRunner", "EverylineTesting", nioCore],
            swiftSettings: settings),
        .testTarget(
            name: "EverylineProducerTests",
            dependencies: ["Everyline", "EverylineProducer", "EverylineRunner", "EverylineTesting", nioCore],
            swiftSettings: settings),
    ]
)

if isFuzzed {
    package.targets += [
        .systemLibrary(name: "CLibFuzzer", path: "Tests/Fuzz/CLibFuzzer"),
        .executableTarget(
            name: "Fuzz",
            dependencies: [
                "CLibFuzzer", "Everyline", "EverylineAWS", "EverylineClient", "EverylineDeflate", "EverylineProducer",
                "EverylineRunner", "EverylineServer", "EverylineTesting", "EverylineWebSocket", nioCore, nioHTTP1,
                logging,
                product("HTTPTypes", "swift-http-types"),
            ],
            path: "Tests/Fuzz", exclude: ["CLibFuzzer", "Corpus", "json.dict"], swiftSettings: settings,
            linkerSettings: [.unsafeFlags(["-sanitize=address"])]),
    ]
}
