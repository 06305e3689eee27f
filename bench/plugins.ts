/**
 * What a plugin costs: parts a second and the first part over a subprocess beside the same backend in process, its start
 * beside a bare start of its language, and fifty of them that nobody uses. The kit and the command must be built.
 * Alone: `node --conditions=lmapp-source bench/plugins.ts`.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createSubprocessBackend } from '../packages/backends/src/plugins/index.ts'
import { fixtureSettings, toManifest as toRightManifest } from '../packages/backends/src/verify/fixtures/manifest.ts'
import { verifyPlugin } from '../packages/backends/src/verify/index.ts'
import { type Backend, type Manifest, requiredMethods } from '../packages/kit/src/index.ts'
import { createMockBackend } from '../packages/kit/src/testkit/index.ts'
import { openBenchHome } from './bench-home.ts'
import { cpuOf, ms, pssOf, toFigures } from './measure.ts'

type Row = (what: string, measured: string, floor: string, goal: string, met: boolean) => void

const parts = 100_000
const rounds = 9
const turns = 30
const inARow = 20
const plugins = 50
const script = { models: { flood: { reply: 'word ', repeatTokens: parts }, short: { reply: 'word' } } }
const floors = fileURLToPath(new URL('floors', import.meta.url))
const python = fileURLToPath(new URL('../sdk/python', import.meta.url))
const runPython = `import runpy, sys; sys.path.insert(0, "${python}/src"); runpy.run_path("${python}/tests/fixtures/example.py", run_name="__main__")`
const commands = {
  mock: ['node', 'mock-plugin.mjs'],
  python: ['python3', '-c', runPython],
}

export async function measurePlugins(row: Row): Promise<void> {
  await measureFirstPart(row)
  await measureParts(row)
  await measureStarts(row)
  await measureVerify(row)
  await measureUnused(row)
}

/** In process, over a subprocess, and the same number of parts through a bare pipe: read as lines and parsed. */
async function measureParts(row: Row): Promise<void> {
  await using own = createMockBackend(script)
  await own.start()
  await using mock = openPlugin(commands.mock, script)
  await using sdk = openPlugin(commands.python)
  await using bare = openLines()
  const rates = { own: [] as number[], mock: [] as number[], python: [] as number[], bare: [] as number[] }
  for (let n = -1; n < rounds; n++) {
    const rate = {
      own: await rateOf(() => countParts(own, 'flood')),
      mock: await rateOf(() => countParts(mock.backend, 'flood')),
      python: await rateOf(() => countParts(sdk.backend, 'count')),
      bare: await rateOf(() => bare.parts(parts)),
    }
    if (n < 0) continue
    for (const name of ['own', 'mock', 'python', 'bare'] as const) rates[name].push(rate[name])
  }
  const [inProcess, over, overPython, floor] = [rates.own, rates.mock, rates.python, rates.bare].map(
    (values) => toFigures(values).p50,
  ) as [number, number, number, number]
  const beside = `in process ${perSecond(inProcess)}, bare pipe ${perSecond(floor)}`
  row('parts from a plugin in Node', `${perSecond(over)} a second`, beside, '≥ 100,000', over >= 100_000)
  row('the same in Python', `${perSecond(overPython)} a second`, beside, '≥ 100,000', overPython >= 100_000)
}

async function rateOf(stream: () => Promise<number>): Promise<number> {
  const startedAt = performance.now()
  const count = await stream()
  if (count < parts) throw new Error(`${count} parts came and not ${parts}`)
  return count / ((performance.now() - startedAt) / 1000)
}

async function countParts(backend: Backend, model: string): Promise<number> {
  let count = 0
  for await (const part of backend.chat({ model, messages, options: { maxTokens: parts } })) {
    if (part.type === 'text-delta') count++
  }
  return count
}

const messages = [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'Go.' }] }]

