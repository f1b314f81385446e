// The board's editor, selects and icons style themselves by <style> elements that their scripts
// make. Each gets the page's nonce, without which the content security policy refuses it.
(() => {
  const { nonce } = document.currentScript;
  for (const method of ["createElement", "createElementNS"]) {
    const create = Document.prototype[method];
    Document.prototype[method] = function (...named) {
      const element = create.apply(this, named);
      if (element.localName === "style") element.setAttribute("nonce", nonce);
      return element;
    };
  }
})();
