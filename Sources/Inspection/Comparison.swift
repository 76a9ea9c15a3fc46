import ImageFrames
import SafeFiles
import SegmentAnything
import Tensors

/// How far an activation is from its reference.
public struct Comparison: Sendable, Encodable {
    /// The place of the largest difference, and what is there.
    public struct Largest: Sendable, Encodable {
        public var difference: Double
        public var value: Double
        public var reference: Double
        /// In words, such as "row 3, column 5, channel 17 (head 1)".
        public var place = ""
        var index: Int

        enum CodingKeys: String, CodingKey {
            case difference, value, reference, place
        }
    }

    /// |value − reference| / |reference| in the L2 norm; |value| where the reference is 0; infinite where its squares are.
    public var error: Double
    public var largest: Largest?
    /// Elements that are not finite, ours and the reference's.
    public var notFinite: Int
    public var referenceNotFinite: Int
    /// |value − reference| in the L2 norm over channels, along the two axes of the picture.
    var map: ErrorMap?

    enum CodingKeys: String, CodingKey {
        case error, largest
        case notFinite = "not_finite"
        case referenceNotFinite = "reference_not_finite"
    }

    /// An error that is not finite, of sketches or of huge values, is null; the verdict says what it means.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(OrNull(error.isFinite ? error : nil), forKey: .error)
        try container.encodeIfPresent(largest, forKey: .largest)
        try container.encode(notFinite, forKey: .notFinite)
        try container.encode(referenceNotFinite, forKey: .referenceNotFinite)
    }

    /// - Parameters:
    ///   - reference: reads a range of the reference's elements; a piece at a time, so that no large activation is in memory
    ///     in double precision.
    ///   - places: what the axes are, which names the largest difference's place.
    ///   - hasMap: whether the error over the picture is wanted.
    ///   - isCompared: which elements are; by their place in the order of the axes.
    init(
        _ value: Tensor, _ reference: (_ range: Range<Int>) -> [Double], _ places: Places, hasMap: Bool = false,
        where isCompared: ((Int) -> Bool)? = nil
    ) {
        let ranges = stride(from: 0, to: value.count, by: pieceLength).map { $0..<min($0 + pieceLength, value.count) }
        let (pieces, map) = value.withUnsafeBufferPointer { values in
            var map = hasMap ? ErrorMap(places) : nil
            if map != nil { for range in ranges { map?.add(values, reference(range), at: range, isCompared) } }
            return (parallelMap(ranges) { Piece(values, reference($0), at: $0, isCompared) }, map)
        }
        let squares = pieces.reduce(0) { $0 + $1.squares }
        let norm = pieces.reduce(0) { $0 + $1.norm }
        error = relative(squares, norm: norm.squareRoot())
        let worst = pieces.reduce(into: Largest?.none) { worst, piece in
            if let largest = piece.largest, largest.difference > worst?.difference ?? 0 { worst = largest }
        }
        largest = worst.map { largest in
            var largest = largest
            largest.place = places.words(for: largest.index)
            return largest
        }
        notFinite = pieces.reduce(0) { $0 + $1.notFinite }
        referenceNotFinite = pieces.reduce(0) { $0 + $1.referenceNotFinite }
        self.map = map
    }

    /// From sketches: an estimate of the error, and no place.
    init(sketch: [Double], _ reference: [Double], norm: Double) {
        let squares = zip(sketch, reference).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        error = relative(squares / Double(max(reference.count, 1)), norm: norm)
        notFinite = sketch.contains { !$0.isFinite } ? 1 : 0
        referenceNotFinite = reference.contains { !$0.isFinite } || !norm.isFinite ? 1 : 0
    }
}

/// The root of the sum of the differences' squares, over the reference's norm where that is not 0. What overflows is no agreement.
func relative(_ squares: Double, norm: Double) -> Double {
    if squares == .infinity { return .infinity }
    return norm > 0 ? squares.squareRoot() / norm : squares.squareRoot()
}

/// The elements that are compared in one go.
private let pieceLength = 1 << 16

/// What a piece of the elements adds to a comparison.
private struct Piece {
    var (squares, norm) = (0.0, 0.0)
    var (notFinite, referenceNotFinite) = (0, 0)
    var largest: Comparison.Largest?

    init(
        _ values: UnsafeBufferPointer<Float>, _ reference: [Double], at range: Range<Int>,
        _ isCompared: ((Int) -> Bool)?
    ) {
        var worst = (index: 0, difference: 0.0)
        for (index, expected) in zip(range, reference) where isCompared?(index) != false {
            let value = Double(values[index])
            guard value.isFinite, expected.isFinite else {
                notFinite += value.isFinite ? 0 : 1
                referenceNotFinite += expected.isFinite ? 0 : 1
                continue
            }
            let difference = value - expected
            squares += difference * difference
            norm += expected * expected
            if abs(difference) > worst.difference { worst = (index, abs(difference)) }
        }
        guard worst.difference > 0 else { return }
        largest = .init(
            difference: worst.difference, value: Double(values[worst.index]),
            reference: reference[worst.index - range.lowerBound], index: worst.index)
    }
}

