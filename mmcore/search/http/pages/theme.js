// Before anything is drawn: the theme and the language that were chosen last.
(() => {
  const root = document.documentElement;
  const kept = (name) => {
    try {
      return localStorage.getItem(name);
    } catch {
      return null; // storage may be denied
    }
  };
  const theme = kept("theme");
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  const first = kept("language") || (navigator.languages || [navigator.language])[0] || "en";
  root.lang = first.toLowerCase().startsWith("zh") ? "zh-CN" : "en";
})();
