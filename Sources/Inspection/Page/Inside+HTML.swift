import Foundation

extension Inside {
    /// One page that shows all of it: nothing is fetched, and a browser needs no network.
    public var html: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            // In a script no text of a file may end the script.
            let data = String(decoding: try encoder.encode(self), as: UTF8.self).replacing("<", with: #"\u003c"#)
            let title = "Inside \(model.name): \(picture.name)"
            return """
                <!doctype html>
                <html lang="en">
                <head>
                <meta charset="utf-8">
                <meta name="viewport" content="width=device-width, initial-scale=1">
                <meta http-equiv="Content-Security-Policy"
                  content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
                <meta name="generator" content="swift-sam \(escaped(model.version))">
                <meta name="color-scheme" content="light dark">
                <link rel="icon" href="data:,">
                <title>\(escaped(title))</title>
                <style>\(pageStyle)</style>
                </head>
                <body>
                \(pageBody)
                <script type="application/json" id="data">\(data)</script>
                <script>\(pageScript)</script>
                </body>
                </html>

                """
        }
    }
}

private func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing("\"", with: "&quot;")
}
