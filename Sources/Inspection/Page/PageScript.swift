/// The page's script, in the order in which its parts need one another.
let pageScript =
    scriptOfNumbers + scriptOfDrawing + scriptOfControls + scriptOfEncoder + scriptOfDecoder + scriptOfMasks
    + scriptOfStart

/// Draws all, once.
private let scriptOfStart = #"""

    function renderSeconds() {
      const total = data.seconds.reduce((sum, stage) => sum + stage.seconds, 0);
      fillTable(byId("seconds-table"), "", ["stage", "seconds", "share"],
        [...data.seconds, { stage: "all", seconds: total }].map(s => [s.stage, s.seconds.toFixed(4), percent(s.seconds / total)]));
    }

    function renderAll() {
      renderPixels();
      renderPatch();
      renderEmbedding();
      renderPrompt();
      renderDecoder();
      renderChannels();
      renderMasks();
      renderAblations();
    }

    byId("title").textContent = `Inside ${data.model.name}, on ${picture.name}`;
    byId("summary").textContent = `${data.model.variant}, ${(data.model.parameters / 1e6).toFixed(1)} million parameters, `
      + `${data.model.description}, ${data.model.precision}.`;
    byId("footer").textContent = `Made by swift-sam ${data.model.version}. Everything on this page was measured on this picture.`;
    state.block = Math.max(data.blocks.findLastIndex(block => block.window === grid), 0);
    state.mask = Math.max(data.prompts[0].masks.findIndex(mask => mask.chosen), 0);
    choices("prompt-choice", "prompt", data.prompts.map(prompt => prompt.title), 0, index => {
      state.prompt = index;
      renderAll();
    });
    byId("count").addEventListener("input", event => {
      state.count = Number(event.target.value);
      renderChannels();
    });
    choices("block-choice", "block", data.blocks.map((_, i) => String(i)), state.block, chooseBlock);
    renderSeconds();
    renderAll();

    """#
