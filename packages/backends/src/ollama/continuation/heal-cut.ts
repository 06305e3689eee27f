/** What a model may write next; the one it chose first, then the most probable ones, in order. */
export type NextTokens = (written: string) => Promise<readonly string[]>

export interface Healed {
  /** The withdrawn text as the model writes it, and what its last token has beyond that. */
  written: string
  /** The first new text. May be empty. */
  beyond: string
}

/** A word has few tokens; each is one request. */
const mostSteps = 16

/**
 * Lets a model write the withdrawn text again, token by token: of what it may write, the most probable that is
 * consistent with the text. Undefined where it would write none of it.
 */
export async function healCut(withdrawn: string, nextTokens: NextTokens): Promise<Healed | undefined> {
  let written = ''
  for (let step = 0; step < mostSteps && written.length < withdrawn.length; step += 1) {
    const rest = withdrawn.slice(written.length)
    const token = (await nextTokens(written)).find((text) => isConsistent(text, rest))
    if (token === undefined) return undefined
    written += token
  }
  if (written.length < withdrawn.length) return undefined
  return { written, beyond: written.slice(withdrawn.length) }
}

/** A token that ends within a character comes with a mark in its place: nobody knows what it is. */
function isConsistent(token: string, rest: string): boolean {
  if (token === '' || token.includes('\u{fffd}')) return false
  return rest.startsWith(token) || token.startsWith(rest)
}
