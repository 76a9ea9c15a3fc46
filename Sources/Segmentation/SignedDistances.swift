import ImageFrames

/// How far each pixel of a slice is from the border of a mask, in millimetres: above 0 inside, below 0 outside.
///
/// Exact Euclidean distances between the centres of pixels, inside to the nearest pixel outside and the other way round, as
/// `distance_transform_edt(mask, sampling) − distance_transform_edt(~mask, sampling)` of SciPy.
struct SignedDistances {
    let size: PixelSize
    /// `[height, width]`, row by row.
    let values: [Double]
    /// The mean of the mask's pixels.
    let centroid: SIMD2<Double>
    /// The smallest box around the mask.
    let box: PixelBox

    /// Nil of an empty mask, which is nowhere near.
    ///
    /// - Parameter spacing: from one pixel to the next along x and y, in millimetres.
    init?(_ mask: Mask, spacing: SIMD2<Double>) {
        guard let box = mask.boundingBox else { return nil }
        (size, self.box) = (mask.size, box)
        let outside = distances(to: mask.values, size, spacing)
        let inside = distances(to: mask.values.map(!), size, spacing)
        values = zip(inside, outside).map { $0 - $1 }
        var sum = SIMD2<Double>.zero
        for (pixel, isInside) in mask.values.enumerated() where isInside {
            sum += SIMD2(Double(pixel % mask.size.width), Double(pixel / mask.size.width))
        }
        centroid = sum / Double(mask.area)
    }

    /// The mask of a class between two drawn ones, of which each object goes to its partner, as ``PixelBox/partners(_:_:)`` has
    /// them; one that overlaps none of the other's and has no partner of its own ends. Beyond the slice is outside.
    ///
    /// - Parameters:
    ///   - spacing: from one pixel to the next along x and y, in millimetres.
    ///   - parts: how far each wanted mask is from the first to the second, 0…1.
    /// - Returns: the wanted masks; nil where no two objects are partners.
    static func masks(
        between first: (mask: Mask, boxes: [PixelBox]), _ second: (mask: Mask, boxes: [PixelBox]),
        spacing: SIMD2<Double>,
        at parts: [Double]
    ) -> [Mask]? {
        let (ones, others) = (first.mask.objects(first.boxes), second.mask.objects(second.boxes))
        let partners = PixelBox.partners(ones.map(\.box), others.map(\.box))
        let pairs = partners.filter { pair in
            let isShared = partners.count { $0.one == pair.one } > 1 || partners.count { $0.other == pair.other } > 1
            return !isShared || ones[pair.one].box.coverage(others[pair.other].box) > 0
        }
        if pairs.isEmpty { return nil }
        let size = first.mask.size
        var result = parts.map { _ in Mask(size: size, values: [Bool](repeating: false, count: size.area)) }
        for (one, other) in pairs.map({ (ones[$0.one].mask, others[$0.other].mask) }) {
            guard let from = one.boundingBox, let to = other.boundingBox else { continue }
            // Centroids are within both boxes, so neither mask moves further.
            let around = from.union(to)
            let margin = Int(max(around.width, around.height)) + 1
            let corner = (x: Int(around.x0) - margin, y: Int(around.y0) - margin)
            let window = PixelSize(width: Int(around.width) + 2 * margin, height: Int(around.height) + 2 * margin)
            guard let one = SignedDistances(one.window(at: corner, window), spacing: spacing),
                let other = SignedDistances(other.window(at: corner, window), spacing: spacing)
            else { continue }
            for (index, part) in parts.enumerated() { result[index].add(between(one, other, at: part), at: corner) }
        }
        return result
    }

    /// The mask between two: both are moved until their centroids are at the place between, distances are mixed linearly, and
    /// the mask is where they are above 0 (Raya and Udupa, "Shape-based interpolation of multidimensional objects", IEEE TMI 9,
    /// 1990; its distances here exact, its alignment by centroids).
    ///
    /// - Parameter part: how far it is from the first to the second, 0…1.
    static func between(_ first: SignedDistances, _ second: SignedDistances, at part: Double) -> Mask {
        precondition(first.size == second.size, "masks of \(first.size) and \(second.size)")
        let size = first.size
        let centroid = first.centroid * (1 - part) + second.centroid * part
        let (one, other) = (first.centroid - centroid, second.centroid - centroid)
        var values = [Bool](repeating: false, count: size.area)
        // Elsewhere both are below 0.
        let (rows, columns) = first.region(movedBy: one).union(second.region(movedBy: other)).pixels(of: size)
        for y in rows {
            for x in columns {
                let place = SIMD2(Double(x), Double(y))
                let distance = (1 - part) * first.value(at: place + one) + part * second.value(at: place + other)
                values[y * size.width + x] = distance > 0
            }
        }
        return Mask(size: size, values: values)
    }

