import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What was really said, from `specs/transcripts`: each list is one exchange. */
export interface Corpus {
  fromHost: unknown[][]
  fromPlugin: unknown[][]
}

export function readCorpus(): Corpus {
  const exchanges = globSync('specs/transcripts/*.ndjson', { cwd: root })
    .sort()
    .map((file) =>
      readFileSync(join(root, file), 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line)),
    )
  const said = (side: 'host' | 'plugin') =>
    exchanges
      .map((steps) => steps.flatMap((step) => (step[side] ? [step[side]] : [])))
      .filter(({ length }) => length > 0)
  return { fromHost: said('host'), fromPlugin: said('plugin') }
}
