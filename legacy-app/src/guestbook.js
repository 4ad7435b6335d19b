const form = document.querySelector("form");

const csrfToken = () => /(?:^|; )(?:__Host-)?lk_csrf=([^;]*)/.exec(document.cookie)?.[1] ?? "";

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = new URLSearchParams(new FormData(form));
  const answer = await fetch(form.action, { method: "POST", headers: { "X-CSRF-Token": csrfToken() }, body });
  if (answer.ok) {
    location.reload();
    return;
  }
  const problem = await answer.json().catch(() => ({ detail: "That line was not taken" }));
  form.querySelector("output").textContent = problem.detail;
});
