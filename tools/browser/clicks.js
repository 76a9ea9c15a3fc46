// What a reader does, on a page of `inspect`: `tools/browser/run` adds it to a copy of the page, in a frame whose page it tells
// what it found.
"use strict";
(() => {
  const check = (isTrue, text) => { if (!isTrue) throw new Error(text); };
  const colours = canvas => new Set(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data).size;
  const picture = id => byId(id).toDataURL();
  const changes = (ids, action) => {
    const before = ids.map(picture);
    action();
    ids.forEach((id, i) => check(picture(id) !== before[i], `${id} is the same`));
  };
  const press = (holder, index) => [...byId(holder).querySelectorAll("input, button")].at(index).click();
  const canvases = [...document.querySelectorAll("canvas")].filter(c => c.offsetParent);

  try {
    check(document.documentElement.scrollWidth <= innerWidth, `wider than the window: ${document.documentElement.scrollWidth}`);
    check(canvases.length > 40, `${canvases.length} canvases`);
    for (const canvas of canvases) check(colours(canvas) > 2, `${canvas.id || canvas.nextSibling.textContent} is empty`);

    const blocks = byId("blocks-canvas"), box = blocks.getBoundingClientRect();
    changes(["blocks-canvas", "patches-canvas", "decoder-canvas"], () => blocks.dispatchEvent(new MouseEvent("click",
      { clientX: box.left + .35 * box.width, clientY: box.top + .45 * box.height, bubbles: true })));
    changes(["blocks-canvas", "patch-canvas"], () => blocks.dispatchEvent(
      new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true })));
    blocks.dispatchEvent(new PointerEvent("pointermove", { clientX: box.left + 5, clientY: box.top + 5, bubbles: true }));
    check(/row 0, column 0/.test(blocks.closest("figure").querySelector("output").textContent), "hovering says nothing");

    const found = attention(data.blocks[state.block], state.patch);
    for (const weights of found.weights) {
      const sum = weights.reduce((a, b) => a + b, 0);
      check(Math.abs(sum - 1) < .02, `weights of a patch sum to ${sum}`);
    }
    changes(["blocks-canvas", "terms-canvas"], () => press("heads", 1));
    changes(["blocks-canvas", "colours-canvas"], () => press("block-choice", 0));
    changes(["blocks-canvas"], () => press("steps", -2));
    changes(["prompt-canvas"], () => press("place-choice", -1));
    changes(["decoder-canvas"], () => press("layer-choice", 0));
    changes(["decoder-canvas"], () => press("token-choice", -1));
    changes(["decoder-canvas"], () => press("token-head-choice", 3));
    changes(["decoder-canvas"], () => press("way-choice", 1));
    changes(["channels-canvas"], () => press("mask-choice", 0));
    changes(["channels-canvas"], () => {
      byId("count").value = byId("count").max;
      byId("count").dispatchEvent(new Event("input"));
    });
    check(/IoU 1.00/.test(byId("channels-facts").textContent), "all channels do not make the mask");
    check(byId("shares").rows.length === data.prompts[0].layers.length + 1, "a table of shares without its rows");
    check(byId("without").hidden === !data.ablations.length, "ablations are hidden, or shown though there are none");
    parent.postMessage("ok", "*");
  } catch (error) {
    parent.postMessage(error.message, "*");
  }
})();
