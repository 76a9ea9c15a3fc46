// swift-format-ignore-file: NeverForceUnwrap, NeverUseForceTry

import Annotations
import Foundation
import ImageFrames
import SafeFiles
import TestSupport

extension Folder {
    func classes(_ names: String...) throws -> ClassList {
        try ClassList(contentsOf: write("class_list.txt", names.joined(separator: "\n") + "\n"))
    }

    /// The boxes of the stem `ct`, on images of 320×160 unless the test says otherwise.
    func boxes(
        stem: String = "ct", slices: Int = 10, size: PixelSize = PixelSize(width: 320, height: 160),
        classes: ClassList? = nil
    ) throws -> [SliceBoxes] {
        try readBoxes(path, case: stem, sliceCount: slices, imageSize: size, classes: classes)
    }

    /// Everything wrong that reading the same boxes finds; empty where they are read.
    func errors(
        stem: String = "ct", slices: Int = 10, size: PixelSize = PixelSize(width: 320, height: 160),
        classes: ClassList? = nil
    ) -> [FileError] {
        do {
            _ = try boxes(stem: stem, slices: slices, size: size, classes: classes)
            return []
        } catch let error as FileError {
            return [error]
        } catch {
            return (error as! FileErrors).errors
        }
    }
}

/// The boxes of the only annotator; throws everything wrong with them.
func readBoxes(
    _ path: String, case name: String, pattern: SlicePattern = .standard, sliceCount: Int, imageSize: PixelSize,
    classes: ClassList?
) throws -> [SliceBoxes] {
    let source = try BoxSource(path, pattern: pattern, cases: [name])
    let annotator = try source.annotator(ofCase: name, chosen: nil)
    let reading = source.boxes(
        ofCase: name, annotator: annotator, sliceCount: sliceCount, imageSize: imageSize, classes: classes)
    if !reading.errors.isEmpty { throw FileErrors(reading.errors) }
    return reading.slices
}

/// One object of a Pascal VOC file, as OpenLabeling writes it.
func object(_ name: String, _ x0: String, _ y0: String, _ x1: String, _ y1: String) -> String {
    """
        <object>
            <name>\(name)</name>
            <pose>Unspecified</pose>
            <truncated>0</truncated>
            <difficult>0</difficult>
            <bndbox>
                <xmin>\(x0)</xmin>
                <ymin>\(y0)</ymin>
                <xmax>\(x1)</xmax>
                <ymax>\(y1)</ymax>
            </bndbox>
        </object>

    """
}

/// A Pascal VOC file, as OpenLabeling writes it.
func pascalVOC(_ objects: String..., width: String = "320", height: String = "160") -> String {
    """
    <annotation>
        <folder>input</folder>
        <filename>ct-slice003.png</filename>
        <source>
            <database>Unknown</database>
        </source>
        <size>
            <width>\(width)</width>
            <height>\(height)</height>
            <depth>3</depth>
        </size>
        <segmented>0</segmented>
    \(objects.joined())</annotation>

    """
}
