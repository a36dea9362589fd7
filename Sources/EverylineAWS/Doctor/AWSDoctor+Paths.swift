#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension AWSDoctor {
    /// A queue, its dead letters, and what makes it call its function.
    func examineQueue(
        _ environment: [String: String], _ setting: String, of function: String, isOrdered: Bool = true
    ) async throws -> [DoctorFinding] {
        try await examine("queue", named: environment[setting]) { url, notes in
            let attributes = try await SQSQueue(url, client: client).attributes()
            if isOrdered {
                notes.check(
                    attributes["FifoQueue"] == "true", "it keeps the order of each group",
                    otherwise: "it is no FIFO queue: lines would come in any order")
                notes.check(
                    attributes["ContentBasedDeduplication"] != "true", "it takes two messages of the same text for two",
                    otherwise: "it drops a message whose text another one has")
            } else {
                notes.check(
                    attributes["FifoQueue"] != "true", "it can delay a single message",
                    otherwise: "it is a FIFO queue, which can't delay a single message")
            }
            let depth = SQSQueue.Depth(attributes)
            notes.check(
                depth.waiting < 10_000, "\(depth.waiting) messages wait, \(depth.inFlight) are in flight",
                otherwise: "\(depth.waiting) messages wait: its function doesn't keep up, or fails")
            try await examineDeadLetters(attributes["RedrivePolicy"], beside: url, &notes)
            let mapping = try await DeployedFunctions(client: client).mappings(of: "\(stack)-\(function)")
                .first { $0.source?.split(separator: ":").last == url.split(separator: "/").last }
            notes.check(
                mapping?.state == "Enabled", "it calls its function",
                otherwise: "it doesn't call \(stack)-\(function)")
            notes.check(
                mapping?.responseTypes?.contains("ReportBatchItemFailures") == true,
                "its function may give back single messages",
                otherwise: "what its function gives back is not looked at: one failure repeats, or loses, a whole batch"
            )
        }
    }

    private func examineDeadLetters(
        _ policy: String?, beside url: String, _ notes: inout DoctorNotes
    ) async throws {
        struct Policy: Decodable { let deadLetterTargetArn: String }
        // A policy that can't be read is none.
        let target = policy.flatMap { try? JSONDecoder().decode(Policy.self, from: Data($0.utf8)) }
        guard let name = target?.deadLetterTargetArn.split(separator: ":").last else {
            return notes.check(
                false, "", otherwise: "it has no queue for dead letters: one bad message blocks its group for ever")
        }
        let address = url.split(separator: "/", omittingEmptySubsequences: false).dropLast() + [name]
        let depth = try await SQSQueue(address.joined(separator: "/"), client: client).depth()
        notes.check(
            depth.waiting == 0, "it has no dead letters",
            otherwise: "\(depth.waiting) dead letters are in \(name): read them, then send them back or purge them")
    }

    func examineLogs(_ group: String?) async throws -> [DoctorFinding] {
        try await examine("log group", named: group) { group, notes in
            let logs = CloudWatchLogs(client)
            let found = try await logs.groups(beginningWith: group).first { $0.logGroupName == group }
            notes.check(found != nil, "it is there", otherwise: "it isn't there: commands can't write")
            notes.check(
                found?.retentionInDays != nil, "it is kept for \(found?.retentionInDays ?? 0) days",
                otherwise: "it is kept, and paid for, for ever")
            let filter = try await logs.subscriptions(of: group).first {
                $0.destinationArn?.hasSuffix(":\(stack)-ingest") == true
            }
            notes.check(
                filter?.filterPattern == "", "all of it goes to \(stack)-ingest",
                otherwise: filter == nil
                    ? "nothing of it goes to \(stack)-ingest: lines come only when a command has ended"
                    : "only a part of it goes to \(stack)-ingest")
        }
    }

    func examineTask(_ definition: String?, _ group: String?) async throws -> [DoctorFinding] {
        try await examine("task definition", named: definition) { definition, notes in
            let containers = try await ECSCluster("default", client: client).definition(definition)
            for container in containers {
                let log = container.logConfiguration
                notes.check(
                    log?.logDriver == "awslogs" && log?.options?["awslogs-group"] == group,
                    "\(container.name ?? "?") writes to the log group",
                    otherwise: "\(container.name ?? "?") doesn't write to \(group ?? "the log group")")
                notes.check(
                    log?.options?["mode"] == "blocking", "\(container.name ?? "?") waits where logs are slow",
                    otherwise: "\(container.name ?? "?") drops lines where logs are slow: set mode to blocking")
            }
        }
    }

    /// Asks for a connection that can't be there. The answer is that it is gone, if these credentials may ask.
    func examineGateway(_ url: String?) async throws -> [DoctorFinding] {
        try await examine("gateway", named: url) { url, notes in
            guard let endpoint = AWSEndpoint(url) else { return notes.unknown("that is no address") }
            do {
                _ = try await APIGatewayConnections(endpoint, client: client).get("AAAAAAAAAAAAAAA=")
                notes.check(false, "", otherwise: "it knows a connection that can't be there")
            } catch let error as AWSError where [400, 404, 410].contains(error.status) {
                notes.check(true, "it answers for its connections", otherwise: "")
            }
        }
    }
}
