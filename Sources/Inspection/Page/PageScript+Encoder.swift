/// The sections from pixels to the embedding.
let scriptOfEncoder = #"""

    // MARK: Sections

    function renderPixels() {
      const { original, scaled, side } = picture, canvas = byId("pixels-canvas"), zoom = 640 / side;
      canvas.width = canvas.height = 640;
      const context = canvas.getContext("2d");
      context.fillStyle = "#7b7468";
      context.fillRect(0, 0, 640, 640);
      context.strokeStyle = "rgb(255 255 255 / .18)";
      for (let x = -640; x < 640; x += 14) {
        context.beginPath();
        context.moveTo(x, 640);
        context.lineTo(x + 640, 0);
        context.stroke();
      }
      context.drawImage(photo, 0, 0, scaled.width * zoom, scaled.height * zoom);
      mark(context, data.prompts[state.prompt], scaled.width / original.width * zoom);
      const padding = 1 - scaled.width * scaled.height / side ** 2;
      byId("pixels-facts").textContent = `${original.width}×${original.height} pixels become ${scaled.width}×${scaled.height} `
        + `in a square of ${side}×${side}: ${padding ? percent(padding) + " of it is" : "there is no"} padding.`;
      canvas.say = (x, y) => {
        const column = Math.floor(x * side), row = Math.floor(y * side), at = `row ${row}, column ${column}: `;
        if (column >= scaled.width || row >= scaled.height) return at + "padding, 0 after normalising";
        const shown = picture.shown, i = Math.floor(row * shown.height / scaled.height) * shown.width
          + Math.floor(column * shown.width / scaled.width);
        const rgb = [...pixels.subarray(3 * i, 3 * i + 3)];
        const normalised = rgb.map((value, c) => ((value - picture.mean[c]) / picture.deviation[c]).toFixed(2));
        return `${at}${rgb.join(", ")} → ${normalised.join(", ")}`;
      };
    }

    function renderPatch() {
      const { row, column } = state.patch, block = data.blocks[state.block];
      const name = `row ${row}, column ${column}`;
      show(byId("patches-canvas"), { gridlines: true, prompt: true, dots: true, say: p => `patch row ${p.row}, column ${p.column}` });
      byId("patches-facts").textContent = `${rows}×${columns} patches of ${patchSize}×${patchSize} pixels. Picked: ${name}.`
        + (data.patches.length ? " In a model of this size, those with a dot can be picked." : "");
      const close = byId("patch-canvas"), size = patchSize * picture.shown.width / picture.scaled.width;
      close.width = close.height = 160;
      close.getContext("2d").imageSmoothingEnabled = false;
      close.getContext("2d").drawImage(photo, column * size, row * size, size, size, 0, 0, 160, 160);

      const found = attention(block, state.patch), { side, cell, origin } = found;
      const all = found.weights.map(weights => Array.from(weights)), chosen = state.head < 0 ? mean(all) : all[state.head];
      const cellOf = p => {
        const y = Math.floor((p.row - origin.row) / cell), x = Math.floor((p.column - origin.column) / cell);
        return y >= 0 && x >= 0 && y < side && x < side ? y * side + x : -1;
      };
      const who = state.head < 0 ? "the mean of all heads" : `head ${state.head}`;
      show(byId("blocks-canvas"), {
        cells: { side, origin, values: chosen, size: cell }, dots: true,
        say: p => cellOf(p) < 0 ? `row ${p.row}, column ${p.column}: outside the window`
          : `row ${p.row}, column ${p.column}: ${percent(chosen[cellOf(p)], 2)} of ${who}`,
      });
      let outside = 0, distance = 0, entropy = 0;
      chosen.forEach((weight, i) => {
        const y = origin.row + (Math.floor(i / side) + .5) * cell - .5, x = origin.column + (i % side + .5) * cell - .5;
        if (y >= rows || x >= columns) outside += weight;
        distance += weight * Math.hypot(y - row, x - column);
        if (weight > 0) entropy -= weight * Math.log(weight);
      });
      const reach = block.window === grid ? "global: the whole picture" : `a window of ${block.window}×${block.window}`;
      byId("blocks-facts").textContent = `${block.name.replace("image_encoder.", "")}, ${reach}; ${who}. The patch gives `
        + `${percent(chosen[cellOf(state.patch)])} to ${cell > 1 ? "its neighbourhood" : "itself"}, ${percent(outside)} to padding; `
        + `mean distance ${distance.toFixed(1)} patches; as spread out as ${Math.round(Math.exp(entropy))} of ${side * side} `
        + `${cell > 1 ? "cells" : "keys"}.`;

      const tiles = [-1, ...range(block.heads)].map(head => {
        const values = head < 0 ? mean(all) : all[head], largest = Math.max(...values) || 1;
        const canvas = draw(newCanvas(), side, side, i => heat(Math.sqrt(values[i] / largest)));
        return tile(canvas, head < 0 ? "mean" : `head ${head}`, head === state.head, () => {
          state.head = head;
          renderPatch();
        });
      });
      replaceTiles(byId("heads"), tiles);
      const height = state.head < 0 ? mean(found.height.map(x => Array.from(x))) : found.height[state.head];
      const width = state.head < 0 ? mean(found.width.map(x => Array.from(x))) : found.width[state.head];
      const sums = range(block.window ** 2).map(i => height[Math.floor(i / block.window)] + width[i % block.window]);
      const largest = Math.max(...sums.map(Math.abs)) || 1;
      draw(byId("terms-canvas"), block.window, block.window, i => diverging(sums[i] / largest), i =>
        `key row ${origin.row + Math.floor(i / block.window)}, column ${origin.column + i % block.window}: `
        + `${height[Math.floor(i / block.window)].toFixed(2)} + ${width[i % block.window].toFixed(2)}`);
      renderColours();
    }

    function drawColours(canvas, text, say) {
      const colours = raw(text);
      return draw(canvas, columns, rows, i => colours.subarray(3 * i, 3 * i + 3), say);
    }

    function renderColours() {
      const block = data.blocks[state.block], step = data.colours.find(step => step.name === block.name);
      byId("colours-caption").textContent = `tokens after ${step.title}: ${percent(step.shares.reduce((a, b) => a + b))} of `
        + "their variance";
      drawColours(byId("colours-canvas"), step.colours, i => `row ${Math.floor(i / columns)}, column ${i % columns}`);
      replaceTiles(byId("steps"), data.colours.map(step => {
        const index = data.blocks.findIndex(block => block.name === step.name), block = data.blocks[index];
        const words = block ? `${step.title}, ${block.window === grid ? "global" : "windows"}` : step.title;
        return tile(drawColours(newCanvas(), step.colours), words, index === state.block, block && (() => chooseBlock(index)));
      }));
    }

    function chooseBlock(index) {
      state.block = index;
      state.head = -1;
      choices("block-choice", "block", data.blocks.map((_, i) => String(i)), state.block, chooseBlock);
      renderPatch();
    }

    function renderEmbedding() {
      const step = data.colours[data.colours.length - 1];
      byId("embedding-facts").textContent = `${grid}×${grid} places; the three directions shown have `
        + `${percent(step.shares.reduce((a, b) => a + b))} of the variance.`;
      const canvas = byId("embedding-canvas");
      drawColours(canvas, step.colours, i => `row ${Math.floor(i / columns)}, column ${i % columns}`);
      canvas.style.imageRendering = "pixelated";
    }

    """#
