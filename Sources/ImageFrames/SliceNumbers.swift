/// A slice's number from 0, as file names and people have it: three digits at least.
public func sliceDigits(_ slice: Int) -> String {
    let digits = "\(slice)"
    return String(repeating: "0", count: max(0, 3 - digits.utf8.count)) + digits
}

/// Slices in order as people write them: "031–035, 040".
public func ranges(of slices: [Int]) -> String {
    let runs = slices.reduce(into: [ClosedRange<Int>]()) { runs, slice in
        if let last = runs.last, slice == last.upperBound + 1 {
            runs[runs.count - 1] = last.lowerBound...slice
        } else {
            runs.append(slice...slice)
        }
    }
    return runs.map { run in
        run.count == 1 ? sliceDigits(run.lowerBound) : "\(sliceDigits(run.lowerBound))–\(sliceDigits(run.upperBound))"
    }.joined(separator: ", ")
}
