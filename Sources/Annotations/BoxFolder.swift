import Foundation
import ImageFrames
import SafeFiles

/// A file of boxes, not read yet.
struct BoxFile: Sendable {
    var path: String
    /// What its name has in place of the slice's number.
    var digits: String
    var format: BoxFormat

    var folder: String { BoxFolder.parent(of: path) }
}

/// The formats that OpenLabeling writes, in the order in which they are read.
enum BoxFormat: Int, CaseIterable {
    case yolo
    case pascalVOC

    init?(file: String) {
        switch file.suffix(4).lowercased() {
        case ".txt": self = .yolo
        case ".xml": self = .pascalVOC
        default: return nil
        }
    }

    func read(
        _ path: String, imageSize: PixelSize, classes: ClassList?, errors: inout [FileError]
    ) throws(FileError) -> [WrittenBox] {
        switch self {
        case .yolo: try readYOLO(path, imageSize: imageSize, classes: classes, errors: &errors)
        case .pascalVOC: try readPascalVOC(path, imageSize: imageSize, classes: classes, errors: &errors)
        }
    }
}

// MARK: Listing

/// What is in a folder of boxes, or in its subfolders for each annotator.
struct BoxFolder: Sendable {
    private(set) var assignments: [BoxSource.Assignment: [BoxFile]] = [:]
    /// The files that end as boxes do but do not have a slice's name.
    private(set) var others: [String]
    /// The pictures of slices.
    private(set) var pictures: [String]
    /// Folders where an annotator's would be that hold neither boxes nor pictures.
    private(set) var unusedFolders: [String] = []
    /// Files and folders whose names are not UTF-8.
    private(set) var errors: [FileError] = []

    private let pattern: SlicePattern
    private let cases: Set<String>

    /// Lists a folder and those in it, three deep: an annotator's folder may hold one for each volume or the other way
    /// round, and each may hold OpenLabeling's `output`.
    ///
    /// - Parameter cases: the names of the volumes that are meant: a folder of such a name is a volume's.
    /// - Throws: ``FileError`` `missingInput` where a folder cannot be read, `badData` where both hold boxes, or a folder of an
    ///   annotator's that is no volume's does.
    init(_ folder: String, pattern: SlicePattern, cases: [String]) throws(FileError) {
        let top = Self.withoutSlash(folder)
        (self.pattern, self.cases, others, pictures) = (pattern, Set(cases), [], [])
        let own = try Listing(top, pattern)
        try add(own, top, annotator: "", depth: 3)
        others += own.files.isEmpty ? own.others : []
    }

    /// OpenLabeling's list of classes.
    static let classList = "class_list.txt"

    /// A folder's path as those of the files in it begin.
    static func withoutSlash(_ folder: String) -> String { folder.hasSuffix("/") ? String(folder.dropLast()) : folder }

    /// The part of a path before its last name, spelt as it is there.
    static func parent(of path: String) -> String { String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]) }

    /// Adds what a folder holds and what the folders in it do.
    private mutating func add(
        _ listing: Listing, _ folder: String, annotator: String, depth: Int
    ) throws(FileError) {
        add(listing, annotator: annotator)
        pictures += listing.pictures
        errors += listing.errors
        if !listing.files.isEmpty { others += listing.others }
        if depth == 0 { return }
        for name in listing.subfolders {
            let inner = try Listing("\(folder)/\(name)", pattern)
            if isCase(String(name.split(separator: "/").last ?? ""), inner) {
                try add(inner, "\(folder)/\(name)", annotator: annotator, depth: depth - 1)
            } else if !annotator.isEmpty || Listing.isOfFormat(name) {
                guard let lost = try anyFile(inner, "\(folder)/\(name)", depth: depth - 1) else { continue }
                throw FileError(
                    .badData, file: folder, "boxes are in a folder in it that is no volume's",
                    expected: "files of boxes, or a folder for each volume by its name", found: lost.path,
                    advice: "Move them into the folder above, or out of the boxes' folder.")
            } else {
                if let mine = listing.files.first?.file, let other = inner.files.first?.file {
                    throw FileError(
                        .badData, file: folder, "boxes are in it and in a folder in it",
                        expected: "files of boxes, or a folder for each annotator",
                        found: "\(mine.path) and \(other.path)", advice: "Move one of them away.")
                }
                if listing.files.isEmpty, inner.isUnused, name != Listing.input {
                    unusedFolders.append("\(folder)/\(name)")
                }
                let annotator = name.hasPrefix("output/") ? String(name.dropFirst(7)) : name
                try add(inner, "\(folder)/\(name)", annotator: annotator, depth: depth - 1)
            }
        }
    }

    /// A file of boxes in a folder or those in it.
    private func anyFile(_ listing: Listing, _ folder: String, depth: Int) throws(FileError) -> BoxFile? {
        if let file = listing.files.first?.file { return file }
        if depth == 0 { return nil }
        for name in listing.subfolders {
            let inner = try Listing("\(folder)/\(name)", pattern)
            if let file = try anyFile(inner, "\(folder)/\(name)", depth: depth - 1) { return file }
        }
        return nil
    }

    /// Whether a folder is one volume's: it has the volume's name, or the beginning of its slices' names.
    private func isCase(_ name: String, _ listing: Listing) -> Bool {
        let names = Set(listing.files.map(\.caseName))
        let known = names.count == 1 ? names : names.isEmpty ? cases : []
        return known.contains { $0 == name || pattern.stem(ofCase: $0) == name }
    }

    private mutating func add(_ listing: Listing, annotator: String) {
        for (caseName, file) in listing.files {
            assignments[BoxSource.Assignment(annotator: annotator, caseName: caseName), default: []].append(file)
        }
    }
}

