import Annotations
import ArgumentParser
import SafeFiles
import Segmentation

struct FillAnnotations: ParsableCommand, CommonCommand {
    static let configuration = CommandConfiguration(
        commandName: "fill",
        abstract: "The boxes, and between them those that nobody drew, for people to correct.",
        discussion: """
            Example: swift-sam annotations fill ct.nii.gz --boxes boxes/ --classes class_list.txt -o filled.csv

            Corners go linearly from one drawn slice to the next of the same class. Slices on which somebody looked and saw nothing \
            stay empty (--tasks, --empty-means), and gaps longer than --fill-gap are listed. What nobody drew is marked: filled is 1 \
            in the CSV, <filled> in Pascal VOC's objects, and filled.csv beside YOLO's files lists it. segment takes all boxes for \
            drawn: this is for people who look at each; segment --fill box marks what it fills.
            """)

    @OptionGroup var boxes: BoxOptions

    @Option(help: "The one of several annotators whose boxes count.")
    var annotator: String?

    @OptionGroup var classes: ClassOptions

    @OptionGroup var slicing: SlicingOptions

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The longest gap that is filled, from one drawn slice to the next.", valueName: "mm"))
    var fillGap = Filling.defaultGap

    @OptionGroup var output: BoxOutputOptions
    @OptionGroup var common: CommonOptions

    mutating func validate() throws {
        try output.validate(hasClasses: !classes.reads.isEmpty)
        try requireGap(fillGap)
    }

    func run() throws {
        let classList = try classes.list()
        let annotated = try boxes.read(
            on: try slicing.cases(), slicing, classes: classList, by: .one(named: annotator))
        printWarnings(annotated.warningsOfClippedBoxes)
        let (cases, open) = try annotated.filledBoxes(longestGap: fillGap)
        let filled = try MergedBoxes(cases, pattern: slicing.pattern, classes: classList, marksFilled: true)
        try output.write(filled, of: annotated, reads: classes.reads) {
            print("wrote \(filled.count) boxes to \(output.output), of which nobody drew \(filled.filledCount)")
            for (name, gap) in open {
                let organ = classList.name(ofClass: gap.place.classID)
                print("longer than \(fillGap) mm: \(name), \(organ), \(gap.description)")
            }
        }
    }
}
