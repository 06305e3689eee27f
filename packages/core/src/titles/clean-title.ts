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
  if (bare.length <= longestTitle) return bare
  const cut = bare.slice(0, longestTitle)
  const space = cut.lastIndexOf(' ')
  return `${(space > longestTitle / 2 ? cut.slice(0, space) : cut).trimEnd().toWellFormed()}…`
}
