/// The sections of channels, masks and what was left out.
let scriptOfMasks = #"""

    // MARK: Masks

    /** Logits of a side at a place of the model's square, from 0 to 1 each: bilinear, between the centres of places. */
    function sample(values, side, x, y) {
      const clamp = v => Math.min(Math.max(v, 0), side - 1), u = clamp(x * side - .5), v = clamp(y * side - .5);
      const x0 = Math.floor(u), y0 = Math.floor(v), x1 = Math.min(x0 + 1, side - 1), y1 = Math.min(y0 + 1, side - 1);
      const top = values[y0 * side + x0] * (1 - u + x0) + values[y0 * side + x1] * (u - x0);
      const bottom = values[y1 * side + x0] * (1 - u + x0) + values[y1 * side + x1] * (u - x0);
      return top * (1 - v + y0) + bottom * (v - y0);
    }

    /** The picture with the mask of some logits on it: inside tinted, the band from −1 to 1 yellow. */
    function showMask(canvas, values, side) {
      const width = picture.shown.width, height = picture.shown.height;
      const at = (x, y) => sample(values, side, x * picture.scaled.width / picture.side, y * picture.scaled.height / picture.side);
      draw(canvas, width, height, i => {
        const logit = at((i % width + .5) / width, (Math.floor(i / width) + .5) / height);
        const mix = Math.abs(logit) < 1 ? [255, 214, 10, .6] : logit > 0 ? [20, 184, 166, .5] : [0, 0, 0, .35];
        return range(3).map(c => pixels[3 * i + c] * (1 - mix[3]) + mix[c] * mix[3]);
      });
      canvas.style.imageRendering = "auto";
      canvas.say = (x, y) => `logit ${at(x, y).toFixed(2)}: ${at(x, y) > 0 ? "inside" : "outside"}`;
      return canvas;
    }

    function renderChannels() {
      const prompt = data.prompts[state.prompt], mask = prompt.masks[state.mask], side = prompt.channelSide;
      prompt.readChannels ??= once(() => {
        const read = signedOf(prompt.channels, side * side);
        return range(mask.weights.length).map(read);
      });
      const channels = prompt.readChannels(), slider = byId("count");
      choices("mask-choice", "mask", prompt.masks.map(m => `mask ${m.index}`), state.mask, index => {
        state.mask = index;
        renderChannels();
      });
      slider.max = mask.order.length;
      slider.value = state.count = Math.min(state.count, mask.order.length);
      const total = chosen => {
        const sum = new Float32Array(side * side);
        for (const c of chosen) for (let i = 0; i < sum.length; i++) sum[i] += mask.weights[c] * channels[c][i];
        return sum;
      };
      const part = total(mask.order.slice(0, state.count)), whole = total(mask.order);
      let both = 0, either = 0;
      for (let i = 0; i < part.length; i++) {
        both += part[i] > 0 && whole[i] > 0;
        either += part[i] > 0 || whole[i] > 0;
      }
      byId("channels-facts").textContent = `${state.count} of ${mask.order.length} channels: IoU ${(either ? both / either : 1).toFixed(2)} `
        + "with the mask that all make.";
      showMask(byId("channels-canvas"), part, side);
      byId("channel-tiles").replaceChildren(...mask.order.map((c, rank) => {
        const values = channels[c], largest = values.reduce((a, b) => Math.max(a, Math.abs(b)), 0) || 1;
        const sign = Math.sign(mask.weights[c]) || 1;
        const visible = { width: Math.ceil(side * picture.scaled.width / picture.side),
          height: Math.ceil(side * picture.scaled.height / picture.side) };
        const canvas = draw(newCanvas(), visible.width, visible.height, i => diverging(
          sign * values[Math.floor(i / visible.width) * side + i % visible.width] / largest));
        return tile(canvas, `channel ${c}, weight ${mask.weights[c].toFixed(2)}`, rank < state.count);
      }));
    }

    function figureOf(canvas, text, isChosen) {
      const figure = document.createElement("figure"), output = document.createElement("output");
      figure.className = isChosen ? "tile chosen" : "tile";
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", text);
      canvas.addEventListener("pointermove", event => {
        const box = canvas.getBoundingClientRect();
        output.textContent = canvas.say((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
      });
      figure.append(canvas, Object.assign(document.createElement("figcaption"), { textContent: text }), output);
      return figure;
    }

    function renderMasks() {
      const prompt = data.prompts[state.prompt];
      byId("mask-tiles").replaceChildren(...prompt.masks.map(mask => figureOf(
        showMask(newCanvas(), wordsOf(mask.logits), prompt.maskSide),
        `mask ${mask.index}${mask.chosen ? ", chosen" : ""}: predicted IoU ${mask.score.toFixed(3)}, stability `
        + `${mask.stability.toFixed(3)}, ${mask.area} pixels`, mask.chosen)));
    }

    function renderAblations() {
      byId("without").hidden = byId("without-link").hidden = !data.ablations.length;
      const prompt = data.prompts[state.prompt];
      byId("ablations").replaceChildren(...data.ablations.flatMap(ablation => {
        const changes = ablation.prompts[state.prompt], change = changes.find(c => c.chosenBefore) ?? changes[0];
        const before = prompt.masks.find(m => m.index === change.index), pair = document.createElement("div");
        pair.className = "tiles large";
        pair.append(
          figureOf(showMask(newCanvas(), wordsOf(before.logits), prompt.maskSide), `with it: mask ${change.index}, `
            + `predicted IoU ${change.before.toFixed(3)}`),
          figureOf(showMask(newCanvas(), wordsOf(change.logits), prompt.maskSide), `without: predicted IoU `
            + `${change.after.toFixed(3)}, IoU of the two masks ${change.intersectionOverUnion.toFixed(3)}`));
        const title = Object.assign(document.createElement("h3"), { textContent: `without ${ablation.part}` });
        const table = document.createElement("table");
        fillTable(table, "All masks", ["mask", "predicted IoU", "without", "change", "IoU of the masks", "pixels", "without"],
          changes.map(c => [`${c.index}${c.chosenBefore ? ", chosen" : ""}${c.chosenAfter ? ", chosen without" : ""}`,
            c.before.toFixed(3), c.after.toFixed(3), (c.after - c.before).toFixed(3), c.intersectionOverUnion.toFixed(3),
            String(c.areaBefore), String(c.areaAfter)]));
        return [title, pair, table];
      }));
    }

    """#
