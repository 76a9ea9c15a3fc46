/// A mask as lengths of runs, column by column: COCO's run-length encoding, as pycocotools has it.
public struct RunLengths: Hashable, Sendable {
    public let size: PixelSize
    /// The counts as COCO writes them: from the fourth on the difference to the one before the last, in groups of 5 bits,
    /// the lowest first, each plus 48 as a character; 32 says that a group follows. Thousands of masks of a picture are kept
    /// so, in an eighth of the memory of numbers.
    public let text: String

    /// - Parameter counts: pixels outside and inside the mask in turn; the first, of pixels outside, may be 0.
    /// - Precondition: the counts are not negative, and add up to the size.
    public init(size: PixelSize, counts: [Int]) {
        precondition(
            counts.allSatisfy { $0 >= 0 } && counts.reduce(0, +) == size.area,
            "\(counts.reduce(0, +)) pixels in runs, expected \(size.area)")
        (self.size, text) = (size, encoded(counts))
    }

    /// Pixels outside and inside the mask in turn; the first, of pixels outside, may be 0.
    public var counts: [Int] {
        guard let counts = decoded(text, limit: size.area) else { preconditionFailure("what was encoded is none") }
        return counts
    }

    /// The number of pixels in the mask.
    public var area: Int {
        let counts = counts
        return stride(from: 1, to: counts.count, by: 2).reduce(0) { $0 + counts[$1] }
    }
}

extension Mask {
    /// The mask's runs.
    public var rle: RunLengths { rle(within: boundingBox) }

    /// The mask's runs, where it is known to lie within a box of whole pixels, nil for an empty mask.
    package func rle(within box: PixelBox?) -> RunLengths {
        guard let box else { return RunLengths(size: size, counts: [size.area]) }
        var (counts, start, isInside): ([Int], Int, Bool) = ([], 0, false)
        func change(at index: Int) {
            counts.append(index - start)
            (start, isInside) = (index, !isInside)
        }
        for x in Int(box.x0)..<Int(box.x1) {
            for y in 0..<size.height where values[y * size.width + x] != isInside { change(at: x * size.height + y) }
        }
        let end = Int(box.x1) * size.height
        if isInside, end < size.area { change(at: end) }
        return RunLengths(size: size, counts: counts + [size.area - start])
    }

    /// The mask that was encoded.
    public init(rle runs: RunLengths) {
        let size = runs.size
        var values = [Bool](repeating: false, count: size.area)
        var index = 0
        for (number, count) in runs.counts.enumerated() {
            if number % 2 == 1 {
                for place in index..<index + count {
                    values[place % size.height * size.width + place / size.height] = true
                }
            }
            index += count
        }
        self.init(size: size, values: values)
    }
}

// MARK: - COCO's text

extension RunLengths {
    /// Reads COCO's text; nil where it is none, or of another size, or where no image has such a size.
    ///
    /// A few characters describe a mask of any size: hold `size` to the image's before you make a ``Mask`` of it.
    public init?(size: PixelSize, text: String) {
        guard size.width >= 0, size.height >= 0, !size.width.multipliedReportingOverflow(by: size.height).overflow,
            let counts = decoded(text, limit: size.area), counts.reduce(0, +) == size.area
        else { return nil }
        self.init(size: size, counts: counts)
    }
}

/// Counts as COCO's text.
private func encoded(_ counts: [Int]) -> String {
    var characters: [UInt8] = []
    for (index, count) in counts.enumerated() {
        var rest = index > 2 ? count - counts[index - 2] : count
        var isLast = false
        while !isLast {
            let group = rest & 31
            rest >>= 5
            // The highest bit of the last group is the sign.
            isLast = group & 16 == 0 ? rest == 0 : rest == -1
            characters.append(UInt8(48 + group + (isLast ? 0 : 32)))
        }
    }
    return String(decoding: characters, as: UTF8.self)
}

/// COCO's text as counts; nil where it is none, or a count is negative or beyond a limit.
private func decoded(_ text: String, limit: Int) -> [Int]? {
    var counts: [Int] = []
    var (value, shift) = (0, 0)
    for character in text.utf8 {
        guard (48..<112).contains(character), shift < 60 else { return nil }
        let group = Int(character) - 48
        value |= (group & 31) << shift
        shift += 5
        if group & 32 != 0 { continue }
        if group & 16 != 0 { value |= -1 << shift }
        let (count, overflows) = value.addingReportingOverflow(counts.count > 2 ? counts[counts.count - 2] : 0)
        guard !overflows, (0...limit).contains(count) else { return nil }
        counts.append(count)
        (value, shift) = (0, 0)
    }
    return shift == 0 ? counts : nil
}

/// As JSON, COCO's object: `{"size": [height, width], "counts": "…"}`.
extension RunLengths: Encodable {
    enum CodingKeys: String, CodingKey {
        case size, counts
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode([size.height, size.width], forKey: .size)
        try container.encode(text, forKey: .counts)
    }
}
