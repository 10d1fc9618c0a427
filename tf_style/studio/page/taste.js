// Two paintings to choose between, and what was learned. `props.value` comes from the server.
const one = (selector) => element.querySelector(selector);
const say = (text) => { one(".notice").textContent = text; one(".notice").hidden = !text; };
const buttons = [...element.querySelectorAll("[data-answer]")];
let view = {};
function enable(ready) {  // a button that is truly disabled would lose the focus
  buttons.forEach((button) => button.setAttribute("aria-disabled", String(!ready)));
}
function show() {
  const next = props.value || {};
  if ((next.stamp || 0) < (view.stamp || 0)) return;  // it comes too late
  view = next;
  const asked = !!view.left;
  for (const side of ["left", "right"]) {
    const image = one(`img.${side}`), address = (view.ready && view[side]) || "";
    if (address && image.getAttribute("src") !== address) image.src = address;
    image.hidden = !address;
  }
  if (view.ratio) one(".taste").style.setProperty("--ratio", view.ratio);
  one(".pair").hidden = one(".answers").hidden = !asked;
  enable(view.ready);
  one(".line").textContent = view.line || "";
  say(view.notice || "");
  one(".begin").hidden = asked;
  one(".use").hidden = !view.choices;
  one(".undo").hidden = !view.undo;
  one(".download").hidden = !view.profile;
  one(".download").href = view.profile || "";
}
function answer(text) {
  if (!view.ready) return;
  view.ready = false;
  enable(false);
  trigger("submit", { answer: text });
}
buttons.forEach((button) => { button.onclick = () => answer(button.dataset.answer); });
element.addEventListener("keydown", (event) => {
  const side = { ArrowLeft: "left", ArrowRight: "right" }[event.key];
  if (side) { event.preventDefault(); answer(side); }
});
one(".begin").onclick = () => trigger("submit", { answer: "" });
one(".use").onclick = () => trigger("edit");
one(".file").onchange = async (event) => {
  const file = event.target.files[0];
  event.target.value = "";
  if (!file) return;
  try {
    const { path } = await upload(file);
    trigger("upload", { path, name: file.name });
  } catch (error) {
    say(`${file.name} could not be uploaded: it may be too large, or the studio is not running.`);
  }
};
["left", "right"].forEach((side) => {
  const image = one(`img.${side}`);
  image.onload = () => one(".taste").style.setProperty("--ratio", image.naturalWidth / image.naturalHeight);
});
watch("value", show);
show();
