import Crypto
import Everyline
import NIOCore
import NIOHTTP1

/// A bucket of one's own. All throw ``AWSError``.
///
/// Each request names the account that the bucket must belong to, so that nothing is ever put into another account's of
/// the same name.
struct S3Bucket: Sendable {
    let name: String
    let account: String
    let client: AWSClient

    /// Whether it is there, and this account's.
    ///
    /// - Throws: with the status 403 where it is another account's, or closed to the caller.
    func exists() async throws -> Bool { try await has("HeadBucket", path) }

    /// Makes it, with everything in it kept from the public.
    func make() async throws {
        let region = client.configuration.region
        // The one region that may not be named.
        let body =
            region == "us-east-1"
            ? ""
            : "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LocationConstraint>\(region)"
                + "</LocationConstraint></CreateBucketConfiguration>"
        try await send("CreateBucket", .PUT, path, body: ByteBuffer(string: body), isOwned: false)
        let settings = ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"]
            .map { "<\($0)>true</\($0)>" }.joined()
        try await send(
            "PutPublicAccessBlock", .PUT, path, query: [.init("publicAccessBlock", "")],
            body: ByteBuffer(
                string: "<PublicAccessBlockConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
                    + "\(settings)</PublicAccessBlockConfiguration>"))
    }

    func has(_ key: String) async throws -> Bool { try await has("HeadObject", path(key)) }

    func put(_ object: ByteBuffer, at key: String) async throws {
        try await send("PutObject", .PUT, path(key), body: object, timeout: .seconds(300))
    }

    /// One that isn't there is as good as deleted.
    func delete(_ key: String) async throws { try await send("DeleteObject", .DELETE, path(key)) }

    /// The keys that begin so: the first thousand.
    func keys(beginningWith prefix: String) async throws -> [String] {
        let response = try await send(
            "ListObjectsV2", .GET, path, query: [.init("list-type", "2"), .init("prefix", prefix)])
        // What isn't XML lists nothing.
        let answer = try? XMLElement(response.body)
        return (answer?.children ?? []).filter { $0.name == "Contents" }.compactMap { $0["Key"]?.text }
    }

    /// Deletes it.
    ///
    /// - Returns: `false` if there is something in it, and it stays.
    func remove() async throws -> Bool {
        do {
            try await send("DeleteBucket", .DELETE, path)
            return true
        } catch let error as AWSError where error.code.rawValue == "BucketNotEmpty" {
            return false
        }
    }

    private var path: String { "/\(name)" }
    private func path(_ key: String) -> String { "/\(name)/\(key)" }

    private func has(_ operation: String, _ path: String) async throws -> Bool {
        do {
            try await send(operation, .HEAD, path)
            return true
        } catch let error as AWSError where error.status == 404 {
            return false
        }
    }

    /// - Parameter isOwned: whether the bucket is there already, so that its owner can be compared.
    @discardableResult private func send(
        _ operation: String, _ method: HTTPMethod, _ path: String, query: [AWSHTTPRequest.QueryItem] = [],
        body: ByteBuffer = ByteBuffer(), isOwned: Bool = true, timeout: Duration = .seconds(30)
    ) async throws -> AWSHTTPResponse {
        var request = AWSHTTPRequest(method, client.endpoint(of: .s3), path: path, query: query, body: body)
        // S3 wants the body's hash said, and where it is configured, its checksum of another kind.
        let hash = body.withUnsafeReadableBytes { SHA256.hash(data: $0).hexadecimal }
        request.headers.add(name: "X-Amz-Content-Sha256", value: hash)
        if isOwned { request.headers.add(name: "X-Amz-Expected-Bucket-Owner", value: account) }
        return try await client.send(
            request, signedFor: .s3, operation: "s3.\(operation)", retries: nil, timeout: timeout)
    }
}
