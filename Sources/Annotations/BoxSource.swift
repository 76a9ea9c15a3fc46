import Foundation
import ImageFrames
import SafeFiles

/// All boxes under one path, sorted by annotator and volume before any of them is read: a folder of OpenLabeling's
/// files, a folder of annotators' folders, or a CSV.
public struct BoxSource: Sendable {
    /// What one person was to do: the boxes on one volume.
    struct Assignment: Hashable {
        /// The name of the annotator's folder or the word in the CSV; empty where there is none.
        var annotator: String
        var caseName: String
    }

    /// The folder or CSV.
    public let path: String
    private let pattern: SlicePattern
    private let content: Content
    /// The rows of a CSV that are of no slice or of nobody.
    public let errors: [FileError]
    /// Files and folders that cannot be opened because their names are not UTF-8.
    public let unreadable: [FileError]
    /// Files of a folder that end as boxes do but have another name than a slice's; the list of classes is none of them.
    public let otherFiles: [String]
    /// Folders where an annotator's would be that hold neither boxes nor pictures.
    public let unusedFolders: [String]
    /// The files of boxes, and the pictures of slices beside them.
    public let files: [String]

    private enum Content {
        case files([Assignment: [BoxFile]])
        case rows([Assignment: [BoxRow]])
    }

    /// Lists a folder, or reads a CSV's lines.
    ///
    /// In a folder, files are named by the pattern and end in `.txt` (YOLO) or `.xml` (Pascal VOC); they are in the
    /// folder itself or in its subfolders `YOLO_darknet` and `PASCAL_VOC`, or of `output`, or else so in a subfolder for each
    /// annotator, for each volume (by its name), or for both. What has another name is ignored.
    ///
    /// A CSV has the columns `slice,class,x0,y0,x1,y1` and may have `annotator` and `seconds`: the slice's name by the
    /// pattern (an image's ending may follow), or its number alone where only one volume is meant.
    ///
    /// - Parameter cases: the names of the volumes that are meant; where it is one, slices may go by their numbers.
    /// - Throws: ``FileError`` `missingInput` where the path cannot be read, `badData` where it is no such CSV, or a folder
    ///   holds boxes beside annotators' folders, or an annotator's folder boxes in one that is no volume's.
    public init(_ path: String, pattern: SlicePattern, cases: [String]) throws(FileError) {
        self.path = path
        self.pattern = pattern
        var errors: [FileError] = []
        if path.lowercased().hasSuffix(".csv") {
            content = .rows(try boxRows(path, pattern: pattern, cases: cases, errors: &errors))
            files = [path] + pictures(in: SafeFiles.folder(of: path), pattern)
            (otherFiles, unreadable, unusedFolders) = ([], [], [])
        } else {
            let folder = try BoxFolder(path, pattern: pattern, cases: cases)
            content = .files(folder.assignments)
            files = folder.assignments.values.joined().map(\.path).sorted() + folder.pictures
            (otherFiles, unreadable, unusedFolders) = (folder.others, folder.errors, folder.unusedFolders)
        }
        self.errors = errors
    }

    /// Where the record of the slices that an annotator drew on may be: the folders of the files first, then each above them
    /// up to the one that was named.
    public func folders(ofCase name: String, annotator: String) -> [String] {
        guard case .files(let files) = content else { return [SafeFiles.folder(of: path)] }
        let top = BoxFolder.withoutSlash(path)
        var folders: Set<String> = [top]
        for file in files[Assignment(annotator: annotator, caseName: name)] ?? [] {
            var folder = file.folder
            while folder.utf8.count > top.utf8.count, folders.insert(folder).inserted {
                folder = BoxFolder.parent(of: folder)
            }
        }
        return folders.sorted { ($1.utf8.count, $0) < ($0.utf8.count, $1) }
    }

    /// The picture that the first of an annotator's Pascal VOC files on a volume names: its path as written, and that path
    /// from the file's folder; none where there is no such file.
    public func namedPictures(ofCase name: String, annotator: String) -> [String] {
        guard case .files(let files) = content,
            let file = files[Assignment(annotator: annotator, caseName: name)]?.first(where: { $0.format == .pascalVOC }
            ),
            let text = try? text(of: file.path), let begin = text.range(of: "<path>"),
            let end = text.range(of: "</path>", range: begin.upperBound..<text.endIndex)
        else { return [] }
        let picture = text[begin.upperBound..<end.lowerBound].trimmingCharacters(in: .whitespacesAndNewlines)
        guard !picture.isEmpty, !picture.contains("<") else { return [] }
        return picture.hasPrefix("/") ? [picture] : [picture, "\(SafeFiles.folder(of: file.path))/\(picture)"]
    }

    /// Whether the boxes are the rows of a CSV, and not files in a folder.
    public var isTable: Bool {
        if case .rows = content { true } else { false }
    }

