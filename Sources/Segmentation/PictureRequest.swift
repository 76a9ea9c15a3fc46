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
            if line.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }) { continue }
            do throws(PromptError) {
                requests.append(try request(Data(line)))
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

    private static func request(_ line: Data) throws(PromptError) -> PictureRequest {
        let line = try decoded(line)
        guard !line.image.isEmpty, line.image != "-" else { throw PromptError("no name of a picture") }
        var prompts = PromptList()
        for box in line.boxes ?? [] { prompts.boxes.append(try PixelBox(asked: box)) }
        for point in line.points ?? [] { prompts.points.append(try PromptList.Point(point)) }
        try prompts.check()
        return PictureRequest(.picture(line.image), prompts)
    }

    private static func decoded(_ line: Data) throws(PromptError) -> Line {
        let form = #"{"image": "a.jpg", "boxes": [[x0, y0, x1, y1]], "points": [[x, y, label]]}"#
        do {
            return try JSONDecoder().decode(Line.self, from: line)
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
