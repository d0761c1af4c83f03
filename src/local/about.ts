import { type AboutAnswer, aboutAnswer } from "../contract/forge.ts";
import { paths } from "../contract/paths.ts";

const maxBytes = 64 * 1024;

/** What a local forge says of itself; undefined where nothing that is one answers in time. */
export async function askAbout(
  origin: string,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<AboutAnswer | undefined> {
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(`${origin}/git${paths.about()}`, {
      headers: { accept: "application/json" },
      redirect: "manual",
      signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
    });
    if (response.status !== 200 || response.body === null) return undefined;
    let text = "";
    const decoder = new TextDecoder();
    for await (const chunk of response.body) {
      text += decoder.decode(chunk, { stream: true });
      if (text.length > maxBytes) return undefined;
    }
    return aboutAnswer.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
