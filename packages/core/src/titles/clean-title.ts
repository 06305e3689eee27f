import { cutAtWord } from '../text/cut-at-word.ts'

const longestTitle = 60

/** The title in what a model said, on one line; undefined when there is none. */
export function toCleanTitle(said: string): string | undefined {
  const line = said.split('\n').find((each) => each.trim() !== '') ?? ''
  const bare = line
    .trim()
    .replace(/^(#+\s+|[-*]\s+)/, '')
    .replace(/^\**(title|titel|titre|título)\**\s*:\s*/i, '')
    .replace(/^["'“”«»„*_`]+|["'“”«»„*_`.]+$/g, '')
    .replace(/\s+/g, ' ')
    .trim()
  if (!/[\p{L}\p{N}]/u.test(bare)) return undefined
  return cutAtWord(bare, longestTitle)
}
