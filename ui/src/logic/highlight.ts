// Colours for code. A language is loaded when it is first met.

import hljs from "highlight.js/lib/core";
import { sanitised } from "./markdown.ts";

type Loader = () => Promise<{ default: Parameters<typeof hljs.registerLanguage>[1] }>;

const loaders: Record<string, Loader> = {
  bash: () => import("highlight.js/lib/languages/bash"),
  c: () => import("highlight.js/lib/languages/c"),
  clojure: () => import("highlight.js/lib/languages/clojure"),
  cpp: () => import("highlight.js/lib/languages/cpp"),
  csharp: () => import("highlight.js/lib/languages/csharp"),
  css: () => import("highlight.js/lib/languages/css"),
  dart: () => import("highlight.js/lib/languages/dart"),
  diff: () => import("highlight.js/lib/languages/diff"),
  dockerfile: () => import("highlight.js/lib/languages/dockerfile"),
  elixir: () => import("highlight.js/lib/languages/elixir"),
  erlang: () => import("highlight.js/lib/languages/erlang"),
  go: () => import("highlight.js/lib/languages/go"),
  graphql: () => import("highlight.js/lib/languages/graphql"),
  haskell: () => import("highlight.js/lib/languages/haskell"),
  ini: () => import("highlight.js/lib/languages/ini"),
  java: () => import("highlight.js/lib/languages/java"),
  javascript: () => import("highlight.js/lib/languages/javascript"),
  json: () => import("highlight.js/lib/languages/json"),
  julia: () => import("highlight.js/lib/languages/julia"),
  kotlin: () => import("highlight.js/lib/languages/kotlin"),
  latex: () => import("highlight.js/lib/languages/latex"),
  lua: () => import("highlight.js/lib/languages/lua"),
  makefile: () => import("highlight.js/lib/languages/makefile"),
  markdown: () => import("highlight.js/lib/languages/markdown"),
  nix: () => import("highlight.js/lib/languages/nix"),
  ocaml: () => import("highlight.js/lib/languages/ocaml"),
  perl: () => import("highlight.js/lib/languages/perl"),
  php: () => import("highlight.js/lib/languages/php"),
  powershell: () => import("highlight.js/lib/languages/powershell"),
  python: () => import("highlight.js/lib/languages/python"),
  r: () => import("highlight.js/lib/languages/r"),
  ruby: () => import("highlight.js/lib/languages/ruby"),
  rust: () => import("highlight.js/lib/languages/rust"),
  scala: () => import("highlight.js/lib/languages/scala"),
  scss: () => import("highlight.js/lib/languages/scss"),
  sql: () => import("highlight.js/lib/languages/sql"),
  swift: () => import("highlight.js/lib/languages/swift"),
  typescript: () => import("highlight.js/lib/languages/typescript"),
  xml: () => import("highlight.js/lib/languages/xml"),
  yaml: () => import("highlight.js/lib/languages/yaml"),
};

const others: Record<string, string> = {
  sh: "bash", shell: "bash", zsh: "bash", console: "bash", "c++": "cpp", cc: "cpp", h: "c", hpp: "cpp", cs: "csharp", "c#": "csharp",
  clj: "clojure", docker: "dockerfile", patch: "diff", ex: "elixir", golang: "go", hs: "haskell", toml: "ini", conf: "ini",
  js: "javascript", jsx: "javascript", mjs: "javascript", jsonc: "json", kt: "kotlin", tex: "latex", make: "makefile",
  md: "markdown", ml: "ocaml", pl: "perl", ps1: "powershell", pwsh: "powershell", py: "python", rb: "ruby", rs: "rust",
  ts: "typescript", tsx: "typescript", html: "xml", svg: "xml", vue: "xml", svelte: "xml", yml: "yaml",
};

/** The language's own name, where we have colours for it. */
export const known = (language: string): string | null => {
  const name = others[language] ?? language;
  return Object.hasOwn(loaders, name) ? name : null;
};

// Colouring is done on the one thread that also scrolls; a file this long is read as it is.
const LONGEST = 50_000;

/** Code as coloured HTML; none where its language is not known. */
export const highlighted = async (text: string, language: string): Promise<string | null> => {
  const name = known(language);
  const loader = name === null ? undefined : loaders[name];
  if (name === null || !loader || text.length > LONGEST) return null;
  if (!hljs.getLanguage(name)) hljs.registerLanguage(name, (await loader()).default);
  return sanitised(hljs.highlight(text, { language: name, ignoreIllegals: true }).value);
};
