/**
 * npm test           unit, end-to-end and fault tests with coverage; fetches the small test model by pip, once
 * npm run test:engines   the same suites over real engines, which it builds first, once (a quarter of an hour)
 *
 * With LMAPP_TEST_COUNTS=FILE the counts of the run are appended there as a line of JSON.
 */
import { spawnSync } from 'node:child_process'
import { appendFileSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readCoverage } from './coverage.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const engines = process.argv.includes('--engines')
const named = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
const leastPercent = 95
const sources = ['packages/*/src/**/*.ts', 'plugins/embedded/src/**/*.ts']
const suites = engines
  ? ['test/engines/**/*.test.ts']
  : [...sources.map((glob) => glob.replace('*.ts', '*.test.ts')), 'test/{layering,e2e,faults}/**/*.test.ts']

// Prints the runner's own report, and says how it went by the exit code.
const installed = spawnSync(
  'scripts/install-engines.sh',
  engines ? ['model', 'ollama', 'llama-server', 'tmux', 'python-llm'] : ['model'],
  {
    cwd: root,
    stdio: ['ignore', 2, 2],
  },
)
if (installed.status !== 0) process.exit(installed.status ?? 1)

const work = mkdtempSync(join(tmpdir(), 'lmapp-test-run-'))
const files = named.length > 0 ? named : globSync(suites, { cwd: root }).sort()
const run = spawnSync(
  process.execPath,
  [
    '--conditions=lmapp-source',
    '--test',
    '--test-concurrency=2',
    // Against what hangs; nothing that works comes near it.
    '--test-timeout=300000',
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    '--test-reporter=./scripts/count-reporter.ts',
    `--test-reporter-destination=${work}/counts`,
    ...files,
  ],
  { cwd: root, stdio: ['ignore', 1, 2], env: testEnvironment() },
)
const counts = readFileSync(`${work}/counts`, 'utf8')
if (process.env.LMAPP_TEST_COUNTS) appendFileSync(process.env.LMAPP_TEST_COUNTS, counts)
const covered = engines || named.length > 0 || reportCoverage()
rmSync(work, { recursive: true, force: true })
process.exit(run.status === 0 && covered ? 0 : 1)

/** Tests see nothing of the user's own lmapp, engines or terminal. */
function testEnvironment(): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = { ...process.env, NODE_V8_COVERAGE: `${work}/coverage`, LMAPP_TEST: '1' }
  for (const name of Object.keys(environment)) {
    if (/^(LMAPP_(?!TEST)|OLLAMA_|HF_|XDG_RUNTIME_DIR$|NO_COLOR$|FORCE_COLOR$|NODE_EXTRA_CA_CERTS$)/.test(name))
      delete environment[name]
  }
  if (engines) delete environment.NODE_V8_COVERAGE
  return environment
}

function reportCoverage(): boolean {
  const { files: report, excluded } = readCoverage(`${work}/coverage`, sources)
  const rooms = Map.groupBy(report, ({ file }) => file.split('/src/')[0] ?? file)
  console.log('\ncoverage of lines, all processes together')
  let enough = true
  for (const [room, inside] of rooms) {
    const lines = inside.reduce((sum, file) => sum + file.lines, 0)
    const hit = inside.reduce((sum, file) => sum + file.covered, 0)
    const percent = (100 * hit) / lines
    enough &&= percent >= leastPercent
    console.log(`  ${percent.toFixed(1).padStart(5)} %  ${room} (${hit} of ${lines})`)
  }
  for (const { file, missing } of report) {
    if (missing.length > 0) console.log(`           ${file}: ${missing.join(' ')}`)
  }
  for (const { file, function: name, reason } of excluded) {
    console.log(`  left out: ${file}${name ? ` ${name}()` : ''}: ${reason}`)
  }
  if (!enough) console.log(`  below ${leastPercent} % in a room`)
  return enough
}
