/**
 * Asks a real service over scripted engines whatever its OpenAPI document allows, and what it does not, once as a guest
 * and once with a key for everything; before that, whether the document is one. Arguments: the folder of the virtual
 * environment. Prints and counts what run-tests.sh says.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bare, createHome } from '../support/home.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const [venv = ''] = process.argv.slice(2)

const count = { reply: 'one two three four five' }
const models = {
  ...{ count, echo: {}, embedder: { embedDimensions: 8 }, 'to-pull': { ...count, installed: false }, spare: {} },
  thinker: { ...count, reasoningText: 'The question is simple.' },
  tools: { ...count, toolCall: { name: 'get_weather', arguments: { city: 'Paris' } } },
}
const config = {
  ...bare,
  model: 'box/count',
  aliases: { 'smollm2-135m': ['box/count'] },
  backends: { ...bare.backends, box: { type: 'mock', models } },
  timeouts: { stallMs: 2000, loadMs: 2000 },
}

/** `positive_data_acceptance` is left out: what else a parser refuses is known, with reasons, in `parse/fields.test.ts`. */
const checks = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_schema_conformance',
  'response_headers_conformance',
  'each_line_conforms',
  'negative_data_rejection',
  'unsupported_method',
  'allow_header_conformance',
  'ignored_auth',
  'use_after_free',
]

interface Counts {
  passed: number
  failed: number
}

const work = await mkdtemp(join(tmpdir(), 'lmapp-schemathesis-'))
const counts = await runAll()
await rm(work, { recursive: true })
process.stdout.write(`test/schemathesis: ${counts.passed} passed, ${counts.failed} failed\n`)
if (process.env.LMAPP_TEST_COUNTS) {
  appendFileSync(process.env.LMAPP_TEST_COUNTS, `${JSON.stringify({ ...counts, cancelled: 0, skipped: 0 })}\n`)
}
process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1

async function runAll(): Promise<Counts> {
  await using home = await createHome(config)
  await using serving = home.start(['serve', '--port', '0'])
  const address = (await serving.untilStdout('\n')).trim()
  const key = (await home.lmapp(['keys', 'create', 'schemathesis', '--scope', 'admin'])).stdout.trim()
  const document = `${address}/openapi.json`
  const results = [
    await validate(document),
    await attack(document, 'guest', ['--phases', 'examples,fuzzing', '--max-examples', '10']),
    await attack(document, 'admin', ['--phases', 'examples,coverage,stateful', '-H', `Authorization:Bearer ${key}`]),
    await isWell(address, serving.process),
  ]
  serving.process.kill('SIGTERM')
  results.push(readLog((await serving.ended).stderr))
  const sum = (name: keyof Counts) => results.reduce((total, result) => total + result[name], 0)
  return { passed: sum('passed'), failed: sum('failed') }
}

async function validate(document: string): Promise<Counts> {
  const file = join(work, 'openapi.json')
  writeFileSync(file, await (await fetch(document)).text())
  const code = await run('openapi-spec-validator', ['--validation-errors', 'all', file])
  return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 }
}

/** Counts operations. */
async function attack(document: string, name: string, options: string[]): Promise<Counts> {
  process.stdout.write(`\n== as ${name}\n`)
  const report = join(work, `${name}.json`)
  const shown = ['--no-color', '--warnings', 'off', '--report', 'json', '--report-json-path', report]
  const always = ['run', document, '--checks', checks.join(), '--workers', '2', ...shown]
  const code = await run('schemathesis', ['--config-file', `${here}schemathesis.toml`, ...always, ...options])
  const { operations, failures, test_cases: cases } = readReport(report)
  const failed = new Set(failures.flatMap((failure) => failure.operations)).size
  process.stdout.write(`${name}: ${cases.generated} requests to ${operations.tested} operations\n`)
  return { passed: operations.tested - failed, failed: code === 0 ? 0 : Math.max(1, failed) }
}

/** After all that it still answers, and is the same process. */
async function isWell(address: string, { exitCode, pid }: ChildProcess): Promise<Counts> {
  const health = await fetch(`${address}/lmapp/v1/health`).then(
    async (answer) => (await answer.json()) as { pid?: number },
    () => ({ pid: undefined }),
  )
  const well = exitCode === null && health.pid === pid
  if (!well) process.stdout.write('The service ended on the way.\n')
  return { passed: Number(well), failed: Number(!well) }
}

/** What nobody foresaw is there with its stack, also where its answer had begun. */
function readLog(text: string): Counts {
  const bugs = text
    .split('\n')
    .filter((line, index, lines) => /^\s+at /.test(lines[index + 1] ?? '') && !/^\s+at /.test(line))
  if (bugs.length > 0) process.stdout.write(`In the log of the service:\n${bugs.join('\n')}\n`)
  return { passed: Number(bugs.length === 0), failed: bugs.length }
}

interface Report {
  operations: { tested: number }
  test_cases: { generated: number }
  failures: { operations: string[] }[]
}

function readReport(file: string): Report {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return { operations: { tested: 0 }, test_cases: { generated: 0 }, failures: [] }
  }
}

/** A program of the virtual environment, to its end. */
async function run(program: string, args: string[]): Promise<number> {
  const env = {
    ...process.env,
    SCHEMATHESIS_HOOKS: 'hooks',
    PYTHONPATH: here,
    PYTHONDONTWRITEBYTECODE: '1',
    NO_PROXY: '*',
  }
  const child = spawn(join(venv, 'bin', program), args, { cwd: work, env, stdio: ['ignore', 'inherit', 'inherit'] })
  const [code] = await once(child, 'close')
  return code ?? 1
}
