// The board's editor and selects style themselves by <style> elements that their scripts make.
// Each gets the page's nonce, without which the content security policy refuses it.
(() => {
  const { nonce } = document.currentScript;
  const createElement = Document.prototype.createElement;
  Document.prototype.createElement = function (...named) {
    const element = createElement.apply(this, named);
    if (element instanceof HTMLStyleElement) element.nonce = nonce;
    return element;
  };
})();
