// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Foundation
import TestSupport
import Testing

/// Every command line of the README and of the help texts runs, in order, in an empty folder, where small files stand in
/// for what a person would have: random weights under the official files' names, a synthetic CT, boxes, a picture.
@Suite struct DocumentedCommandsTests {
    @Test func readme() throws {
        let text = try String(contentsOfFile: checkout + "README.md", encoding: .utf8)
        let lines = commandLines(ofMarkdown: text)
        #expect(lines.count > 10, "\(lines)")
        try run(lines, from: "README.md", in: Folder())
    }

    @Test(arguments: try! subcommands()) func help(of subcommand: String) throws {
        let folder = Folder()
        let help = try Command(subcommand.split(separator: " ").map(String.init) + ["--help"], in: folder.path)
        #expect(help.status == 0)
        let lines = commandLines(ofHelp: help.output)
        #expect(lines.contains { $0.contains("swift-sam \(subcommand)") }, "no example of \(subcommand)")
        try run(lines, from: "help \(subcommand)", in: folder)
    }

    private func run(_ lines: [String], from source: String, in folder: Folder) throws {
        let environment = ["SWIFT_SAM_MODEL": randomWeights, "nnUNet_raw": folder.file("nnUNet_raw")]
        for line in lines {
            Inputs(folder, of: line).prepare()
            let command = try Command(shell: line, in: folder.path, environment: environment)
            // A check that found something ends with 1.
            let isExpected = command.status == 0 || command.status == 1 && line.contains("annotations check")
            #expect(isExpected, "\(source): \(line)\nended with \(command.status): \(command.errors)")
        }
    }
}

// MARK: - Finding the commands

/// The subcommands, those of subcommands too, as the help lists them.
private func subcommands(of parent: [String] = [], in folder: Folder = Folder()) throws -> [String] {
    let help = try Command(parent + ["--help"], in: folder.path).output
    guard let list = help.firstRange(of: "SUBCOMMANDS:\n") else { return [parent.joined(separator: " ")] }
    // A name is indented by two; what it does may go on in lines that are indented by more.
    return try help[list.upperBound...].matches(of: /(?m)^  ([a-z][a-z-]*)( .*)?$/)
        .flatMap { try subcommands(of: parent + [String($0.1)], in: folder) }
}

/// The lines of code that begin with `swift-sam`, or with variables for it, and the lines that they go on in. A line with
/// `…` in it leaves something out, and is no command.
private func commandLines(ofMarkdown text: String) -> [String] {
    var (lines, isFenced): ([String], Bool) = ([], false)
    var rest = text.components(separatedBy: "\n")[...]
    while let line = rest.popFirst() {
        if line.hasPrefix("```") { isFenced.toggle() }
        guard isFenced || line.hasPrefix("    "),
            var command = line.firstMatch(of: /^\s*(?:\$ )?((?:[A-Za-z_]+=\S+ )*swift-sam .*)$/).map({ String($0.1) })
        else { continue }
        while command.hasSuffix("\\"), let next = rest.popFirst() { command += "\n" + next }
        if !command.contains("…") { lines.append(command) }
    }
    return lines
}

/// The paragraphs such as `Example: swift-sam …`, which help wraps.
private func commandLines(ofHelp text: String) -> [String] {
    text.components(separatedBy: "\n\n").compactMap { paragraph in
        paragraph.replacing("\n", with: " ").firstMatch(of: /^[A-Z][a-z ]+: (swift-sam .*)$/).map { String($0.1) }
    }
}

// MARK: - Preparing files

/// What a command reads and the commands before it have not written.
private struct Inputs {
    static let outputOptions = [
        "-o", "--output", "--preview", "--csv", "--slice-csv", "--save-embedding", "--save-logits", "--save", "--cache",
        "--log",
    ]
    static let cases = ["0001", "0002"]

    let folder: Folder
    let subcommand: String
    /// Each argument with the one before it.
    let arguments: [(option: String, value: String)]

