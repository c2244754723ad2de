// Whether a model fits into the memory that is there.
//
// Reckoned from the size of the weights: what the context adds is not known before it is loaded, so a model that is said
// not to fit will not, and one of which nothing is said may still be tight.

import type { Machine, Model } from "../bindings.ts";
import { memory } from "./format.ts";

/** Without the unit where that is the same: it stands just before. */
const short = (bytes: number): string => memory(bytes).replace(/ GB$/, "");

export type Fit =
  | { fit: "unknown" }
  | { fit: "fits" }
  /** It would, once others leave. */
  | { fit: "not_now"; says: string }
  | { fit: "never"; says: string };

export const fit = (model: Model, machine: Machine): Fit => {
  const needs = model.memory ?? model.size;
  if (needs === undefined || !model.local || machine.memory_total === 0) return { fit: "unknown" };
  if (model.state === "loaded" || model.state === "loading") return { fit: "fits" };
  const sum = (of: "memory_total" | "memory_free") => machine.gpus.reduce((total, gpu) => total + gpu[of], 0);
  const whole = machine.memory_total + sum("memory_total");
  const free = machine.memory_available + sum("memory_free");
  if (needs > whole) return { fit: "never", says: `needs ${memory(needs)}, the machine has ${memory(whole)}` };
  if (needs > free) return { fit: "not_now", says: `needs ${memory(needs)}, ${short(free)} free` };
  return { fit: "fits" };
};

/** Memory that loaded models hold, on the machine and on its GPUs. */
export const held = (models: Model[]): { machine: number; gpu: number } => {
  const loaded = models.filter((model) => model.state === "loaded" && model.local);
  const gpu = loaded.reduce((sum, model) => sum + (model.gpu_memory ?? 0), 0);
  const all = loaded.reduce((sum, model) => sum + (model.memory ?? model.size ?? 0), 0);
  return { machine: Math.max(0, all - gpu), gpu };
};
