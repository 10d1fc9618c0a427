// The library's paintings with what is known about them. `props.value`: cards; `props.chosen`: their styles.
const [list, notice] = [".cards", ".notice"].map((selector) => element.querySelector(selector));
let known = "", chosen = {};
function card({ style, title, by, text, source }) {
  const item = document.createElement("li"), label = document.createElement("label"), input = document.createElement("input");
  const image = Object.assign(document.createElement("img"), { src: source, loading: "lazy", alt: text || title });
  Object.assign(input, { type: "checkbox", value: style });
  input.onchange = () => {
    trigger("select", { style, chosen: input.checked });
  };
  label.append(input, Object.assign(document.createElement("b"), { textContent: title }));
  item.append(image, label, Object.assign(document.createElement("span"), { textContent: by }),
    Object.assign(document.createElement("p"), { textContent: text }));
  image.onclick = () => input.click();
  return item;
}
function show() {
  const cards = (props.value || {}).cards || [], next = props.chosen || {};
  if ((next.stamp || 0) >= (chosen.stamp || 0)) chosen = next;
  if (JSON.stringify(cards) !== known) {
    known = JSON.stringify(cards);
    list.replaceChildren(...cards.map(card));
  }
  notice.textContent = (props.value || {}).notice || "";
  notice.hidden = !notice.textContent;
  list.querySelectorAll("input").forEach((input) => { input.checked = (chosen.styles || []).includes(input.value); });
}
watch(["value", "chosen"], show);
show();
