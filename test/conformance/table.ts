import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Judged } from './judge.ts'

const file = fileURLToPath(new URL('../../docs/api.md', import.meta.url))
const begin = '<!-- conformance: begin, written by test/conformance/run-tests.sh --write -->'
const end = '<!-- conformance: end -->'

/** Suite by suite, with the reasons for what we do otherwise on purpose below. */
export function toTable(judged: readonly Judged[]): string {
  const reasons = [...new Set(judged.flatMap(({ deviations }) => deviations.map(({ reason }) => reason)))]
  const note = (reason: string) => `[^c${reasons.indexOf(reason) + 1}]`
  const rows = judged.map(({ name, passed, failed, deviating, deviations }) => {
    const notes = [...new Set(deviations.map(({ reason }) => note(reason)))].join('')
    return `| ${name} | ${passed + failed} | ${passed - deviating} | ${deviating === 0 ? '–' : `${deviating}${notes}`} | ${failed} |`
  })
  const head = '| kit or document | tests | passed | otherwise on purpose | failed |\n| --- | --- | --- | --- | --- |'
  const notes = reasons.map((reason, index) => `[^c${index + 1}]: ${reason}.`)
  return `${head}\n${rows.join('\n')}\n\n${notes.join('\n')}`
}

export function readTable(): string {
  const text = readFileSync(file, 'utf8')
  const from = text.indexOf(begin)
  const to = text.indexOf(end)
  return from < 0 || to < 0 ? '' : text.slice(from + begin.length, to).trim()
}

/** Its place in the document is there already. */
export function writeTable(table: string): void {
  const text = readFileSync(file, 'utf8')
  const from = text.indexOf(begin)
  const to = text.indexOf(end)
  if (from < 0 || to < 0) throw new Error('docs/api.md has no place for the table.')
  writeFileSync(file, `${text.slice(0, from)}${begin}\n\n${table}\n\n${text.slice(to)}`)
}
