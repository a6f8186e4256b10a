const gone = document.getElementById("gone");
setInterval(async () => {
  try {
    const answer = await fetch("/", { cache: "no-store" });
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.querySelector("main").replaceWith(fresh.querySelector("main"));
    gone.hidden = true;
  } catch {
    gone.hidden = false;
  }
}, 1000);