/// What is in a folder and in OpenLabeling's subfolders of it, those of `output` too, in the order of the names.
private struct Listing {
    var files: [(caseName: String, file: BoxFile)] = []
    /// Those that end as boxes do but do not have a slice's name.
    var others: [String] = []
    var pictures: [String] = []
    /// Files of boxes, and folders, whose names are not UTF-8.
    var errors: [FileError] = []
    /// The names of other subfolders, and of those in OpenLabeling's.
    var subfolders: [String] = []

    private static let formatFolders = ["YOLO_darknet", "PASCAL_VOC"]
    /// OpenLabeling's folder of pictures.
    static let input = "input"

    /// Whether it is as OpenLabeling makes it for somebody who has not begun.
    var isUnused: Bool {
        files.isEmpty && others.isEmpty && pictures.isEmpty && subfolders.allSatisfy { $0 == Self.input }
    }

    /// Whether a subfolder is in one of OpenLabeling's for a format, where no annotator's is.
    static func isOfFormat(_ subfolder: String) -> Bool {
        let parents = subfolder.split(separator: "/").dropLast()
        return formatFolders.contains { parents.contains($0[...]) }
    }

    init(_ folder: String, _ pattern: SlicePattern) throws(FileError) {
        try add(folder, "", pattern)
        for place in Self.formatFolders {
            guard let index = subfolders.firstIndex(of: place) else { continue }
            subfolders.remove(at: index)
            try add(folder, place + "/", pattern)
        }
        guard let output = subfolders.firstIndex(of: "output") else { return }
        subfolders.remove(at: output)
        let inner = try Listing("\(folder)/output", pattern)
        files += inner.files
        others += inner.others
        pictures += inner.pictures
        errors += inner.errors
        subfolders += inner.subfolders.map { "output/\($0)" }
    }

    /// Adds what is in a folder itself.
    ///
    /// - Parameter prefix: the folder in it that is meant, with a slash; empty for itself.
    private mutating func add(_ folder: String, _ prefix: String, _ pattern: SlicePattern) throws(FileError) {
        let place = prefix.isEmpty ? folder : "\(folder)/\(prefix.dropLast())"
        let inPlace = try names(in: place)
        addUnreadable(inPlace, in: place)
        for name in inPlace.names {
            // Hidden files are other programs': macOS leaves a `._NAME.txt` beside each NAME.txt on a foreign disk.
            if name.hasPrefix(".") || add(name, in: place, pattern) { continue }
            if isFolder("\(place)/\(name)") { subfolders.append(prefix + name) }
        }
    }

    private mutating func addUnreadable(_ names: FolderNames, in folder: String) {
        errors += names.unreadable.filter { BoxFormat(file: $0) != nil || $0.hasSuffix("/") }
            .map { FolderNames.error(of: $0, in: folder) }
    }

    /// Adds a file of boxes or a slice's picture; false where the name is another's.
    private mutating func add(_ name: String, in folder: String, _ pattern: SlicePattern) -> Bool {
        if isPicture(name, pattern) {
            pictures.append("\(folder)/\(name)")
            return true
        }
        guard let format = BoxFormat(file: name) else { return false }
        guard let parts = pattern.parts(of: name.dropLast(4)) else {
            if name != BoxFolder.classList { others.append("\(folder)/\(name)") }
            return false
        }
        let file = BoxFile(path: "\(folder)/\(name)", digits: String(parts.slice), format: format)
        files.append((String(parts.case), file))
        return true
    }
}

/// The pictures of slices in a folder; none where it cannot be read.
func pictures(in folder: String, _ pattern: SlicePattern) -> [String] {
    ((try? names(in: folder))?.names ?? []).filter { isPicture($0, pattern) }.map { "\(folder)/\($0)" }
}

