extension Mask {
    /// The mask without small regions: holes in it, or islands of it, that eight neighbours connect.
    ///
    /// As `amg.py:267` with OpenCV's `connectedComponentsWithStats`: where all islands are small, the largest stays; of
    /// equals the one that OpenCV numbers first, by blocks of 2×2 pixels in rows.
    ///
    /// - Returns: nil where nothing is smaller than `area` pixels.
    public func removingRegions(_ kind: RegionKind, below area: Int) -> Mask? {
        let isIsland = kind == .islands
        let regions = Regions(size: size) { values[$0] == isIsland }
        var kept = regions.areas.indices.filter { regions.areas[$0] >= area }
        if kept.count == regions.areas.count { return nil }
        if kept.isEmpty, isIsland, let first = regions.largest { kept = [first] }
        let isKept = Set(kept)
        return Mask(
            size: size,
            values: regions.numbers.map { number in (number.map(isKept.contains) ?? false) == isIsland })
    }
}

/// What a mask can have in small.
public enum RegionKind: Sendable {
    case holes
    case islands
}

/// Pixels that eight neighbours connect, numbered from 0.
private struct Regions {
    /// The number of each pixel's region, row by row; nil outside all.
    private(set) var numbers: [Int?]
    private(set) var areas: [Int] = []
    /// The first block of 2×2 pixels of each region, in rows of blocks.
    private var firstBlocks: [Int] = []

    init(size: PixelSize, contains: (_ index: Int) -> Bool) {
        let (width, height) = (size.width, size.height)
        numbers = Array(repeating: nil, count: size.area)
        var waiting: [Int] = []
        for start in 0..<size.area where numbers[start] == nil && contains(start) {
            let number = areas.count
            areas.append(0)
            firstBlocks.append(.max)
            numbers[start] = number
            waiting.append(start)
            while let index = waiting.popLast() {
                let (x, y) = (index % width, index / width)
                areas[number] += 1
                firstBlocks[number] = min(firstBlocks[number], y / 2 * width + x / 2)
                for y in max(y - 1, 0)...min(y + 1, height - 1) {
                    for x in max(x - 1, 0)...min(x + 1, width - 1) {
                        let neighbour = y * width + x
                        if numbers[neighbour] == nil, contains(neighbour) {
                            numbers[neighbour] = number
                            waiting.append(neighbour)
                        }
                    }
                }
            }
        }
    }

    var largest: Int? {
        areas.indices.max { (areas[$0], firstBlocks[$1]) < (areas[$1], firstBlocks[$0]) }
    }
}
