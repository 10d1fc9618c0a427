// The photo and the painting under a slider, the live picture, the brush, the camera. `props.value` comes from the server.
const one = (selector) => element.querySelector(selector);
const [before, after, canvas, split, divider, video] = ["img.before", "img.after", "canvas", ".split", ".divider", "video"].map(one);
const pen = canvas.getContext("2d");
let view = {}, sent = 0, strokes = [], photo = "", shown = "", color = "", stream = null, gone = "";
const hide = (node, hidden) => { node.hidden = hidden; };
const say = (text) => { const notice = one(".notice"); notice.textContent = text; hide(notice, !text); };

async function send(file, kind) {
  if (!file) return;
  say("");
  one(".line").textContent = "Uploading ...";
  try {
    const { path } = await upload(file);
    trigger(kind, { path, name: file.name });
  } catch (error) {
    one(".line").textContent = "";
    say(`${file.name} could not be uploaded: it may be too large, or the studio is not running.`);
  }
}

function place() {  // the slider: what is left of it is the photo
  const share = split.hidden ? 0 : Number(split.value);
  after.style.clipPath = `inset(0 0 0 ${share}%)`;
  const width = one(".frame").clientWidth;
  divider.style.left = `${share}%`;
  divider.style.setProperty("--at", `${share * width / 100}px`);
  divider.style.setProperty("--width", `${width}px`);
  hide(divider, split.hidden);
}

function show() {
  const next = props.value || {};
  if ((next.stamp || 0) < (view.stamp || 0)) return;  // it comes too late
  view = next;
  sent = Math.max(sent, view.strokes || 0);
  const brushing = one(".brush").getAttribute("aria-pressed") === "true";
  element.querySelector(".stage").dataset.state = view.state || "empty";
  if ((view.photo || "") !== photo) {
    photo = view.photo || "";
    strokes = [];
    if (photo) before.src = photo; else before.removeAttribute("src");
  }
  const picture = view.painting || "";
  if (picture !== shown) {
    if (!shown || !picture) split.value = 0;
    shown = picture;
    if (picture) { const next = new Image(); next.onload = () => { if (shown === picture) { after.src = picture; place(); } }; next.src = picture; }
  }
  hide(before, !photo || !video.hidden);
  hide(after, !picture || brushing || !video.hidden);
  hide(split, after.hidden || !photo);
  hide(one(".drop"), !!photo || !!picture || !video.hidden);
  hide(one(".change"), !photo);
  const busy = view.state === "waiting" || view.state === "painting";
  const bar = one("progress");
  hide(bar, !busy);
  if (view.state === "waiting") bar.removeAttribute("value"); else bar.value = view.fraction || 0;
  const line = one(".line");
  line.ariaLive = view.state === "painting" ? "off" : "polite";  // steps are no news
  if (line.textContent !== (view.line || "")) line.textContent = view.line || "";
  say(gone || view.notice || "");
  hide(one(".stop"), !busy);
  one(".stop").disabled = !!view.stopping;
  const download = one(".download");
  hide(download, !view.download);
  if (view.download) { download.href = view.download; download.download = view.name; }
  const sizes = view.larger || [], select = one("select");
  hide(one(".larger"), busy || !sizes.length);
  if (select.dataset.sizes !== JSON.stringify(sizes)) {
    select.dataset.sizes = JSON.stringify(sizes);
    select.replaceChildren(...sizes.map(([size, text]) => new Option(text, size)));
  }
  const brushes = view.brushes || [];
  hide(one(".brush"), !photo || !brushes.length || !video.hidden);
  if (!brushes.length || !photo) setBrushing(false);
  const palette = one(".palette"), key = JSON.stringify(brushes);
  if (palette.dataset.key !== key) {
    palette.dataset.key = key;
    if (!brushes.some((each) => each[0] === color)) color = brushes.length ? brushes[0][0] : "";
    palette.replaceChildren(...brushes.map(([own, title]) => {
      const label = document.createElement("label"), input = document.createElement("input"), dot = document.createElement("i");
      Object.assign(input, { type: "radio", name: "brush", checked: own === color });
      input.onchange = () => { color = own; };
      dot.style.background = own;
      label.append(input, dot, title);
      return label;
    }));
  }
  place();
}

