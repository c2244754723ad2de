import { expect, test } from "vitest";
import * as format from "./format.ts";

const check = (said: string, expected: string) => expect(said).toBe(expected);
const GIB = 1024 ** 3;

test("sizes are in GB, with a digit only where it tells something", () => {
  check(format.size(5_200_000_000), "5.2 GB");
  check(format.size(40_100_000_000), "40 GB");
  check(format.size(1_000_000_000), "1 GB");
  check(format.size(98_362_432), "98 MB");
  check(format.size(0), "0 kB");
  check(format.memory(16 * GIB), "16 GB");
  check(format.memoryOf(5.2 * GIB, 16 * GIB), "5.2 of 16 GB");
  check(format.memoryOf(0.5 * GIB, 16 * GIB), "512 MB of 16 GB");
  check(format.memoryOf(0, 16 * GIB), "0 of 16 GB");
});

test("tokens and contexts are short", () => {
  check(format.tokens(999), "999");
  check(format.tokens(12_340), "12.3k");
  check(format.tokens(2000), "2k");
  check(format.tokens(123_456), "123k");
  check(format.tokens(1_250_000), "1.3M");
  check(format.contextLength(8192), "8k");
  check(format.contextLength(40_960), "40k");
  check(format.contextLength(131_072), "128k");
  check(format.contextLength(200_000), "200k");
  check(format.contextLength(1_048_576), "1M");
  check(format.contextLength(1_000_000), "1M");
  check(format.contextLength(512), "512");
});

test("times have one unit, or two", () => {
  check(format.duration(340.4), "340 ms");
  check(format.duration(1240), "1.2 s");
  check(format.duration(12_400), "12 s");
  check(format.duration(59_990), "1 min");
  check(format.duration(125_000), "2 min 5 s");
  const now = Date.UTC(2026, 10, 22, 12);
  check(format.span(59_000), "");
  check(format.span(-5), "");
  check(format.span(4 * 60_000 + 5), "4 min");
  check(format.span(3 * 3_600_000), "3 h");
  check(format.span(50 * 3_600_000), "2 days");
  check(format.ago(now - 20_000, now), "just now");
  check(format.ago(now + 5000, now), "just now");
  check(format.ago(now - 4 * 60_000, now), "4 min ago");
  check(format.ago(now - 3 * 3_600_000, now), "3 h ago");
  check(format.ago(now - 30 * 3_600_000, now), "yesterday");
  check(format.ago(now - 5 * 86_400_000, now), "5 days ago");
});

test("money keeps the digits that matter", () => {
  check(format.dollars(0), "$0");
  check(format.dollars(3), "$3");
  check(format.dollars(0.25), "$0.25");
  check(format.dollars(0.00312), "$0.0031");
  check(format.dollars(0.00001), "<$0.0001");
  check(format.dollars(1234.5), "$1235");
});

test("nouns follow their number", () => {
  check(format.count(1, "model"), "1 model");
  check(format.count(2000, "model"), "2,000 models");
  check(format.speed(42.3), "42 tok/s");
  check(format.speed(4.23), "4.2 tok/s");
});
