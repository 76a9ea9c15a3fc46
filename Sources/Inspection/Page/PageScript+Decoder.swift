/// The sections of the prompt and the two-way decoder.
let scriptOfDecoder = #"""

    const tokenMap = (read, count, index) => Array.from(read(index)).slice(0, count);

    function renderPrompt() {
      const prompt = data.prompts[state.prompt], placed = prompt.tokens.filter(token => token.places);
      choices("place-choice", "token", placed.map(token => token.name), Math.min(state.place, placed.length - 1), index => {
        state.place = index;
        renderPrompt();
      });
      const token = placed[Math.min(state.place, placed.length - 1)];
      if (!token) return show(byId("prompt-canvas"), { prompt: true, patch: false });
      const values = tokenMap(signedOf(token.places, grid * grid), grid * grid, 0);
      show(byId("prompt-canvas"), {
        cells: { side: grid, origin: { row: 0, column: 0 }, values: values.map(x => Math.max(x, 0)), size: 1 }, prompt: true,
        patch: false, say: p => `row ${p.row}, column ${p.column}: ${values[p.row * grid + p.column].toFixed(2)} like ${token.name}`,
      });
    }

    function renderDecoder() {
      const prompt = data.prompts[state.prompt], layer = prompt.layers[state.layer], names = prompt.tokens.map(t => t.name);
      const cell = prompt.cell, side = grid / cell, tokens = names.length, places = side * side, isBack = state.way === 1 && layer.fromImage;
      state.token = Math.min(state.token, tokens - 1);
      const set = key => index => {
        state[key] = index;
        renderDecoder();
      };
      choices("layer-choice", "layer", prompt.layers.map(l => l.title), state.layer, set("layer"));
      choices("token-choice", "token", names, state.token, set("token"));
      choices("token-head-choice", "head", ["mean", ...range(prompt.heads).map(String)], state.tokenHead + 1,
        index => set("tokenHead")(index - 1));
      choices("way-choice", "direction", layer.fromImage ? ["token → image", "image → token"] : ["token → image"],
        isBack ? 1 : 0, set("way"));
      byId("token-head-choice").hidden = isBack;

      layer.read ??= sharesOf(layer.toImage, places);
      const heads = head => tokenMap(layer.read, places, head * tokens + state.token);
      const values = isBack ? tokenMap(sharesOf(layer.fromImage, places), places, state.token)
        : state.tokenHead < 0 ? mean(range(prompt.heads).map(heads)) : heads(state.tokenHead);
      const what = isBack ? `of that place's attention to ${names[state.token]}` : `of ${names[state.token]}'s attention`;
      show(byId("decoder-canvas"), {
        cells: { side, origin: { row: 0, column: 0 }, values, size: cell }, prompt: true,
        say: p => `row ${p.row}, column ${p.column}: `
          + `${percent(values[Math.floor(p.row / cell) * side + Math.floor(p.column / cell)], 2)} ${what}`,
      });
      fillTable(byId("shares"), `Share of each token's attention that falls inside ${prompt.region}, `
        + `which is ${percent(prompt.regionShare)} of all places`, ["", ...names],
        prompt.layers.map(l => [l.title, ...l.inside.map(x => ({ text: percent(x, 0), strength: x }))]));
      drawColours(byId("after-canvas"), prompt.imageColours, i => `row ${Math.floor(i / columns)}, column ${i % columns}`);
      byId("matrix-holder").hidden = !layer.toTokens;
      if (!layer.toTokens) return;
      const read = sharesOf(layer.toTokens, tokens);
      const all = range(prompt.heads).map(head => range(tokens).map(row => Array.from(read(head * tokens + row))));
      const chosen = state.tokenHead < 0 ? range(tokens).map(row => mean(all.map(head => head[row]))) : all[state.tokenHead];
      fillTable(byId("matrix"), `Self-attention in ${layer.title}: from the token of the row to that of the column`,
        ["", ...names], chosen.map((row, i) => [names[i], ...row.map(x => ({ text: percent(x, 0), strength: x }))]));
    }

    """#
