import CNIfTI
import ImageFrames
import SafeFiles

/// The size of a volume, of which every axis beyond the third must be 1 long.
func readSize(_ bytes: [UInt8], _ version: Int32, _ file: String) throws(FileError) -> VolumeSize {
    var dimensions = [Int64](repeating: 0, count: 8)
    cnifti_dimensions(bytes, version, &dimensions)
    guard (1...7).contains(dimensions[0]) else {
        throw FileError(
            .badData, file: file, place: "dim[0]", "not a number of dimensions", expected: "1 to 7",
            found: "\(dimensions[0])")
    }
    let sides = dimensions[1...Int(dimensions[0])]
    if let bad = sides.firstIndex(where: { $0 <= 0 }) {
        throw FileError(
            .badData, file: file, place: "dim[\(bad)]", "the volume is empty", expected: "1 or more",
            found: "\(dimensions[bad])")
    }
    if let long = sides.dropFirst(3).firstIndex(where: { $0 > 1 }) {
        let (what, advice) = whatIsLong(long, isThirdLong: sides[3] > 1)
        throw FileError(
            .badData, file: file, place: "dim[\(long)]", what, expected: "1", found: "\(dimensions[long])",
            advice: advice)
    }
    let (i, j, k) = (sides[1], sides.count > 1 ? sides[2] : 1, sides.count > 2 ? sides[3] : 1)
    let (plane, overflow) = i.multipliedReportingOverflow(by: j)
    let (count, overflows) = plane.multipliedReportingOverflow(by: k)
    // Beyond any file, and so that no count of bytes overflows.
    guard !overflow, !overflows, count <= 1 << 48 else {
        throw FileError(
            .badData, file: file, place: "dim", "the volume is too large", found: "\(i)×\(j)×\(k) voxels")
    }
    return VolumeSize(i: Int(i), j: Int(j), k: Int(k))
}

/// What it means that an axis beyond the third is longer than 1, and what to do.
private func whatIsLong(_ axis: Int, isThirdLong: Bool) -> (what: String, advice: String) {
    switch axis {
    case 4 where isThirdLong:
        ("more than one volume", "Split it (fslsplit, or nibabel.four_to_three) and choose one volume.")
    case 4:
        (
            "slices along the fourth axis, as of a series in time",
            "Move them to the third axis and say in pixdim[3] how far apart they are, with nibabel for example, or convert "
                + "the DICOM files again with dcm2niix."
        )
    default:
        ("more than one volume", "Keep one of the values of each voxel, with nibabel for example.")
    }
}

/// The code of a type of real numbers.
func readDatatype(_ bytes: [UInt8], _ version: Int32, _ file: String) throws(FileError) -> Int32 {
    let datatype = cnifti_datatype(bytes, version)
    switch datatype {
    case DT_UINT8, DT_INT8, DT_UINT16, DT_INT16, DT_UINT32, DT_INT32, DT_UINT64, DT_INT64, DT_FLOAT32,
        DT_FLOAT64:
        return datatype
    default:
        let name = nifti_datatype_string(datatype).map { String(cString: $0) } ?? ""
        throw FileError(
            .badData, file: file, place: "datatype", "the voxels are not real numbers that can be read",
            expected: "integers of 8 to 64 bits or floating point of 32 or 64",
            found: "\(datatype) (\(name))")
    }
}

/// A slope that is 0 or not finite says that nothing is scaled; the intercept does not count then.
func readScaling(
    _ bytes: [UInt8], _ version: Int32, _ file: String
) throws(FileError) -> (slope: Double, intercept: Double) {
    var (slope, intercept) = (0.0, 0.0)
    cnifti_scaling(bytes, version, &slope, &intercept)
    guard slope != 0, slope.isFinite else { return (1, 0) }
    guard intercept.isFinite else {
        throw FileError(
            .badData, file: file, place: "scl_inter", "the values cannot be scaled",
            expected: "a finite intercept", found: "\(intercept)")
    }
    return (slope, intercept)
}

/// Checks the numbers that say where the voxels are when the sform does not.
func checkQForm(
    _ header: NIfTIHeader, size: VolumeSize, hasCode: Bool, _ file: String
) throws(FileError) {
    var spacing = [0.0, 0.0, 0.0]
    var quaternion = spacing
    var shift = spacing
    cnifti_qform(header.bytes, header.version, &spacing, &quaternion, &shift)
    // Along an axis of one voxel any size does, and 0 is common.
    for (index, axis) in VoxelAxis.allCases.enumerated() where size[axis] > 1 {
        guard spacing[index].isFinite, spacing[index] > 0 else {
            throw FileError(
                .badData, file: file, place: "pixdim[\(index + 1)]", "not the size of a voxel",
                expected: "a number above 0", found: "\(spacing[index])",
                advice: "Repair the header, with nibabel for example.")
        }
    }
    // Single precision rounds the squares' sum to a little above 1.
    guard !hasCode || quaternion.reduce(0, { $0 + $1 * $1 }) <= 1.0001 else {
        throw FileError(
            .badData, file: file, place: "quatern_b, quatern_c, quatern_d", "not a rotation",
            expected: "numbers whose squares add up to 1 at most", found: "\(quaternion)",
            advice: "Repair the header, with nibabel for example.")
    }
    guard !hasCode || shift.allSatisfy(\.isFinite) else {
        throw FileError(
            .badData, file: file, place: "qoffset_x, qoffset_y, qoffset_z", "not a place in the world",
            expected: "finite numbers", found: "\(shift)",
            advice: "Repair the header, with nibabel for example.")
    }
}
