// Two paintings to choose between, and what was learned. `props.value` comes from the server.
const one = (selector) => element.querySelector(selector);
const buttons = [...element.querySelectorAll("[data-answer]")];
let view = {};
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
  buttons.forEach((button) => { button.disabled = !view.ready; });
  one(".line").textContent = view.line || "";
  one(".notice").textContent = view.notice || "";
  one(".notice").hidden = !view.notice;
  one(".begin").hidden = asked;
  one(".use").hidden = !view.choices;
  one(".undo").hidden = !view.undo;
  one(".download").hidden = !view.profile;
  one(".download").href = view.profile || "";
}
function answer(text) {
  buttons.forEach((button) => { button.disabled = true; });
  trigger("submit", { answer: text });
}
buttons.forEach((button) => { button.onclick = () => answer(button.dataset.answer); });
element.addEventListener("keydown", (event) => {
  const side = { ArrowLeft: "left", ArrowRight: "right" }[event.key];
  if (side && view.ready) { event.preventDefault(); answer(side); }
});
one(".begin").onclick = () => trigger("submit", { answer: "" });
one(".use").onclick = () => trigger("edit");
one(".file").onchange = async (event) => {
  const file = event.target.files[0];
  event.target.value = "";
  if (!file) return;
  const { path } = await upload(file);
  trigger("upload", { path, name: file.name });
};
["left", "right"].forEach((side) => {
  const image = one(`img.${side}`);
  image.onload = () => one(".taste").style.setProperty("--ratio", image.naturalWidth / image.naturalHeight);
});
watch("value", show);
show();
