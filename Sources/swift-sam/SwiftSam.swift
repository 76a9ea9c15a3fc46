import ArgumentParser

@main
struct SwiftSam: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "swift-sam", abstract: "The Segment Anything Model on a CPU.")
}
