// @vitest-environment jsdom

import { expect, test } from "vitest";
import { highlighted, known } from "./highlight.ts";
import { blocks, sanitised } from "./markdown.ts";

const html = (text: string): string =>
  blocks(text)
    .map((block) => (block.kind === "html" ? block.html : `[${block.language}]${block.text}`))
    .join("")
    .trim();
const check = (text: string, expected: string) => expect(html(text)).toBe(expected);

test("Markdown becomes plain HTML", () => {
  check("**a** _b_ `c`", "<p><strong>a</strong> <em>b</em> <code>c</code></p>");
  check("```rust,ignore\nfn main() {}\n```", "[rust]fn main() {}");
  expect(html("| | a |\n|-|:-:|\n| b | c |")).toMatch(/<td><\/td>\s*<th align="center">a<\/th>/);
  expect(html("- [x] done")).toMatch(/<li><input checked="" disabled="" type="checkbox" aria-label="done"> done<\/li>/);
  check("3. three", '<ol start="3">\n<li>three</li>\n</ol>');
  check("one\ntwo", "<p>one<br>two</p>");
  check("[site](https://example.com)", '<p><a href="https://example.com">site</a></p>');
  check("[later]\n\n[later]: https://example.com", '<p><a href="https://example.com">later</a></p>');
});

test("nothing of a model's runs, loads or looks like the window", () => {
  check("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;");
  check('a <img src=x onerror="alert(1)"> b', '<p>a &lt;img src=x onerror="alert(1)"&gt; b</p>');
  check("[x](javascript:alert(1))", "<p><a>x</a></p>");
  check("[x](http://example.com)", "<p><a>x</a></p>");
  check("![cat](https://example.com/cat.png)", '<p><a href="https://example.com/cat.png">cat</a></p>');
  check('![a"><b onclick=x>](https://e.com/"onload=x)', html('![a"><b onclick=x>](https://e.com/"onload=x)'));
  for (const bad of ["<svg><script>1</script></svg>", '<a href="data:text/html,x">x</a>', "<form><input name=x></form>"]) {
    expect(sanitised(bad), bad).not.toMatch(/script|data:|form|name/);
  }
  expect(sanitised('<p id="app" class="danger hljs-string" style="position:fixed">x</p>')).toBe('<p class="hljs-string">x</p>');
});

test("an answer that grows gives the same blocks for what stood before", () => {
  const before = blocks("first\n\nsecond");
  const after = blocks("first\n\nsecond and more");
  expect(after[0]).toBe(before[0]);
  expect(after[1]).not.toBe(before[1]);
});

test("code is coloured where the language is known", async () => {
  expect(known("rs")).toBe("rust");
  expect(known("constructor")).toBeNull();
  expect(await highlighted("let a = '<b>';", "ts")).toContain('class="hljs-keyword"');
  expect(await highlighted("let a = '<b>';", "ts")).toContain("&lt;b&gt;");
  expect(await highlighted("x", "klingon")).toBeNull();
});
