/// A closed border of a mask, through the centres of its outermost pixels, whose coordinates are whole numbers. Its vertices
/// may lie outside of an image.
public struct MaskPolygon: Hashable, Sendable {
    /// One pixel of a border.
    public struct Vertex: Hashable, Sendable {
        public var x: Int
        public var y: Int

        public init(x: Int, y: Int) { (self.x, self.y) = (x, y) }
    }

    /// The vertices where the border turns; one, where it is a single pixel.
    public let vertices: [Vertex]
    /// Whether it goes around a hole: then its vertices are pixels of the mask that surround the hole.
    public let isHole: Bool

    public init(_ vertices: [Vertex], isHole: Bool) {
        (self.vertices, self.isHole) = (vertices, isHole)
    }
}

extension Mask {
    /// All borders, outer ones and those of holes, in the order in which rows meet them.
    ///
    /// Border following of Suzuki and Abe, "Topological structural analysis of digitized binary images by border
    /// following", CVGIP 30 (1985), algorithm 1: the contours of OpenCV's `findContours` with `CHAIN_APPROX_SIMPLE`.
    public var polygons: [MaskPolygon] {
        var follower = BorderFollower(self)
        return follower.borders()
    }

    /// The mask whose borders ``polygons`` are: pixels whose centres lie on an outer border or within it (by even and odd
    /// crossings), without those within a hole's. A later polygon overrules an earlier one.
    public init(size: PixelSize, polygons: [MaskPolygon]) {
        var values = [Bool](repeating: false, count: size.area)
        for polygon in polygons { polygon.fill(&values, size) }
        self.init(size: size, values: values)
    }
}

private struct BorderFollower {
    /// Steps to the eight neighbours, clockwise from the right.
    private static let steps = [(1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1)]

    /// The width with a column of zeros on either side.
    private let width: Int
    private let height: Int
    /// 0 outside, 1 inside, 2 where a border has passed, −2 where it passed and the pixel to the right is outside.
    private var marks: [Int8]

    init(_ mask: Mask) {
        (width, height) = (mask.size.width + 2, mask.size.height + 2)
        marks = Array(repeating: 0, count: width * height)
        for y in 0..<mask.size.height {
            for x in 0..<mask.size.width where mask.values[y * mask.size.width + x] {
                marks[(y + 1) * width + x + 1] = 1
            }
        }
    }

    mutating func borders() -> [MaskPolygon] {
        var borders: [MaskPolygon] = []
        for y in 1..<height - 1 {
            for x in 1..<width - 1 where marks[y * width + x] != 0 {
                let index = y * width + x
                if marks[index] == 1, marks[index - 1] == 0 {
                    borders.append(MaskPolygon(corners(of: follow(from: index, outside: 4)), isHole: false))
                } else if marks[index] > 0, marks[index + 1] == 0 {
                    borders.append(MaskPolygon(corners(of: follow(from: index, outside: 0)), isHole: true))
                }
            }
        }
        return borders
    }

    /// The pixels of the border that begins at a pixel.
    ///
    /// - Parameter outside: the direction of a neighbour outside.
    private mutating func follow(from start: Int, outside: Int) -> [Int] {
        func neighbour(_ index: Int, _ direction: Int) -> Int {
            let step = Self.steps[direction & 7]
            return index + step.1 * width + step.0
        }
        guard let first = (1...7).map({ outside + $0 }).first(where: { marks[neighbour(start, $0)] != 0 }) else {
            marks[start] = -2
            return [start]
        }
        let last = neighbour(start, first)
        var (border, index, from): ([Int], Int, Int) = ([], start, first)
        while true {
            border.append(index)
            // Counterclockwise from where the border came.
            var (direction, rightIsOutside) = (from + 7, false)
            while marks[neighbour(index, direction)] == 0 {
                if direction & 7 == 0 { rightIsOutside = true }
                direction += 7
            }
            if rightIsOutside { marks[index] = -2 } else if marks[index] == 1 { marks[index] = 2 }
            let next = neighbour(index, direction)
            if next == start, index == last { return border }
            (index, from) = (next, direction + 4)
        }
    }

    /// The pixels of a closed border where it turns.
    private func corners(of border: [Int]) -> [MaskPolygon.Vertex] {
        let turning = border.indices.filter { place in
            let (before, after) = (
                border[(place + border.count - 1) % border.count], border[(place + 1) % border.count]
            )
            return border.count == 1 || border[place] - before != after - border[place]
        }
        return turning.map { MaskPolygon.Vertex(x: border[$0] % width - 1, y: border[$0] / width - 1) }
    }
}

extension MaskPolygon {
    /// Sets the border and what it surrounds, or, of a hole, clears what it surrounds.
    fileprivate func fill(_ values: inout [Bool], _ size: PixelSize) {
        let edges = vertices.indices.map { (vertices[$0], vertices[($0 + 1) % vertices.count]) }
        guard size.area > 0, let (x0, x1) = bounds(vertices.map(\.x)), let (y0, y1) = bounds(vertices.map(\.y))
        else { return }
        let (columns, rows) = (0...size.width - 1, 0...size.height - 1)
        for y in (y0...y1).clamped(to: rows) {
            var onBorder = Set<Double>()
            var crossings: [Double] = []
            for (from, to) in edges where min(from.y, to.y) <= y && y <= max(from.y, to.y) {
                if from.y == to.y {
                    let (least, greatest) = (min(from.x, to.x), max(from.x, to.x))
                    for x in (least...greatest).clamped(to: columns) where least <= x && x <= greatest {
                        onBorder.insert(Double(x))
                    }
                } else {
                    let (width, height) = (Double(to.x) - Double(from.x), Double(to.y) - Double(from.y))
                    let x = Double(from.x) + width * (Double(y) - Double(from.y)) / height
                    onBorder.insert(x)
                    if y < max(from.y, to.y) { crossings.append(x) }
                }
            }
            crossings.sort()
            var (passed, isInside) = (0, false)
            for x in (x0...x1).clamped(to: columns) {
                while passed < crossings.count, crossings[passed] <= Double(x) {
                    isInside.toggle()
                    passed += 1
                }
                if onBorder.contains(Double(x)) {
                    if !isHole { values[y * size.width + x] = true }
                } else if isInside {
                    values[y * size.width + x] = !isHole
                }
            }
        }
    }

    private func bounds(_ numbers: [Int]) -> (Int, Int)? {
        guard let least = numbers.min(), let greatest = numbers.max() else { return nil }
        return (least, greatest)
    }
}
