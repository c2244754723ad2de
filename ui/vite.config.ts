import { svelte } from "@sveltejs/vite-plugin-svelte";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

// What the page may do, in the built page itself: the shell says the same, and whichever is stricter holds.
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self' ipc: http://ipc.localhost",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

// The development server puts styles inline and is no part of what users get.
const contentSecurityPolicy = (): Plugin => ({
  name: "content-security-policy",
  apply: "build",
  transformIndexHtml: () => [
    { tag: "meta", attrs: { "http-equiv": "Content-Security-Policy", content: policy }, injectTo: "head-prepend" },
  ],
});

// The gateway in memory is for development and tests: what users get must not hold a line of it.
const noFake = (mode: string): Plugin => ({
  name: "no-fake",
  apply: "build",
  generateBundle(_, bundle) {
    if (mode === "fake") return;
    const held = Object.values(bundle).flatMap((file) => (file.type === "chunk" ? file.moduleIds : []));
    const fake = held.find((module) => module.includes("/src/fake/"));
    if (fake) this.error(`${fake} is part of the build`);
  },
});

export default defineConfig(({ mode }) => ({
  plugins: [svelte(), contentSecurityPolicy(), noFake(mode)],
  build: {
    outDir: mode === "fake" ? "dist-fake" : "dist",
    target: ["es2022", "safari16"],
    // A polyfill for what every webview of ours can do would be an inline script.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 400,
  },
  preview: { port: 4173, strictPort: false },
  test: { include: ["src/**/*.test.ts"] },
}));
