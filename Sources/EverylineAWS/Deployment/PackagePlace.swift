import Crypto
import Everyline
import NIOCore

/// Where the functions' package lies: under the stack's name and its own hash, so that a new one has a new key, and one
/// that is there isn't sent again.
struct PackagePlace: Sendable {
    let bucket: S3Bucket
    let key: String
    private let madeBucket: Bool
    private let putPackage: Bool

    /// What the keys of all of a stack's packages begin with.
    static func prefix(of stack: String) -> String { "\(stack)/" }

    static func defaultBucket(account: String, region: String) -> String { "everyline-\(account)-\(region)" }

    /// Makes the bucket and puts the package there, as far as that isn't done.
    ///
    /// - Throws: ``DeploymentError``, ``AWSError``.
    init(
        _ plan: DeploymentPlan, account: String, client: AWSClient, say: @Sendable (String) -> Void
    ) async throws {
        let name = plan.bucket ?? Self.defaultBucket(account: account, region: client.configuration.region)
        guard (3...63).contains(name.utf8.count), name.first != "-", name.last != "-",
            name.utf8.allSatisfy({ (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D })
        else { throw DeploymentError.unusableBucketName(name) }
        bucket = S3Bucket(name: name, account: account, client: client)
        let hash = plan.package.withUnsafeReadableBytes { SHA256.hash(data: $0).hexadecimal }
        key = "\(Self.prefix(of: plan.stack))\(hash.prefix(16)).zip"
        do {
            madeBucket = try await !bucket.exists()
        } catch let error as AWSError where error.status == 403 || error.status == 301 {
            throw DeploymentError.foreignBucket(name)
        }
        if madeBucket {
            try await bucket.make()
            say("bucket \(name): made")
        }
        putPackage = try await !bucket.has(key)
        if putPackage { try await bucket.put(plan.package, at: key) }
        say("package \(key): \(putPackage ? "put into" : "is in") the bucket \(name)")
    }

    /// Takes away the stack's packages of before.
    func tidy(_ stack: String) async throws {
        for old in try await bucket.keys(beginningWith: Self.prefix(of: stack)) where old != key {
            try await bucket.delete(old)
        }
    }

    /// Takes away what ``init(_:account:client:say:)`` has put there.
    func undo() async throws {
        if putPackage { try await bucket.delete(key) }
        if madeBucket { _ = try await bucket.remove() }
    }
}
