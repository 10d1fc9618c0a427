// The works of this session, and how the one that is shown can be made again. `props.value`: works, shown, recipe.
const list = element.querySelector(".works"), recipe = element.querySelector(".recipe");
function entry(work, shown) {
  const item = document.createElement("li"), button = document.createElement("button");
  const image = document.createElement(work.view ? "img" : "i");
  Object.assign(button, { type: "button", className: "open" });
  button.setAttribute("aria-pressed", String(work.number === shown));
  button.onclick = () => trigger("select", { number: work.number });
  const text = document.createElement("span");
  text.append(Object.assign(document.createElement("b"), { textContent: work.title }), work.line);
  if (work.view) Object.assign(image, { src: work.view, alt: "", loading: "lazy" });
  button.append(image, text);
  item.append(button);
  if (work.reusable) {
    const again = Object.assign(document.createElement("button"), { type: "button", className: "reuse", textContent: "Use these settings" });
    again.setAttribute("aria-label", `Use the settings of ${work.title}`);
    again.onclick = () => trigger("edit", { number: work.number });
    item.append(again);
  }
  return item;
}
let view = {};
function show() {
  const next = props.value || {};
  if ((next.stamp || 0) < (view.stamp || 0)) return;  // it comes too late
  view = next;
  const works = view.works || [];
  list.replaceChildren(...works.map((work) => entry(work, view.shown)));
  element.querySelector("h2").hidden = !works.length;
  recipe.hidden = !view.recipe;
  if (!view.recipe) return;
  for (const kind of ["command", "python"]) recipe.querySelector(`pre.${kind}`).textContent = view.recipe[kind];
  const files = view.recipe.files.map(([name, href]) => Object.assign(document.createElement("a"), { href, download: name, textContent: name }));
  recipe.querySelector(".files").replaceChildren("Where these files are: ", ...files.flatMap((link, index) => (index ? [", ", link] : [link])));
}
element.querySelectorAll(".copy").forEach((button) => {
  button.onclick = () => {
    getSelection().selectAllChildren(recipe.querySelector(`pre.${button.dataset.of}`));
    document.execCommand("copy");  // navigator.clipboard is missing where the connection is not encrypted
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  };
});
watch("value", show);
show();