async function measureFirstPart(row: Row): Promise<void> {
  await using own = createMockBackend(script)
  await own.start()
  await using mock = openPlugin(commands.mock, script)
  await using sdk = openPlugin(commands.python)
  await using bare = openLines()
  const ask = {
    own: () => firstPart(own, 'short'),
    mock: () => firstPart(mock.backend, 'short'),
    python: () => firstPart(sdk.backend, 'echo'),
    bare: () => bare.ping(),
  }
  const times = { own: [] as number[], mock: [] as number[], python: [] as number[], bare: [] as number[] }
  // Several in a row, as a conversation has them: the first one finds what the others left in the caches.
  for (let turn = -turns; turn < turns; turn++) {
    for (const name of ['own', 'mock', 'python', 'bare'] as const) {
      for (let n = 0; n < inARow; n++) {
        const tookMs = await ask[name]()
        if (turn >= 0 && n > 0) times[name].push(tookMs)
      }
    }
  }
  const floor = toFigures(times.bare).p50
  for (const [language, values, goal] of [
    ['Node', times.mock, 0.3],
    ['Python', times.python, 0.5],
  ] as const) {
    const p50 = toFigures(values).p50 - toFigures(times.own).p50
    const measured = `${ms(p50)}, ${(p50 / floor).toFixed(1)} ×`
    row(
      `first part added by a plugin in ${language}, p50`,
      measured,
      `bare ping ${ms(floor)}`,
      `≤ ${goal} ms`,
      p50 <= goal,
    )
  }
}

/** Reads to the end, as everybody does. */
async function firstPart(backend: Backend, model: string): Promise<number> {
  const startedAt = performance.now()
  let tookMs = 0
  for await (const _ of backend.chat({ model, messages })) tookMs ||= performance.now() - startedAt
  return tookMs
}

/** From nothing to `hello` and `start` answered, beside a program of the language that does nothing. */
async function measureStarts(row: Row): Promise<void> {
  for (const [language, command, config, bare, goal] of [
    ['Node', commands.mock, script, [process.execPath, '-e', '0'], 2.5],
    ['Python', commands.python, {}, ['python3', '-c', 'pass'], 5],
  ] as const) {
    const times = { own: [] as number[], bare: [] as number[] }
    for (let n = 0; n < 15; n++) {
      await using plugin = openPlugin([...command], config)
      const startedAt = performance.now()
      await plugin.backend.start()
      times.own.push(performance.now() - startedAt)
      times.bare.push(await timeOf(bare))
    }
    const [own, floor] = [toFigures(times.own).p50, toFigures(times.bare).p50]
    const measured = `${ms(own)}, ${(own / floor).toFixed(2)} ×`
    const beside = `\`${language === 'Node' ? 'node -e 0' : 'python3 -c pass'}\` ${ms(floor)}`
    row(`start of a plugin in ${language}`, measured, beside, `≤ ${goal} ×`, own <= goal * floor)
  }
}

async function timeOf([program = '', ...args]: readonly string[]): Promise<number> {
  const startedAt = performance.now()
  await once(spawn(program, args, { stdio: 'ignore' }), 'close')
  return performance.now() - startedAt
}

/** A plugin that is right in all, by hand. */
async function measureVerify(row: Row): Promise<void> {
  const directory = fileURLToPath(new URL('../packages/backends/src/verify/fixtures', import.meta.url))
  const startedAt = performance.now()
  const outcomes: string[] = []
  const options = { directory, manifest: toRightManifest(), settings: fixtureSettings, environment: process.env }
  for await (const { outcome } of verifyPlugin(options)) outcomes.push(outcome)
  const seconds = (performance.now() - startedAt) / 1000
  const failed = outcomes.filter((outcome) => outcome === 'failed').length
  const what = `\`backends verify\`, ${outcomes.length} requirements${failed > 0 ? `, ${failed} FAILED` : ''}`
  row(what, `${seconds.toFixed(0)} s`, '–', '≤ 60 s', seconds <= 60 && failed === 0)
}

