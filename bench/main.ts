/**
 * npm run bench: how fast and how small, each figure beside the floor that was measured in the same run, the two taking
 * turns. Prints the table of `bench/README.md`. Uses the bundle; needs the test model, and llama-server for one line.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createClient, type LmappClient } from '../packages/client/src/index.ts'
import { createSocketTransport } from '../packages/client/src/node.ts'
import { measureDecode } from './decode.ts'
import { measureDetection } from './detection.ts'
import { measureFailover } from './failover.ts'
import { measureHistory } from './history.ts'
import { cpuOf, firstByteOf, fsyncOnce, inTerminal, ms, pssOf, startServer, toFigures } from './measure.ts'
import { measurePlugins } from './plugins.ts'
import { measureRendering } from './render.ts'
import { measureRouting } from './routing.ts'
import { measureScan } from './scan.ts'
import { measureSecondTurn } from './second-turn.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const node = process.execPath
const lmapp = [node, join(root, 'packages/cli/bin/lmapp.js')]
const floor = (name: string) => join(root, 'bench/floors', name)
const cache =
  process.env.LMAPP_TEST_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'lmapp-test')

const folder = mkdtempSync(join(tmpdir(), 'lmapp-bench-'))
const home = join(folder, 'home')
mkdirSync(join(folder, 'run'), { recursive: true, mode: 0o700 })
mkdirSync(join(home, 'data/models'), { recursive: true, mode: 0o700 })
const env = {
  PATH: process.env.PATH,
  HOME: folder,
  LMAPP_HOME: home,
  XDG_RUNTIME_DIR: join(folder, 'run'),
  LMAPP_OFFLINE: '1',
}

const rows: { what: string; measured: string; floor: string; goal: string; met: boolean }[] = []
const row = (what: string, measured: string, beside: string, goal: string, met: boolean) => {
  rows.push({ what, measured, floor: beside, goal, met })
  console.error(`${met ? 'met   ' : 'missed'} ${what}: ${measured} (floor ${beside}, goal ${goal})`)
}

const engine = await startServer([node, floor('engine.mjs')])
const proxy = await startServer([node, floor('proxy.mjs'), engine.address])
writeFileSync(
  join(home, 'config.json'),
  JSON.stringify({
    model: 'box/m',
    backends: {
      box: { type: 'ollama', url: engine.address },
      ollama: { type: 'ollama', enabled: false },
      mock: { type: 'mock', models: { flood: { reply: 'word ', repeatTokens: 200_000 } } },
    },
  }),
)
const model = join(cache, 'models/SmolLM2-135M-Instruct.Q4_1.gguf')
if (existsSync(model)) symlinkSync(model, join(home, 'data/models/smollm2-135m.gguf'))

try {
  await run(['-q', 'warm up'])
  measureStart()
  await measureOneShot()
  const client = await openClient()
  await measureIdle()
  await measureAdded(client)
  await measureThroughput(client)
  await measureRendering({ row })
  await measureSecondTurn({ client, cache, model, row })
  await measureDecode({ cache, model, row })
  await measureScan(row)
  await measureRouting(row)
  await measurePlugins(row)
  await measureDetection({ engineProgram: [node, floor('engine.mjs')], row })
  await measureFailover({ cache, model, row })
  await measureHistory({ folder, row })
} finally {
  await run(['service', 'stop'])
  engine.child.kill()
  proxy.child.kill()
  rmSync(folder, { recursive: true, force: true })
}

console.log('| what | measured | floor | goal | |\n|---|---|---|---|---|')
for (const { what, measured, floor: beside, goal, met } of rows) {
  console.log(`| ${what} | ${measured} | ${beside} | ${goal} | ${met ? 'met' : 'missed'} |`)
}

function run(args: string[]): Promise<void> {
  const [program = '', ...first] = lmapp
  const { promise, resolve } = Promise.withResolvers<void>()
  spawn(program, [...first, ...args], { env, stdio: ['ignore', 'ignore', 'inherit'] }).once('close', () => resolve())
  return promise
}

function measureStart(): void {
  for (const [flag, goal] of [
    ['--version', 1.5],
    ['--help', 2],
  ] as const) {
    const pairs = Array.from(
      { length: 15 },
      () => [cpuOf([...lmapp, flag], env), cpuOf([node, '-e', '0'], env)] as const,
    )
    const own = toFigures(pairs.map(([value]) => value)).p50
    const bare = toFigures(pairs.map(([, value]) => value)).p50
    row(
      `CPU of \`lmapp ${flag}\``,
      `${ms(own)}, ${(own / bare).toFixed(2)} ×`,
      `\`node -e 0\` ${ms(bare)}`,
      `≤ ${goal} ×`,
      own <= goal * bare,
    )
  }
}

async function measureOneShot(): Promise<void> {
  const own = [...lmapp, '-q', 'Why is the sky blue?']
  const bare = [node, floor('post.mjs'), engine.address, 'Why is the sky blue?']
  for (const [where, wrap] of [
    ['a pipe', (command: string[]) => command],
    ['a terminal', inTerminal],
  ] as const) {
    const times: { own: number[]; bare: number[] } = { own: [], bare: [] }
    for (let n = 0; n < 15; n++) {
      times.own.push(await firstByteOf(wrap(own), env))
      times.bare.push(await firstByteOf(wrap(bare), env))
    }
    const [a, b] = [toFigures(times.own).p50, toFigures(times.bare).p50]
    row(
      `one-shot to its first visible token, through ${where}`,
      `${ms(a)}, ${(a / b).toFixed(2)} ×`,
      `bare post ${ms(b)}`,
      '≤ 1.5 ×',
      a <= 1.5 * b,
    )
  }
}

/** A service that has answered one question and has nothing to do. */
async function measureIdle(): Promise<void> {
  await run(['service', 'stop'])
  await run(['-q', 'one question'])
  const pss = pssOf((await (await openClient()).health()).pid)
  row('idle service, no model child', `${pss.toFixed(0)} MB PSS`, '–', '≤ 90 MB', pss <= 90)
}

