/** Views of a page that follow the address: `#/notes` shows the element `view-notes`. */

/** @param {(name: string) => void} shown Called when a view comes up. */
export function views(shown) {
  const links = /** @type {HTMLAnchorElement[]} */ ([...document.querySelectorAll('.views a')]);
  const names = links.map((link) => link.hash.slice(2));
  const show = () => {
    const asked = location.hash.slice(2);
    const name = names.includes(asked) ? asked : names[0];
    for (const link of links) {
      const here = link.hash === `#/${name}`;
      if (here) link.setAttribute('aria-current', 'true');
      else link.removeAttribute('aria-current');
    }
    for (const other of names) {
      const view = document.getElementById(`view-${other}`);
      if (view) view.hidden = other !== name;
    }
    shown(name);
  };
  addEventListener('hashchange', show);
  return { show };
}
