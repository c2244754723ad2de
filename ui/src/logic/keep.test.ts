import { expect, test } from "vitest";
import { choices, readable, untilMidnight } from "./keep.ts";

test("midnight is the user's own", () => {
  const check = (at: [number, number, number], minutes: number) => expect(untilMidnight(new Date(2026, 10, 20, ...at))).toBe(minutes);
  check([23, 0, 0], 60);
  check([23, 59, 59], 1);
  check([0, 0, 0], 24 * 60);
  check([12, 30, 30], 11 * 60 + 29);
});

test("nothing is kept for longer than a day, not even when the clocks change", () => {
  for (let day = 0; day < 366; day += 1) {
    for (const choice of choices(new Date(2026, 0, day, 0, 0, 1))) expect(choice.minutes).toBeLessThanOrEqual(24 * 60);
  }
});

test("a body is set out where it is whole and JSON", () => {
  const check = (text: string, whole: boolean, shown: string) => expect(readable(text, whole)).toBe(shown);
  check('{"a":1}', true, '{\n  "a": 1\n}');
  check('{"a":1', false, '{"a":1');
  check("data: {}\n\n", true, "data: {}\n\n");
  check("", true, "");
});