async function openClient(): Promise<LmappClient> {
  const { readFileSync } = await import('node:fs')
  const { promise, resolve } = Promise.withResolvers<string>()
  let text = ''
  const child = spawn(lmapp[0] ?? '', [...lmapp.slice(1), 'paths', '--json'], { env })
  child.stdout.on('data', (chunk) => (text += chunk)).once('end', () => resolve(text))
  const paths = JSON.parse(await promise)
  const token = readFileSync(paths.tokenFile ?? join(home, 'state/service.token'), 'utf8').trim()
  return createClient({ transport: createSocketTransport({ socketPath: paths.socket, token }) })
}

async function measureAdded(client: LmappClient): Promise<void> {
  const agent = new http.Agent({ keepAlive: true })
  const times = {
    direct: [] as number[],
    proxy: [] as number[],
    unsaved: [] as number[],
    saved: [] as number[],
    fsync: [] as number[],
  }
  for (let n = 0; n < 320; n++) {
    const direct = await firstChunk(`${engine.address}/api/chat`, agent)
    const proxied = await firstChunk(`${proxy.address}/api/chat`, agent)
    const unsaved = await firstDelta(client, false)
    const saved = await firstDelta(client, true)
    if (n < 20) continue
    times.direct.push(direct)
    times.proxy.push(proxied - direct)
    times.unsaved.push(unsaved - direct)
    times.saved.push(saved - direct)
    times.fsync.push(fsyncOnce(home))
  }
  agent.destroy()
  const [bare, unsaved, saved, fsync] = [times.proxy, times.unsaved, times.saved, times.fsync].map(toFigures)
  if (!bare || !unsaved || !saved || !fsync) throw new Error('nothing was measured')
  row(
    'first token added by the service, p50',
    `${ms(unsaved.p50)}, ${(unsaved.p50 / bare.p50).toFixed(2)} ×`,
    `bare proxy ${ms(bare.p50)}`,
    '≤ 1.5 ×',
    unsaved.p50 <= 1.5 * bare.p50,
  )
  row('the same, p99, `--no-save`', ms(unsaved.p99), `bare proxy ${ms(bare.p99)}`, '≤ 5 ms', unsaved.p99 <= 5)
  row(
    'the same with history, p50',
    ms(saved.p50),
    `unsaved + fsync ${ms(unsaved.p50 + fsync.p50)}`,
    '≤ floor',
    saved.p50 <= unsaved.p50 + fsync.p50,
  )
  row(
    'the same with history, p99',
    ms(saved.p99),
    `unsaved + fsync ${ms(unsaved.p99 + fsync.p99)}`,
    '≤ floor',
    saved.p99 <= unsaved.p99 + fsync.p99,
  )
}

function firstChunk(url: string, agent: http.Agent): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const startedAt = performance.now()
  const request = http.request(url, { method: 'POST', agent }, (response) => {
    let tookMs = 0
    response.once('data', () => {
      tookMs = performance.now() - startedAt
    })
    response.on('end', () => resolve(tookMs)).resume()
  })
  request.on('error', reject)
  request.end(JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'Why?' }], stream: true }))
  return promise
}

async function firstDelta(client: LmappClient, save: boolean): Promise<number> {
  const startedAt = performance.now()
  const run = await client.createRun({ model: 'box/m', content: [{ type: 'text', text: 'Why?' }], save })
  let tookMs = 0
  for await (const { event } of run.events) if (event.type === 'text-delta') tookMs ||= performance.now() - startedAt
  return tookMs
}

async function measureThroughput(client: LmappClient): Promise<void> {
  const run = await client.createRun({
    model: 'mock/flood',
    content: [{ type: 'text', text: 'Go.' }],
    options: { maxTokens: 200_000 },
  })
  let parts = 0
  const startedAt = performance.now()
  for await (const { event } of run.events) if (event.type === 'text-delta') parts += 1
  const perSecond = parts / ((performance.now() - startedAt) / 1000)
  row(
    'parts through one run, journalled',
    `${Math.round(perSecond / 1000)},000 a second`,
    '–',
    '≥ 20,000',
    perSecond >= 20_000,
  )
}