// --- the brush -------------------------------------------------------------------------------------------------------
function setBrushing(on) {
  one(".brush").setAttribute("aria-pressed", String(on));
  hide(one(".brushes"), !on);
  hide(canvas, !on);
  if (on) draw();
}
function draw() {
  if (canvas.width !== before.naturalWidth || canvas.height !== before.naturalHeight) {
    canvas.width = before.naturalWidth; canvas.height = before.naturalHeight;
  }
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.lineCap = pen.lineJoin = "round";
  for (const stroke of strokes) {
    pen.strokeStyle = stroke.color; pen.lineWidth = stroke.width;
    pen.beginPath();
    stroke.points.forEach(([x, y], index) => (index ? pen.lineTo(x, y) : pen.moveTo(x, y)));
    pen.lineTo(...stroke.points[stroke.points.length - 1]);
    pen.stroke();
  }
}
function point(event) {
  const box = canvas.getBoundingClientRect();
  return [(event.clientX - box.left) * canvas.width / box.width, (event.clientY - box.top) * canvas.height / box.height];
}
async function sendStrokes() {
  const count = (sent += 1);
  if (!strokes.length) { trigger("input", { path: "", rest: false, count }); return; }
  const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
  try {
    const { path } = await upload(new File([blob], "regions.png", { type: "image/png" }));
    trigger("input", { path, rest: one(".rest").checked, count });
  } catch (error) {
    sent = view.strokes || 0;  // nothing to wait for
    say("What was brushed could not be sent; brush again.");
  }
}
canvas.onpointerdown = (event) => {
  canvas.setPointerCapture(event.pointerId);
  const box = canvas.getBoundingClientRect();
  strokes.push({ color, width: one(".width").value * canvas.width / box.width, points: [point(event)] });
  draw();
};
canvas.onpointermove = (event) => {
  if (canvas.hasPointerCapture(event.pointerId)) { strokes[strokes.length - 1].points.push(point(event)); draw(); }
};
canvas.onpointerup = canvas.onpointercancel = sendStrokes;
one(".brush").onclick = () => { setBrushing(one(".brush").getAttribute("aria-pressed") !== "true"); show(); };
one(".undo").onclick = () => { strokes.pop(); draw(); sendStrokes(); };
one(".wipe").onclick = () => { strokes = []; draw(); sendStrokes(); };
one(".rest").onchange = sendStrokes;

// --- the camera ------------------------------------------------------------------------------------------------------
function endCamera() {
  if (stream) stream.getTracks().forEach((track) => track.stop());
  stream = null;
  hide(video, true); hide(one(".shoot"), true);
  one(".camera").textContent = "Camera";
  show();
}
one(".camera").onclick = async () => {
  if (stream) { endCamera(); return; }
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1920 }, facingMode: "environment" } });
  } catch (error) {
    say("The camera cannot be used: allow it in the browser, or choose a photo instead.");
    return;
  }
  video.srcObject = stream;
  hide(video, false); hide(one(".shoot"), false);
  one(".camera").textContent = "Cancel";
  show();
  video.play();
};
one(".shoot").onclick = async () => {
  const shot = document.createElement("canvas");
  shot.width = video.videoWidth; shot.height = video.videoHeight;
  shot.getContext("2d").drawImage(video, 0, 0);
  endCamera();
  const blob = await new Promise((done) => shot.toBlob(done, "image/jpeg", 0.95));
  send(new File([blob], "photo.jpg", { type: "image/jpeg" }), "upload");
};

before.onload = () => {
  one(".stage").style.setProperty("--ratio", before.naturalWidth / before.naturalHeight);
  place();
};
new ResizeObserver(place).observe(one(".frame"));

// --- what visitors do -------------------------------------------------------------------------------------------------
split.oninput = place;
element.querySelectorAll(".file").forEach((input) => {
  input.onchange = () => { send(input.files[0], "upload"); input.value = ""; };
});
element.addEventListener("dragover", (event) => { event.preventDefault(); one(".stage").classList.add("over"); });
element.addEventListener("dragleave", () => one(".stage").classList.remove("over"));
element.addEventListener("drop", (event) => {
  event.preventDefault();
  one(".stage").classList.remove("over");
  send(event.dataTransfer.files[0], "upload");
});
one(".stop").onclick = () => { one(".stop").disabled = true; trigger("submit", { number: view.number }); };
one(".again").onclick = () => trigger("edit", { size: Number(one("select").value) });
// --- whether the studio is still there ------------------------------------------------------------------------------------
async function look() {
  let text = "";
  try {
    const answer = await fetch(`studio/alive/${sessionStorage.getItem("tf-style-studio") || "-"}`, { cache: "no-store" });
    if (!(await answer.json()).known) text = "This session has ended. Load the page again to begin another one.";
  } catch (error) {
    text = "The studio does not answer. Start it again with tf-style studio, then load this page again.";
  }
  if (text || gone) say(text);
  gone = text;
}
setInterval(() => { if (sessionStorage.getItem("tf-style-studio")) look(); }, 3000);
(window.studioPending ||= []).push(() => sent > (view.strokes || 0));
watch("value", show);
show();
