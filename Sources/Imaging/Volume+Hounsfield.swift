import SafeFiles

extension Volume {
    /// Whether the values can be Hounsfield units: some are air's, and of the others at least as many are soft tissue's as
    /// are above it.
    ///
    /// Air is −1150 to −500, soft tissue with fat and contrast −250 to 300. The least value does not count where it is below
    /// air: scanners fill what is beyond their field with it, such as −2000 or −3024. Values between it and air
    /// come from resampling its edge, and so do as many that only seem to be air.
    public var looksLikeHounsfield: Bool {
        let counts = HounsfieldCounts(values, least: range?.lowerBound ?? 0)
        return counts.air > 2 * counts.below && counts.tissue >= counts.above
    }

    /// An error that says why the values do not look like Hounsfield units, and what to do.
    var notHounsfield: FileError {
        let least = range?.lowerBound ?? 0
        let counts = HounsfieldCounts(values, least: least)
        let all = max(1, values.count)
        func share(_ count: Int) -> String { "\((100 * count + all / 2) / all)%" }
        let shares =
            "a minimum of \(least), of all voxels \(share(counts.air)) air, \(share(counts.tissue)) soft tissue, "
            + "\(share(counts.above)) above"
        return FileError(
            .badData, file: file, "does not look like Hounsfield units",
            expected: "air from −1150 to −500, and more soft tissue (−250 to 300) than bone",
            found: range == nil ? "no number at all" : shares,
            advice: "Choose with --intensity: \(Intensity.forms). In units of a scanner, apply the rescale slope and "
                + "intercept first.")
    }
}

/// How many values are in each range of Hounsfield units.
private struct HounsfieldCounts {
    private(set) var (below, air, tissue, above) = (0, 0, 0, 0)

    /// - Parameter least: the least finite value, which does not count where it is below air.
    init(_ values: [Float], least: Float) {
        for value in values where value.isFinite {
            switch value {
            case ..<(-1150): below += value == least ? 0 : 1
            case ...(-500): air += 1
            case -250...300: tissue += 1
            case 300...: above += 1
            default: break
            }
        }
    }
}
