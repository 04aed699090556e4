// Elements of SVG and HTML, made without markup: what comes from elsewhere stays text.
export const svg = (tag, attributes = {}, ...children) => fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
export const html = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);

function fill(element, attributes, children) {
  set(element, attributes);
  element.append(...children);
  return element;
}

// Sets what differs; null takes an attribute away.
export function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null) element.removeAttribute(name);
    else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
  }
}
