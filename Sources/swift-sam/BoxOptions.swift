import Annotations
import ArgumentParser
import Foundation
import ImageFrames
import Imaging
import SafeFiles

/// Which boxes are meant: the options that `segment` and `annotations` share.
struct BoxOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The boxes: a folder of OpenLabeling's files, a folder of such a folder for each annotator, or a CSV. "
                + "A slices.json beside them says how the slices were turned.", valueName: "path"),
        completion: .file())
    var boxes: String

    @Flag(help: "Go on without boxes that are malformed, and count them.")
    var skipBad = false

    /// Reads all boxes on some volumes, whose headers alone are opened.
    ///
    /// - Parameters:
    ///   - annotator: whose boxes are meant; nil for everybody's.
    ///   - several: whether several annotators may have drawn on a volume.
    /// - Returns: one for each volume and annotator; volumes without boxes are left out where there are others.
    /// - Throws: ``FileErrors`` with everything wrong in all of them.
    func drawings(
        on cases: [VolumeFile], _ slicing: SlicingOptions, classes: ClassList?, annotator: String? = nil,
        several: Bool = true, isQuiet: Bool = false
    ) throws -> [Drawing] {
        let source = try BoxSource(boxes, pattern: slicing.pattern, cases: cases.map(\.name))
        var (drawings, errors, without): ([Drawing], [FileError], [String]) = ([], [], [])
        for item in cases {
            let known = source.annotators(ofCase: item.name)
            if cases.count > 1, known.isEmpty || annotator.map({ !known.contains($0) }) == true {
                without.append(item.name)
                continue
            }
            do throws(FileError) {
                let chosen =
                    several && annotator == nil && !known.isEmpty
                    ? known : [try source.annotator(ofCase: item.name, chosen: annotator)]
                for annotator in chosen {
                    drawings.append(try Drawing(source, item, annotator: annotator, slicing, classes))
                }
            } catch {
                errors.append(error)
            }
        }
        // Rows of no slice are nobody's, unless there is one whose they can be.
        if drawings.count == 1 { drawings[0].errors.insert(contentsOf: source.errors, at: 0) }
        let bad = drawings.flatMap(\.errors) + (drawings.count == 1 ? [] : source.errors)
        if !skipBad { errors += bad.sorted { ($0.file, $0.line ?? 0) < ($1.file, $1.line ?? 0) } }
        if !errors.isEmpty { throw FileErrors(errors) }
        if drawings.isEmpty { _ = try source.annotator(ofCase: cases[0].name, chosen: annotator) }
        if !isQuiet { printWarnings(warnings(source, cases, without: without, bad: bad.count)) }
        return drawings
    }

    private func warnings(_ source: BoxSource, _ cases: [VolumeFile], without: [String], bad: Int) -> [Warning] {
        func listed(_ names: [String]) -> String {
            names.prefix(5).joined(separator: ", ") + (names.count > 5 ? " and \(names.count - 5) more" : "")
        }
        var warnings: [Warning] = []
        if bad > 0 { warnings.append(Warning(file: boxes, "malformed boxes or files left out: \(bad)")) }
        if !without.isEmpty { warnings.append(Warning(file: boxes, "volumes without boxes: \(listed(without))")) }
        let strangers = source.cases.subtracting(cases.map(\.name)).sorted()
        if !strangers.isEmpty {
            let what = cases.count > 1 ? "boxes without a volume" : "boxes of other volumes, not used"
            warnings.append(Warning(file: boxes, "\(what): \(listed(strangers))"))
        }
        if !source.otherFiles.isEmpty {
            warnings.append(
                Warning(file: boxes, "files without a slice's name, not read: \(listed(source.otherFiles))"))
        }
        return warnings
    }
}

/// An annotator's boxes on a volume, checked before the volume's voxels are read.
struct Drawing {
    let item: VolumeFile
    /// Empty where no annotator is known.
    let annotator: String
    let record: FoundRecord?
    let slices: SliceGeometry
    let boxes: [SliceBoxes]
    /// What is wrong with boxes that are not among these.
    fileprivate(set) var errors: [FileError]

    init(
        _ source: BoxSource, _ item: VolumeFile, annotator: String, _ slicing: SlicingOptions, _ classes: ClassList?
    ) throws(FileError) {
        let folder = URL(filePath: source.path)
        let folders =
            source.path.lowercased().hasSuffix(".csv")
            ? [folder.deletingLastPathComponent()] : [folder.appending(path: annotator), folder]
        self.item = item
        self.annotator = annotator
        record = try FoundRecord(in: folders.map { $0.path(percentEncoded: false) })
        slices = try slicing.slices(try Geometry(ofVolume: item.path), case: item.name, record: record)
        let reading = source.boxes(
            ofCase: item.name, annotator: annotator, sliceCount: slices.count, imageSize: slices.imageSize,
            classes: classes)
        (boxes, errors) = (reading.slices, reading.errors)
    }
}
