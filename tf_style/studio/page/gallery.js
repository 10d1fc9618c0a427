// Paintings to choose from: check boxes that look like pictures. `props.value`: items, chosen, line.
const tiles = element.querySelector(".tiles");
let known = "", choices = 0;  // how many choices are made here or known from the server
const own = document.createElement("label");
own.className = "tile own";
own.innerHTML = '<input type="file" accept="image/*,.heic,.heif,.tif,.tiff" aria-label="Add a painting of your own"><span aria-hidden="true">+</span><b>Your own</b>';
own.querySelector("input").onchange = (event) => { send(event.target.files[0]); event.target.value = ""; };
async function send(file) {
  if (!file) return;
  try {
    const { path } = await upload(file);
    trigger("upload", { path, name: file.name });
  } catch (error) {
    element.querySelector(".chosen").textContent = `${file.name} could not be uploaded: it may be too large, or the studio is not running.`;
  }
}
function tile([style, title, source]) {
  const label = document.createElement("label"), input = document.createElement("input"), image = document.createElement("img");
  label.className = "tile";
  label.title = title;
  Object.assign(input, { type: "checkbox", value: style });
  input.setAttribute("aria-label", title);
  Object.assign(image, { loading: "lazy", src: source, alt: "" });
  input.onchange = () => {
    choices += 1;
    trigger("select", { style, chosen: input.checked });
  };
  label.append(input, image);
  return label;
}
let view = {};
function show() {
  const next = props.value || {};
  if ((next.stamp || 0) < (view.stamp || 0)) return;  // it comes too late
  view = next;
  const items = view.items || [];
  if (JSON.stringify(items) !== known) {
    known = JSON.stringify(items);
    tiles.replaceChildren(own, ...items.map(tile));
  }
  if ((view.choices || 0) < choices) return;  // the answer to an earlier choice
  choices = view.choices || 0;
  const chosen = view.chosen || [], inputs = [...tiles.querySelectorAll("input[type=checkbox]")];
  inputs.forEach((input) => { input.checked = chosen.includes(input.value); });
  if (view.first) {  // what words found comes first
    chosen.slice().reverse().forEach((style) => {
      const input = inputs.find((each) => each.value === style);
      if (input) own.after(input.parentNode);
    });
    tiles.scrollTop = 0;
  }
  element.querySelector(".chosen").textContent = view.line || "";
}
element.addEventListener("dragover", (event) => event.preventDefault());
element.addEventListener("drop", (event) => { event.preventDefault(); send(event.dataTransfer.files[0]); });
(window.studioPending ||= []).push(() => choices > (view.choices || 0));
watch("value", show);
show();
