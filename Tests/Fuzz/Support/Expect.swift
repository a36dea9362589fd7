/// Ends the process unless a statement about the code holds.
func expect(_ holds: Bool, _ statement: @autoclosure () -> String) {
    // A crash is the only way to tell libFuzzer that an input found something: it writes the input down then.
    guard holds else { fatalError("It doesn't hold that \(statement())") }
}
