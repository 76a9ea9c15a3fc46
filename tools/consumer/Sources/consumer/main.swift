import ImageFrames
import SegmentAnything
import Tensors

/// What the README shows: a mask of a bright square, from a box.
let size = PixelSize(width: 64, height: 48)
let pixels = (0..<size.height).flatMap { y in
    (0..<size.width).flatMap { x in
        [UInt8](repeating: (20..<40).contains(x) && (10..<30).contains(y) ? 220 : 40, count: 3)
    }
}
let sam = try Sam(path: CommandLine.arguments[1], precision: .bfloat16)
let encoded = try sam.encode(RGBImage(size: size, pixels: pixels), name: "square")
let masks = try sam.predict([Prompt(box: PixelBox(x0: 20, y0: 10, x1: 40, y1: 30))], on: encoded)
print(
    "area of the best mask: \(masks[0].best?.mask.area ?? 0) of 400 pixels; instruction set \(InstructionSet.current)")
