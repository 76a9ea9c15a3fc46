import Foundation
import SafeFiles

/// The endings that make a file a NIfTI volume by its name, in letters of either case.
public enum VolumeEnding: String, CaseIterable, Sendable {
    case compressed = ".nii.gz"
    case plain = ".nii"

    /// The ending of a path; nil where the file is no volume by its name.
    public init?(of path: String) {
        let lowercased = path.lowercased()
        guard let ending = Self.allCases.first(where: { lowercased.hasSuffix($0.rawValue) }) else { return nil }
        self = ending
    }
}

/// The path of a volume without its `.nii` or `.nii.gz`; of the file's name, what slices and boxes are named after.
public func withoutVolumeExtension(_ path: String) -> String {
    String(path.dropLast(VolumeEnding(of: path)?.rawValue.count ?? 0))
}

/// A volume's file and the name of its case.
public struct VolumeFile: Hashable, Sendable {
    /// The case: the text in the place of `{case}`, else the file's name without `.nii` or `.nii.gz`.
    public var name: String
    public var path: String

    /// What patterns have in the place of a case's name.
    public static let placeholder = "{case}"

    /// A pattern of paths with this case's name in place of `{case}`.
    public func path(of pattern: String) -> String { pattern.replacing(Self.placeholder, with: name) }
}

/// The volumes that one argument names: a file; a folder, for all volumes in it; or a pattern such as
/// `ct/{case}/ct.nii.gz`, where `{case}` is the same text in all places, without a slash.
///
/// A volume is a file whose name has a ``VolumeEnding``. Files whose names begin with a dot are left out, such as the
/// `._ct.nii.gz` that macOS adds, unless they are named in full. Links are followed. Letters with accents are the same
/// letters composed and decomposed (Unicode's canonical equivalence, NFC and NFD), also in patterns.
public struct VolumeFiles: Sendable {
    public enum Kind: Sendable { case file, folder, pattern }

    /// The argument as the person gave it.
    public let argument: String
    public let kind: Kind
    /// The volumes, in the order of their names; at least one, and no two of one name.
    public let files: [VolumeFile]
    /// What looks like a volume and is left out.
    public let warnings: [Warning]
    /// Volumes that cannot be opened because their names are not UTF-8.
    public let errors: [FileError]

    /// Lists the volumes of an argument.
    ///
    /// - Throws: ``FileError`` `missingInput` where there are none, or the folder cannot be read; `badData` where the name
    ///   is not a volume's, or two volumes have one name.
    public init(_ argument: String) throws(FileError) {
        self.argument = argument
        let path = existing(argument)
        let found: Found
        if argument.contains(VolumeFile.placeholder) {
            kind = .pattern
            try requireEnding(argument)
            found = matches(argument)
        } else if isFolder(path) {
            kind = .folder
            let inFolder = try FolderNames(of: path)
            let names = inFolder.names.filter { VolumeEnding(of: $0) != nil }
            let files = names.filter { !isHidden($0) }.map {
                VolumeFile(name: withoutVolumeExtension($0), path: SafeFiles.path(of: $0, in: path))
            }
            found = (files, names.filter(isHidden), [], inFolder.unreadable.filter { VolumeEnding(of: $0) != nil })
        } else {
            kind = .file
            _ = try fileSize(path)
            try requireEnding(argument)
            let name = withoutVolumeExtension(URL(filePath: path).lastPathComponent)
            found = ([VolumeFile(name: name, path: path)], [], [], [])
        }
        let isNamed = kind == .file
        files = found.files.filter { isNamed || !LabelOrigin.isOrigin($0.path) }.sorted { $0.name < $1.name }
        warnings = [("hidden files, not read", found.hidden), ("cases without a volume", found.missing)]
            .filter { !$0.1.isEmpty }.map { Warning(file: argument, "\($0): \(listed($1.sorted()))") }
        errors = found.unreadable.sorted().map { FolderNames.error(of: $0, in: argument) }
        let isDICOM = files.isEmpty && kind == .folder && holdsDICOM(path)
        guard !files.isEmpty else {
            let skipped = errors.first.map { "\($0.what): \($0.found ?? "")" }
            throw FileError(
                .missingInput, file: argument, "no volumes", expected: ".nii or .nii.gz files",
                found: warnings.first?.what ?? skipped ?? (isDICOM ? "DICOM" : nil),
                advice: isDICOM ? dicomAdvice(argument) : "Check the path.")
        }
        for (one, next) in zip(files, files.dropFirst()) where one.name == next.name {
            throw FileError(.badData, file: next.path, "a second volume of this name", found: "also \(one.path)")
        }
    }
}

