import CNIfTI
import Files
import Foundation
import Frames

/// The header of a NIfTI file in this machine's byte order, and what libnifti reads in it.
struct NIfTIHeader: Sendable {
    private(set) var bytes: [UInt8]
    /// 1 or 2.
    let version: Int32
    /// Whether the file's voxels are in the other byte order.
    let isSwapped: Bool
    let datatype: Int32
    let bytesPerVoxel: Int
    /// Where the voxels begin in the file, in bytes.
    let voxelOffset: Int
    let slope: Double
    let intercept: Double

    /// The bytes of the longest header, NIfTI-2's.
    static let longest = Int(CNIFTI_LONGEST_HEADER)

    /// Reads and checks everything that libnifti takes on trust before libnifti sees it.
    ///
    /// - Parameter start: the first 540 bytes of the file, or all of them.
    /// - Throws: ``FileError`` `badData`.
    static func read(_ start: [UInt8], file: String) throws(FileError) -> (NIfTIHeader, Geometry) {
        var bytes = start
        var isSwapped = false
        let version = cnifti_make_native(&bytes, bytes.count, &isSwapped)
        guard version != 0 else {
            throw FileError(
                .badData, file: file, "not a NIfTI volume",
                expected: "a NIfTI-1 or NIfTI-2 header with the voxels in the same file",
                found: start.isEmpty ? "nothing" : "something else",
                advice: "Convert the volume to .nii.gz, a pair of .hdr and .img too.")
        }
        let size = try readSize(bytes, version, file)
        let offset = cnifti_voxel_offset(bytes, version)
        guard offset >= 0, offset < 0x1p40, offset == offset.rounded() else {
            throw FileError(
                .badData, file: file, place: "vox_offset", "no place in a file", found: "\(offset)")
        }
        let length = version == 1 ? 348 : 540
        bytes.removeSubrange(length...)
        let datatype = try readDatatype(bytes, version, file)
        guard let image = cnifti_image(bytes, version) else {
            throw FileError(.badData, file: file, "the NIfTI header makes no sense to libnifti")
        }
        defer { free(image) }
        let scales = image.pointee.scl_slope != 0
        let header = NIfTIHeader(
            bytes: bytes, version: version, isSwapped: isSwapped, datatype: datatype,
            bytesPerVoxel: Int(image.pointee.nbyper), voxelOffset: max(Int(offset), length),
            slope: scales ? image.pointee.scl_slope : 1, intercept: scales ? image.pointee.scl_inter : 0)
        return (header, try Geometry(size: size, image: image.pointee, header: header, file: file))
    }

    /// The header of labels of 1 or 2 bytes in the same place of the world, as the bytes before the voxels.
    func describingLabels(bytesPerLabel: Int) -> [UInt8] {
        var labels = bytes
        cnifti_describe_labels(&labels, version, Int32(bytesPerLabel))
        // Four zeros say that no extensions follow.
        return labels + [0, 0, 0, 0]
    }
}

// MARK: Checks

private func readSize(_ bytes: [UInt8], _ version: Int32, _ file: String) throws(FileError) -> VolumeSize {
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
        throw FileError(
            .badData, file: file, place: "dim[\(long)]", "more than one volume", expected: "1",
            found: "\(dimensions[long])",
            advice: "Split it (fslsplit, or nibabel.four_to_three) and choose one volume.")
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

private func readDatatype(_ bytes: [UInt8], _ version: Int32, _ file: String) throws(FileError) -> Int32 {
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

extension Geometry {
    fileprivate init(
        size: VolumeSize, image: nifti_image, header: NIfTIHeader, file: String
    ) throws(FileError) {
        let source: Source = image.sform_code > 0 ? .sform : image.qform_code > 0 ? .qform : .none
        let matrix = source == .sform ? image.sto_xyz : image.qto_xyz
        let (x, y, z, _) = matrix.m
        let affine = Affine(
            alongI: SIMD3(x.0, y.0, z.0), alongJ: SIMD3(x.1, y.1, z.1), alongK: SIMD3(x.2, y.2, z.2),
            origin: SIMD3(x.3, y.3, z.3))
        var codes: (Int32, Int32, Int32) = (0, 0, 0)
        nifti_dmat44_to_orientation(matrix, &codes.0, &codes.1, &codes.2)
        let directions = [codes.0, codes.1, codes.2].compactMap(PatientDirection.init)
        guard affine.isInvertible, directions.count == 3 else {
            throw FileError(
                .badData, file: file,
                place: source == .sform ? "sform" : source == .qform ? "qform" : "pixdim",
                "does not say where the voxels are", expected: "three independent finite axes",
                advice: "Repair the header, with nibabel for example.")
        }
        let millimetresPerUnit =
            switch image.xyz_units {
            case NIFTI_UNITS_METER: 1000.0
            case NIFTI_UNITS_MICRON: 0.001
            default: 1.0
            }
        self.init(
            size: size, affine: affine, source: source, directions: directions,
            millimetresPerUnit: millimetresPerUnit, header: header)
    }
}
