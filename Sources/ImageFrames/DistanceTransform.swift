/// The squared distance of each voxel to the nearest in a mask, exactly, by lower envelopes of parabolas along one axis
/// after another (Felzenszwalb and Huttenlocher, "Distance transforms of sampled functions", Theory of Computing 8, 2012);
/// infinite where the mask is empty.
///
/// - Parameters:
///   - mask: i fastest.
///   - spacing: from one voxel to the next along each axis, in millimetres.
public func squaredDistances(to mask: [Bool], _ size: VolumeSize, _ spacing: SIMD3<Double>) -> [Double] {
    precondition(mask.count == size.count, "\(mask.count) voxels of \(size)")
    var distances = mask.map { $0 ? 0 : Double.infinity }
    let strides = [1, size.i, size.i * size.j]
    for (axis, extent) in [size.i, size.j, size.k].enumerated() where extent > 1 {
        for start in 0..<size.count where start / strides[axis] % extent == 0 {
            let line = (0..<extent).map { distances[start + $0 * strides[axis]] }
            for (position, distance) in envelope(line, spacing: spacing[axis]).enumerated() {
                distances[start + position * strides[axis]] = distance
            }
        }
    }
    return distances
}

/// At each place x the least of f(y) + (spacing·(x − y))² over all y.
private func envelope(_ values: [Double], spacing: Double) -> [Double] {
    // The parabolas of the envelope, from left to right, and where each begins to be the lowest.
    var parabolas: [(vertex: Int, begin: Double)] = []
    for vertex in values.indices where values[vertex].isFinite {
        var begin = -Double.infinity
        while let last = parabolas.last {
            let rise = (values[vertex] - values[last.vertex]) / (spacing * spacing)
            begin = (rise + Double(vertex * vertex - last.vertex * last.vertex)) / Double(2 * (vertex - last.vertex))
            if begin > last.begin { break }
            parabolas.removeLast()
            begin = -.infinity
        }
        parabolas.append((vertex, begin))
    }
    guard !parabolas.isEmpty else { return values }
    var current = 0
    return values.indices.map { place in
        while current + 1 < parabolas.count, parabolas[current + 1].begin <= Double(place) { current += 1 }
        let distance = spacing * Double(place - parabolas[current].vertex)
        return values[parabolas[current].vertex] + distance * distance
    }
}
