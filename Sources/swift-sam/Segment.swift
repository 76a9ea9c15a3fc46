import ArgumentParser
import Imaging
import Segmentation

struct Segment: AsyncParsableCommand, CommonCommand {
    static let configuration = CommandConfiguration(
        abstract: "Label volumes from volumes and the boxes drawn on their slices.",
        discussion: """
            Example: swift-sam segment ct.nii.gz --boxes boxes/ --classes class_list.txt --labels 0=1,1=2,5=4 \
            -o labels.nii.gz

            Several: swift-sam segment 'ct/img{case}.nii.gz' --boxes boxes/ --pattern 'img{case}-slice{slice}' \
            --classes class_list.txt -o 'labels/{case}.nii.gz'

            Boxes are STEM-sliceKKK.txt (YOLO) or .xml (Pascal VOC), as OpenLabeling writes them, or rows of a CSV \
            slice,class,x0,y0,x1,y1[,annotator,seconds] in pixels, where a single volume's slices may go by their numbers \
            from 0. All boxes of all volumes are checked before the first slice is encoded. The labels have the volume's \
            exact geometry; labels.json beside them says what they were made from, how, and what became of each box.

            Again: swift-sam segment --from-manifest labels.json -o again.nii.gz

            With --fill, slices that nobody drew are filled, and labels-origin.nii.gz says where each voxel comes from: 1 drawn, \
            2 between drawn slices, 3 beyond them.

            Recipes: sam is SAM's own way. medsam is MedSAM's own inference, for its weights: slices squashed to a square, \
            and the model's one mask. study is the way of Kulkarni et al. 2024 with SAM: --intensity minmax-slice, edges \
            added to the slices, which must be square, corners truncated to whole pixels, and the last box wins overlaps.
            """)

    @OptionGroup var boxes: BoxOptions

    @Option(help: "The one of several annotators whose boxes count.")
    var annotator: String?

    @OptionGroup var classes: ClassOptions

    @Option(
        help: ArgumentHelp(
            "The label of each class, by id or name; - leaves it out. (default: the id + 1)",
            valueName: "0=1,spleen=2,3=-"))
    var labels: String?

    @OptionGroup var slicing: SlicingOptions
    @OptionGroup var options: ModelOptions
    @OptionGroup var cache: CacheOptions
    @OptionGroup var shared: SharedWorkOptions
    @OptionGroup var filling: FillOptions
    @OptionGroup var repeating: RepeatOptions

    @Option(help: "How the model is used.")
    var recipe = Recipe.sam

    @Flag(help: "Take the model's one mask for a box instead of the best of three, as medsam does anyway.")
    var singleMask = false

    @Option(help: ArgumentHelp("Also draw slices with labels and boxes.", valueName: "picture.png"))
    var preview: String?

    @Option(
        help: ArgumentHelp("The slices to draw. (default: up to eight with boxes or filled)", valueName: "10,20-25"),
        transform: parseSlices)
    var previewSlices: [Int] = []

    @Option(
        help: ArgumentHelp("Only boxes on these slices count.", valueName: "20-30"), transform: parseSliceRange)
    var slices: ClosedRange<Int>?

    @Flag(help: "Keep the labels of slices that have no boxes now.")
    var update = false

    @Flag(help: "Compute all slices, also where the labels are what they would become.")
    var force = false

    @Flag(
        help: "Replace labels that a person has edited since they were written, or a JSON that another program wrote.")
    var replaceEdited = false

    @Flag(help: "Have labels.json name files by absolute paths, not from its own folder.")
    var absolutePaths = false

    @Flag(
        help:
            "Print the manifest instead of a table; of several volumes, all by their names, and what the others failed by."
    )
    var json = false

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("The NIfTI volume to write; of several, with {case}.", valueName: "labels.nii.gz"))
    var output: String

    @OptionGroup var common: CommonOptions

    mutating func validate() throws {
        guard VolumeEnding(of: output) != nil else {
            throw ValidationError(
                "-o must name a .nii or .nii.gz file, or of several volumes such as \"out/{case}.nii.gz\", not \"\(output)\"."
            )
        }
        try requireEnding(".png", "--preview", preview)
        guard previewSlices.isEmpty || preview != nil else {
            throw ValidationError("--preview-slices needs --preview.")
        }
        guard !(update && force) else { throw ValidationError("--update keeps slices that --force would compute.") }
        guard !(shared.claim && force) else {
            throw ValidationError(
                "--force computes again what other processes with --claim have done: share the volumes with --part.")
        }
        if let refusal = recipe.refusal(intensity: slicing.intensity, singleMask: singleMask) {
            throw ValidationError("--recipe \(recipe.name) \(refusal).")
        }
        slicing.intensity = recipe.intensity ?? slicing.intensity
    }

    var mode: VolumePlan.Mode { force ? .all : update ? .update : .changes }

    /// The files that are written of a volume.
    struct Outputs {
        var labels: String
        /// The origins and the picture, where they are wanted.
        var others: [String]

        var all: [String] { [labels, LabelsRecord.path(besideLabels: labels)] + others }
    }

    func outputs(_ file: VolumeFile) -> Outputs {
        let labels = file.path(of: output)
        return Outputs(
            labels: labels,
            others: (filling.filling.isOn ? [LabelOrigin.path(besideLabels: labels)] : [])
                + [preview].compactMap { $0.map(file.path(of:)) })
    }
}