    init(_ folder: Folder, of line: String) {
        self.folder = folder
        let quoted = line.replacing("\\\n", with: " ").matches(of: /"([^"]*)"|'([^']*)'|\S+/)
            .map { String($0.1 ?? $0.2 ?? $0.0) }
        let words = quoted.prefix { $0 != "#" }.drop { $0 != "swift-sam" }.dropFirst()
        let names = words.prefix { $0.wholeMatch(of: /[a-z-]+/) != nil }
        subcommand = names.joined(separator: " ")
        arguments = zip(words, words.dropFirst()).dropFirst(names.count - 1).map { ($0, $1) }
    }

    func prepare() {
        for (option, value) in arguments where !Self.outputOptions.contains(option) && !value.hasPrefix("-") {
            switch option {
            case "--boxes": prepareBoxes(value)
            case "--classes": copy(demo + "/class_list.txt", to: value)
            case "--truth", "--predicted": prepareVolumes(value, of: demo + "/truth.nii.gz")
            case "--labels" where subcommand.hasPrefix("export"): prepareVolumes(value, of: madeLabels())
            case "--images": prepareVolumes(value, of: demo + "/ct.nii.gz")
            case "--embedding": prepareEmbedding(value)
            case "--prompts":
                copy(demo + "/labels.png", to: "photo.png")
                folder.write(value, #"{"image": "photo.png", "boxes": [[40, 30, 220, 180]]}"#)
            default:
                switch URL(filePath: value).pathExtension {
                case "gz", "nii": prepareVolumes(value, of: demo + "/ct.nii.gz")
                case "png", "jpg", "jpeg": copy(demo + "/labels.png", to: value)
                case "pth": copy(checkout + "Tests/SegmentAnythingTests/Fixtures/global.float16.pth", to: value)
                case "safetensors" where value.contains("reference"):
                    copy(randomWeights.replacing(".weights.", with: ".wide-box."), to: value)
                case "safetensors": copy(randomWeights, to: value)
                case "csv": prepareScores(value)
                case "" where value.hasPrefix("photos"): copy(demo + "/labels.png", to: value + "a.png")
                case "" where value.hasSuffix("/"): prepareVolumes(value, of: demo + "/ct.nii.gz")
                default: break
                }
            }
        }
    }

    private func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: folder.file(name)) }

    private func copy(_ path: String, to name: String) {
        if !exists(name) { folder.write(name, FileManager.default.contents(atPath: path)!) }
    }

    /// A volume, those of a pattern, or those of a folder: named as those of the command's other folder, if it has one.
    private func prepareVolumes(_ path: String, of source: String) {
        if path.contains("{case}") {
            for name in Self.cases { copy(source, to: path.replacing("{case}", with: name)) }
        } else if path.hasSuffix("/") {
            guard !exists(path) else { return }
            let others = arguments.map(\.value).filter { $0.hasSuffix("/") && $0 != path && exists($0) }
                .flatMap { try! FileManager.default.contentsOfDirectory(atPath: folder.file($0)) }
                .filter { $0.hasSuffix(".nii.gz") }
            for name in others.isEmpty ? Self.cases.map({ "img\($0).nii.gz" }) : others {
                copy(source, to: path + name)
            }
        } else {
            copy(source, to: path)
        }
    }

    /// Boxes of spleen and liver, by two annotators where there are to be several; a folder of pictures has none yet.
    private func prepareBoxes(_ path: String) {
        guard path.hasSuffix("/") else {
            if !exists(path) { folder.write(path, "slice,class,x0,y0,x1,y1\n3,0,90,100,150,150\n4,5,40,60,120,130\n") }
            return
        }
        let present = FileManager.default.enumerator(atPath: folder.file(path))?.compactMap { $0 as? String } ?? []
        guard !present.contains(where: { $0.hasSuffix(".txt") }) else { return }
        let isCrowd = path.contains("crowd") || subcommand.hasSuffix("agreement") || subcommand.hasSuffix("merge")
        for (annotator, name) in zip(["anna/", "ben/"], Self.cases) {
            for stem in ["ct", "img\(name)"] {
                // A dataset is made of volumes that are drawn to their end.
                for slice in path.hasPrefix("made") ? Array(0..<24) : [3, 4] {
                    folder.write(
                        "\(path)\(isCrowd ? annotator : "")\(stem)-slice\(String(format: "%03d", slice)).txt",
                        "0 0.5 0.5 0.2 0.1\n5 0.3 0.4 0.2 0.2\n")
                }
            }
        }
    }

    /// Labels of spleen and liver alone.
    private func madeLabels() -> String {
        prepareBoxes("made/boxes/")
        return make(
            "made/labels.nii.gz", "segment", demo + "/ct.nii.gz", "--boxes", "made/boxes", "--labels", "0=1,5=4", "-o")
    }

    private func prepareEmbedding(_ path: String) {
        guard !exists(path) else { return }
        copy(demo + "/labels.png", to: "made/photo.png")
        _ = make("made", "encode", "made/photo.png", "-o")
        copy(folder.file("made/photo.safetensors"), to: path)
    }

    /// Runs a command that writes a file, and returns the file's path.
    private func make(_ name: String, _ arguments: String...) -> String {
        let command = try! Command(
            arguments + [name, "--quiet"], in: folder.path, environment: ["SWIFT_SAM_MODEL": randomWeights])
        precondition(command.status == 0, command.errors)
        return folder.file(name)
    }

    /// Scores of eight slices; where another table is there, its own, somewhat less.
    private func prepareScores(_ name: String) {
        guard !exists(name) else { return }
        let other = arguments.map(\.value).first { $0.hasSuffix(".csv") && exists($0) }
        if let text = other.map({
            String(decoding: FileManager.default.contents(atPath: folder.file($0))!, as: UTF8.self)
        }) {
            folder.write(name, text.replacing(/,0\.(\d)/) { ",0.0\($0.1)" })
        } else {
            let models =
                ["SAM-vit_h"] + (arguments.contains { $0.value.hasSuffix("=MedSAM-vit_b") } ? ["MedSAM-vit_b"] : [])
            let rows = models.flatMap { model in
                (0..<8).map { "img\($0).nii.gz,\(model),\($0),0.\(90 - model.count)\($0),0.7\(9 - $0)\n" }
            }
            folder.write(name, "path,model,slice_idx,spleen_dice,liver_dice\n" + rows.joined())
        }
    }
}
