import ArgumentParser
import Foundation
import SafeFiles

struct Demo: AsyncParsableCommand, CommonCommand {
    static let configuration = CommandConfiguration(
        abstract: "The whole study in small: four annotators' boxes on a synthetic CT become scored labels.",
        discussion: """
            Example: swift-sam demo -o demo

            Prints each command before it runs it, so that you can repeat it on your own data. It takes under a minute and \
            ends by naming the pictures to look at. The case ships with swift-sam; its README says what it is.
            """)

    @Option(name: .shortAndLong, help: ArgumentHelp("The folder to write; made where missing.", valueName: "dir"))
    var output = "swift-sam-demo"

    @OptionGroup var common: CommonOptions

    func run() async throws {
        let data = try bundledPath("demo")
        let (volume, truth, boxes, classes) = (
            "\(data)/ct.nii.gz", "\(data)/truth.nii.gz", "\(data)/boxes", "\(data)/class_list.txt"
        )
        let record = "\(output)/slices"
        try makeFolder(output)
        func labels(of boxes: String, name: String) async throws {
            try await command(
                "segment", volume, "--boxes", boxes, "--record", record, "--classes", classes, "--labels",
                "spleen=1,right kidney=2,left kidney=3,liver=4,aorta=5", "--preview", "\(output)/\(name).png",
                "--preview-slices", "3,6,8-10,12,15,18", "-o", "\(output)/\(name).nii.gz")
            try await command("evaluate", "--truth", truth, "--predicted", "\(output)/\(name).nii.gz")
        }

        print("A CT becomes the pictures that annotators draw boxes on:")
        try await command("slices", volume, "-o", "\(output)/slices")
        print("\nFour annotators drew. What should a person look at?")
        try await command(
            "annotations", "check", volume, "--boxes", boxes, "--record", record, "--classes", classes, "--except",
            "gallbladder,esophagus,stomach")
        print("\nThe second exchanged left and right on a slice. The labels that come of the second's boxes alone:")
        try await labels(of: "\(boxes)/annotator-2", name: "annotator-2")
        print("\nThe four know more than each of them: how well do they agree, and what did at least half draw?")
        try await command(
            "annotations", "agreement", volume, "--boxes", boxes, "--record", record, "--classes", classes)
        try await command(
            "annotations", "merge", volume, "--boxes", boxes, "--record", record, "--classes", classes, "-o",
            "\(output)/merged.csv")
        print("\nThe labels that come of these boxes:")
        try await labels(of: "\(output)/merged.csv", name: "labels")
        print("\nLook at \(output)/labels.png, and at \(output)/annotator-2.png beside it.")
    }

    /// Prints a command as a person would type it, and runs it; that a check found something is no failure here.
    private func command(_ arguments: String...) async throws {
        let quoted = arguments.map { $0.contains(" ") ? "\"\($0)\"" : $0 }
        print("\n$ swift-sam \(quoted.joined(separator: " "))")
        // Before what the command says on standard error.
        try finishStandardOutput()
        do {
            try await swift_sam.run(try SwiftSam.parseAsRoot(arguments))
        } catch let code as ExitCode where code.rawValue == 1 {}
    }
}
