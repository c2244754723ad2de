// Images for a chat: as `data:` URLs, and not too large.

/** The most bytes of one image. */
export const LARGEST = 10 * 1024 * 1024;

const kinds = ["image/png", "image/jpeg", "image/webp", "image/gif"];

/** Why a file cannot be sent, if so. */
export const refusal = (file: { type: string; size: number; name: string }): string | null => {
  if (!kinds.includes(file.type)) return `${file.name || "This file"} is no PNG, JPEG, WebP or GIF image.`;
  return file.size > LARGEST ? `${file.name || "The image"} is larger than 10 MB.` : null;
};

export const dataUrl = (file: Blob): Promise<string> =>
  new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(new Error("The image could not be read."));
    reader.readAsDataURL(file);
  });
