/// The page's text, in the order in which data flow. What is measured is filled in by ``pageScript``.
///
/// Each paragraph that begins with a formula names the function of `PlainSam` that computes it: a test looks them up.
let pageBody = #"""
    <header>
      <p class="kicker">Segment Anything, from pixels to masks</p>
      <h1 id="title"></h1>
      <p id="summary"></p>
      <nav aria-label="Stages"><ol>
        <li><a href="#pixels">Pixels</a></li><li><a href="#patches">Patches</a></li>
        <li><a href="#blocks">Attention</a></li><li><a href="#embedding">Embedding</a></li>
        <li><a href="#prompt">Prompt</a></li><li><a href="#decoder">Decoder</a></li>
        <li><a href="#channels">Channels</a></li><li><a href="#masks">Masks</a></li>
        <li id="without-link"><a href="#without">Without</a></li><li><a href="#seconds">Seconds</a></li>
      </ol></nav>
    </header>
    <noscript><p>This page draws its numbers with JavaScript, which is off.</p></noscript>
    <main>

    <section id="pixels" aria-labelledby="pixels-title">
      <div class="text">
        <h2 id="pixels-title">Pixels</h2>
        <p>The long side is scaled to the model's square. What is missing at the right and at the bottom is filled with
          zeros, which after normalising are a mean grey.</p>
        <p class="formula">(pixel − mean) / deviation</p>
        <p class="source"><code>preprocess</code> in Sources/PlainSam/PlainModel.swift · Kirillov et al. 2023, appendix A</p>
        <p id="pixels-facts"></p>
      </div>
      <figure><canvas id="pixels-canvas" tabindex="0" role="img" aria-label="The picture in the model's square"></canvas>
        <output></output></figure>
    </section>

    <section id="patches" aria-labelledby="patches-title">
      <div class="text">
        <h2 id="patches-title">Patches</h2>
        <p>Each patch becomes one token by a single linear map, and is told its place by a learned vector that is added.
          <strong>Pick a patch</strong>: click on the picture, or use the arrow keys. All that follows is about it.</p>
        <p class="formula">token = W · patch + b + position</p>
        <p class="source"><code>imageEncoder</code> in Sources/PlainSam/PlainModel.swift · Dosovitskiy et al. 2021, section 3.1</p>
        <p id="patches-facts" aria-live="polite"></p>
        <canvas id="patch-canvas" class="close" role="img" aria-label="The picked patch"></canvas>
      </div>
      <figure><canvas id="patches-canvas" class="pick" tabindex="0" role="img"
        aria-label="The picture in patches; arrow keys pick one"></canvas><output></output></figure>
    </section>

    <section id="blocks" aria-labelledby="blocks-title">
      <div class="text">
        <h2 id="blocks-title">Attention, block by block</h2>
        <p>Every token looks at others and adds what it finds. Most blocks look within a window, a few over the whole
          picture. The terms of relative position prefer places by how far they are below and to the right.</p>
        <p class="formula">softmax(q·kᵀ / √d + q·R<sub>height</sub> + q·R<sub>width</sub>) · v</p>
        <p class="source"><code>windowAttention</code> and <code>attention</code> in Sources/PlainSam/PlainModel.swift ·
          Li et al. 2022 (ViTDet), section 3; Li et al. 2022 (MViTv2), equation 4</p>
        <div id="block-choice"></div>
        <p id="blocks-facts" aria-live="polite"></p>
      </div>
      <figure><canvas id="blocks-canvas" class="pick" tabindex="0" role="img"
        aria-label="What the picked patch attends to; arrow keys pick another"></canvas><output></output></figure>
      <div class="wide">
        <h3>Its heads</h3>
        <div id="heads" class="tiles"></div>
        <div class="pair">
          <figure><figcaption>relative position: height + width terms over the window (blue less, red more)</figcaption>
            <canvas id="terms-canvas" class="small" role="img" aria-label="Relative position terms"></canvas>
            <output></output></figure>
          <figure><figcaption id="colours-caption"></figcaption>
            <canvas id="colours-canvas" class="small" role="img" aria-label="Principal components of the tokens"></canvas>
            <output></output></figure>
        </div>
        <h3>The tokens on their way</h3>
        <p>The three directions in which tokens differ most, as red, green and blue. Like colours are like tokens.</p>
        <div id="steps" class="tiles"></div>
      </div>
    </section>

    <section id="embedding" aria-labelledby="embedding-title">
      <div class="text">
        <h2 id="embedding-title">Embedding</h2>
        <p>The neck, a 1×1 and a 3×3 convolution with a norm after each, brings the tokens to the decoder's channels. All
          up to here is done once a picture; what follows, once a prompt.</p>
        <p class="formula">norm(conv₃ₓ₃(norm(conv₁ₓ₁(tokens))))</p>
        <p class="source"><code>neck</code> in Sources/PlainSam/PlainModel.swift · Kirillov et al. 2023, appendix A</p>
        <p id="embedding-facts"></p>
      </div>
      <figure><canvas id="embedding-canvas" class="pick" tabindex="0" role="img"
        aria-label="Principal components of the embedding"></canvas><output></output></figure>
    </section>

    <section id="prompt" aria-labelledby="prompt-title">
      <div class="text">
        <h2 id="prompt-title">Prompt</h2>
        <p>A point or a corner is a token: sines and cosines of its place, plus a vector for what it is. The map shows how
          like its place every other place is.</p>
        <p class="formula">sin, cos(2π (2p − 1) · G) + kind</p>
        <p class="source"><code>embedPoints</code> and <code>positions</code> in Sources/PlainSam/PlainModel.swift ·
          Tancik et al. 2020; Kirillov et al. 2023, section 3</p>
        <div id="prompt-choice"></div>
        <div id="place-choice"></div>
      </div>
      <figure><canvas id="prompt-canvas" class="pick" tabindex="0" role="img"
        aria-label="Likeness of places to the prompt's"></canvas><output></output></figure>
    </section>

    <section id="decoder" aria-labelledby="decoder-title">
      <div class="text">
        <h2 id="decoder-title">Two-way decoder</h2>
        <p>Five tokens of the model's own and the prompt's ask the image, and the image asks them. Layer by layer,
          those of a trained model <em>find</em> the object: the table is measured on this picture.</p>
        <p class="formula">softmax((q + position) · (k + position)ᵀ / √d) · v</p>
        <p class="source"><code>twoWayTransformer</code> and <code>crossAttention</code> in
          Sources/PlainSam/PlainModel.swift · Kirillov et al. 2023, section 3 and figure 14</p>
        <div id="layer-choice"></div>
        <div id="token-choice"></div>
        <div id="token-head-choice"></div>
        <div id="way-choice"></div>
      </div>
      <figure><canvas id="decoder-canvas" class="pick" tabindex="0" role="img"
        aria-label="What the token attends to"></canvas><output></output></figure>
      <div class="wide">
        <table id="shares"></table>
        <div id="matrix-holder"><table id="matrix"></table></div>
        <figure><figcaption>the image's tokens after the decoder, as colours: what this prompt made of the embedding</figcaption>
          <canvas id="after-canvas" class="small" role="img" aria-label="Principal components after the decoder"></canvas>
          <output></output></figure>
      </div>
    </section>

    <section id="channels" aria-labelledby="channels-title">
      <div class="text">
        <h2 id="channels-title">Channels to a mask</h2>
        <p>The image is scaled up four times. A hypernetwork turns each mask's token into one weight a channel, and the
          weighted sum is the mask. Move the slider to add channels one by one.</p>
        <p class="formula">logits = Σ<sub>c</sub> w<sub>c</sub> · channel<sub>c</sub></p>
        <p class="source"><code>outputUpscaling</code> and <code>maskDecoder</code> in Sources/PlainSam/PlainModel.swift ·
          Kirillov et al. 2023, section 3</p>
        <div id="mask-choice"></div>
        <label>channels <input id="count" type="range" min="1" value="3"></label>
        <p id="channels-facts" aria-live="polite"></p>
      </div>
      <figure><canvas id="channels-canvas" class="pick" tabindex="0" role="img" aria-label="The sum of the channels"></canvas>
        <output></output></figure>
      <div class="wide"><h3>The channels, those first that change the mask most (red adds, blue takes away)</h3><div id="channel-tiles" class="tiles"></div></div>
    </section>

    <section id="masks" aria-labelledby="masks-title">
      <div class="wide">
        <h2 id="masks-title">Masks</h2>
        <p>Mask 0 is for prompts that leave no doubt, 1 to 3 for others: often the whole, a part, and a part of that. The mask is where logits
          are above 0; yellow is the band from −1 to 1, and stability the share of it that is safe.</p>
        <p class="formula">mask = logits &gt; 0 &nbsp; stability = |logits &gt; 1| / |logits &gt; −1|</p>
        <p class="source"><code>postprocessMask</code> and <code>stabilityScore</code> in Sources/PlainSam/PlainModel.swift ·
          Kirillov et al. 2023, section 3 and appendix B</p>
        <div id="mask-tiles" class="tiles large"></div>
      </div>
    </section>

    <section id="without" aria-labelledby="without-title">
      <div class="wide">
        <h2 id="without-title">Without a part</h2>
        <p>Attention shows what is looked at, not what matters. Here the model ran once more without a part: what changes
          is what the part is the cause of.</p>
        <div id="ablations"></div>
      </div>
    </section>

    <section id="seconds" aria-labelledby="seconds-title">
      <div class="wide">
        <h2 id="seconds-title">Seconds</h2>
        <p>Of a run without this page's recorder, on the machine that made the page.</p>
        <table id="seconds-table"></table>
      </div>
    </section>
    </main>
    <footer><p id="footer"></p></footer>
    """#
