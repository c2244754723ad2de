// Markdown of a model's to HTML that can do nothing.
//
// Everything goes through the sanitiser last, whatever came before. Blocks are made one by one, so that an answer that
// grows makes only its last block anew. Code in blocks is text here; its colours are `highlight`'s business.

import createSanitiser from "dompurify";
import { Marked, type Token } from "marked";

export type Block = { kind: "html"; html: string } | { kind: "code"; text: string; language: string };

const marked = new Marked({
  gfm: true,
  breaks: true,
  renderer: {
    // A picture from elsewhere would tell its server that it is looked at: it becomes a link that one may follow.
    image({ href, text }) {
      return `<a href="${escape(href)}">${escape(text || "image")}</a>`;
    },
    // The corner of a table heads nothing.
    tablecell({ tokens, header, align }) {
      const inside = this.parser.parseInline(tokens);
      const tag = header && inside !== "" ? "th" : "td";
      return `<${tag}${align ? ` align="${align}"` : ""}>${inside}</${tag}>\n`;
    },
    // Raw HTML is shown as what it is: text.
    html({ text }) {
      return escape(text);
    },
  },
});

const escape = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

const tags = [
  "a", "b", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "input", "li", "ol", "p",
  "pre", "s", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul", "span",
];
const attributes = ["href", "title", "start", "align", "type", "checked", "disabled", "class"];

let sanitiser: ReturnType<typeof createSanitiser> | undefined;

/** The one gate to the page. */
export const sanitised = (html: string): string => {
  if (!sanitiser) {
    sanitiser = createSanitiser(window);
    sanitiser.addHook("afterSanitizeAttributes", (node) => {
      if (node.tagName === "INPUT" && node.getAttribute("type") !== "checkbox") node.remove();
      // A box of a task list says whether it is ticked by its place in a sentence, not by a name of its own.
      else if (node.tagName === "INPUT") {
        node.setAttribute("disabled", "");
        node.setAttribute("aria-label", node.hasAttribute("checked") ? "done" : "to do");
      }
      // Classes of the page would let an answer look like a part of the window.
      const own = (node.getAttribute("class") ?? "").split(" ").filter((name) => name.startsWith("hljs"));
      if (own.length > 0) node.setAttribute("class", own.join(" "));
      else node.removeAttribute("class");
    });
  }
  return sanitiser.sanitize(html, {
    ALLOWED_TAGS: tags,
    ALLOWED_ATTR: attributes,
    ALLOWED_URI_REGEXP: /^(?:https:|mailto:|#)/i,
    // Values of these are no addresses, and are not held to what an address may be.
    ADD_URI_SAFE_ATTR: ["start", "align", "type", "checked", "disabled"],
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
  });
};

/** The word that names a code block's language: `rust` of `rust,ignore`. */
const languageOf = (said: string | undefined): string => (said ?? "").trim().split(/[\s,{]/)[0]?.toLowerCase() ?? "";

const made = new Map<string, Block>();
const MOST_KEPT = 2000;

const block = (token: Token, links: Record<string, unknown>): Block => {
  if (token.type === "code" && "text" in token) {
    return { kind: "code", text: token.text as string, language: languageOf(token["lang"] as string | undefined) };
  }
  const list = Object.assign([token], { links }) as unknown as Parameters<typeof marked.parser>[0];
  return { kind: "html", html: sanitised(marked.parser(list)) };
};

/** The blocks of a text, in order. */
export const blocks = (text: string): Block[] => {
  const tokens = marked.lexer(text);
  // What a link means may stand further down: with links, a block is not known by its own text.
  const plain = Object.keys(tokens.links).length === 0;
  const all: Block[] = [];
  for (const token of tokens) {
    if (token.type === "space" || token.type === "def") continue;
    const known = plain ? made.get(token.raw) : undefined;
    const fresh = known ?? block(token, tokens.links);
    if (plain && !known) {
      if (made.size > MOST_KEPT) made.clear();
      made.set(token.raw, fresh);
    }
    all.push(fresh);
  }
  return all;
};