/** The service's memory and the command's help, with none and with fifty plugins that nobody asks. */
async function measureUnused(row: Row): Promise<void> {
  const pss = { none: [] as number[], all: [] as number[] }
  const cpu = { none: [] as number[], all: [] as number[] }
  for (let n = 0; n < 5; n++) {
    for (const [name, count] of [
      ['none', 0],
      ['all', plugins],
    ] as const) {
      using home = openBenchHome({ backends: { box: { type: 'mock', models: { m: {} } } } })
      for (let index = 0; index < count; index++) putPlugin(join(String(home.env.LMAPP_HOME), 'backends'), index)
      await home.run(['-q', '-m', 'box/m', 'one question'])
      await home.run(['backends', 'list'])
      pss[name].push(pssOf((await home.openClient().health()).pid))
      for (let run = 0; run < 5; run++) cpu[name].push(cpuOf([...home.command, '--help'], home.env))
    }
  }
  const [none, all] = [toFigures(pss.none).p50, toFigures(pss.all).p50]
  const each = (1024 * (all - none)) / plugins
  const beside = `with none ${none.toFixed(1)} MB`
  row('memory of the service for an unused plugin', `${each.toFixed(0)} KB`, beside, '< 100 KB', each < 100)
  const [bare, own] = [toFigures(cpu.none).p50, toFigures(cpu.all).p50]
  const measured = `${ms(own)}, ${(own / bare).toFixed(2)} ×`
  row(
    `CPU of \`lmapp --help\` with ${plugins} plugins`,
    measured,
    `with none ${ms(bare)}`,
    '≤ 1.1 ×',
    own <= 1.1 * bare,
  )
}

function putPlugin(parent: string, index: number): void {
  const folder = join(parent, `plugin-${index}`)
  mkdirSync(folder, { recursive: true })
  const manifest = { ...toManifest(['node', 'main.js']), name: `plugin-${index}` }
  writeFileSync(join(folder, 'lmapp-backend.json'), JSON.stringify(manifest, undefined, 2))
}

interface OpenPlugin extends AsyncDisposable {
  backend: Backend
}

function openPlugin(command: string[], config: Record<string, unknown> = {}): OpenPlugin {
  const folder = mkdtempSync(join(tmpdir(), 'lmapp-bench-'))
  const backend = createSubprocessBackend({
    manifest: toManifest(command),
    directory: floors,
    config,
    secrets: {},
    dataDir: join(folder, 'data'),
    logFile: join(folder, 'log'),
    environment: process.env,
  })
  return {
    backend,
    async [Symbol.asyncDispose]() {
      await backend.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function toManifest(command: string[]): Manifest {
  return {
    ...{ name: 'example', version: '0.1.0', language: 'node', interface_version: '1.0', execution: 'subprocess' },
    methods: [...requiredMethods, 'pull_model'],
    command,
  }
}

interface Lines extends AsyncDisposable {
  /** Resolves with their number. */
  parts(count: number): Promise<number>
  /** Milliseconds. */
  ping(): Promise<number>
}

function openLines(): Lines {
  const child = spawn(process.execPath, [join(floors, 'lines.mjs')], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    async parts(count) {
      child.stdin.write(`${count}\n`)
      let seen = 0
      for (let { value } = await lines.next(); value; { value } = await lines.next()) {
        seen += JSON.parse(value).params.parts.length
      }
      return seen
    },
    async ping() {
      const startedAt = performance.now()
      child.stdin.write('ping\n')
      const { value = '' } = await lines.next()
      JSON.parse(value)
      return performance.now() - startedAt
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end()
      await once(child, 'close')
    },
  }
}

const perSecond = (rate: number): string => `${Math.round(rate / 1000).toLocaleString('en')},000`

if (import.meta.main) {
  if (spawnSync('python3', ['--version']).status !== 0) throw new Error('It needs python3')
  await measurePlugins((what, measured, floor, goal, met) =>
    console.log(`| ${what} | ${measured} | ${floor} | ${goal} | ${met ? 'met' : 'missed'} |`),
  )
}
