/** The values of the inputs of one surface (a message, a modal, Home), kept while the surface is painted again. */
export class FormState {
  #values = new Map(); // block id → Map(action id → value object)
  #rendered = new Map();

  /** Begin a painting: only what is rendered from here on counts as part of the form. */
  begin() {
    this.#rendered = new Map();
  }

  /** The value to show for an element: what the person chose last, else `initial`. */
  field(blockId, actionId, initial) {
    const kept = this.#values.get(blockId)?.get(actionId);
    const value = kept?.type === initial.type ? kept : initial;
    this.#store(this.#rendered, blockId, actionId, value);
    return value;
  }

  set(blockId, actionId, value) {
    this.#store(this.#values, blockId, actionId, value);
    this.#store(this.#rendered, blockId, actionId, value);
  }

  /** An update comes: as in Slack, what the fields hold now counts more than the initial values that it brings. */
  keep() {
    for (const [blockId, fields] of this.#rendered)
      for (const [actionId, value] of fields) this.#store(this.#values, blockId, actionId, value);
  }

  #store(map, blockId, actionId, value) {
    if (!map.has(blockId)) map.set(blockId, new Map());
    map.get(blockId).set(actionId, value);
  }

  /** `{block_id: {action_id: {type, …}}}` of the elements that are on the surface now. */
  values() {
    return Object.fromEntries(
      [...this.#rendered].map(([block, fields]) => [block, Object.fromEntries(fields)]),
    );
  }
}
