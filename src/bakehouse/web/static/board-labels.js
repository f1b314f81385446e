// Names what the board shows as icons only, for people who hear the page or cannot see it well.
(() => {
  const names = {
    "ellipsis-vertical": "Actions",
    "refresh-cw": "Retry",
    files: "Duplicate",
    trash: "Remove",
    "corner-up-left": "Promote",
    clock: "Reschedule",
    "arrow-down-wide-narrow": "Change priority",
    maximize: "Full screen",
    settings: "Settings",
    "circle-user": "Links",
    copy: "Copy",
    x: "Close",
  };

  const nameOf = (icon) => {
    const lucide = [...icon.classList].find((name) => name.startsWith("lucide-"));
    if (!lucide) return "Redis details";
    const shape = lucide.slice("lucide-".length);
    return names[shape] ?? shape.replaceAll("-", " ");
  };

  const hasText = (button) =>
    [...button.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());

  const nameAll = () => {
    for (const icon of document.querySelectorAll("button > svg:only-child")) {
      const button = icon.parentElement;
      const isOurs = button.dataset.namedHere === "yes";
      // An icon of ours may have changed meanwhile; what the board names itself is left alone.
      if (isOurs || !(button.ariaLabel || hasText(button))) {
        button.dataset.namedHere = "yes";
        button.ariaLabel = nameOf(icon);
      }
      if (icon.getAttribute("role") === "img") icon.ariaHidden = "true";
    }
    for (const bar of document.querySelectorAll("[role=progressbar]:not([aria-label])")) {
      bar.ariaLabel = "Progress";
    }
  };

  // Once a frame at most, however much changes in it.
  let isDue = false;
  const nameSoon = () => {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => {
      isDue = false;
      nameAll();
    });
  };

  new MutationObserver(nameSoon).observe(document.body, { childList: true, subtree: true });
})();
