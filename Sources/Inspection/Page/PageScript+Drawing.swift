/// Maps, the picture under them, and the prompt on it.
let scriptOfDrawing = #"""

    // MARK: Drawing

    const stops = [[6, 4, 20], [72, 16, 106], [148, 38, 103], [221, 81, 58], [252, 165, 10], [252, 255, 164]];
    /** From dark to bright, for t from 0 to 1. */
    function heat(t) {
      const place = Math.min(Math.max(t, 0), 1) * (stops.length - 1), i = Math.min(Math.floor(place), stops.length - 2);
      return stops[i].map((from, c) => from + (stops[i + 1][c] - from) * (place - i));
    }
    /** From blue over white to red, for t from −1 to 1. */
    function diverging(t) {
      const s = Math.min(Math.abs(t), 1), end = t < 0 ? [33, 102, 172] : [178, 24, 43];
      return end.map(c => 247 + (c - 247) * s);
    }

    /** Draws a map of colours [r, g, b, a?], and says on hovering what is there. */
    function draw(canvas, width, height, colour, say) {
      canvas.width = width;
      canvas.height = height;
      const context = canvas.getContext("2d"), image = context.createImageData(width, height);
      for (let i = 0; i < width * height; i++) {
        const [r, g, b, a = 255] = colour(i);
        image.data.set([r, g, b, a], 4 * i);
      }
      context.putImageData(image, 0, 0);
      canvas.say = say && ((x, y) => say(Math.floor(y * height) * width + Math.floor(x * width), x, y));
      return canvas;
    }

    const newCanvas = () => document.createElement("canvas");
    const pixels = raw(picture.pixels);
    const photo = draw(newCanvas(), picture.shown.width, picture.shown.height, i => pixels.subarray(3 * i, 3 * i + 3));

    /** The picture, dimmed under cells of the grid whose strength is known, with what else is to be seen. */
    function show(canvas, options = {}) {
      const zoom = Math.max(1, Math.round(720 / Math.max(picture.shown.width, picture.shown.height)));
      const width = canvas.width = picture.shown.width * zoom, height = canvas.height = picture.shown.height * zoom;
      const context = canvas.getContext("2d"), step = width / picture.scaled.width * patchSize;
      context.drawImage(photo, 0, 0, width, height);
      if (options.cells) {
        const { side, origin, values, size } = options.cells, largest = Math.max(...values) || 1;
        const map = draw(newCanvas(), side, side, i => {
          const t = Math.sqrt(values[i] / largest);
          return [...heat(t), 70 + 170 * t];
        });
        context.fillStyle = "rgb(0 0 0 / .55)";
        context.fillRect(0, 0, width, height);
        context.imageSmoothingEnabled = false;
        context.drawImage(map, origin.column * step, origin.row * step, side * size * step, side * size * step);
        if (side * size < grid) frame(origin.column * step, origin.row * step, side * size * step, "#ffffff");
      }
      function frame(x, y, size, colour) {
        context.lineWidth = 3;
        context.strokeStyle = "#000000";
        context.strokeRect(x, y, size, size);
        context.lineWidth = 1.5;
        context.strokeStyle = colour;
        context.strokeRect(x, y, size, size);
      }
      if (options.gridlines) {
        context.strokeStyle = "rgb(255 255 255 / .28)";
        context.lineWidth = 1;
        for (let x = step; x < width; x += step) line(x, 0, x, height);
        for (let y = step; y < height; y += step) line(0, y, width, y);
      }
      function line(x0, y0, x1, y1) {
        context.beginPath();
        context.moveTo(x0, y0);
        context.lineTo(x1, y1);
        context.stroke();
      }
      if (options.prompt) mark(context, data.prompts[state.prompt], width / picture.original.width);
      if (options.dots) {
        context.fillStyle = "#ffffff";
        for (const p of data.patches) context.fillRect((p.column + .5) * step - 2, (p.row + .5) * step - 2, 4, 4);
      }
      if (options.patch !== false) frame(state.patch.column * step, state.patch.row * step, step, "#7df9ff");
      canvas.say = options.say && ((x, y) => options.say(patchAt(x, y)));
    }

    /** A prompt's box and points. */
    function mark(context, prompt, scale) {
      context.lineWidth = 3;
      if (prompt.box) {
        const [x0, y0, x1, y1] = prompt.box.map(x => x * scale);
        context.strokeStyle = "#ffd23f";
        context.strokeRect(x0, y0, x1 - x0, y1 - y0);
      }
      for (const point of prompt.points) {
        context.beginPath();
        context.arc(point.position.x * scale, point.position.y * scale, 7, 0, 7);
        context.fillStyle = point.isForeground ? "#3ddc84" : "#ff4d4d";
        context.fill();
        context.strokeStyle = "#ffffff";
        context.stroke();
      }
    }

    /** The patch at a place of a canvas, from 0 to 1 each. */
    function patchAt(x, y) {
      const at = (part, scaled, count) => Math.min(Math.max(Math.floor(part * scaled / patchSize), 0), count - 1);
      return { row: at(y, picture.scaled.height, rows), column: at(x, picture.scaled.width, columns) };
    }

    /** Of the patches that the page knows, the nearest. */
    function nearest(patch) {
      if (!data.patches.length) return patch;
      const distance = p => (p.row - patch.row) ** 2 + (p.column - patch.column) ** 2;
      return data.patches.reduce((best, p) => distance(p) < distance(best) ? p : best);
    }

    """#
