// What the model's interface is made of: files of tensors, pictures, boxes and masks, and the errors that every call throws.
@_exported import Checkpoints
@_exported import ImageFrames
@_exported import SafeFiles
@_exported import Tensors
