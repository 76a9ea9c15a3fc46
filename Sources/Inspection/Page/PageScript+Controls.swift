/// Radio buttons, tiles, tables, and picking a patch by pointer or arrow keys.
let scriptOfControls = #"""

    // MARK: Controls

    /** A group of radio buttons; `set` is called with the index of the chosen one. */
    function choices(holder, legend, labels, chosen, set) {
      const hadFocus = byId(holder).contains(document.activeElement);
      const group = document.createElement("fieldset");
      group.append(Object.assign(document.createElement("legend"), { textContent: legend }));
      labels.forEach((text, index) => {
        const label = document.createElement("label"), input = document.createElement("input");
        Object.assign(input, { type: "radio", name: holder, checked: index === chosen });
        input.addEventListener("change", () => set(index));
        label.append(input, Object.assign(document.createElement("span"), { textContent: text }));
        group.append(label);
      });
      byId(holder).replaceChildren(group);
      byId(holder).hidden = labels.length < 2;
      if (hadFocus) group.querySelector("input:checked")?.focus({ preventScroll: true });
    }

    /** A small picture with words below; one that can be pressed where `press` is given. */
    function tile(canvas, text, isChosen, press) {
      const element = document.createElement(press ? "button" : "div");
      element.className = isChosen && !press ? "tile chosen" : "tile";
      element.append(canvas, Object.assign(document.createElement("span"), { textContent: text }));
      if (press) {
        element.type = "button";
        element.setAttribute("aria-pressed", isChosen);
        element.addEventListener("click", press);
      }
      return element;
    }

    /** Replaces tiles; the one that has the focus keeps it. */
    function replaceTiles(holder, tiles) {
      const focused = [...holder.children].indexOf(document.activeElement);
      holder.replaceChildren(...tiles);
      if (focused >= 0) holder.children[focused]?.focus();
    }

    function fillTable(table, caption, head, body) {
      const cell = (kind, value) => {
        const element = document.createElement(kind);
        if (typeof value === "object") {
          element.textContent = value.text;
          element.style.background = `color-mix(in srgb, var(--accent) ${Math.round(70 * value.strength)}%, transparent)`;
        } else element.textContent = value;
        return element;
      };
      const row = (kind, values) => {
        const element = document.createElement("tr");
        element.append(...values.map((value, i) => cell(kind === "th" || i === 0 ? "th" : "td", value)));
        return element;
      };
      table.replaceChildren(Object.assign(document.createElement("caption"), { textContent: caption }),
        row("th", head), ...body.map(values => row("td", values)));
    }

    function pick(patch) {
      state.patch = nearest(patch);
      renderPatch();
      renderDecoder();
    }

    for (const canvas of document.querySelectorAll("canvas")) {
      const place = event => {
        const box = canvas.getBoundingClientRect();
        return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
      };
      const output = canvas.closest("figure")?.querySelector("output");
      canvas.addEventListener("pointermove", event => {
        const [x, y] = place(event);
        if (output && canvas.say && x >= 0 && x < 1 && y >= 0 && y < 1) output.textContent = canvas.say(x, y);
      });
      if (!canvas.classList.contains("pick")) continue;
      canvas.addEventListener("click", event => pick(patchAt(...place(event))));
      canvas.addEventListener("keydown", event => {
        const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
        if (!move) return;
        event.preventDefault();
        const step = data.patches.length ? Math.ceil(Math.max(rows, columns) / 8) : 1, { row, column } = state.patch;
        const clamp = (x, count) => Math.min(Math.max(x, 0), count - 1);
        pick({ row: clamp(row + move[0] * step, rows), column: clamp(column + move[1] * step, columns) });
        if (output && canvas.say) output.textContent = canvas.say((state.patch.column + .5) * patchSize / picture.scaled.width,
          (state.patch.row + .5) * patchSize / picture.scaled.height);
      });
    }

    """#
