// Runs before the first paint, so that nobody who chose dark sees a white flash. Not a module: those run later.
(() => {
  const chosen = localStorage.getItem('latchkey-theme');
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
})();
