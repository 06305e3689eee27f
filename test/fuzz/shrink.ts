import type { Input } from './target.ts'

const mostTries = 400
const mostMs = 20_000

/** A smaller input that still fails: whole texts are left out first, then pieces of them. */
export async function shrink(input: Input, fails: (input: Input) => Promise<boolean>): Promise<Input> {
  let tries = 0
  const deadline = Date.now() + mostMs
  const stillFails = async (candidate: Input) =>
    tries++ < mostTries && Date.now() < deadline && (await fails(candidate))

  let smallest = await shrinkList(input, stillFails)
  for (const [index, text] of smallest.entries()) {
    const before = smallest.slice(0, index)
    const after = smallest.slice(index + 1)
    const shorter = await shrinkList([...text], (rest) => stillFails([...before, rest.join(''), ...after]))
    smallest = [...before, shorter.join(''), ...after]
  }
  return smallest
}

/** Leaves out halves, then quarters, and so on. */
async function shrinkList<Item>(items: readonly Item[], fails: (items: readonly Item[]) => Promise<boolean>) {
  let smallest = items
  for (let size = Math.ceil(items.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < smallest.length; ) {
      const candidate = [...smallest.slice(0, at), ...smallest.slice(at + size)]
      if (candidate.length < smallest.length && (await fails(candidate))) smallest = candidate
      else at += size
    }
  }
  return smallest
}
