import Foundation

/// Mean, spread and confidence interval of scores; what is not a number is left out and counted.
public struct Summary: Hashable, Sendable, Encodable {
    /// How many scores there are.
    public let n: Int
    /// How many were left out since they are not numbers.
    public let missing: Int
    public let mean: Double
    /// The population's standard deviation, √(Σ(x − mean)²/n), as the paper has it.
    public let sd: Double
    /// Half of the 95% confidence interval as the paper computes it: 1.96·sd/√n.
    public let ci95: Double
    /// The same by Student's t with n − 1 degrees of freedom and the sample's deviation; NaN for a single score.
    public let ci95ByT: Double

    public init(_ scores: [Double]) {
        let present = scores.filter { !$0.isNaN }
        let count = Double(present.count)
        n = present.count
        missing = scores.count - n
        let mean = present.reduce(0, +) / count
        let squares = present.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        self.mean = mean
        sd = (squares / count).squareRoot()
        ci95 = 1.96 * sd / count.squareRoot()
        ci95ByT =
            n > 1 ? studentQuantile(0.975, freedom: count - 1) * (squares / (count - 1) / count).squareRoot() : .nan
    }

    enum CodingKeys: String, CodingKey {
        case n, missing, mean, sd, ci95
        case ci95ByT = "ci95_t"
    }

    /// What is not a number is null.
    public func encode(to encoder: Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(n, forKey: .n)
        try container.encode(missing, forKey: .missing)
        for (key, value) in [(CodingKeys.mean, mean), (.sd, sd), (.ci95, ci95), (.ci95ByT, ci95ByT)] {
            try container.encode(value.isFinite ? value : nil, forKey: key)
        }
    }
}

// MARK: - Student's t

/// The t below which a share of Student's distribution lies, by bisection, to the last bits.
///
/// - Parameter share: above 0.5 and below 1.
func studentQuantile(_ share: Double, freedom: Double) -> Double {
    precondition(share > 0.5 && share < 1 && freedom >= 1, "t quantile of \(share), \(freedom)")
    var (low, high) = (0.0, 1.0)
    while studentShare(below: high, freedom: freedom) < share { high *= 2 }
    while true {
        let middle = low + (high - low) / 2
        if middle <= low || middle >= high { return middle }
        if studentShare(below: middle, freedom: freedom) < share { low = middle } else { high = middle }
    }
}

/// The share of Student's distribution below t ≥ 0: 1 − I(freedom / (freedom + t²); freedom / 2, 1/2) / 2.
private func studentShare(below t: Double, freedom: Double) -> Double {
    1 - regularizedBeta(freedom / (freedom + t * t), freedom / 2, 0.5) / 2
}

/// The regularised incomplete beta function I(x; a, b), by Lentz's continued fraction (DLMF 8.17.22).
func regularizedBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
    if x <= 0 { return 0 }
    if x >= 1 { return 1 }
    // The fraction converges fast on this side of the mean only.
    if x > (a + 1) / (a + b + 2) { return 1 - regularizedBeta(1 - x, b, a) }
    let front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) / a
    let tiny = 1e-300
    var (result, upper, lower) = (1.0, 1.0, 0.0)
    for step in 0..<10_000 {
        let m = Double(step / 2)
        let term =
            if step == 0 {
                1.0
            } else if step % 2 == 0 {
                m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
            } else {
                -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
            }
        lower = 1 + term * lower
        lower = 1 / (abs(lower) < tiny ? tiny : lower)
        upper = 1 + term / upper
        upper = abs(upper) < tiny ? tiny : upper
        result *= upper * lower
        if step > 0, abs(upper * lower - 1) < 1e-16 { break }
    }
    return front * (result - 1)
}