/// The volumes of one case in two listings, such as an image and its labels.
public struct VolumePair: Hashable, Sendable {
    /// The case, by the second listing.
    public let name: String
    /// A path.
    public let first: String
    /// A path.
    public let second: String
}

/// Volumes of two listings that belong together.
public struct VolumePairs: Sendable {
    public let (first, second): (VolumeFiles, VolumeFiles)
    /// In the order of the names.
    public private(set) var pairs: [VolumePair]
    /// The same before some were left to other parts.
    public let allPairs: [VolumePair]
    /// What was left out.
    public let warnings: [Warning]
    /// Volumes of both that cannot be opened because their names are not UTF-8.
    public var errors: [FileError] { first.errors + second.errors }

    /// Pairs two files whatever their names, and the volumes of two folders or patterns by the names of their cases.
    ///
    /// - Parameters:
    ///   - hasChannels: whether names of the first listing may end in nnU-Net's `_0000`, where no volume of the second does.
    ///   - onlyCommon: whether volumes without a partner are left out.
    /// - Throws: ``FileError`` `missingInput` where a volume has no partner, or with `onlyCommon` where none has one; where
    ///   one argument is a file and the other is not.
    public init(
        _ first: VolumeFiles, _ second: VolumeFiles, hasChannels: Bool = false, onlyCommon: Bool = false
    ) throws(FileError) {
        (self.first, self.second) = (first, second)
        guard (first.kind == .file) == (second.kind == .file) else {
            let (file, other) = first.kind == .file ? (first, second) : (second, first)
            throw FileError(
                .missingInput, file: file.argument, "not a folder",
                expected: "the volumes of a folder or pattern, as in \(other.argument)", found: "a file")
        }
        var partners = Dictionary(uniqueKeysWithValues: second.files.map { ($0.name, $0) })
        var pairs: [VolumePair] = []
        /// Pairs files by some form of their names; returns those that stay alone.
        func pair(_ files: [VolumeFile], by name: (VolumeFile) -> String) -> [VolumeFile] {
            files.filter { file in
                guard let partner = partners.removeValue(forKey: name(file)) else { return true }
                pairs.append(VolumePair(name: partner.name, first: file.path, second: partner.path))
                return false
            }
        }
        // Whole names first: of Case_0001 and Case_0001_0000 the one that needs no rule has the partner.
        var alone = pair(first.files) { first.kind == .file ? second.files[0].name : $0.name }
        if hasChannels {
            alone = pair(alone) {
                $0.name.hasSuffix(channelEnding) ? String($0.name.dropLast(channelEnding.count)) : ""
            }
        }
        let lonely = (alone + second.files.filter { partners[$0.name] != nil }).map(\.path)
        guard !pairs.isEmpty, lonely.isEmpty || onlyCommon else {
            throw FileError(
                .missingInput, file: second.argument, "not the volumes of \(first.argument)",
                expected: "the same names", found: "without a partner: \(listed(lonely))",
                advice: pairs.isEmpty ? nil : "Leave them out with --only-common.")
        }
        allPairs = pairs.sorted { $0.name < $1.name }
        self.pairs = allPairs
        let leftOut = Warning(file: second.argument, "without a partner, left out: \(listed(lonely))")
        warnings = first.warnings + second.warnings + (lonely.isEmpty ? [] : [leftOut])
    }
}

extension VolumePairs {
    /// Leaves out the pairs that are not of a part of all; see ``Part``.
    public mutating func keep(_ part: Part, environment: [String: String]) throws(FileError) {
        pairs = try part(pairs, environment: environment)
    }
}

/// What nnU-Net adds to the name of a case's first image.
private let channelEnding = "_0000"

// MARK: Names

private func isHidden(_ name: String) -> Bool { name.hasPrefix(".") }

private func requireEnding(_ path: String) throws(FileError) {
    guard VolumeEnding(of: path) != nil else {
        throw FileError(
            .badData, file: path, "not a NIfTI volume by its name", expected: ".nii or .nii.gz",
            advice: isDICOM(path) ? dicomAdvice(folder(of: path)) : nil)
    }
}

private func dicomAdvice(_ folder: String) -> String {
    "Convert the DICOM first: dcm2niix -z y -o OUTPUT \(folder)"
}

/// Whether DICOM files are in a folder or in one in it, by the first few.
private func holdsDICOM(_ folder: String) -> Bool {
    func first(_ count: Int, of folder: String) -> [String] {
        ((try? FolderNames(of: folder))?.names ?? []).filter { !isHidden($0) }.prefix(count).map { "\(folder)/\($0)" }
    }
    return first(20, of: folder).flatMap { isFolder($0) ? first(5, of: $0) : [$0] }.contains(where: isDICOM)
}

