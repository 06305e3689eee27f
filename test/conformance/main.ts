/**
 * Starts the real command over a scripted engine and runs the kits against it. Arguments: the folder where they are
 * installed, and `--write`. Prints and counts what run-tests.sh says.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { createHome, withMock } from '../support/home.ts'
import { type Judged, judge, type Suite } from './judge.ts'
import { readTable, toTable, writeTable } from './table.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const [kits = '', write] = process.argv.slice(2)

const reply = 'One two three four five.'
const models = {
  plain: { reply, logprobs: true },
  all: {
    reply,
    reasoningText: 'The question is simple.',
    seesImages: true,
    toolCall: { name: 'get_weather', arguments: { location: 'San Francisco' } },
  },
  canary: { reply: 'CANARY_OK', toolCall: { name: 'compatcanary_echo', arguments: { value: 'CANARY_OK' } } },
  embedder: { embedDimensions: 8 },
}
// llm-comply asks for thoughts only where the name is of a model that has some.
const aliases = { 'gpt-5': ['box/all'], 'claude-sonnet-4': ['box/all'] }

const suites = await runAll()
const judged = suites.map(judge)
for (const each of judged) print(each)
const tableHolds = checkTable(judged)
const sum = (name: 'passed' | 'failed') => judged.reduce((total, each) => total + each[name], 0)
const counts = { passed: sum('passed') + Number(tableHolds), failed: sum('failed') + Number(!tableHolds) }
process.stdout.write(`test/conformance: ${counts.passed} passed, ${counts.failed} failed\n`)
if (process.env.LMAPP_TEST_COUNTS) {
  appendFileSync(process.env.LMAPP_TEST_COUNTS, `${JSON.stringify({ ...counts, cancelled: 0, skipped: 0 })}\n`)
}
process.exitCode = counts.failed === 0 ? 0 : 1

async function runAll(): Promise<Suite[]> {
  await using home = await createHome(withMock(models, { model: 'box/plain', aliases }))
  await using serving = home.start(['serve', '--port', '0'])
  const address = (await serving.untilStdout('\n')).trim()
  const suites = [
    await comply(address, 'openai-chat', ['-m', 'gpt-5']),
    await comply(address, 'open-responses', ['-m', 'gpt-5']),
    await comply(address, 'anthropic', ['-m', 'claude-sonnet-4', '--auth-header', 'x-api-key', '--no-bearer']),
    await canary(address),
    ...(await documents(address)),
  ]
  serving.process.kill('SIGTERM')
  await serving.ended
  return suites
}

type Format = 'openai-chat' | 'open-responses' | 'anthropic'

interface ComplyReport {
  /** `errors` of a test that is skipped: why. `warnings`: what a test that passed did not find. */
  results: { id: string; status: 'passed' | 'failed' | 'skipped'; errors?: string[]; warnings?: string[] }[]
}

async function comply(address: string, format: Format, options: string[]): Promise<Suite> {
  const always = ['--format', format, '-u', `${address}/v1`, '-k', 'none', '--timeout', '30', '--json']
  const { results } = await run<ComplyReport>('venv/bin/llm-comply', [...always, ...options])
  // Whatever it says counts against us: a test that is skipped or passes with a warning is known to us, or has failed.
  const tests = results.map(({ id, errors = [], warnings = [] }) => ({ id, errors: [...errors, ...warnings] }))
  return { name: `llm-comply, ${format}`, tests }
}

interface CanaryReport {
  results: { id: string; status: 'pass' | 'warn' | 'fail'; summary: string }[]
}

async function canary(address: string): Promise<Suite> {
  const options = ['scan', '--base-url', `${address}/v1`, '--model', 'box/canary', '--format', 'json']
  const { results } = await run<CanaryReport>('node_modules/.bin/compatcanary', options)
  const tests = results.map(({ id, status, summary }) => ({ id, errors: status === 'pass' ? [] : [summary] }))
  return { name: 'compatcanary', tests }
}

async function documents(address: string): Promise<Suite[]> {
  const report = await run<Record<'openai' | 'anthropic', Suite['tests']>>('venv/bin/python', [
    join(here, 'documents.py'),
    address,
  ])
  return [
    { name: 'OpenAI’s document', tests: report.openai },
    { name: 'Anthropic’s document', tests: report.anthropic },
  ]
}

/** A program of a kit, to its end. Its exit code is 1 where a test failed; one that breaks prints no JSON. */
async function run<Report>(program: string, args: string[]): Promise<Report> {
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1', NO_PROXY: '*', no_proxy: '*', OPENAI_API_KEY: 'none' }
  const child = spawn(join(kits, program), args, { env, stdio: ['ignore', 'pipe', 'inherit'], timeout: 300_000 })
  const [printed, [code, signal]] = await Promise.all([text(child.stdout), once(child, 'close')])
  try {
    return JSON.parse(printed)
  } catch (cause) {
    throw new Error(`${program} ended (${code ?? signal}) without a report: ${printed.slice(0, 300)}`, { cause })
  }
}

function print({ name, passed, failed, findings, deviations }: Judged): void {
  process.stdout.write(`\n== ${name}: ${passed} passed, ${failed} failed\n`)
  for (const { id, errors } of findings)
    process.stdout.write(`${id}\n${errors.map((error) => `  ${error}\n`).join('')}`)
  for (const { reason, tests } of deviations) process.stdout.write(`on purpose, ${tests}: ${reason}\n`)
}

/** What the documentation says must be what this run found. */
function checkTable(judged: readonly Judged[]): boolean {
  const table = toTable(judged)
  if (write === '--write') writeTable(table)
  const holds = readTable() === table
  if (!holds) process.stdout.write('\ndocs/api.md says something else: test/conformance/run-tests.sh --write\n')
  return holds
}
