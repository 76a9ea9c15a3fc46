// What the model's interface is made of: pictures, boxes and masks, and the errors that every call throws.
@_exported import ImageFrames
@_exported import SafeFiles
@_exported import Tensors
