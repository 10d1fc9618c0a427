// The film and the painted film. `props.value` comes from the server.
const one = (selector) => element.querySelector(selector);
const [clip, painted, preview] = [".clip", ".painted", ".preview"].map(one);
const say = (text) => { one(".notice").textContent = text; one(".notice").hidden = !text; };
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
function source(video, address) {
  if ((video.dataset.address || "") === address) return;
  video.dataset.address = address;
  if (address) video.src = address; else video.removeAttribute("src");
}
let view = {};
function show() {
  const next = props.value || {};
  if ((next.stamp || 0) < (view.stamp || 0)) return;  // it comes too late
  view = next;
  const busy = view.state === "waiting" || view.state === "painting";
  one(".stage").dataset.state = view.state || "empty";
  source(clip, view.clip || "");
  source(painted, view.download || "");
  const original = one(".other").getAttribute("aria-pressed") === "true";
  const shown = (!original && (view.download || view.preview)) || view.clip || "";
  const still = shown === view.preview || /\.(gif|webp|a?png)$/.test(shown);  // a video shows no animated pictures
  painted.hidden = still || shown !== view.download;
  clip.hidden = still || shown !== view.clip;
  preview.hidden = !still;
  if (still && preview.getAttribute("src") !== shown) preview.src = shown;
  preview.alt = { [view.clip]: "Your film", [view.download]: "The painted film" }[shown] || "The latest painted frame";
  one(".other").hidden = !view.download && !view.preview;
  one(".drop").hidden = !!view.clip;
  one(".change").hidden = !view.clip;
  one(".song").hidden = !view.clip || !!view.sound;
  one(".mute").hidden = !view.sound;
  one(".mute").textContent = `Without ${view.sound || ""}`;
  const bar = one("progress");
  bar.hidden = !busy;
  if (view.state === "waiting") bar.removeAttribute("value"); else bar.value = view.fraction || 0;
  one(".line").ariaLive = view.state === "painting" ? "off" : "polite";  // steps are no news
  if (one(".line").textContent !== (view.line || "")) one(".line").textContent = view.line || "";
  say(view.notice || "");
  one(".stop").hidden = !busy;
  one(".stop").disabled = !!view.stopping;
  one(".download").hidden = !view.download;
  if (view.download) Object.assign(one(".download"), { href: view.download, download: view.name });
  one(".recipe").hidden = !view.recipe;
  if (view.recipe) for (const kind of ["command", "python"]) one(`pre.${kind}`).textContent = view.recipe[kind];
}
const fit = (width, height) => { if (width) one(".stage").style.setProperty("--ratio", width / height); };
clip.onloadedmetadata = () => fit(clip.videoWidth, clip.videoHeight);
preview.onload = () => fit(preview.naturalWidth, preview.naturalHeight);
one(".other").onclick = () => {
  one(".other").setAttribute("aria-pressed", String(one(".other").getAttribute("aria-pressed") !== "true"));
  show();
};
one(".stop").onclick = () => { one(".stop").disabled = true; trigger("submit", { number: view.number }); };
one(".sound").onchange = () => { send(one(".sound").files[0], "input"); one(".sound").value = ""; };
one(".mute").onclick = () => trigger("input", { path: "", name: "" });
element.querySelectorAll(".file").forEach((input) => { input.onchange = () => { send(input.files[0], "upload"); input.value = ""; }; });
element.addEventListener("dragover", (event) => event.preventDefault());
element.addEventListener("drop", (event) => { event.preventDefault(); send(event.dataTransfer.files[0], "upload"); });
watch("value", show);
show();
