/// The page's looks: light and dark by the reader's system, one column on a phone.
let pageStyle = #"""

    :root { --ground: #fbfaf7; --card: #ffffff; --ink: #1c2126; --soft: #5c6670; --line: #dfdcd4; --accent: #0b6e6e;
      --tint: #e3f1ef; }
    @media (prefers-color-scheme: dark) {
      :root { --ground: #14171a; --card: #1c2024; --ink: #e9e7e2; --soft: #9aa5ae; --line: #333a41; --accent: #58c7bd;
        --tint: #173535; }
    }
    * { box-sizing: border-box; }
    [hidden] { display: none !important; }
    html { scroll-behavior: smooth; }
    @media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
    body { margin: 0; background: var(--ground); color: var(--ink); font: 17px/1.55 system-ui, sans-serif; }
    header, main, footer { max-width: 74rem; margin: 0 auto; padding: 0 1.25rem; }
    header { padding-top: 3rem; }
    h1 { font-size: clamp(1.7rem, 4vw, 2.6rem); line-height: 1.15; margin: .2rem 0 .6rem; overflow-wrap: anywhere; }
    h2 { font-size: 1.5rem; margin: 0 0 .5rem; }
    h3 { font-size: 1.05rem; margin: 1.6rem 0 .5rem; }
    p { margin: 0 0 .8rem; max-width: 40rem; }
    .kicker { color: var(--accent); font-weight: 600; margin: 0; }
    .formula { font: 1.05rem/1.4 ui-serif, Georgia, serif; font-style: italic; border-left: 3px solid var(--accent);
      padding: .1rem 0 .1rem .8rem; }
    .source, footer { color: var(--soft); font-size: .82rem; }
    code { font: .92em ui-monospace, monospace; }
    nav ol { list-style: none; display: flex; flex-wrap: wrap; gap: .4rem; padding: 0; margin: 1.2rem 0; }
    nav a { display: block; padding: .25rem .8rem; border: 1px solid var(--line); border-radius: 99px; color: inherit;
      text-decoration: none; background: var(--card); font-size: .9rem; }
    nav a:hover { border-color: var(--accent); }
    section { background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 1.5rem;
      margin: 0 0 1.4rem; display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 1rem 2rem;
      scroll-margin-top: 1rem; }
    .wide { grid-column: 1 / -1; min-width: 0; }
    figure { margin: 0; min-width: 0; }
    figcaption { font-size: .85rem; color: var(--soft); margin-bottom: .35rem; }
    canvas { display: block; width: 100%; height: auto; border-radius: 6px; image-rendering: pixelated; background: #000; }
    canvas.pick { cursor: crosshair; image-rendering: auto; }
    canvas.small { max-width: 22rem; }
    canvas.close { max-width: 9rem; }
    canvas:focus-visible, button:focus-visible, input:focus-visible, a:focus-visible {
      outline: 3px solid var(--accent); outline-offset: 2px; }
    output { display: block; min-height: 1.5em; font-size: .85rem; color: var(--soft); font-variant-numeric: tabular-nums; }
    .pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: 1.2rem; margin-top: 1.2rem; }
    .tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(6.2rem, 1fr)); gap: .7rem; }
    .tiles.large { grid-template-columns: repeat(auto-fill, minmax(min(15rem, 100%), 1fr)); }
    .tile { padding: .3rem; border: 2px solid transparent; border-radius: 9px; background: none; color: inherit;
      font: inherit; font-size: .78rem; text-align: left; min-width: 0; }
    button.tile { cursor: pointer; }
    .tile[aria-pressed="true"], .tile.chosen { border-color: var(--accent); background: var(--tint); }
    .tile span { display: block; padding-top: .25rem; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
    fieldset { border: 0; margin: 0 0 .6rem; padding: 0; min-width: 0; display: flex; flex-wrap: wrap; gap: .3rem; }
    legend { font-size: .82rem; color: var(--soft); padding: 0; margin-bottom: .2rem; }
    fieldset label { position: relative; }
    fieldset input { position: absolute; opacity: 0; inset: 0; width: 100%; height: 100%; margin: 0; cursor: pointer; }
    fieldset span { display: block; padding: .12rem .6rem; border: 1px solid var(--line); border-radius: 7px; font-size: .85rem; }
    fieldset input:checked + span { background: var(--accent); border-color: var(--accent); color: var(--card); }
    fieldset input:focus-visible + span { outline: 3px solid var(--accent); outline-offset: 2px; }
    input[type="range"] { width: min(100%, 20rem); accent-color: var(--accent); vertical-align: middle; }
    table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; display: block; overflow-x: auto;
      max-width: 100%; margin-bottom: 1rem; }
    caption { display: block; text-align: left; white-space: normal; color: var(--soft); padding: .6rem 0 .3rem; }
    th, td { padding: .25rem .6rem; border: 1px solid var(--line); text-align: right; white-space: nowrap; }
    th:first-child { text-align: left; font-weight: 600; }
    .bar { display: inline-block; height: .7em; background: var(--accent); border-radius: 2px; min-width: 1px; }
    @media (max-width: 46rem) {
      body { font-size: 16px; }
      header { padding-top: 1.5rem; }
      section { grid-template-columns: minmax(0, 1fr); padding: 1rem; border-radius: 10px; }
      .tiles { grid-template-columns: repeat(auto-fill, minmax(4.6rem, 1fr)); }
    }

    """#
