/// Reads the page's numbers, and computes the softmax of the patch that is picked.
let scriptOfNumbers = #"""


    "use strict";
    const data = JSON.parse(document.getElementById("data").textContent);
    const { picture, grid, rows, columns } = data;
    const patchSize = data.model.patchSize;
    const state = { patch: data.patch, block: 0, head: -1, prompt: 0, place: 0, layer: data.prompts[0].layers.length - 1,
      token: 1, tokenHead: -1, way: 0, mask: 0, count: 3 };
    const byId = id => document.getElementById(id);

    // MARK: Numbers

    const raw = text => Uint8Array.from(atob(text), c => c.charCodeAt(0));
    const floats = text => new Float32Array(raw(text).buffer);
    /** A row of numbers kept in 8 bits: shares as (byte / 255)² · scale, others as (byte − 128) / 127 · scale. */
    function rowsOf(packed, count, decode) {
      const bytes = raw(packed.bytes), scales = floats(packed.scales);
      return row => Float32Array.from(bytes.subarray(row * count, (row + 1) * count), b => decode(b) * scales[row]);
    }
    const sharesOf = (packed, count) => rowsOf(packed, count, b => b * b / 65025);
    const signedOf = (packed, count) => rowsOf(packed, count, b => (b - 128) / 127);
    const wordsOf = packed => Float32Array.from(new Int16Array(raw(packed.bytes).buffer), n => n / 32767 * packed.scale);
    const percent = (x, digits = 1) => (100 * x).toFixed(digits) + "%";
    const range = n => Array.from({ length: n }, (_, i) => i);
    const once = make => { let made; return (...given) => made ??= make(...given); };
    const mean = lists => lists[0].map((_, i) => lists.reduce((sum, list) => sum + list[i], 0) / lists.length);

    // MARK: Attention

    for (const block of data.blocks) {
      block.read = once(() => block.weights ? {
        weights: sharesOf(block.weights, (block.window / block.cell) ** 2),
        height: signedOf(block.heightTerms, block.window), width: signedOf(block.widthTerms, block.window),
      } : {
        queries: signedOf(block.queries, block.headDim), keys: signedOf(block.keys, block.headDim),
        height: signedOf(block.heightPositions, block.headDim), width: signedOf(block.widthPositions, block.headDim),
      });
    }

    const dot = (a, b) => { let sum = 0; for (let i = 0; i < a.length; i++) sum += a[i] * b[i]; return sum; };

    function softmax(scores) {
      const largest = Math.max(...scores), powers = scores.map(x => Math.exp(x - largest));
      const sum = powers.reduce((a, b) => a + b, 0);
      return powers.map(x => x / sum);
    }

    /** What a patch attends to: of each head, weights over its window in cells, and the terms of its position. */
    function attention(block, patch) {
      const { window, cell, heads, headDim } = block, read = block.read(), across = Math.ceil(grid / window);
      const origin = { row: Math.floor(patch.row / window) * window, column: Math.floor(patch.column / window) * window };
      if (block.weights) {
        const place = data.patches.findIndex(p => p.row === patch.row && p.column === patch.column);
        const of = read => range(heads).map(head => read(place * heads + head));
        return { origin, cell, side: window / cell, weights: of(read.weights), height: of(read.height), width: of(read.width) };
      }
      const y = patch.row - origin.row, x = patch.column - origin.column, tokens = window * window;
      const index = Math.floor(patch.row / window) * across + Math.floor(patch.column / window);
      const weights = [], height = [], width = [];
      for (const head of range(heads)) {
        const first = (index * heads + head) * tokens, query = read.queries(first + y * window + x);
        height.push(range(window).map(key => dot(query, read.height(y - key + window - 1))));
        width.push(range(window).map(key => dot(query, read.width(x - key + window - 1))));
        weights.push(softmax(range(tokens).map(key => dot(query, read.keys(first + key)) / Math.sqrt(headDim)
          + height[head][Math.floor(key / window)] + width[head][key % window])));
      }
      return { origin, cell, side: window, weights, height, width };
    }

    """#
