// Sets the theme before anything is drawn. (A classic script: modules run too late for that.)
(() => {
  const name = "everyline.theme";
  const themes = ["system", "light", "dark"];
  const chosen = () => {
    const value = localStorage.getItem(name) ?? "system";
    return themes.includes(value) ? value : "system";
  };
  const apply = () => { document.documentElement.dataset.theme = chosen(); };
  apply();
  const tell = () => {
    apply();
    dispatchEvent(new CustomEvent("everyline-themed", { detail: chosen() }));
  };
  addEventListener("storage", (event) => {
    if (event.key === name) tell();
  });
  addEventListener("everyline-theme", () => {
    localStorage.setItem(name, themes[(themes.indexOf(chosen()) + 1) % themes.length]);
    tell();
  });
})();