    /// Throws `badData` where OpenLabeling's list of classes with an annotator's YOLO files, which know a class by its place, has one
    /// in another place than the list by which they are read: the boxes would be other organs'.
    public func requireSamePlaces(as classes: ClassList, ofCase name: String, annotator: String) throws(FileError) {
        guard case .files(let files) = content,
            files[Assignment(annotator: annotator, caseName: name)]?.contains(where: { $0.format == .yolo }) == true
        else { return }
        let paths = folders(ofCase: name, annotator: annotator).map { SafeFiles.path(of: BoxFolder.classList, in: $0) }
        guard let path = paths.first(where: isOtherThanFolder), let own = try? ClassList(contentsOf: path) else {
            return
        }
        for (id, className) in own.names.enumerated() {
            guard let other = classes.id(of: className), other != id else { continue }
            throw FileError(
                .badData, file: path, "has a class in another place than \(classes.path)",
                expected: "\(className) as class \(other)", found: "as class \(id)",
                advice: "Name the list that the boxes were drawn with by --classes, or remove the other.")
        }
    }

    private var assignments: [Assignment] {
        switch content {
        case .files(let files): Array(files.keys)
        case .rows(let rows): Array(rows.keys)
        }
    }

    /// The volumes that have boxes here, or files without any.
    public var cases: Set<String> { Set(assignments.map(\.caseName)) }

    /// Who worked on a volume, by name; an empty name where no annotator is known.
    public func annotators(ofCase name: String) -> [String] {
        assignments.filter { $0.caseName == name }.map(\.annotator).sorted()
    }

    /// The one who worked on a volume.
    ///
    /// - Parameter chosen: who is meant, where several did.
    /// - Throws: ``FileError`` `missingInput` where nobody did, or the chosen did not; `badData` where several did and none
    ///   is chosen.
    public func annotator(ofCase name: String, chosen: String?) throws(FileError) -> String {
        let known = annotators(ofCase: name)
        guard !known.isEmpty else {
            let first = pattern.name(ofSlice: 0, case: name)
            throw FileError(
                .missingInput, file: path, "no boxes of this volume",
                expected: isTable ? "rows of \(first) and so on" : "\(first).txt or .xml and so on",
                found: cases.min().map { "\(pattern.name(ofSlice: 0, case: $0)) and so on" }
                    ?? (isTable ? "no row" : "no file named so"),
                advice: "Choose other boxes, or say how their slices are named with --stem or --pattern.")
        }
        if let chosen {
            guard known.contains(chosen) else {
                throw FileError(
                    .missingInput, file: path, "no boxes of this volume by \"\(chosen)\"",
                    expected: known == [""] ? nil : known.joined(separator: ", "),
                    found: known == [""] ? "no annotator's name" : nil,
                    advice: known == [""] ? "Leave out --annotator." : nil)
            }
            return chosen
        }
        guard known.count == 1 else {
            throw FileError(
                .badData, file: path, "\(known.count) annotators drew boxes on \(name)",
                found: known.joined(separator: ", "),
                advice: "Choose one with --annotator, or put them together with annotations merge.")
        }
        return known[0]
    }

    /// Reads an annotator's boxes on a volume.
    ///
    /// Where a slice has both of OpenLabeling's formats, they must have the same boxes to within a pixel, and YOLO's, which
    /// are not rounded, are the result.
    ///
    /// - Parameters:
    ///   - sliceCount: how many slices the volume has.
    ///   - imageSize: width and height of every slice's image.
    ///   - classes: the names of the classes; without them, classes must be numbers.
    public func boxes(
        ofCase name: String, annotator: String, sliceCount: Int, imageSize: PixelSize, classes: ClassList?
    ) -> BoxReading {
        let assignment = Assignment(annotator: annotator, caseName: name)
        var collector = BoxCollector(sliceCount: sliceCount, imageSize: imageSize, classes: classes)
        switch content {
        case .files(let files): collector.read(files[assignment] ?? [])
        case .rows(let rows): collector.read(rows[assignment] ?? [])
        }
        return collector.reading
    }
}

/// What an annotator's files say about a volume.
public struct BoxReading: Sendable {
    /// The slices that have files or rows, in order; those whose files are empty too.
    public var slices: [SliceBoxes] = []
    /// Every bad line of every file, and every file of a slice that does not exist. What they report is not among the
    /// boxes; where a slice's two formats disagree, none of its boxes are.
    public var errors: [FileError] = []

    /// Adds what is wrong with a box; beyond the most that are kept, nothing.
    mutating func add(_ error: FileError) { try? errors.add(error) }

    /// Adds a slice, and what is wrong with its files.
    mutating func add(_ slice: SliceBoxes, errors: [FileError]) {
        slices.append(slice)
        for error in errors { add(error) }
    }
}

/// Puts the boxes of one volume together, and what is wrong with them.
struct BoxCollector {
    let sliceCount: Int
    let imageSize: PixelSize
    let classes: ClassList?
    var reading = BoxReading()

    /// Checks that the volume has a slice of this number, written so at a place.
    func requireSlice(_ slice: Int, file: String, line: Int? = nil) throws(FileError) {
        guard slice < sliceCount else {
            throw FileError(
                .badData, file: file, line: line, "boxes for a slice that does not exist",
                expected: "000 to \(sliceDigits(sliceCount - 1))", found: sliceDigits(slice))
        }
    }

    /// Checks the boxes of a slice and cuts them at the image's edge; bad ones become errors.
    func drawn(_ boxes: [WrittenBox], errors: inout [FileError]) -> [DrawnBox] {
        var drawn: [DrawnBox] = []
        for box in boxes {
            do throws(FileError) {
                drawn.append(try DrawnBox(box, imageSize: imageSize))
            } catch {
                try? errors.add(error)
            }
        }
        return drawn
    }
}
