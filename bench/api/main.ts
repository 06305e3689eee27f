/**
 * npm run bench:api: what lmapp costs between a client and an engine, beside a bare proxy in Go, a bare one in Node and
 * other gateways, all in turns and on the same upstream, which answers at once. Prints the table of `bench/README.md`.
 * Needs the bundle, Go and Linux; the gateways come by `bench/api/install-rivals.sh`.
 *
 *   --only node,lmapp   these and `direct`        --json       figures instead of the table
 *   --rounds 5          turns of each             --profile F  CPU profiles of lmapp's service in the folder F
 *   --steps tokens      only some of: first, paced, requests, tokens, memory
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { openLoadClient } from './client.ts'
import {
  type Figure,
  measureFirstToken,
  measureMemory,
  measurePacedAnswer,
  measureRequests,
  measureTokens,
} from './figures.ts'
import { buildLoad, openServer } from './programs.ts'
import { judge, toTable } from './table.ts'
import { type Absence, openTarget, type Target, targetNames } from './targets.ts'
import type { Bench } from './turns.ts'
import { pssOfTree } from './usage.ts'

export interface ApiBenchOptions {
  /** Names of targets; `direct` is always measured. Default: all. */
  only?: string[]
  /** Names of measurements. Default: all. */
  steps?: string[]
  rounds?: number
  json?: boolean
  /** A folder for CPU profiles of lmapp's service. */
  profile?: string
}

interface Results {
  figures: Figure[]
  absences: Absence[]
  notes: string[]
}

type Step = (bench: Bench, idle: Map<Target, number>) => Promise<Figure[]>

const usualRounds = 5
const steps: Record<string, Step> = {
  first: measureFirstToken,
  paced: measurePacedAnswer,
  requests: measureRequests,
  tokens: measureTokens,
  memory: measureMemory,
}

/** Measures, and prints what came out on stdout. Ends all that it started, also when it is interrupted. */
export async function benchApi(options: ApiBenchOptions = {}): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const interrupted = onInterrupt(() => stack.disposeAsync())
  try {
    const results = await measure(stack, options)
    console.log(options.json ? toJson(results) : toTable(results.figures, results.absences, results.notes))
  } catch (error) {
    if (interrupted.by === undefined) throw error
    await interrupted.by
  }
}

async function measure(stack: AsyncDisposableStack, options: ApiBenchOptions): Promise<Results> {
  const folder = stack.adopt(mkdtempSync(join(tmpdir(), 'lmapp-bench-')), (path) =>
    rmSync(path, { recursive: true, force: true }),
  )
  const load = buildLoad(folder)
  const upstream = stack.use(await openServer([load, 'upstream'], { load }))
  const { profile, rounds = usualRounds } = options
  const nodeOptions = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${resolve(profile)}`]
  const targets: Target[] = []
  const absences: Absence[] = []
  const idle = new Map<Target, number>()
  for (const name of targetNames) {
    if (name !== 'direct' && options.only?.includes(name) === false) continue
    const target = await openTarget(name, { load, folder, upstream, stack, nodeOptions })
    if ('reason' in target) absences.push(target)
    else targets.push(target)
    console.error('reason' in target ? `${name} is not there: ${target.reason}` : `${name} is there`)
    if ('pid' in target) idle.set(target, pssOfTree(target.pid))
  }
  const notes = [`Load average of the machine before: ${toLoad()}.`]
  const note = (line: string) => void notes.push(line)
  const client = stack.use(openLoadClient(load))
  const figures = await measureEach({ client, upstream, targets, rounds, note }, idle, options.steps)
  notes.push(`And after: ${toLoad()}.`)
  return { figures, absences, notes }
}

async function measureEach(bench: Bench, idle: Map<Target, number>, wanted?: string[]): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const [name, step] of Object.entries(steps)) {
    if (wanted?.includes(name) === false) continue
    figures.push(...(await step(bench, idle)))
    console.error(`${name} is measured`)
  }
  return figures
}

const toLoad = () =>
  loadavg()
    .map((value) => value.toFixed(1))
    .join(', ')

function toJson({ figures, ...rest }: Results): string {
  const judged = figures.map((figure) => ({ ...figure, ...judge(figure) }))
  return JSON.stringify({ node: process.version, figures: judged, ...rest }, undefined, 2)
}

/** `by` resolves never: the process ends when all has ended. */
function onInterrupt(end: () => Promise<void>): { by?: Promise<void> } {
  const state: { by?: Promise<void> } = {}
  const stop = async () => {
    await end()
    process.exit(130)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      state.by ??= stop()
    })
  }
  return state
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      steps: { type: 'string' },
      rounds: { type: 'string' },
      json: { type: 'boolean' },
      profile: { type: 'string' },
    },
  })
  const { only, steps, rounds, ...rest } = values
  await benchApi({
    ...rest,
    ...(only !== undefined && { only: only.split(',') }),
    ...(steps !== undefined && { steps: steps.split(',') }),
    ...(rounds !== undefined && { rounds: Number(rounds) }),
  })
}
