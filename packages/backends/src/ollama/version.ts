/**
 * Whether `prompt_eval_count` is the whole prompt. Before 0.2, and in some of 0.30, it left out what came from the cache
 * (ollama/ollama#5371, #16428). A build of one's own says 0.0.0; those of 0.17.4 count all.
 */
export function countsWholePrompt(version: string): boolean {
  return version === '0.0.0' || !/^v?0\.(0|1|30)\./.test(version)
}

/** Since 0.12.11. Older versions take no notice of the wish. */
export function givesLogprobs(version: string): boolean {
  return version === '0.0.0' || !/^v?0\.(\d|1[01]|12\.(\d|10))(\.|-|$)/.test(version)
}
