import Annotations
import ArgumentParser
import Foundation
import SafeFiles
import Segmentation

struct CoverageOfAnnotations: ParsableCommand, CommonCommand {
    static let configuration = CommandConfiguration(
        commandName: "coverage",
        abstract: "What is drawn of each volume and organ: first and last slice, gaps, by whom.",
        discussion: """
            Example: swift-sam annotations coverage ct.nii.gz --boxes boxes/ --classes class_list.txt || echo incomplete

            Over all annotators. Missing: nobody drew it; slices without a box between two with, except what a regular step \
            leaves out (every 3); boxes that stop where there is more to draw. Exits with 1 where anything is missing. With \
            --tasks the organs that somebody was to draw are listed, else all classes.
            """)

    @OptionGroup var boxes: BoxOptions

    @Option(help: "The classes' names, a line each (class_list.txt).", completion: .file(extensions: ["txt"]))
    var classes: String

    @OptionGroup var except: ExceptOption
    @OptionGroup var slicing: SlicingOptions

    @Flag(help: "Print as JSON.")
    var json = false

    @OptionGroup var common: CommonOptions

    func run() throws {
        let cases = try slicing.cases()
        let classList = try ClassList(contentsOf: classes)
        let excepted = try except.classIDs(in: classList)
        let annotated = try boxes.read(on: cases, slicing, classes: classList)
        let rows = try annotated.coverage(classes: classList, except: excepted)
        let incomplete = rows.count { !$0.isComplete }
        if json {
            try printJSON(Report(coverage: rows, leftOut: annotated.leftOut.map(\.description)))
        } else {
            printTable([Coverage.columns] + rows.map(\.cells))
            print(incomplete == 0 ? "complete" : "incomplete: \(incomplete) of \(rows.count)")
        }
        if incomplete > 0 { throw ExitCode(1) }
    }

    private struct Report: Encodable {
        let coverage: [Coverage]
        /// What is wrong with volumes and boxes that were left out.
        let leftOut: [String]

        enum CodingKeys: String, CodingKey {
            case coverage
            case leftOut = "left_out"
        }
    }
}
