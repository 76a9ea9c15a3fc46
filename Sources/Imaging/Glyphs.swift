/// How many dots from the beginning of a letter to the beginning of the next.
let glyphAdvance = 6

/// How many dots letters are high.
let glyphHeight = 7

/// The dots of a text in capitals, from its top left corner; what has no glyph is a blank.
func glyphDots(of text: String) -> [(x: Int, y: Int)] {
    text.uppercased().enumerated().flatMap { place, character in
        (glyphs[character] ?? []).enumerated().flatMap { y, row in
            row.enumerated().filter { $0.element != " " }.map { (glyphAdvance * place + $0.offset, y) }
        }
    }
}

private let glyphs: [Character: [String]] = Dictionary(
    uniqueKeysWithValues: sheet.flatMap { letters, rows in
        letters.enumerated().map { place, letter in
            (letter, rows.map { row in String(row.dropFirst(glyphAdvance * place).prefix(5)) })
        }
    })

/// Letters as they look, six characters wide each.
private let sheet: [(letters: String, rows: [String])] = [
    (
        "0123456789",
        [
            " ###    #    ###  #####    #  #####  ###  #####  ###   ###  ",
            "#   #  ##   #   #    #    ##  #     #   #     # #   # #   # ",
            "#  ##   #       #   #    # #  ####  #        #  #   # #   # ",
            "# # #   #     ##     #  #  #      # ####    #    ###   #### ",
            "##  #   #    #        # #####     # #   #  #    #   #     # ",
            "#   #   #   #     #   #    #  #   # #   #  #    #   # #   # ",
            " ###   ###  #####  ###     #   ###   ###   #     ###   ###  ",
        ]
    ),
    (
        "ABCDEFGHI",
        [
            " ###  ####   ###  ####  ##### #####  ###  #   #  ###  ",
            "#   # #   # #   # #   # #     #     #   # #   #   #   ",
            "#   # #   # #     #   # #     #     #     #   #   #   ",
            "##### ####  #     #   # ####  ####  # ### #####   #   ",
            "#   # #   # #     #   # #     #     #   # #   #   #   ",
            "#   # #   # #   # #   # #     #     #   # #   #   #   ",
            "#   # ####   ###  ####  ##### #      ###  #   #  ###  ",
        ]
    ),
    (
        "JKLMNOPQR",
        [
            "  ### #   # #     #   # #   #  ###  ####   ###  ####  ",
            "   #  #  #  #     ## ## ##  # #   # #   # #   # #   # ",
            "   #  # #   #     # # # ##  # #   # #   # #   # #   # ",
            "   #  ##    #     # # # # # # #   # ####  #   # ####  ",
            "   #  # #   #     #   # #  ## #   # #     # # # # #   ",
            "#  #  #  #  #     #   # #  ## #   # #     #  #  #  #  ",
            " ##   #   # ##### #   # #   #  ###  #      ## # #   # ",
        ]
    ),
    (
        "STUVWXYZ",
        [
            " #### ##### #   # #   # #   # #   # #   # ##### ",
            "#       #   #   # #   # #   # #   # #   #     # ",
            "#       #   #   # #   # #   #  # #   # #     #  ",
            " ###    #   #   # #   # # # #   #     #     #   ",
            "    #   #   #   # #   # # # #  # #    #    #    ",
            "    #   #   #   #  # #  ## ## #   #   #   #     ",
            "####    #    ###    #   #   # #   #   #   ##### ",
        ]
    ),
    (
        "-+.,:/()_",
        [
            "                                  #    #   #          ",
            "        #                ##       #   #     #         ",
            "        #                ##      #   #       #        ",
            "##### #####                     #    #       #        ",
            "        #          ##    ##    #     #       #        ",
            "        #    ##    ##    ##   #       #     #         ",
            "             ##   #           #        #   #    ##### ",
        ]
    ),
]
