/*
 * Loads the page's modules. A browser gives up every connection when the machine gets or loses a network interface, as
 * each start of a container makes it do, and never asks for a module again that it could not load: so the page is
 * loaded anew, a few times.
 */
(() => {
  const KEY = "loadlab-boots";
  const MOST = 5;
  const boots = Number(sessionStorage.getItem(KEY) ?? 0);
  import("/static/app.js").then(
    () => sessionStorage.removeItem(KEY),
    (error) => {
      const again = boots < MOST;
      document.getElementById("connection").textContent = again
        ? "the page could not be loaded; trying again …"
        : `the page could not be loaded: ${error.message}`;
      if (!again) return;
      sessionStorage.setItem(KEY, String(boots + 1));
      setTimeout(() => location.reload(), 500 * (boots + 1));
    },
  );
})();
