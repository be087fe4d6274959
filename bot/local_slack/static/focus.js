/** Where the keyboard is, in words that outlive a repainting: nobody who types or tabs is thrown out of their place. */

/** What an element is; one tick of a group has the group's address and its value. */
function addressOf(element) {
  const { actionId, blockId } = element.closest("[data-action-id]")?.dataset ?? {};
  return JSON.stringify([blockId, actionId, element.dataset.value, element.dataset.testid]);
}

function twin(element, inside) {
  return [...inside.querySelectorAll(element.tagName)].find((one) => addressOf(one) === addressOf(element));
}

function focusOn(element) {
  element.focus({ preventScroll: true });
}

/** Do `work`, which paints `place` anew, and leave the focus in the same element or else on `otherwise()`. */
export function repainting(place, work, otherwise) {
  const focused = place?.contains(document.activeElement) ? document.activeElement : null;
  work();
  if (!focused || focused === document.activeElement) return;
  const next = focused.isConnected ? focused : twin(focused, otherwise());
  focusOn(next ?? otherwise());
  if (next && Number.isInteger(focused.selectionStart))
    next.setSelectionRange(focused.selectionStart, focused.selectionEnd);
}

/** Put `node` where `old` stood. What has gone, such as the button of a decided card, leaves the focus on the node. */
export function keepingFocus(old, node) {
  repainting(
    old,
    () => old?.replaceWith(node),
    () => node,
  );
}

/**
 * Remember who has the focus; the returned function gives it back to that element, to the one that was painted in its
 * place, or to the message or the Home that it stood in.
 */
export function remembered() {
  const element = document.activeElement;
  const row = element?.closest("[data-ts]") ?? element?.closest(".home");
  const list = row?.parentElement;
  return () => {
    if (element?.isConnected) return focusOn(element);
    if (!row) return undefined;
    const now = row.isConnected ? row : list.querySelector(`[data-ts="${CSS.escape(row.dataset.ts)}"]`);
    return now && focusOn(twin(element, now) ?? now);
  };
}
