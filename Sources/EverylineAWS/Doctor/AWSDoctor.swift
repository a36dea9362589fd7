package import Everyline

/// Looks at a deployment for what must hold and an emulator can't show: that everything is there as the template makes
/// it, and that the services keep the promises that the protocol is built on.
///
/// It changes nothing but one item of its own in the table, which it takes away again; unless it is to repair.
package struct AWSDoctor: Sendable {
    let client: AWSClient
    let stack: String
    let repairs: Bool
    /// Of the item that it writes: what no other doctor has at the same time.
    let probe: String
    let now: @Sendable () -> Timestamp

    /// - Parameters:
    ///   - stack: the stack's name, which those of its functions begin with.
    ///   - repairs: whether it has the executions ended whose tasks have stopped unheard.
    ///   - now: the wall clock, by which records expire.
    package init(
        _ stack: String, client: AWSClient, repairs: Bool = false, probe: String,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.stack = stack
        self.client = client
        self.repairs = repairs
        self.probe = probe
        self.now = now
    }

    /// Every function that a stack has.
    static let functions = ["api", "ingest", "sequencer", "reconciler", "delivery", "connection", "completion"]

    /// All that it has found, in order. What can't be looked at is a finding too.
    package func findings() async throws -> [DoctorFinding] {
        var findings: [DoctorFinding] = []
        var environment: [String: String] = [:]
        for name in Self.functions {
            findings += try await examine("function \(stack)-\(name)") { notes in
                let function = try await DeployedFunctions(client: client).function("\(stack)-\(name)")
                Self.examine(function, &notes)
                environment.merge(function.environment?.variables ?? [:]) { first, _ in first }
            }
        }
        findings += try await examineTable(environment["EVERYLINE_TABLE"])
        findings += try await examineQueue(environment, "LogsEventsQueueURL", of: "sequencer")
        findings += try await examineQueue(environment, "ReconcileQueueURL", of: "reconciler", isOrdered: false)
        findings += try await examineQueue(environment, "DeliveriesQueueURL", of: "delivery")
        findings += try await examineLogs(environment["EVERYLINE_LOG_GROUP"])
        findings += try await examineTask(environment["EVERYLINE_TASK_DEFINITION"], environment["EVERYLINE_LOG_GROUP"])
        findings += try await examineExecutions(
            environment["EVERYLINE_TABLE"], cluster: environment["EVERYLINE_CLUSTER"],
            queue: environment["ReconcileQueueURL"])
        findings += try await examineGateway(environment["EVERYLINE_CONNECTIONS_URL"])
        return findings
    }

    /// Carries out an examination; what can't be looked at becomes a finding.
    func examine(
        _ subject: String, _ body: (inout DoctorNotes) async throws -> Void
    ) async throws -> [DoctorFinding] {
        var notes = DoctorNotes(subject)
        do {
            try await body(&notes)
        } catch let error as AWSError {
            notes.unknown("\(error)")
        } catch let error as DamagedItem {
            notes.unknown("\(error)")
        } catch let error as LogStoreError {
            notes.unknown("\(error)")
        }
        return notes.findings
    }

    /// - Parameter name: `nil` where no function says it.
    func examine(
        _ kind: String, named name: String?, _ body: (String, inout DoctorNotes) async throws -> Void
    ) async throws -> [DoctorFinding] {
        guard let name else { return [DoctorFinding(kind, .unknown, "no function's environment says which it is")] }
        return try await examine("\(kind) \(name)") { try await body(name, &$0) }
    }

    static func examine(_ function: DeployedFunctions.Function, _ notes: inout DoctorNotes) {
        notes.check(
            function.state ?? "Active" == "Active" && function.lastUpdateStatus ?? "Successful" == "Successful",
            "it is active",
            otherwise: "it is \(function.state ?? "?"), its last update \(function.lastUpdateStatus ?? "?")")
        notes.check(
            function.runtime?.hasPrefix("provided.al2023") == true, "its runtime is provided.al2023",
            otherwise: "its runtime is \(function.runtime ?? "?"), for which the binary isn't made")
    }
}
