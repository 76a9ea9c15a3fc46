import Foundation
import ImageFrames
import SafeFiles

/// How volumes become slices, as far as somebody chose; for what is nil, a record or the default decides.
public struct Slicing: Hashable, Sendable {
    public var axis: SliceAxis?
    public var view: SliceView?
    public var intensity: Intensity?
    /// The path of the record of the slices that boxes were drawn on.
    public var record: String?

    public init(
        axis: SliceAxis? = nil, view: SliceView? = nil, intensity: Intensity? = nil, record: String? = nil
    ) {
        (self.axis, self.view, self.intensity, self.record) = (axis, view, intensity, record)
    }

    /// How a volume is sliced: as was chosen, else as the record says, else along k in the array's view.
    ///
    /// - Throws: ``FileError`` `badData` where the record is of another volume's slices or contradicts the choice.
    public func slices(
        of geometry: Geometry, case name: String, record: FoundRecord?
    ) throws(FileError) -> SliceGeometry {
        guard let record else {
            return SliceGeometry(geometry, axis: (axis ?? .k).axis(in: geometry), view: view ?? .array)
        }
        let size = try record.size(ofCase: name)
        guard size == geometry.size else {
            throw FileError(
                .badData, file: record.path, place: "volumes", "slices of another volume",
                expected: "\(geometry.size)", found: "\(size)",
                advice: "Boxes drawn on those slices do not fit this volume.")
        }
        let drawn = SliceGeometry(geometry, axis: record.record.axis.axis(in: geometry), view: record.record.view)
        let chosen = SliceGeometry(
            geometry, axis: axis?.axis(in: geometry) ?? drawn.axis, view: view ?? record.record.view)
        guard chosen == drawn else {
            throw FileError(
                .badData, file: record.path, "the boxes were drawn on slices turned in another way",
                expected: "axis \(drawn.axis), view \(drawn.view)", found: "axis \(chosen.axis), view \(chosen.view)",
                advice: "Leave out --axis and --view.")
        }
        return drawn
    }

    /// The intensity that was chosen, else the record's, else the default for CT.
    ///
    /// - Throws: ``FileError`` `badData` where none was chosen and the volume does not look like CT.
    public func intensity(of volume: Volume, record: SlicesRecord?) throws(FileError) -> Intensity {
        if let intensity = intensity ?? record?.intensity { return intensity }
        guard volume.looksLikeHounsfield else { throw volume.notHounsfield }
        return .softTissue
    }
}
