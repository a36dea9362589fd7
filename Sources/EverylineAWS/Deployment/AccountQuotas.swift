import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// How much of what a deployment needs an account may use at once. All throw ``AWSError``.
struct AccountQuotas: Sendable {
    let client: AWSClient

    /// How many functions may run at once, those that other functions have reserved left out: as few as ten in a new
    /// account.
    func functions() async throws -> Int {
        struct Output: Decodable {
            let limit: Limit

            struct Limit: Decodable {
                let concurrent: Int
                let unreserved: Int?

                enum CodingKeys: String, CodingKey {
                    case concurrent = "ConcurrentExecutions"
                    case unreserved = "UnreservedConcurrentExecutions"
                }
            }

            enum CodingKeys: String, CodingKey { case limit = "AccountLimit" }
        }
        let limit = try await DeployedFunctions(client: client).get(
            "GetAccountSettings", path: "/2016-08-19/account-settings", query: [], giving: Output.self
        ).limit
        return limit.unreserved ?? limit.concurrent
    }

    /// How many virtual processors Fargate's tasks may have at once: 6 in a new account.
    func fargateProcessors() async throws -> Double {
        struct Input: Encodable {
            let serviceCode = "fargate"
            /// "Fargate On-Demand vCPU resource count".
            let quotaCode = "L-3032A538"

            enum CodingKeys: String, CodingKey {
                case serviceCode = "ServiceCode"
                case quotaCode = "QuotaCode"
            }
        }
        struct Output: Decodable {
            let quota: Quota

            struct Quota: Decodable {
                let value: Double
                enum CodingKeys: String, CodingKey { case value = "Value" }
            }

            enum CodingKeys: String, CodingKey { case quota = "Quota" }
        }
        do {
            return try await client.call("GetServiceQuota", of: .quotas, Input(), giving: Output.self).quota.value
        } catch let error as AWSError where error.code.rawValue == "NoSuchResourceException" {
            // It was never changed in this account.
            return try await client.call("GetAWSDefaultServiceQuota", of: .quotas, Input(), giving: Output.self)
                .quota.value
        }
    }
}
