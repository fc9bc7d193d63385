// Selecting rows: all of a page, a range with Shift, and the number selected.
let anchor = null;

function boxes(list) {
  return [...list.querySelectorAll("tbody .table__check input")];
}

function count(list) {
  const all = boxes(list);
  const chosen = all.filter((box) => box.checked).length;
  for (const place of list.querySelectorAll("[data-selected]")) place.textContent = `${chosen} selected`;
  const master = list.querySelector("[data-select-all]");
  if (!master) return;
  master.checked = chosen > 0 && chosen === all.length;
  master.indeterminate = chosen > 0 && chosen < all.length;
}

function range(list, box) {
  const all = boxes(list);
  const [from, to] = [all.indexOf(anchor), all.indexOf(box)].sort((a, b) => a - b);
  if (from >= 0) for (const one of all.slice(from, to + 1)) one.checked = box.checked;
}

document.addEventListener("click", (event) => {
  const box = event.target;
  if (!box.matches(".table__check input")) return;
  const list = box.closest(".list");
  if (box.matches("[data-select-all]")) for (const one of boxes(list)) one.checked = box.checked;
  else if (event.shiftKey && anchor) range(list, box);
  anchor = box;
  count(list);
});