    /// Between pixels bilinear.
    private func value(at place: SIMD2<Double>) -> Double {
        let most = SIMD2(Double(size.width - 1), Double(size.height - 1))
        let inside = place.clamped(lowerBound: .zero, upperBound: most)
        let corner = inside.rounded(.down)
        let rest = inside - corner
        let (x, y) = (Int(corner.x), Int(corner.y))
        let (right, below) = (min(x + 1, size.width - 1), min(y + 1, size.height - 1))
        func row(_ y: Int) -> Double {
            values[y * size.width + x] * (1 - rest.x) + values[y * size.width + right] * rest.x
        }
        return row(y) * (1 - rest.y) + row(below) * rest.y
    }

    /// Where ``value(at:)`` can be above 0 at pixels that are moved by `step` before it is asked.
    private func region(movedBy step: SIMD2<Double>) -> PixelBox {
        PixelBox(x0: box.x0 - step.x - 1, y0: box.y0 - step.y - 1, x1: box.x1 - step.x + 1, y1: box.y1 - step.y + 1)
    }
}

extension Mask {
    /// The objects of some boxes that have pixels: each pixel is of the box that it is in, deepest of several, or nearest to. A
    /// box that another covers is of the same object.
    fileprivate func objects(_ boxes: [PixelBox]) -> [(box: PixelBox, mask: Mask)] {
        var own: [PixelBox] = []
        for box in boxes.sorted(by: { $0.width * $0.height > $1.width * $1.height })
        where !own.contains(where: { $0.coverage(box) > Self.sameObject }) { own.append(box) }
        if own.count < 2 { return area > 0 ? own.map { ($0, self) } : [] }
        var masks = own.map { _ in Mask(size: size, values: [Bool](repeating: false, count: size.area)) }
        for (pixel, isInside) in values.enumerated() where isInside {
            let (x, y) = (Double(pixel % size.width) + 0.5, Double(pixel / size.width) + 0.5)
            func distance(_ box: PixelBox) -> Double { max(box.x0 - x, x - box.x1, box.y0 - y, y - box.y1) }
            let nearest = own.indices.min { distance(own[$0]) < distance(own[$1]) }
            if let nearest { masks[nearest].values[pixel] = true }
        }
        return zip(own, masks).filter { $1.area > 0 }.map { (box: $0, mask: $1) }
    }

    /// The share of a box in another from which on both are of one object.
    private static let sameObject = 0.8

    /// A part of the slice, and what is outside around it.
    fileprivate func window(at corner: (x: Int, y: Int), _ window: PixelSize) -> Mask {
        var result = Mask(size: window, values: [Bool](repeating: false, count: window.area))
        for y in 0..<window.height where (0..<size.height).contains(y + corner.y) {
            for x in 0..<window.width where (0..<size.width).contains(x + corner.x) {
                result.values[y * window.width + x] = values[(y + corner.y) * size.width + x + corner.x]
            }
        }
        return result
    }

    /// Adds the pixels of a window that lie on the slice.
    fileprivate mutating func add(_ window: Mask, at corner: (x: Int, y: Int)) {
        for (pixel, isInside) in window.values.enumerated() where isInside {
            let (x, y) = (pixel % window.size.width + corner.x, pixel / window.size.width + corner.y)
            if (0..<size.width).contains(x), (0..<size.height).contains(y) { values[y * size.width + x] = true }
        }
    }
}

extension PixelBox {
    /// The smallest box around both.
    func union(_ other: PixelBox) -> PixelBox {
        PixelBox(x0: min(x0, other.x0), y0: min(y0, other.y0), x1: max(x1, other.x1), y1: max(y1, other.y1))
    }

    /// The rows and columns of an image that it touches.
    fileprivate func pixels(of size: PixelSize) -> (rows: Range<Int>, columns: Range<Int>) {
        func range(_ low: Double, _ high: Double, _ count: Int) -> Range<Int> {
            let first = min(max(Int(low.rounded(.down)), 0), count)
            return first..<max(min(Int(high.rounded(.up)), count), first)
        }
        return (range(y0, y1, size.height), range(x0, x1, size.width))
    }
}

// MARK: Distances

/// The distance of each pixel to the nearest one of a set, 0 in the set; of an empty set, more than any in the image.
func distances(to set: [Bool], _ size: PixelSize, _ spacing: SIMD2<Double>) -> [Double] {
    precondition(set.count == size.area && min(spacing.x, spacing.y) > 0, "\(set.count) pixels of \(size), \(spacing)")
    let squares = squaredDistances(
        to: set, VolumeSize(i: size.width, j: size.height, k: 1), SIMD3(spacing.x, spacing.y, 1))
    let (width, height) = (Double(size.width) * spacing.x, Double(size.height) * spacing.y)
    return squares.map { $0.isFinite ? $0.squareRoot() : (width * width + height * height).squareRoot() }
}
