import CNIfTI
import Foundation
import ImageFrames
import SafeFiles

/// The header of a NIfTI file in this machine's byte order, and what libnifti reads in it.
struct NIfTIHeader: Sendable {
    let bytes: [UInt8]
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

    /// Of the bytes before the voxels, what does not describe them or their places: fields of text, and extensions.
    var textRanges: [Range<Int>] {
        let fields = version == 1 ? [4..<38, 148..<252, 328..<344] : [240..<344, 508..<524, 525..<540]
        return fields + [Self.length(ofVersion: version)..<voxelOffset]
    }

    /// The bytes of the longest header, NIfTI-2's.
    static let longest = Int(CNIFTI_LONGEST_HEADER)

    static func length(ofVersion version: Int32) -> Int { version == 1 ? 348 : 540 }

    /// Reads and checks everything that libnifti takes on trust before libnifti sees it.
    ///
    /// - Parameter start: the first 540 bytes of the file, or all of them.
    /// - Throws: ``FileError`` `badData`.
    static func read(_ start: [UInt8], file: String) throws(FileError) -> (NIfTIHeader, Geometry) {
        var bytes = start
        var isSwapped = false
        let version = cnifti_make_native(&bytes, bytes.count, &isSwapped)
        guard version != 0 else {
            let contents = FileContents(start)
            throw FileError(
                .badData, file: file, "not a NIfTI volume",
                expected: "a NIfTI-1 or NIfTI-2 header with the voxels in the same file",
                found: contents?.name ?? "something else",
                advice: contents?.advice ?? "Convert the volume to .nii.gz, a pair of .hdr and .img too.")
        }
        let size = try readSize(bytes, version, file)
        let length = Self.length(ofVersion: version)
        let offset = cnifti_voxel_offset(bytes, version)
        // Four bytes follow the header; the first is not 0 where extensions follow. Of voxels that begin before them,
        // readers disagree on what is meant.
        guard offset >= Double(length + 4), offset < 0x1p40, offset == offset.rounded() else {
            throw FileError(
                .badData, file: file, place: "vox_offset", "not where voxels can begin",
                expected: "\(length + 4) or more", found: "\(offset)")
        }
        bytes.removeSubrange(length...)
        let datatype = try readDatatype(bytes, version, file)
        let (slope, intercept) = try readScaling(bytes, version, file)
        guard let image = cnifti_image(bytes, version) else {
            throw FileError(.badData, file: file, "the NIfTI header makes no sense to libnifti")
        }
        defer { free(image) }
        let header = NIfTIHeader(
            bytes: bytes, version: version, isSwapped: isSwapped, datatype: datatype,
            bytesPerVoxel: Int(image.pointee.nbyper), voxelOffset: Int(offset), slope: slope,
            intercept: intercept)
        return (header, try Geometry(size: size, image: image.pointee, header: header, file: file))
    }
}

extension Geometry {
    fileprivate init(
        size: VolumeSize, image: nifti_image, header: NIfTIHeader, file: String
    ) throws(FileError) {
        let source: Source = image.sform_code > 0 ? .sform : image.qform_code > 0 ? .qform : .none
        if source != .sform { try checkQForm(header, size: size, hasCode: source == .qform, file) }
        let unit: Unit =
            switch image.xyz_units {
            case NIFTI_UNITS_METER: .metre
            case NIFTI_UNITS_MICRON: .micrometre
            default: .millimetre
            }
        let affine = Affine(source == .sform ? image.sto_xyz : image.qto_xyz)
        guard let geometry = Geometry(size: size, affine: affine, unit: unit, source: source, header: header) else {
            throw FileError(
                .badData, file: file,
                place: source == .sform ? "sform" : source == .qform ? "qform" : "pixdim",
                "does not say where the voxels are", expected: "three independent finite axes",
                advice: "Repair the header, with nibabel for example.")
        }
        self = geometry
    }

    /// The bytes before the voxels of labels of 1 or 2 bytes in the same place of the world: NIfTI-1 or -2 as the
    /// volume was, and for one made in memory NIfTI-1 unless an axis is too long for it.
    func labelsHeader(bytesPerLabel: Int) -> [UInt8] {
        var bytes: [UInt8]
        let version: Int32
        if let header {
            (bytes, version) = (header.bytes, header.version)
        } else {
            version = max(size.i, size.j, size.k) > Int16.max ? 2 : 1
            bytes = [UInt8](repeating: 0, count: NIfTIHeader.length(ofVersion: version))
            let units = unit == .metre ? NIFTI_UNITS_METER : unit == .micrometre ? NIFTI_UNITS_MICRON : NIFTI_UNITS_MM
            cnifti_place(
                &bytes, version, [Int64(size.i), Int64(size.j), Int64(size.k)], affine.matrix, units, source != .none,
                affine.isOrthogonal)
        }
        cnifti_describe_labels(&bytes, version, Int32(bytesPerLabel))
        // Four zeros say that no extensions follow.
        return bytes + [0, 0, 0, 0]
    }
}

// MARK: Both forms

extension NIfTIHeader {
    /// What a header with an sform says besides it.
    struct Forms {
        /// The voxels' sizes by pixdim, in the header's unit.
        let spacing: [Double]
        /// Nil where its code is 0, or it does not say where voxels are.
        let qform: Affine?
        /// Whether ITK takes the sform where axes are perpendicular: its code is 1, or there is no other form.
        let itkFollowsSForm: Bool
    }

    /// Nil where libnifti does not understand the header.
    var forms: Forms? {
        guard let image = cnifti_image(bytes, version) else { return nil }
        defer { free(image) }
        var (spacing, quaternion, shift) = ([0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0])
        cnifti_qform(bytes, version, &spacing, &quaternion, &shift)
        let qform = Affine(image.pointee.qto_xyz)
        let hasQForm = image.pointee.qform_code > 0 && qform.isInvertible
        return Forms(
            spacing: spacing.map(abs), qform: hasQForm ? qform : nil,
            itkFollowsSForm: image.pointee.sform_code == NIFTI_XFORM_SCANNER_ANAT || !hasQForm)
    }
}

// MARK: libnifti's matrix

extension Affine {
    fileprivate init(_ matrix: nifti_dmat44) {
        let (x, y, z, _) = matrix.m
        self.init(
            alongI: SIMD3(x.0, y.0, z.0), alongJ: SIMD3(x.1, y.1, z.1), alongK: SIMD3(x.2, y.2, z.2),
            origin: SIMD3(x.3, y.3, z.3))
    }

    fileprivate var matrix: nifti_dmat44 {
        nifti_dmat44(
            m: (
                (alongI.x, alongJ.x, alongK.x, origin.x), (alongI.y, alongJ.y, alongK.y, origin.y),
                (alongI.z, alongJ.z, alongK.z, origin.z), (0, 0, 0, 1)
            ))
    }

    /// The closest world axis of each axis; nil where libnifti finds none.
    var directions: [PatientDirection]? {
        var codes: (Int32, Int32, Int32) = (0, 0, 0)
        nifti_dmat44_to_orientation(matrix, &codes.0, &codes.1, &codes.2)
        let directions = [codes.0, codes.1, codes.2].compactMap(PatientDirection.init)
        return directions.count == 3 ? directions : nil
    }
}
