import Foundation

/// The Wilcoxon signed-rank test of paired scores, two-sided (Wilcoxon 1945), as SciPy 1.17's `scipy.stats.wilcoxon`
/// with its default arguments: pairs that are equal are dropped, and the method depends on the sample.
public struct Wilcoxon: Hashable, Sendable, Encodable {
    /// How the p-value is found.
    public enum Method: String, Sendable, Encodable {
        /// From the distribution of the rank sum: up to 50 pairs, no two differences of one magnitude, none 0.
        case exact
        /// Over all signs of the differences: up to 13 pairs, with ties or zeros.
        case permutation
        /// By the normal distribution, corrected for ties but not for continuity: all others.
        case normal
    }

    /// The pairs compared.
    public let n: Int
    /// The pairs left out since one or both are not numbers.
    public let missing: Int
    /// The pairs that are equal; they count in `n` but have no rank.
    public let zeros: Int
    /// The smaller of the sums of the ranks of positive and of negative differences.
    public let statistic: Double
    /// NaN where there is nothing to compare.
    public let p: Double
    public let method: Method

    /// - Precondition: as many scores on both sides.
    public init(_ first: [Double], _ second: [Double]) {
        precondition(first.count == second.count, "\(first.count) scores paired with \(second.count)")
        let differences = zip(first, second).map { $0 - $1 }.filter { !$0.isNaN }
        let nonzero = differences.filter { $0 != 0 }
        n = differences.count
        missing = first.count - n
        zeros = n - nonzero.count
        let (ranks, ties) = averageRanks(nonzero.map(abs))
        let positive = zip(ranks, nonzero).reduce(0) { $0 + ($1.1 > 0 ? $1.0 : 0) }
        statistic = n == 0 ? .nan : min(positive, ranks.reduce(0, +) - positive)

        if n > 50 || (n > 13 && (zeros > 0 || !ties.isEmpty)) {
            method = .normal
            p = normalShare(positive, count: Double(nonzero.count), ties: ties)
        } else {
            // With ties the rank sums are still those of all signs of the ranks; halves become whole when doubled.
            method = zeros > 0 || !ties.isEmpty ? .permutation : .exact
            p = n == 0 ? .nan : exactShare(positive, ranks)
        }
    }

    enum CodingKeys: String, CodingKey {
        case n, missing, zeros, statistic, p, method
    }

    /// What is not a number is null.
    public func encode(to encoder: Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(n, forKey: .n)
        try container.encode(missing, forKey: .missing)
        try container.encode(zeros, forKey: .zeros)
        try container.encode(statistic.isNaN ? nil : statistic, forKey: .statistic)
        try container.encode(p.isNaN ? nil : p, forKey: .p)
        try container.encode(method, forKey: .method)
    }
}

/// The rank of each value from 1, equal ones sharing the mean of theirs, and the sizes of the groups of equal ones.
func averageRanks(_ values: [Double]) -> (ranks: [Double], ties: [Int]) {
    let order = values.indices.sorted { values[$0] < values[$1] }
    var ranks = [Double](repeating: 0, count: values.count)
    var ties: [Int] = []
    var first = 0
    while first < order.count {
        let end = order[first...].firstIndex { values[$0] > values[order[first]] } ?? order.count
        for position in first..<end { ranks[order[position]] = Double(first + 1 + end) / 2 }
        if end - first > 1 { ties.append(end - first) }
        first = end
    }
    return (ranks, ties)
}

/// Twice the smaller of the shares of all signs of the ranks whose positive sum is at most, and at least, this one.
private func exactShare(_ positive: Double, _ ranks: [Double]) -> Double {
    // ways[s]: how many sets of ranks have the doubled sum s. At most 2⁵⁰, so doubles count exactly.
    var ways = [Double](repeating: 0, count: Int(2 * ranks.reduce(0, +)) + 1)
    ways[0] = 1
    for rank in ranks {
        let doubled = Int(2 * rank)
        for sum in stride(from: ways.count - 1, through: doubled, by: -1) { ways[sum] += ways[sum - doubled] }
    }
    let observed = Int(2 * positive)
    let all = exp2(Double(ranks.count))
    let (below, above) = (ways[...observed].reduce(0, +), ways[observed...].reduce(0, +))
    return min(1, 2 * min(below, above) / all)
}

/// The two-sided p-value by the normal distribution; NaN where no difference is left.
private func normalShare(_ positive: Double, count: Double, ties: [Int]) -> Double {
    let correction = ties.reduce(0) { $0 + Double($1 * $1 * $1 - $1) } / 2
    let deviation = ((count * (count + 1) * (2 * count + 1) - correction) / 24).squareRoot()
    let z = (positive - count * (count + 1) / 4) / deviation
    return erfc(abs(z) / 2.0.squareRoot())
}
