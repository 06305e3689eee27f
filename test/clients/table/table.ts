import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type ClientResults, type Feature, features, type Tally } from '../support/results.ts'

export const resultsFile = fileURLToPath(new URL('../results.json', import.meta.url))
export const docsFile = fileURLToPath(new URL('../../../docs/api.md', import.meta.url))

const begin = '<!-- clients: begin, written by test/clients/run-tests.sh --write -->'
const end = '<!-- clients: end -->'

const nothing: Tally = { passed: 0, failed: 0, lacks: [] }

/** Puts together what the suites said of the same client. */
export function merge(parts: readonly ClientResults[]): ClientResults[] {
  const merged = new Map<string, ClientResults>()
  for (const part of parts) {
    const key = `${part.registry} ${part.client}`
    const known = merged.get(key)
    merged.set(key, known ? { ...known, features: { ...known.features, ...part.features } } : part)
  }
  const order = (features: ClientResults['features']) =>
    Object.fromEntries(Object.entries(features).sort(([one], [other]) => rank(one) - rank(other)))
  return [...merged.values()]
    .map((each) => ({ ...each, features: order(each.features) }))
    .sort((one, other) => one.registry.localeCompare(other.registry) || one.client.localeCompare(other.client))
}

function rank(feature: string): number {
  return features.indexOf(feature as Feature)
}

/** Client × feature: how many cases each passed, with the reasons for what a client itself cannot do below. */
export function toTable(results: readonly ClientResults[]): string {
  const reasons: string[] = []
  const number = (reason: string) => {
    if (!reasons.includes(reason)) reasons.push(reason)
    return reasons.indexOf(reason) + 1
  }
  const cell = (tally: Tally | undefined) => {
    if (!tally) return '–'
    const { passed, failed, lacks } = tally
    const notes = [...new Set(lacks)].map((reason) => `[^${number(reason)}]`).join('')
    return `${passed} of ${passed + failed + lacks.length}${notes}`
  }
  const rows = results.map(({ client, registry, packages, dialect, features: tallies }) => [
    client,
    `${registry}: ${packages.join(', ')}`,
    dialect,
    ...features.map((feature) => cell(tallies[feature])),
  ])
  const head = ['client', 'packages', 'dialect', ...features]
  const lines = [head, head.map(() => '---'), ...rows].map((columns) => `| ${columns.join(' | ')} |`)
  const notes = reasons.map((reason, index) => `[^${index + 1}]: ${reason}.`)
  return [...lines, ...(notes.length > 0 ? ['', notes.join('\n')] : [])].join('\n')
}

export function passedAll(results: readonly ClientResults[]): boolean {
  return results.every((each) => Object.values(each.features).every((tally) => (tally ?? nothing).failed === 0))
}

export function readTable(): string {
  const text = readFileSync(docsFile, 'utf8')
  const from = text.indexOf(begin)
  const to = text.indexOf(end)
  return from < 0 || to < 0 ? '' : text.slice(from + begin.length, to).trim()
}

export function withTable(text: string, table: string): string {
  const from = text.indexOf(begin)
  const to = text.indexOf(end)
  const block = `${begin}\n\n${table}\n\n${end}`
  if (from < 0 || to < 0) return `${text.trimEnd()}\n\n${block}\n`
  return text.slice(0, from) + block + text.slice(to + end.length)
}
