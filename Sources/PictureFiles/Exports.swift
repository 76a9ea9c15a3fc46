@_exported import ImageFrames
@_exported import SafeFiles
