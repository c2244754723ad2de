// Where a provider's keys are made. The addresses are the vendors' own pages; a row without one says so.

const pages: Record<string, string> = {
  openai: "https://platform.openai.com/api-keys",
  anthropic: "https://console.anthropic.com/settings/keys",
  gemini: "https://aistudio.google.com/apikey",
  cerebras: "https://cloud.cerebras.ai",
  cohere: "https://dashboard.cohere.com/api-keys",
  deepinfra: "https://deepinfra.com/dash/api_keys",
  deepseek: "https://platform.deepseek.com/api_keys",
  fireworks: "https://app.fireworks.ai/settings/users/api-keys",
  groq: "https://console.groq.com/keys",
  huggingface: "https://huggingface.co/settings/tokens",
  inception: "https://platform.inceptionlabs.ai",
  minimax: "https://platform.minimax.io",
  mistral: "https://console.mistral.ai/api-keys",
  moonshot: "https://platform.moonshot.ai/console/api-keys",
  nebius: "https://tokenfactory.nebius.com",
  openrouter: "https://openrouter.ai/settings/keys",
  perplexity: "https://www.perplexity.ai/settings/api",
  sambanova: "https://cloud.sambanova.ai/apis",
  together: "https://api.together.ai/settings/api-keys",
  voyage: "https://dashboard.voyageai.com",
  xai: "https://console.x.ai",
  azureopenai: "https://ai.azure.com",
  azureanthropic: "https://ai.azure.com",
  dashscope: "https://bailian.console.alibabacloud.com",
};

export const keyPage = (provider: string): string | null => pages[provider] ?? null;

/** A name for one more instance that is not taken: `openai`, `openai-2`, ... */
export const freeName = (wanted: string, taken: string[]): string => {
  if (!taken.includes(wanted)) return wanted;
  let number = 2;
  while (taken.includes(`${wanted}-${number}`)) number += 1;
  return `${wanted}-${number}`;
};

/** What is wrong with an address, if anything. */
export const addressProblem = (text: string): string | null => {
  if (!/^https?:\/\//.test(text)) return "It begins with https:// or http://.";
  try {
    const url = new URL(text);
    if (url.username || url.password) return "A key does not belong into the address; it has a field of its own.";
    return url.hostname === "" ? "The host is missing." : null;
  } catch {
    return "This is no address.";
  }
};