/// Whether a file is DICOM by its name, or by the word after its first 128 bytes.
private func isDICOM(_ path: String) -> Bool {
    if path.lowercased().hasSuffix(".dcm") || URL(filePath: path).lastPathComponent == "DICOMDIR" { return true }
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, let file = FileHandle(forReadingAtPath: path),
        let start = try? file.read(upToCount: 132)
    else { return false }
    return start.count == 132 && start.suffix(4) == Data("DICM".utf8)
}

/// Whether a name in a folder is the one that is looked for.
private func isSame(_ name: String, _ wanted: String) -> Bool {
    VolumeEnding(of: name) == VolumeEnding(of: wanted)
        && withoutVolumeExtension(name) == withoutVolumeExtension(wanted)
}

/// The text in the place of `{case}`; nil where the name does not fit the pattern.
private func caseName(of name: String, by pattern: String) -> String? {
    let literals = withoutVolumeExtension(pattern)
        .split(separator: VolumeFile.placeholder, omittingEmptySubsequences: false)
    let whole = withoutVolumeExtension(name)
    let length = (whole.count - literals.reduce(0) { $0 + $1.count }) / (literals.count - 1)
    let own = String(whole.dropFirst(literals[0].count).prefix(max(length, 0)))
    return !own.isEmpty && isSame(name, pattern.replacing(VolumeFile.placeholder, with: own)) ? own : nil
}

extension VolumeFiles {
    /// Whether an argument, a folder or a pattern, would list a file once it is there. Hidden files are not listed.
    public static func wouldList(_ path: String, by argument: String) -> Bool {
        let name = URL(filePath: path).lastPathComponent
        if isHidden(name) { return false }
        let place = withoutLinkedFolders(path)
        guard argument.contains(VolumeFile.placeholder) else {
            return isFolder(argument) && place == withoutLinkedFolders(SafeFiles.path(of: name, in: argument))
        }
        return caseName(of: place, by: withoutLinkedFolders(argument)).map { !$0.contains("/") } ?? false
    }
}

// MARK: Folders

/// Whether something of this name is there, be it a link that leads nowhere: reading that one says so.
private func isThere(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0
}

/// A path by the names that are there, which may be composed of other code points; as given where nothing is.
private func existing(_ path: String) -> String {
    if isThere(path) { return path }
    let parts = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    return parts.dropFirst().reduce(path.hasPrefix("/") ? "" : child(parts[0], of: ".", from: "")) { folder, part in
        child(part, of: folder.isEmpty ? "/" : folder, from: folder + "/")
    }
}

/// `start` and the entry of a folder that has this name, or else the name itself.
private func child(_ name: String, of folder: String, from start: String) -> String {
    if isThere(start + name) { return start + name }
    return start + ((try? FolderNames(of: folder))?.names.first { isSame($0, name) } ?? name)
}

/// The volumes of a listing, the names of hidden ones, cases without one, and names that are not UTF-8.
private typealias Found = (files: [VolumeFile], hidden: [String], missing: [String], unreadable: [String])

/// The files of a pattern: the first part of the path that holds `{case}` says which cases there are.
private func matches(_ pattern: String) -> Found {
    let parts = pattern.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    var found: Found = ([], [], [], [])
    guard let place = parts.firstIndex(where: { $0.contains(VolumeFile.placeholder) }) else { return found }
    let start = place == 0 ? "" : existing(parts[..<place].joined(separator: "/") + "/")
    guard let entries = try? FolderNames(of: start.isEmpty ? "." : start) else { return found }
    // A slash ends the names of folders.
    let ending = place < parts.count - 1 ? "/" : ""
    found.unreadable = entries.unreadable.filter { name in
        name.hasSuffix("/") == !ending.isEmpty
            && caseName(of: String(name.dropLast(ending.count)), by: parts[place]) != nil
    }
    for entry in entries.names {
        guard let name = caseName(of: entry, by: parts[place]) else { continue }
        let path = parts[(place + 1)...].reduce(start + entry) { folder, part in
            child(part.replacing(VolumeFile.placeholder, with: name), of: folder, from: folder + "/")
        }
        if !isThere(path) {
            if isFolder(start + entry), !isHidden(entry) { found.missing.append(name) }
        } else if isHidden(entry) && !isHidden(parts[place]) {
            found.hidden.append(entry)
        } else {
            found.files.append(VolumeFile(name: name, path: path))
        }
    }
    return found
}
