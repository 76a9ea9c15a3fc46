import PictureFiles
import SegmentAnything

// What a server does: pictures are encoded side by side from tasks, one of which is cancelled, and an embedding is kept, and
// taken as PyTorch's would be.
let sam = try Sam(path: CommandLine.arguments[1])
let picture = try readImage("photo.png").image

let kept = try await withThrowingTaskGroup(of: EncodedImage?.self) { group in
    for number in 1...3 {
        group.addTask {
            // Each with a share of the processor: the result does not depend on it.
            try await Threads.with(number) {
                do {
                    return try await sam.encode(picture, name: "photo \(number)")
                } catch is CancellationError {
                    return nil
                }
            }
        }
    }
    let first = try await group.next() ?? nil
    group.cancelAll()
    return first
}
let cancelled = Task { try await sam.encode(picture, name: "cancelled") }
cancelled.cancel()
if case .success = await cancelled.result { print("a cancelled encoding went on") }

guard let kept else { fatalError("no picture was encoded") }
try kept.write(to: "photo.safetensors")
let again = try EncodedImage(contentsOf: "photo.safetensors", for: sam)
let features = try Checkpoint(path: "photo.safetensors").tensor("image_encoder")
let elsewhere = try EncodedImage(
    embedding: features.selecting(axis: 0, 0).permuted(1, 2, 0), size: picture.size, name: "elsewhere", for: sam)
let prompt = Prompt(points: [.init(PixelPoint(x: 30, y: 20), isForeground: true)])
let masks = try [kept, again, elsewhere].map { try sam.predict([prompt], on: $0)[0].map(\.mask) }
print("tasks: \(masks[0] == masks[1] && masks[0] == masks[2] ? "the same masks from the file" : "other masks")")
do {
    _ = try sam.predict([Prompt()], on: again)
} catch let error as FileError {
    print("tasks: \(error)")
}
