import Everyline

/// Turns what DynamoDB's operations throw into the ports' error: nothing can be done now, and the same may be tried
/// again; or what is stored is damaged, and stays so.
func unavailable<Value>(_ body: () async throws -> Value) async throws -> Value {
    do {
        return try await body()
    } catch let error as AWSError {
        try Task.checkCancellation()
        throw LogStoreError.unavailable("\(error)")
    } catch let error as NewerFormat {
        throw LogStoreError.unavailable("\(error)")
    } catch let error as DamagedItem {
        throw LogStoreError.damaged("The attribute \(error.attribute) of an item")
    } catch is LogEventDecodingError {
        throw LogStoreError.damaged("A line of a block")
    }
}
