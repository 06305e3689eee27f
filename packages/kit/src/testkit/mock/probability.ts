import type { TokenProbability } from '../../part.ts'

/** What the mock might have said instead; more than can be asked for, since one may be what it says. */
const words = 'the a of and to in is it that you was for on are with as his they be at one have'.split(' ')

/** The same token is as likely each time, between a half and all but certain, and the others share what is left. */
export function toProbability(token: string, alternatives: number): TokenProbability {
  const seed = toSeed(token)
  const chosen = 0.5 + (seed % 997) / 2000
  const said = { token, logprob: toLogarithm(chosen) }
  if (alternatives === 0) return said
  const others = words.map((_, index) => `${words[(index + seed) % words.length]} `).filter((word) => word !== token)
  const likely = others.map((word, index) => ({ token: word, logprob: toLogarithm((1 - chosen) / 2 ** (index + 1)) }))
  return { ...said, top: [said, ...likely].slice(0, alternatives) }
}

function toLogarithm(probability: number): number {
  return Math.round(Math.log(probability) * 10_000) / 10_000
}

function toSeed(text: string): number {
  let seed = 7
  for (let at = 0; at < text.length; at += 1) seed = (seed * 31 + text.charCodeAt(at)) % 1_000_003
  return seed
}