/// What the axes of an activation are.
struct Places: Sendable {
    let shape: [Int]
    /// One for each axis; an empty one is not named.
    let axes: [String]
    /// Channels of a head, where channels are in heads.
    let headDim: Int?

    init(_ name: String, shape: [Int], headDim: Int? = nil) {
        (self.shape, self.headDim) = (shape, headDim)
        axes = Places.axes(name, rank: shape.count)
    }

    /// The axes of an activation: encoder and decoder have their own orders.
    private static func axes(_ name: String, rank: Int) -> [String] {
        let last = name.split(separator: ".").last ?? ""
        switch (last, rank) {
        case ("rel_h", _): return ["window and head", "row", "column", "key's row"]
        case ("rel_w", _): return ["window and head", "row", "column", "key's column"]
        case ("q", 3), ("k", 3), ("v", 3): return ["window and head", "token", "channel"]
        case ("scores", 3), ("weights", 3): return ["window and head", "query", "key"]
        case ("scores", 4), ("weights", 4): return ["prompt", "head", "query", "key"]
        default: break
        }
        if name == "input.scaled" { return ["row", "column", "channel"] }
        if name == "prompt_encoder.pe_layer" { return ["channel", "row", "column"] }
        if name.hasPrefix("image_encoder.blocks.") && rank == 4 { return ["window", "row", "column", "channel"] }
        if name == "image_encoder.patch_embed" || name == "image_encoder.pos_embed" {
            return ["", "row", "column", "channel"]
        }
        if name.hasPrefix("mask_decoder.output_upscaling") || name == "prompt_encoder.dense"
            || name.hasPrefix("prompt_encoder.mask_downscaling")
        {
            return ["prompt", "channel", "row", "column"]
        }
        if name.hasPrefix("mask"), rank == 4 { return ["prompt", "mask", "row", "column"] }
        if rank == 4 { return ["", "channel", "row", "column"] }
        if rank == 3 { return ["prompt", "token", "channel"] }
        if name.contains("hypernetworks") { return ["prompt", "channel"] }
        return rank == 2 ? ["prompt", "mask"] : (0..<rank).map { "axis \($0)" }
    }

    /// Where an element is.
    func words(for index: Int) -> String {
        var (rest, indices) = (index, [Int]())
        for extent in shape.reversed() {
            indices.insert(rest % max(extent, 1), at: 0)
            rest /= max(extent, 1)
        }
        let words = zip(axes, indices).enumerated().compactMap { axis, place in
            place.0.isEmpty || (shape[axis] == 1 && axis == 0) ? nil : "\(place.0) \(place.1)"
        }
        let head = headDim.map { " (head \(indices[indices.count - 1] / $0))" } ?? ""
        return words.joined(separator: ", ") + head
    }
}

/// Squared differences over the two axes of the picture.
struct ErrorMap: Sendable {
    let width: Int
    let height: Int
    private(set) var squares: [Double]
    private let strides: (row: Int, column: Int)

    /// Nil where the axes are not a picture's, or the windows of one.
    init?(_ places: Places) {
        guard let row = places.axes.firstIndex(of: "row"), let column = places.axes.firstIndex(of: "column"),
            places.axes.first != "window and head", places.axes.first != "window" || places.shape[0] == 1
        else { return nil }
        (height, width) = (places.shape[row], places.shape[column])
        strides = (
            places.shape[(row + 1)...].reduce(1, *), places.shape[(column + 1)...].reduce(1, *)
        )
        squares = [Double](repeating: 0, count: width * height)
    }

    mutating func add(
        _ values: UnsafeBufferPointer<Float>, _ reference: [Double], at range: Range<Int>,
        _ isCompared: ((Int) -> Bool)?
    ) {
        for (index, expected) in zip(range, reference) where isCompared?(index) != false {
            let difference = Double(values[index]) - expected
            guard difference.isFinite else { continue }
            squares[index / strides.row % height * width + index / strides.column % width] += difference * difference
        }
    }

    /// 0 where there is no difference, 255 where it is largest; the largest square may be infinite.
    fileprivate var grey: [UInt8] {
        let largest = squares.max() ?? 0
        return squares.map { square in
            if square == 0 { return 0 }
            return square == largest ? 255 : UInt8(((square / largest).squareRoot() * 255).rounded())
        }
    }
}

extension Verification {
    /// The error of a stage over the two axes of the picture, from 0 for none to 255 for the largest of that stage.
    public typealias Heatmap = (name: String, size: PixelSize, grey: [UInt8])

    /// Those of all stages that have these axes; of the stage by itself, where it could be run so.
    public var heatmaps: [Heatmap] {
        stages.compactMap { stage in
            (stage.isolated ?? stage.cumulative)?.map.map {
                (stage.name, PixelSize(width: $0.width, height: $0.height), $0.grey)
            }
        }
    }
}