private func isPicture(_ name: String, _ pattern: SlicePattern) -> Bool {
    let stem = withoutPictureEnding(name)
    return stem.endIndex < name.endIndex && pattern.parts(of: stem).map { sliceNumber($0.slice) != nil } == true
}

/// A picture's name without `.png`, `.jpg` or `.jpeg`; another name as it is.
func withoutPictureEnding(_ name: String) -> Substring {
    let ending = pictureEndings.first { name.lowercased().hasSuffix($0) }
    return name.dropLast(ending?.count ?? 0)
}

private func names(in folder: String) throws(FileError) -> FolderNames {
    do {
        return try FolderNames(of: folder)
    } catch {
        if isOtherThanFolder(folder) {
            throw FileError(
                .missingInput, file: folder, "no boxes that can be read",
                expected: "a folder of YOLO's or Pascal VOC's files, or a .csv",
                advice: "Boxes of another kind (COCO, CVAT, Label Studio): export them as YOLO or Pascal VOC.")
        }
        throw FileError(
            .missingInput, file: folder, "not a folder that can be read", advice: "Check the path of --boxes.")
    }
}

// MARK: Reading

extension BoxCollector {
    /// Reads the files of one annotator and volume.
    mutating func read(_ files: [BoxFile]) {
        struct Key: Hashable {
            var slice: Int
            var format: BoxFormat
        }
        var known: [Key: BoxFile] = [:]
        // The slices that have a file which is not read.
        var torn: Set<Int> = []
        for file in files {
            do throws(FileError) {
                let key = Key(slice: try slice(of: file), format: file.format)
                if let other = known[key] {
                    torn.insert(key.slice)
                    throw FileError(
                        .badData, file: file.path, "a second file of the slice's boxes", found: "also \(other.path)")
                }
                known[key] = file
            } catch {
                reading.add(error)
            }
        }
        for slice in Set(known.keys.map(\.slice)).sorted() {
            read(
                BoxFormat.allCases.compactMap { known[Key(slice: slice, format: $0)] }, slice: slice,
                isWhole: !torn.contains(slice))
        }
    }

    private func slice(of file: BoxFile) throws(FileError) -> Int {
        guard let slice = sliceNumber(file.digits[...]) else {
            throw FileError(
                .badData, file: file.path, "not a slice's name", expected: "a number KKK from 000", found: file.digits)
        }
        try requireSlice(slice, file: file.path)
        return slice
    }

    /// Reads the files of a slice: one, or one of each format.
    private mutating func read(_ files: [BoxFile], slice: Int, isWhole: Bool) {
        var errors: [FileError] = []
        var written: [[WrittenBox]] = []
        for file in files {
            do throws(FileError) {
                written.append(
                    try file.format.read(file.path, imageSize: imageSize, classes: classes, errors: &errors))
            } catch {
                try? errors.add(error)
            }
        }
        var boxes = drawn(written.first ?? [], errors: &errors)
        // Where a line or a box is bad, that is what has to be mended first.
        if errors.isEmpty, written.count == 2, !agree(written[0], written[1]) {
            errors.append(
                FileError(
                    .badData, file: files[0].path, "its boxes are not those of the slice's other file",
                    expected: "the same within a pixel", found: files[1].path,
                    advice: "Keep the file that is right and remove the other."))
            boxes = []
        }
        reading.add(
            SliceBoxes(slice: slice, files: files.map(\.path), boxes: boxes, isWhole: isWhole && errors.isEmpty),
            errors: errors)
    }
}

/// Whether two formats hold the same boxes, in whichever order; of more than can be compared with each other, in one order.
///
/// OpenLabeling rounds corners to whole pixels for Pascal VOC (half a pixel), and once more where it reads its
/// own YOLO file again.
private func agree(_ first: [WrittenBox], _ second: [WrittenBox]) -> Bool {
    guard first.count == second.count else { return false }
    func isSame(_ one: WrittenBox, _ other: WrittenBox) -> Bool {
        one.classID == other.classID && distance(one.box, other.box) <= mostRounded
    }
    if first.count > mostBoxes { return zip(first, second).allSatisfy(isSame) }
    var left = second
    for box in first {
        let distances = left.map { $0.classID == box.classID ? distance($0.box, box.box) : .infinity }
        guard let nearest = distances.indices.min(by: { distances[$0] < distances[$1] }),
            distances[nearest] <= mostRounded
        else { return false }
        left.remove(at: nearest)
    }
    return true
}

/// A whole pixel, after rounding in the arithmetic.
private let mostRounded = 1 + 1e-6

/// The most that one of two boxes' sides is away from the other's.
private func distance(_ one: PixelBox, _ other: PixelBox) -> Double {
    max(abs(one.x0 - other.x0), abs(one.y0 - other.y0), abs(one.x1 - other.x1), abs(one.y1 - other.y1))
}
