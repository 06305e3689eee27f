/**
 * node table/main.ts FOLDER [--write]: makes results.json of what the suites left in FOLDER, and with --write the table of
 * docs/api.md of that.
 */
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { docsFile, merge, resultsFile, toTable, withTable } from './table.ts'

const opening = `# The API

\`lmapp serve\` speaks the APIs of OpenAI, Anthropic and Ollama, over every backend. These clients, unmodified, are run against it
by \`test/clients/run-tests.sh\`: how many of its cases each passed, of those that it can be asked.`

const [folder = '', write] = process.argv.slice(2)
const parts = globSync('*.json', { cwd: folder })
  .sort()
  .map((file) => JSON.parse(readFileSync(`${folder}/${file}`, 'utf8')))
const results = merge(parts)
writeFileSync(resultsFile, `${JSON.stringify(results, null, 2)}\n`)
if (write === '--write') {
  const text = existsSync(docsFile) ? readFileSync(docsFile, 'utf8') : `${opening}\n`
  writeFileSync(docsFile, withTable(text, toTable(results)))
}
