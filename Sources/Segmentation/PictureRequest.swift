import Foundation
import ImageFrames
import PictureFiles
import SafeFiles
import SegmentAnything

/// A picture and what is asked of it.
public struct PictureRequest: Sendable {
    public enum Source: Sendable {
        /// The path of a PNG or JPEG; `-` is standard input.
        case picture(String)
        /// What ``EncodedImage/write(to:key:)`` wrote.
        case embedding(String)
    }

    public var source: Source
    public var prompts: PromptList
    /// The line that asks it, from 1, where it comes from JSON lines.
    public private(set) var line: Int?

    public init(_ source: Source, _ prompts: PromptList) { (self.source, self.prompts) = (source, prompts) }

    /// What the picture is called in errors and in results.
    public var name: String {
        switch source {
        case .picture("-"): "standard input"
        case .picture(let path), .embedding(let path): path
        }
    }

    /// The file that is read; nil for standard input.
    public var file: String? {
        switch source {
        case .picture("-"): nil
        case .picture(let path), .embedding(let path): path
        }
    }
}

// MARK: - JSON lines

extension PictureRequest {
    /// A line: `{"image": "a.jpg", "boxes": [[x0, y0, x1, y1]], "points": [[x, y, label, prompt]]}`, the last two numbers of a
    /// point as on the command line.
    private struct Line: Decodable {
        var image: String
        var boxes: [[Double]]?
        var points: [[Double]]?

        enum CodingKeys: String, CodingKey, CaseIterable {
            case image, boxes, points
        }

        init(from decoder: any Decoder) throws {
            // A key that is passed over is a prompt that is not asked.
            let known = CodingKeys.allCases.map(\.rawValue)
            let found = try decoder.singleValueContainer().decode([String: Anything].self).keys
            if let stranger = found.filter({ !known.contains($0) }).min() {
                throw PromptError("expected the keys \(known.joined(separator: ", ")), found \"\(stranger)\"")
            }
            let container = try decoder.container(keyedBy: CodingKeys.self)
            image = try container.decode(String.self, forKey: .image)
            boxes = try container.decodeIfPresent([[Double]].self, forKey: .boxes)
            points = try container.decodeIfPresent([[Double]].self, forKey: .points)
        }

        /// A value that nobody reads.
        private struct Anything: Decodable {
            init(from decoder: any Decoder) {}
        }
    }

    /// Reads requests as JSON lines, empty ones left out.
    ///
    /// - Parameter path: `-` is standard input. Pictures' paths are from the working folder.
    /// - Returns: the requests, and what is wrong with lines that are none.
    /// - Throws: ``FileError`` `missingInput`, `inputOutput`; `badData` where it is too long or holds no line.
    public static func lines(of path: String) throws(FileError) -> (requests: [PictureRequest], errors: [FileError]) {
        let data = try path == "-" ? readStandardInput(limit: .table) : readFile(path, limit: .table)
        let name = path == "-" ? "standard input" : path
        var (requests, errors): ([PictureRequest], [FileError]) = ([], [])
        for (number, line) in data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            if line.allSatisfy(isJSONSpace) { continue }
            do throws(PromptError) {
                requests.append(try request(Data(line), number: number + 1))
            } catch {
                errors.append(
                    FileError(.badData, file: name, line: number + 1, "not a request: \(error.description)"))
            }
        }
        guard !requests.isEmpty || !errors.isEmpty else {
            throw FileError(
                .badData, file: name, "holds no requests",
                expected: #"lines such as {"image": "a.jpg", "boxes": [[40, 30, 220, 180]]}"#)
        }
        return (requests, errors)
    }

    /// Checks that what is made of the picture of each line has a file of its own.
    ///
    /// - Parameters:
    ///   - path: of their lines, as ``lines(of:)`` had it.
    ///   - written: the file of a picture; nil where none is written.
    /// - Throws: ``FileError`` `usage` where a picture is asked in two lines, or two would be written to one file.
    public static func requireDistinctFiles(
        of requests: [PictureRequest], in path: String, _ written: (_ picture: String) -> String?
    ) throws(FileError) {
        guard let clash = PictureClash(of: requests.map(\.name), written) else { return }
        let (first, second) = (requests[clash.first], requests[clash.second])
        let line = "line \(first.line ?? 0)"
        throw FileError(
            .usage, file: path == "-" ? "standard input" : path, line: second.line,
            clash.isOnePicture
                ? "\(second.name) is asked in \(line) as well"
                : "\(second.name) would be written to \(clash.file), as \(first.name) of \(line)",
            advice: (clash.isOnePicture ? "Put its boxes and points in one line" : "Run once for each, with another -o")
                + ", or write one file of all: --format coco, or --json alone.")
    }

    private static func request(_ line: Data, number: Int) throws(PromptError) -> PictureRequest {
        let line = try decoded(line)
        guard !line.image.isEmpty, line.image != "-" else { throw PromptError("no name of a picture") }
        var prompts = PromptList()
        for box in line.boxes ?? [] { prompts.boxes.append(try PixelBox(asked: box)) }
        for point in line.points ?? [] { prompts.points.append(try PromptList.Point(point)) }
        try prompts.check()
        var request = PictureRequest(.picture(line.image), prompts)
        request.line = number
        return request
    }

    private static func decoded(_ line: Data) throws(PromptError) -> Line {
        let form = #"{"image": "a.jpg", "boxes": [[x0, y0, x1, y1]], "points": [[x, y, label]]}"#
        do {
            let decoded = try JSONDecoder().decode(Line.self, from: line)
            if let key = repeatedKey(inJSON: line) { throw PromptError("the key \"\(key)\" stands twice") }
            return decoded
        } catch let error as PromptError {
            throw error
        } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context) {
            let place = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined()
            throw PromptError("\(place.isEmpty ? "the line" : place) is of another type: expected \(form)")
        } catch DecodingError.keyNotFound(let key, _) {
            throw PromptError("no \"\(key.stringValue)\": expected \(form)")
        } catch {
            throw PromptError("not JSON: expected \(form)")
        }
    }
}
